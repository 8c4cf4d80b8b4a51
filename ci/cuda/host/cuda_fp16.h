// Half precision, as much as the kernels use: round to nearest even, subnormals, infinities, as the GPU's.
#pragma once

#include "cuda_host.h"

struct __half {
    uint16_t bits;
};

struct alignas(4) __half2 {
    __half x, y;
};

inline float __half2float(__half half) {
    const uint32_t sign = (uint32_t)(half.bits & 0x8000) << 16, magnitude = half.bits & 0x7fff;
    if (magnitude >= 0x7c00) {
        return __int_as_float((int)(sign | 0x7f800000 | (magnitude & 0x3ff) << 13));
    }
    // As bits of a float the exponent is 112 too small; the product is exact, of subnormals too.
    const float value = __int_as_float((int)(magnitude << 13)) * 0x1p112f;
    return sign ? -value : value;
}

inline __half __float2half_rn(float value) {
    const uint32_t bits = (uint32_t)__float_as_int(value), magnitude = bits & 0x7fffffff;
    const uint16_t sign = bits >> 16 & 0x8000;
    if (magnitude > 0x7f800000) {
        return {(uint16_t)(sign | 0x7fff)};
    }
    if (magnitude >= 0x477ff000) {
        return {(uint16_t)(sign | 0x7c00)};
    }
    if (magnitude < 0x38800000) {
        // The sum's last bit is a half's: the addition rounds to nearest even.
        const float shifted = __int_as_float((int)magnitude) + 0.5f;
        return {(uint16_t)(sign | (uint16_t)((uint32_t)__float_as_int(shifted) - 0x3f000000))};
    }
    const uint32_t odd = magnitude >> 13 & 1;
    return {(uint16_t)(sign | (uint16_t)((magnitude - 0x38000000 + 0xfff + odd) >> 13))};
}

inline float2 __half22float2(__half2 pair) {
    return {__half2float(pair.x), __half2float(pair.y)};
}

inline __half2 __floats2half2_rn(float x, float y) {
    return {__float2half_rn(x), __float2half_rn(y)};
}
