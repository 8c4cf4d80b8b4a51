// What the kernel families share: sizes (src/shapes.rs), exact distances, reductions of a warp, ordered lists.
//
// Axes: H, W, P, T, G, K, N, M as in src/shapes.rs. Counts that only the device knows (N, listed pixels) are read from
// device memory, so that a frame never waits for the host and one graph of launches serves every frame.
#pragma once

constexpr int H = 224;
constexpr int W = 224;
constexpr int P = H * W;
constexpr int PATCH = 8;
constexpr int T_SIDE = W / PATCH;

constexpr unsigned EVERY_LANE = 0xffffffffu;
// Threads of the kernels that turn flags into a list: one block, so that the list keeps the order of the pixels.
constexpr int LIST_THREADS = 1024;
// Groups that a pixel's row can name: 4 x 4 points under the folded means, three groups each.
constexpr int ROW_MAX = 48;
// Tokens that a pixel's colour is interpolated from.
constexpr int RGB_ROW = 4;

__device__ __forceinline__ float infinity() {
    return __int_as_float(0x7f800000);
}

__device__ __forceinline__ int lane_of_thread() {
    return threadIdx.x & 31;
}

__device__ __forceinline__ int warp_of_thread() {
    return threadIdx.x >> 5;
}

// Whether there is a point: the origin stands for none.
__device__ __forceinline__ bool is_point(const float* point) {
    return point[0] != 0.0f || point[1] != 0.0f || point[2] != 0.0f;
}

// The order of operations decides ties, so whatever uses it is compiled with fmad=false.
__device__ __forceinline__ float squared_distance(float ax, float ay, float az, float bx, float by, float bz) {
    const float x = ax - bx, y = ay - by, z = az - bz;
    return x * x + y * y + z * z;
}

// A distance and, among equals, an index in one number that sorts as the pair does: the bits of a float that is not
// negative grow with it.
__device__ __forceinline__ unsigned long long pair_key(float distance, unsigned low) {
    return (unsigned long long)(unsigned)__float_as_int(distance) << 32 | low;
}

// The largest of the warp's keys, in every lane: two integer reductions (sm_80) in place of ten shuffles.
__device__ __forceinline__ unsigned long long warp_maximum(unsigned long long key) {
    const unsigned high = __reduce_max_sync(EVERY_LANE, (unsigned)(key >> 32));
    const unsigned low = __reduce_max_sync(EVERY_LANE, (unsigned)(key >> 32) == high ? (unsigned)key : 0u);
    return (unsigned long long)high << 32 | low;
}

// The least of the warp's values, in every lane.
__device__ __forceinline__ float warp_minimum(float value) {
    for (int distance = 16; distance > 0; distance /= 2) {
        value = fminf(value, __shfl_xor_sync(EVERY_LANE, value, distance));
    }
    return value;
}

__device__ __forceinline__ float gelu(float x) {
    return 0.5f * x * (1.0f + erff(x * 0.70710678f));
}

template <class T>
__device__ __forceinline__ T warp_sum(T value) {
    for (int distance = 16; distance > 0; distance /= 2) {
        value += __shfl_xor_sync(EVERY_LANE, value, distance);
    }
    return value;
}

// Where this thread's flag stands among the block's set flags, and how many of them there are (`total`).
// `warp_counts` holds LIST_THREADS / 32 numbers in shared memory. Every thread of a block of LIST_THREADS calls it.
__device__ __forceinline__ int block_rank(bool flag, int* warp_counts, int& total) {
    const unsigned flags = __ballot_sync(EVERY_LANE, flag);
    if (lane_of_thread() == 0) {
        warp_counts[warp_of_thread()] = __popc(flags);
    }
    __syncthreads();
    int before = 0;
    total = 0;
    for (int warp = 0; warp < LIST_THREADS / 32; ++warp) {
        before += warp < warp_of_thread() ? warp_counts[warp] : 0;
        total += warp_counts[warp];
    }
    // The counts are free for the next call only when every thread has read them.
    __syncthreads();
    return before + __popc(flags & ((1u << lane_of_thread()) - 1u));
}
