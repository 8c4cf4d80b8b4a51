// From a frame to the network's inputs (paper, section 4). CPU twin: src/prepare.rs, src/prepare/{plane,resize}.rs.
//
//   remove_plane     cloud [n, 3], in place: what is not finite or lies on the belt becomes the origin
//   resize_cloud     cloud [height, width, 3] -> [P, 3], padded to a square, nearest
//   resize_table     once per frame size: the weights of an antialiased bicubic resize of `side` pixels to W
//   resize_columns   rgb u8 [height, width, 3] -> u8 [height, W, 3]
//   resize_rows      u8 [height, W, 3] -> normalised half [3, H, W]
//
// Bytes equal the CPU's: the weights are its integers, and the columns come before the rows as there. Compiled with
// fmad=false: a point at the plane's limit, and the rounding of a weight, must fall to the same side.
// Crops, components and windows (src/prepare.rs) are not here: the back end prepares frames on the CPU.

#include <cuda_fp16.h>

#include "common.cuh"

// Points nearer than this to the plane are background, metres (src/prepare/plane.rs).
constexpr float BACKGROUND_M = 0.005f;
constexpr float FLOAT_MAX = 3.402823466e38f;
// Fraction bits of a weight, as in the CPU's resizer.
constexpr int WEIGHT_BITS = 22;

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

// One block of W threads. `window`: 2 ceil(2 max(side / W, 1)) + 1 sources of each target, those beyond its reach of no
// weight. first [W], weight [W, window].
extern "C" __global__ void __launch_bounds__(W)
resize_table(int side, int window, int* __restrict__ first, int* __restrict__ weight) {
    const int target = threadIdx.x;
    const double scale = (double)side / W, wide = fmax(scale, 1.0), middle = ((double)target + 0.5) * scale;
    const int start = (int)fmax(middle - 2.0 * wide + 0.5, 0.0), end = min((int)(middle + 2.0 * wide + 0.5), side);
    double sum = 0.0;
    for (int source = start; source < end; ++source) {
        sum += bicubic(((double)source - middle + 0.5) / wide);
    }
    for (int i = 0; i < window; ++i) {
        const int source = start + i;
        const double share = source < end ? bicubic(((double)source - middle + 0.5) / wide) / sum : 0.0;
        weight[target * window + i] = (int)round(share * (double)(1 << WEIGHT_BITS));
    }
    first[target] = start;
}

__device__ __forceinline__ int clamp(int value, int low, int high) {
    return min(max(value, low), high);
}

__device__ __forceinline__ unsigned char to_byte(int sum) {
    return (unsigned char)clamp(sum >> WEIGHT_BITS, 0, 255);
}

// A thread per pixel of the result. The square that the frame is padded to repeats its edge: sources are clamped.
extern "C" __global__ void __launch_bounds__(256)
resize_columns(const unsigned char* __restrict__ rgb, int width, int height, const int* __restrict__ first,
               const int* __restrict__ weight, int window, unsigned char* __restrict__ out) {
    const int pixel = blockIdx.x * blockDim.x + threadIdx.x;
    if (pixel >= height * W) {
        return;
    }
    const int target = pixel % W, left = (max(width, height) - width) / 2;
    const unsigned char* row = rgb + (size_t)(pixel / W) * 3 * width;
    int sum[3] = {1 << (WEIGHT_BITS - 1), 1 << (WEIGHT_BITS - 1), 1 << (WEIGHT_BITS - 1)};
    for (int k = 0; k < window; ++k) {
        const unsigned char* source = row + 3 * clamp(first[target] + k - left, 0, width - 1);
        for (int channel = 0; channel < 3; ++channel) {
            sum[channel] += source[channel] * weight[target * window + k];
        }
    }
    for (int channel = 0; channel < 3; ++channel) {
        out[3 * (size_t)pixel + channel] = to_byte(sum[channel]);
    }
}

// A thread per pixel of the result.
extern "C" __global__ void __launch_bounds__(256)
resize_rows(const unsigned char* __restrict__ columns, int width, int height, const int* __restrict__ first,
            const int* __restrict__ weight, int window, __half* __restrict__ out) {
    // ImageNet's mean and deviation (src/prepare.rs).
    const float mean[3] = {0.485f, 0.456f, 0.406f}, deviation[3] = {0.229f, 0.224f, 0.225f};
    const int pixel = blockIdx.x * blockDim.x + threadIdx.x;
    if (pixel >= P) {
        return;
    }
    const int target = pixel / W, top = (max(width, height) - height) / 2;
    int sum[3] = {1 << (WEIGHT_BITS - 1), 1 << (WEIGHT_BITS - 1), 1 << (WEIGHT_BITS - 1)};
    for (int k = 0; k < window; ++k) {
        const int y = clamp(first[target] + k - top, 0, height - 1);
        const unsigned char* source = columns + 3 * ((size_t)y * W + pixel % W);
        for (int channel = 0; channel < 3; ++channel) {
            sum[channel] += source[channel] * weight[target * window + k];
        }
    }
    for (int channel = 0; channel < 3; ++channel) {
        const float value = (float)to_byte(sum[channel]) / 255.0f;
        out[channel * P + pixel] = __float2half_rn((value - mean[channel]) / deviation[channel]);
    }
}
