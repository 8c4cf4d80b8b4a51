// From a frame to the network's inputs (paper, section 4). CPU twin: src/prepare.rs, src/prepare/{work,plane,resize}.rs.
//
//   points_of_steps    depth steps u16 [height, width] of a crop, rays [frame height, frame width, 3] -> points [height, width, 3]
//   points_of_cloud    cloud [height, width, 3] of a crop -> points [height, width, 3]
//   window_points      points [height, width, 3] -> [P, 3], the window's, nearest
//   resize_table       once per side of a window: the weights of an antialiased bicubic resize of `side` pixels to W
//   resize_columns     rgb u8 [height, width, 3] -> u8 [height, W, 3]
//   resize_rows        u8 [height, W, 3] -> u8 [H, W, 3], and normalised half [3, H, W]
//
// `inside` [height, width]: whether a pixel is inside of the crop's polygon; null where all are. A window is a square of
// `side` pixels from column `left` and row `top` of the crop on, which may lie outside of it.
// Bytes and points equal the CPU's: the weights are its integers, and the columns come before the rows as there. Compiled
// with fmad=false: a point at the plane's limit, and the rounding of a weight, must fall to the same side.

#include <cuda_fp16.h>

#include "common.cuh"

// Points nearer than this to the plane are background, metres (src/prepare/plane.rs).
constexpr float BACKGROUND_M = 0.005f;
constexpr float FLOAT_MAX = 3.402823466e38f;
// Fraction bits of a weight, as in the CPU's resizer.
constexpr int WEIGHT_BITS = 22;
// The colour outside of a polygon: ImageNet's mean (src/prepare/crop.rs).
constexpr int OUTSIDE[3] = {124, 116, 104};

// Writes a point, or the origin where there is none: what is not finite, not in front of the camera, or on the belt. The
// belt's plane has a unit normal (a, b, c) and an offset in metres; an infinite offset removes nothing.
__device__ __forceinline__ void write_point(float x, float y, float z, bool is_inside, float a, float b, float c,
                                            float offset_m, float* to) {
    const bool finite = fabsf(x) <= FLOAT_MAX && fabsf(y) <= FLOAT_MAX && fabsf(z) <= FLOAT_MAX;
    const bool on_belt = fabsf(a * x + b * y + c * z + offset_m) < BACKGROUND_M;
    const bool there = is_inside && finite && z > 0.0f && !on_belt;
    to[0] = there ? x : 0.0f;
    to[1] = there ? y : 0.0f;
    to[2] = there ? z : 0.0f;
}

// A thread per pixel of the crop, which begins at pixel (left, top) of a frame of `stride` pixels a row. A point is a ray
// times the depth that the depth imager sees; a ray that is no number gives none (src/calibration/registration.rs).
extern "C" __global__ void __launch_bounds__(256)
points_of_steps(const unsigned short* __restrict__ steps, const float* __restrict__ rays,
                const unsigned char* __restrict__ inside, int width, int height, int left, int top, int stride,
                float unit_m, float depth_offset_m, float ahead_m, float a, float b, float c, float offset_m,
                float* __restrict__ points) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= width * height) {
        return;
    }
    const int step = steps[i];
    const float* ray = rays + 3 * ((size_t)(i / width + top) * stride + i % width + left);
    const float scale = (float)step * unit_m + depth_offset_m + ahead_m;
    const bool is_inside = step != 0 && (inside == nullptr || inside[i]);
    write_point(ray[0] * scale, ray[1] * scale, ray[2] * scale, is_inside, a, b, c, offset_m, points + 3 * (size_t)i);
}

// A thread per pixel of the crop.
extern "C" __global__ void __launch_bounds__(256)
points_of_cloud(const float* __restrict__ cloud, const unsigned char* __restrict__ inside, int pixels, float a, float b,
                float c, float offset_m, float* __restrict__ points) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= pixels) {
        return;
    }
    const float* point = cloud + 3 * (size_t)i;
    const bool is_inside = inside == nullptr || inside[i];
    write_point(point[0], point[1], point[2], is_inside, a, b, c, offset_m, points + 3 * (size_t)i);
}

// A thread per network pixel. `parents` (components.cu): only the component of `root` is kept; all points where it is
// null. The shift is added to each point: -0 changes nothing, where +0 would turn -0 into +0.
extern "C" __global__ void __launch_bounds__(256)
window_points(const float* __restrict__ points, const int* __restrict__ parents, int root, int width, int height,
              int left, int top, int side, float shift_x, float shift_y, float shift_z, float* __restrict__ out) {
    const int pixel = blockIdx.x * blockDim.x + threadIdx.x;
    if (pixel >= P) {
        return;
    }
    const int y = pixel / W * side / H + top, x = pixel % W * side / W + left;
    const bool inside = 0 <= y && y < height && 0 <= x && x < width;
    const size_t from = inside ? (size_t)y * width + x : 0;
    const float* point = points + 3 * from;
    const bool kept = inside && is_point(point) && (parents == nullptr || parents[from] == root);
    out[3 * pixel] = kept ? point[0] + shift_x : 0.0f;
    out[3 * pixel + 1] = kept ? point[1] + shift_y : 0.0f;
    out[3 * pixel + 2] = kept ? point[2] + shift_z : 0.0f;
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

// A thread per pixel of the result: `rows` rows from row `first_row` on. The padding repeats the edge: sources are clamped.
extern "C" __global__ void __launch_bounds__(256)
resize_columns(const unsigned char* __restrict__ rgb, const unsigned char* __restrict__ inside, int width, int first_row,
               int rows, int left, const int* __restrict__ first, const int* __restrict__ weight, int window,
               unsigned char* __restrict__ out) {
    const int pixel = blockIdx.x * blockDim.x + threadIdx.x;
    if (pixel >= rows * W) {
        return;
    }
    const int target = pixel % W, row = pixel / W + first_row;
    int sum[3] = {1 << (WEIGHT_BITS - 1), 1 << (WEIGHT_BITS - 1), 1 << (WEIGHT_BITS - 1)};
    for (int k = 0; k < window; ++k) {
        const size_t from = (size_t)row * width + clamp(first[target] + k + left, 0, width - 1);
        const bool is_inside = inside == nullptr || inside[from];
        for (int channel = 0; channel < 3; ++channel) {
            sum[channel] += (is_inside ? rgb[3 * from + channel] : OUTSIDE[channel]) * weight[target * window + k];
        }
    }
    for (int channel = 0; channel < 3; ++channel) {
        out[3 * ((size_t)row * W + target) + channel] = to_byte(sum[channel]);
    }
}

// A thread per pixel of the result.
extern "C" __global__ void __launch_bounds__(256)
resize_rows(const unsigned char* __restrict__ columns, int height, int top, const int* __restrict__ first,
            const int* __restrict__ weight, int window, unsigned char* __restrict__ bytes, __half* __restrict__ out) {
    // ImageNet's mean and deviation (src/prepare/colour.rs).
    const float mean[3] = {0.485f, 0.456f, 0.406f}, deviation[3] = {0.229f, 0.224f, 0.225f};
    const int pixel = blockIdx.x * blockDim.x + threadIdx.x;
    if (pixel >= P) {
        return;
    }
    const int target = pixel / W;
    int sum[3] = {1 << (WEIGHT_BITS - 1), 1 << (WEIGHT_BITS - 1), 1 << (WEIGHT_BITS - 1)};
    for (int k = 0; k < window; ++k) {
        const int y = clamp(first[target] + k + top, 0, height - 1);
        const unsigned char* source = columns + 3 * ((size_t)y * W + pixel % W);
        for (int channel = 0; channel < 3; ++channel) {
            sum[channel] += source[channel] * weight[target * window + k];
        }
    }
    for (int channel = 0; channel < 3; ++channel) {
        const unsigned char byte = to_byte(sum[channel]);
        bytes[3 * pixel + channel] = byte;
        out[channel * P + pixel] = __float2half_rn(((float)byte / 255.0f - mean[channel]) / deviation[channel]);
    }
}
