// The instructions of src/backend/cuda/kernels/instructions.cuh, which says what each does, on the CPU.
//
// A copy that was begun is done at once in ascending order of threads, when it is waited for in descending order, and
// at either time in shuffled order: what overwrites values that are still read is found as is what does not wait. What
// all lanes of a warp do together happens at once when the last of them has come.
#pragma once

#include "cuda_fp16.h"
#include "cuda_host.h"
#include "fragments.h"

namespace cuda_host {

// Where a lane loads from and to.
struct Matrices {
    const __half* row;
    int stride;
    uint32_t* out;
};

template <int N, bool TRANSPOSED>
void load_together(const uint64_t* brought) {
    const Matrices* lanes[32];
    for (int lane = 0; lane < 32; ++lane) {
        lanes[lane] = reinterpret_cast<const Matrices*>(brought[lane]);
    }
    for (int i = 0; i < N; ++i) {
        for (int lane = 0; lane < 32; ++lane) {
            for (int m = 0; m < 4; ++m) {
                // The lanes of both halves' rows, and their columns.
                const int row = lane / 4, column = lane % 4 * 2;
                const int low_lane = 8 * m + (TRANSPOSED ? column : row), high_lane = low_lane + TRANSPOSED;
                const __half* low = lanes[low_lane]->row + i * lanes[low_lane]->stride;
                const __half* high = lanes[high_lane]->row + i * lanes[high_lane]->stride;
                lanes[lane]->out[4 * i + m] = low[TRANSPOSED ? row : column].bits |
                                              (uint32_t)high[TRANSPOSED ? row : column + 1].bits << 16;
            }
        }
    }
}

template <int N, bool TRANSPOSED>
void load(const char* operation, unsigned (&out)[N][4], const __half* row, int stride) {
    for (int i = 0; i < N; ++i) {
        check_shared(operation, row + i * stride);
    }
    const Matrices mine = {row, stride, &out[0][0]};
    meet_warp_for(operation, load_together<N, TRANSPOSED>, &mine);
}

}  // namespace cuda_host

inline void copy_async(void* shared, const void* global, bool valid) {
    cuda_host::check_shared("copy_async", shared);
    if (reinterpret_cast<uintptr_t>(global) % 16 != 0) {
        cuda_host::fail("copy_async: global memory at no multiple of 16 bytes");
    }
    cuda_host::begin_copy({shared, valid ? global : nullptr});
}

inline void commit_copies() {
    cuda_host::current->groups.push_back(cuda_host::current->copies.size());
}

template <int PENDING>
void wait_for_copies() {
    cuda_host::finish_copies(PENDING);
}

template <int N>
void load_matrices(unsigned (&out)[N][4], const __half* row, int stride) {
    cuda_host::load<N, false>("load_matrices", out, row, stride);
}

template <int N>
void load_transposed(unsigned (&out)[N][4], const __half* row, int stride) {
    cuda_host::load<N, true>("load_transposed", out, row, stride);
}

template <int M, int N>
void multiply_add(float (&sum)[M][2 * N][4], const unsigned (&a)[M][4], const unsigned (&b)[N][4]) {
    const cuda_host::Fragments mine = {&sum[0][0][0], &a[0][0], &b[0][0]};
    cuda_host::meet_warp_for("multiply_add", cuda_host::multiplier<M, N>(), &mine);
}
