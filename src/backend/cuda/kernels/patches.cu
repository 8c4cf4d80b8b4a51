// Patches of the network image (paper, section 4). CPU twin: `cut_patches` in src/backend/cpu/vit.rs.
//
//   patches   image half [3, H, W] -> half [T + 1, 3 PATCH PATCH], the order of a convolution's weight. Row 0 is the class
//             token's, of which there is no patch, and is left as it is

#include <cuda_fp16.h>

#include "common.cuh"

constexpr int THREADS = 256;
constexpr int CHANNELS = 3;
constexpr int SEGMENTS = T_SIDE * T_SIDE * CHANNELS * PATCH;

// A row of a patch: PATCH halves.
struct __align__(16) Segment {
    unsigned pairs[4];
};

extern "C" __global__ void __launch_bounds__(THREADS)
patches(const __half* __restrict__ image, __half* __restrict__ out) {
    const int i = blockIdx.x * THREADS + threadIdx.x;
    if (i >= SEGMENTS) {
        return;
    }
    const int token = i / (CHANNELS * PATCH), channel = i / PATCH % CHANNELS, row = token / T_SIDE * PATCH + i % PATCH;
    const __half* from = image + (size_t)(channel * H + row) * W + token % T_SIDE * PATCH;
    __half* to = out + (size_t)(i + CHANNELS * PATCH) * PATCH;
    *reinterpret_cast<Segment*>(to) = *reinterpret_cast<const Segment*>(from);
}
