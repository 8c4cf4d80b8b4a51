// The product of a warp's fragments (src/backend/cuda/kernels/instructions.cuh, `multiply_add`): most of the time of a
// network on the CPU, so eight values at a time, by AVX2 where that is there.
#pragma once

#include <cstdint>
#include <cstring>

#include "cuda_host.h"

namespace cuda_host {

using Floats = float __attribute__((vector_size(32), may_alias));
using Words = uint32_t __attribute__((vector_size(32)));
using Halves = uint16_t __attribute__((vector_size(16)));

#define ALWAYS_INLINE inline __attribute__((always_inline))

// What a lane brings to the product.
struct Fragments {
    float* sum;
    const uint32_t *a, *b;
};

ALWAYS_INLINE Floats& at(float* values) {
    return *reinterpret_cast<Floats*>(values);
}

// As `__half2float`.
ALWAYS_INLINE void widen(float* to, const uint32_t (&pairs)[4]) {
    Halves halves;
    memcpy(&halves, pairs, sizeof halves);
    const Words bits = __builtin_convertvector(halves, Words);
    const Words sign = (bits & 0x8000) << 16, magnitude = (bits & 0x7fff) << 13;
    const Words finite = (Words)((Floats)magnitude * 0x1p112f);
    const Words is_special = (Words)(magnitude >= 0x7c00u << 13);
    const Words value = sign | (is_special & (magnitude | 0x7f800000)) | (~is_special & finite);
    at(to) = (Floats)value;
}

// The halves of `count` fragments [count][4] of 16 x 16 matrices, of all lanes, as f32 [16 count][16]. `is_b`: the
// second and third matrix of the four change places.
ALWAYS_INLINE void unpack(float (*out)[16], const uint32_t* const (&lanes)[32], int count, bool is_b) {
    for (int i = 0; i < count; ++i) {
        for (int part = 0; part < 4; ++part) {
            const int down = is_b ? part / 2 * 8 : part % 2 * 8, across = is_b ? part % 2 * 8 : part / 2 * 8;
            for (int row = 0; row < 8; ++row) {
                uint32_t pairs[4];
                for (int pair = 0; pair < 4; ++pair) {
                    pairs[pair] = lanes[4 * row + pair][4 * i + part];
                }
                widen(&out[16 * i + down + row][across], pairs);
            }
        }
    }
}

template <int M, int N>
ALWAYS_INLINE void multiply(const uint64_t* brought) {
    alignas(32) float a[16 * M][16], rows[16 * N][16], b[16][16 * N], products[16 * M][16 * N];
    const uint32_t *of_a[32], *of_b[32];
    for (int lane = 0; lane < 32; ++lane) {
        const Fragments* mine = reinterpret_cast<const Fragments*>(brought[lane]);
        of_a[lane] = mine->a;
        of_b[lane] = mine->b;
    }
    unpack(a, of_a, M, false);
    unpack(rows, of_b, N, true);
    for (int k = 0; k < 16; ++k) {
        for (int column = 0; column < 16 * N; ++column) {
            b[k][column] = rows[column][k];
        }
    }
    // Sums of their own for four rows and sixteen columns: none waits for another, and all are in registers.
    for (int row = 0; row < 16 * M; row += 4) {
        for (int column = 0; column < 16 * N; column += 16) {
            Floats sums[8] = {};
            for (int k = 0; k < 16; ++k) {
                const Floats left = at(&b[k][column]), right = at(&b[k][column + 8]);
#pragma GCC unroll 4
                for (int i = 0; i < 4; ++i) {
                    sums[2 * i] += a[row + i][k] * left;
                    sums[2 * i + 1] += a[row + i][k] * right;
                }
            }
#pragma GCC unroll 4
            for (int i = 0; i < 4; ++i) {
                at(&products[row + i][column]) = sums[2 * i];
                at(&products[row + i][column + 8]) = sums[2 * i + 1];
            }
        }
    }
    for (int lane = 0; lane < 32; ++lane) {
        float* sum = reinterpret_cast<const Fragments*>(brought[lane])->sum;
        for (int i = 0; i < 2 * M; ++i) {
            const float* row = products[8 * i + lane / 4] + lane % 4 * 2;
            for (int j = 0; j < 2 * N; ++j) {
                float* to = sum + (i / 2 * 2 * N + j) * 4 + i % 2 * 2;
                to[0] += row[8 * j];
                to[1] += row[8 * j + 1];
            }
        }
    }
}

template <int M, int N>
void multiply_anywhere(const uint64_t* brought) {
    multiply<M, N>(brought);
}

#if defined(__x86_64__)
template <int M, int N>
__attribute__((target("avx2"))) void multiply_by_avx2(const uint64_t* brought) {
    multiply<M, N>(brought);
}
#endif

// The function that a warp runs together.
template <int M, int N>
Together multiplier() {
#if defined(__x86_64__)
    static const bool wide = __builtin_cpu_supports("avx2");
    if (wide) {
        return multiply_by_avx2<M, N>;
    }
#endif
    return multiply_anywhere<M, N>;
}

}  // namespace cuda_host
