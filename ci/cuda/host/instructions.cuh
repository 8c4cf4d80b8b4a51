// The instructions of src/backend/cuda/kernels/instructions.cuh, which says what each does, on the CPU.
//
// A copy that was begun is done at once in ascending order of threads, when it is waited for in descending order, and
// at either time in shuffled order: what overwrites values that are still read is found as is what does not wait. What
// all lanes of a warp do together happens at once when the last of them has come.
#pragma once

#include "cuda_fp16.h"
#include "cuda_host.h"

namespace cuda_host {

inline const float* halves_as_floats() {
    static const std::vector<float> values = [] {
        std::vector<float> values(1 << 16);
        for (unsigned bits = 0; bits < values.size(); ++bits) {
            values[bits] = __half2float({(uint16_t)bits});
        }
        return values;
    }();
    return values.data();
}

// Where a lane loads from and to.
struct Matrices {
    const __half* row;
    int stride;
    uint32_t* out;
};

template <int N, bool TRANSPOSED>
void load_together(const uint64_t* brought) {
    for (int i = 0; i < N; ++i) {
        uint16_t matrices[4][8][8];
        for (int lane = 0; lane < 32; ++lane) {
            const Matrices& of = *reinterpret_cast<const Matrices*>(brought[lane]);
            memcpy(matrices[lane / 8][lane % 8], of.row + i * of.stride, 16);
        }
        for (int lane = 0; lane < 32; ++lane) {
            uint32_t* out = reinterpret_cast<const Matrices*>(brought[lane])->out + 4 * i;
            const int row = lane / 4, column = lane % 4 * 2;
            for (int m = 0; m < 4; ++m) {
                const uint32_t low = TRANSPOSED ? matrices[m][column][row] : matrices[m][row][column];
                const uint32_t high = TRANSPOSED ? matrices[m][column + 1][row] : matrices[m][row][column + 1];
                out[m] = low | high << 16;
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

struct Operands {
    float* sum;
    const uint32_t *a, *b;
};

// The halves of fragments [count][4] of 16 x 16 matrices, as f32 [16 count][16]; `places`: where each of the four lies.
template <int COUNT>
void unpack(float (&out)[16 * COUNT][16], const uint32_t* fragments, int lane, const int (&places)[4][2]) {
    const float* values = halves_as_floats();
    for (int i = 0; i < COUNT; ++i) {
        for (int part = 0; part < 4; ++part) {
            const uint32_t pair = fragments[4 * i + part];
            float* to = &out[16 * i + places[part][0] + lane / 4][places[part][1] + lane % 4 * 2];
            to[0] = values[pair & 0xffff];
            to[1] = values[pair >> 16];
        }
    }
}

template <int M, int N>
void multiply_together(const uint64_t* brought) {
    float a[16 * M][16], rows[16 * N][16], b[16][16 * N];
    for (int lane = 0; lane < 32; ++lane) {
        const Operands& of = *reinterpret_cast<const Operands*>(brought[lane]);
        unpack<M>(a, of.a, lane, {{0, 0}, {8, 0}, {0, 8}, {8, 8}});
        unpack<N>(rows, of.b, lane, {{0, 0}, {0, 8}, {8, 0}, {8, 8}});
    }
    for (int column = 0; column < 16 * N; ++column) {
        for (int k = 0; k < 16; ++k) {
            b[k][column] = rows[column][k];
        }
    }
    for (int row = 0; row < 16 * M; ++row) {
        float products[16 * N] = {};
        for (int k = 0; k < 16; ++k) {
            for (int column = 0; column < 16 * N; ++column) {
                products[column] += a[row][k] * b[k][column];
            }
        }
        for (int column = 0; column < 16 * N; ++column) {
            const int lane = row % 8 * 4 + column % 8 / 2;
            float* sum = reinterpret_cast<const Operands*>(brought[lane])->sum;
            sum[(row / 16 * 2 * N + column / 8) * 4 + row % 16 / 8 * 2 + column % 2] += products[column];
        }
    }
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
    const cuda_host::Operands mine = {&sum[0][0][0], &a[0][0], &b[0][0]};
    cuda_host::meet_warp_for("multiply_add", cuda_host::multiply_together<M, N>, &mine);
}
