// From a frame to the network's inputs (paper, section 4). CPU twin: src/prepare.rs, src/prepare/{plane,resize}.rs.
//
//   remove_plane     cloud [n, 3], in place: what is not finite or lies on the belt becomes the origin
//   resize_cloud     cloud [height, width, 3] -> [P, 3], padded to a square, nearest
//   resize_table     once per frame size: the taps of an antialiased bicubic resize of `side` pixels to H
//   resize_columns   rgb u8 [height, width, 3] -> u8 [H, width, 3]
//   resize_rows      u8 [H, width, 3] -> normalised half [3, H, W]
//
// Bytes equal the CPU's: the taps are its 16-bit integers, and the columns come before the rows as there. Compiled with
// fmad=false: a point at the plane's limit, and the rounding of a tap, must fall to the same side.
// Dropping all but the largest component (Keep::Largest) is not here; a station that keeps all needs nothing else.

#include <cuda_fp16.h>

#include "common.cuh"

// Points nearer than this to the plane are background, metres (src/prepare/plane.rs).
constexpr float BACKGROUND_M = 0.005f;
constexpr float FLOAT_MAX = 3.402823466e38f;
// Bits of a tap and of a result, as in the CPU's resizer.
constexpr int TAP_BITS = 15;
constexpr int PRECISION_MAX = 32 - 8 - 2;

// The plane has a unit normal (a, b, c) and an offset in metres; an infinite offset removes nothing.
extern "C" __global__ void __launch_bounds__(256)
remove_plane(float* __restrict__ cloud, int n, float a, float b, float c, float offset_m) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) {
        return;
    }
    float* point = cloud + 3 * (size_t)i;
    const float x = point[0], y = point[1], z = point[2];
    const bool finite = fabsf(x) <= FLOAT_MAX && fabsf(y) <= FLOAT_MAX && fabsf(z) <= FLOAT_MAX;
    if (!finite || fabsf(a * x + b * y + c * z + offset_m) < BACKGROUND_M) {
        point[0] = point[1] = point[2] = 0.0f;
    }
}

extern "C" __global__ void __launch_bounds__(256)
resize_cloud(const float* __restrict__ cloud, int width, int height, float* __restrict__ out) {
    const int pixel = blockIdx.x * blockDim.x + threadIdx.x;
    if (pixel >= P) {
        return;
    }
    const int side = max(width, height);
    const int y = pixel / W * side / H - (side - height) / 2;
    const int x = pixel % W * side / W - (side - width) / 2;
    const bool inside = 0 <= y && y < height && 0 <= x && x < width;
    const float* point = cloud + 3 * ((size_t)y * width + x);
    for (int axis = 0; axis < 3; ++axis) {
        out[3 * pixel + axis] = inside ? point[axis] : 0.0f;
    }
}

// Pillow's bicubic, a = -1/2.
__device__ __forceinline__ double bicubic(double x) {
    x = fabs(x);
    if (x < 1.0) {
        return (1.5 * x - 2.5) * x * x + 1.0;
    }
    return x < 2.0 ? (((x - 5.0) * x + 8.0) * x - 4.0) * -0.5 : 0.0;
}

// The taps of one target pixel before they are integers: `start` and `end` bound those that are not zero.
struct Taps {
    double center, scale, sum;
    int start, end;

    __device__ double weight(int source) const {
        return bicubic(((double)source - center) * scale);
    }
};

__device__ __forceinline__ Taps taps_of(int target, int side) {
    const double scale = (double)side / H, filter_scale = fmax(scale, 1.0);
    const double middle = ((double)target + 0.5) * scale, radius = 2.0 * filter_scale;
    Taps taps;
    taps.center = middle - 0.5;
    taps.scale = 1.0 / filter_scale;
    taps.start = (int)fmax(floor(middle - radius), 0.0);
    taps.end = (int)fmin(ceil(middle + radius), (double)side);
    while (taps.start < taps.end && taps.weight(taps.start) == 0.0) {
        ++taps.start;
    }
    taps.sum = 0.0;
    for (int source = taps.start; source < taps.end; ++source) {
        taps.sum += taps.weight(source);
    }
    while (taps.start < taps.end && taps.weight(taps.end - 1) == 0.0) {
        --taps.end;
    }
    return taps;
}

// One block of H threads. `window`: at least 2 ceil(2 max(side / H, 1)) + 1 taps are stored for each target.
// start [H], count [H], tap i16 [H, window], precision [1]: a tap is its weight times 2^precision.
extern "C" __global__ void __launch_bounds__(H)
resize_table(int side, int window, int* __restrict__ start, int* __restrict__ count, short* __restrict__ tap,
             int* __restrict__ precision) {
    __shared__ double largest[H];
    const int target = threadIdx.x;
    const Taps taps = taps_of(target, side);
    double mine = 0.0;
    for (int source = taps.start; source < taps.end; ++source) {
        mine = fmax(mine, taps.weight(source) / taps.sum);
    }
    largest[target] = mine;
    __syncthreads();
    double weight_max = 0.0;
    for (int other = 0; other < H; ++other) {
        weight_max = fmax(weight_max, largest[other]);
    }
    int bits = 0;
    while (bits + 1 < PRECISION_MAX && (int)round(weight_max * (double)(1 << (bits + 1))) < 1 << TAP_BITS) {
        ++bits;
    }
    for (int i = 0; i < taps.end - taps.start; ++i) {
        const double weight = taps.weight(taps.start + i) / taps.sum;
        tap[target * window + i] = (short)round(weight * (double)(1 << bits));
    }
    start[target] = taps.start;
    count[target] = taps.end - taps.start;
    if (target == 0) {
        *precision = bits;
    }
}

__device__ __forceinline__ int clamp(int value, int low, int high) {
    return min(max(value, low), high);
}

__device__ __forceinline__ unsigned char rounded(int sum, int precision) {
    return (unsigned char)clamp(sum >> precision, 0, 255);
}

// A thread per byte of the result. The square that the frame is padded to repeats its edge: sources are clamped.
extern "C" __global__ void __launch_bounds__(256)
resize_columns(const unsigned char* __restrict__ rgb, int width, int height, const int* __restrict__ start,
               const int* __restrict__ count, const short* __restrict__ tap, const int* __restrict__ precision,
               int window, unsigned char* __restrict__ out) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    const int row_bytes = 3 * width;
    if (i >= H * row_bytes) {
        return;
    }
    const int target = i / row_bytes, byte = i % row_bytes;
    const int top = (max(width, height) - height) / 2, bits = *precision;
    int sum = 1 << (bits - 1);
    for (int k = 0; k < count[target]; ++k) {
        const int y = clamp(start[target] + k - top, 0, height - 1);
        sum += rgb[(size_t)y * row_bytes + byte] * tap[target * window + k];
    }
    out[i] = rounded(sum, bits);
}

// A thread per pixel of the result.
extern "C" __global__ void __launch_bounds__(256)
resize_rows(const unsigned char* __restrict__ columns, int width, int height, const int* __restrict__ start,
            const int* __restrict__ count, const short* __restrict__ tap, const int* __restrict__ precision,
            int window, __half* __restrict__ out) {
    // ImageNet's mean and deviation (src/prepare.rs).
    const float mean[3] = {0.485f, 0.456f, 0.406f}, deviation[3] = {0.229f, 0.224f, 0.225f};
    const int pixel = blockIdx.x * blockDim.x + threadIdx.x;
    if (pixel >= P) {
        return;
    }
    const int target = pixel % W, left = (max(width, height) - width) / 2, bits = *precision;
    const unsigned char* row = columns + (size_t)(pixel / W) * 3 * width;
    int sum[3] = {1 << (bits - 1), 1 << (bits - 1), 1 << (bits - 1)};
    for (int k = 0; k < count[target]; ++k) {
        const unsigned char* source = row + 3 * clamp(start[target] + k - left, 0, width - 1);
        for (int channel = 0; channel < 3; ++channel) {
            sum[channel] += source[channel] * tap[target * window + k];
        }
    }
    for (int channel = 0; channel < 3; ++channel) {
        const float value = (float)rounded(sum[channel], bits) / 255.0f;
        out[channel * P + pixel] = __float2half_rn((value - mean[channel]) / deviation[channel]);
    }
}
