// Depth seen from elsewhere, moved onto the colour image's pixels. Source: the rule of librealsense's Align, as
// src/calibration/registration.rs states it, which is the CPU twin: every point is the same, bit for bit.
//
//   nearest_steps       depth u16 [depth_height, depth_width], rays of its pixels' corners, three times
//                       [depth_height + 1, depth_width + 1] -> nearness [height, width]
//   registered_points   nearness [pixels], rays [pixels, 3] -> points [pixels, 3], metres, the origin where there is none,
//                       and depth steps u16 [pixels], 0 where no depth pixel reaches
//
// A depth pixel covers a rectangle of two or three colour pixels a side; the thread that has it goes through them row by
// row. The threads of a warp have neighbours, whose rectangles stand side by side, so that each step of a row is one
// request to memory. Where rectangles meet, the least depth stays: a maximum of nearness, 65,536 less the step, which is
// the same in whatever order the threads come, and for which a cleared buffer holds nothing. The tables of rays are the
// CPU's own; compiled with fmad=false, for rounding decides at which pixel a rectangle ends.

#include "common.cuh"

// As in the CPU twin: what covers more than this is nearer than any camera measures.
constexpr int COVER_MAX = 64;
constexpr unsigned NEARNESS = 65536;
// How a lens bends the picture (src/calibration/distortion.rs): not; by what the terms of p1 and p2 take; by a quotient.
constexpr int BENT_NOT = 0, BENT_AFTER_RADIAL = 2, BENT_RATIONAL = 3;
// What a point is scaled by that no picture shows.
constexpr float OUTSIDE = 1e6f;

struct Imager {
    // The principal point is half a pixel on, so that rounding down rounds to the nearest.
    float focal_x, focal_y, centre_x, centre_y;
    int bent;
    // `r2_max`: up to where a quotient shows points, as the square of the distance from the axis.
    float k1, k2, p1, p2, k3, k4, k5, k6, r2_max;
    int width, height;
};

// Brown-Conrady; modified, where p1 and p2 take the point after the radial terms; rational, where k4 to k6 divide these.
__device__ __forceinline__ void bend(const Imager& lens, float& x, float& y) {
    const float r2 = x * x + y * y;
    float f = 1.0f + r2 * (lens.k1 + r2 * (lens.k2 + r2 * lens.k3));
    if (lens.bent == BENT_RATIONAL) {
        f = f / (1.0f + r2 * (lens.k4 + r2 * (lens.k5 + r2 * lens.k6)));
        f = r2 > lens.r2_max ? OUTSIDE : f;
    }
    const float fx = f * x, fy = f * y;
    x = lens.bent == BENT_AFTER_RADIAL ? fx : x;
    y = lens.bent == BENT_AFTER_RADIAL ? fy : y;
    const float bent_x = fx + 2.0f * lens.p1 * x * y + lens.p2 * (r2 + 2.0f * x * x);
    y = fy + 2.0f * lens.p2 * x * y + lens.p1 * (r2 + 2.0f * y * y);
    x = bent_x;
}

// Rounded down, and brought beside an image that ends at `end` where it is far outside; what is no number becomes -1.
__device__ __forceinline__ int whole(float at, float end) {
    return (int)fminf(fmaxf(at + 1.0f, 0.0f), end + 1.0f) - 1;
}

// Where the colour imager sees a point: column, row, and whether it is before the imager.
__device__ __forceinline__ bool seen_at(const Imager& lens, float x, float y, float z, int& u, int& v) {
    float drawn_x = x / z, drawn_y = y / z;
    if (lens.bent != BENT_NOT) {
        bend(lens, drawn_x, drawn_y);
    }
    u = whole(drawn_x * lens.focal_x + lens.centre_x, (float)lens.width);
    v = whole(drawn_y * lens.focal_y + lens.centre_y, (float)lens.height);
    // Not where a lens has no inverse either: its ray is no number.
    return z > 0.0f;
}

// A thread per depth pixel. `nearness` holds zeros; 0 stays where no depth pixel reaches.
extern "C" __global__ void __launch_bounds__(256)
nearest_steps(const unsigned short* __restrict__ depth, const float* __restrict__ corner_x,
              const float* __restrict__ corner_y, const float* __restrict__ corner_z, int depth_width, int depth_height,
              float unit_m, float offset_m, float dx, float dy, float dz, float focal_x, float focal_y, float centre_x,
              float centre_y, int bent, float k1, float k2, float p1, float p2, float k3, float k4, float k5, float k6,
              float r2_max, int width, int height, unsigned* nearness) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= depth_width * depth_height || depth[i] == 0) {
        return;
    }
    const Imager lens = {focal_x, focal_y, centre_x, centre_y, bent, k1, k2, p1, p2, k3, k4, k5, k6, r2_max, width, height};
    const unsigned step = depth[i];
    const float depth_m = (float)step * unit_m + offset_m;
    // The upper left corner and the lower right one, each at the pixel's depth.
    const int first = i / depth_width * (depth_width + 1) + i % depth_width, last = first + depth_width + 2;
    int left, top, right, bottom;
    const bool ahead =
        seen_at(lens, corner_x[first] * depth_m + dx, corner_y[first] * depth_m + dy, corner_z[first] * depth_m + dz, left, top)
        & seen_at(lens, corner_x[last] * depth_m + dx, corner_y[last] * depth_m + dy, corner_z[last] * depth_m + dz, right, bottom);
    left = max(left, 0), top = max(top, 0);
    right = min(right, width - 1), bottom = min(bottom, height - 1);
    if (!ahead || right - left + 1 > COVER_MAX || bottom - top + 1 > COVER_MAX) {
        return;
    }
    for (int v = top; v <= bottom; ++v) {
        for (int u = left; u <= right; ++u) {
            atomicMax(nearness + v * width + u, NEARNESS - step);
        }
    }
}

// A thread per colour pixel. Rays are as long as the depth imager sees a depth of 1, and no number where there is none;
// `ahead_m`: how far the colour imager is ahead of the depth imager.
extern "C" __global__ void __launch_bounds__(256)
registered_points(const unsigned* __restrict__ nearness, const float* __restrict__ rays, int pixels, float unit_m,
                  float offset_m, float ahead_m, float* __restrict__ points, unsigned short* __restrict__ steps) {
    const int pixel = blockIdx.x * blockDim.x + threadIdx.x;
    if (pixel >= pixels) {
        return;
    }
    const unsigned near = nearness[pixel];
    const float scale = (float)(NEARNESS - near) * unit_m + offset_m + ahead_m;
    const float x = rays[3 * pixel], y = rays[3 * pixel + 1], z = rays[3 * pixel + 2];
    const bool there = near != 0 && scale * z > 0.0f;
    // Without a depth pixel it is 65,536, of which 16 bits are 0.
    steps[pixel] = (unsigned short)(NEARNESS - near);
    points[3 * pixel] = there ? x * scale : 0.0f;
    points[3 * pixel + 1] = there ? y * scale : 0.0f;
    points[3 * pixel + 2] = there ? z * scale : 0.0f;
}
