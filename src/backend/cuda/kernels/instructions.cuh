// The instructions of the matrix units and of asynchronous copies (sm_80), which CUDA C++ has no functions for.
// ci/cuda/host/instructions.cuh does the same on the CPU.
//
// A fragment is a warp's share of a small matrix, in registers. Lane l has row l / 4 and columns 2 (l % 4) and
// 2 (l % 4) + 1 of each 8 x 8 matrix, two halves in one register, or two f32 of a sum.
#pragma once

#include <cuda_fp16.h>

__device__ __forceinline__ unsigned shared_address(const void* pointer) {
    return (unsigned)__cvta_generic_to_shared(pointer);
}

// Begins to copy 16 bytes of global memory to shared memory, both at multiples of 16 bytes; zeros instead where `valid`
// is false, when nothing of `global` is read. The copy is there for this thread after `wait_for_copies`.
__device__ __forceinline__ void copy_async(void* shared, const void* global, bool valid) {
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared_address(shared)), "l"(global),
                 "r"(valid ? 16 : 0)
                 : "memory");
}

// Closes a group of the copies that this thread began since the last one; a group may be empty.
__device__ __forceinline__ void commit_copies() {
    asm volatile("cp.async.commit_group;" ::: "memory");
}

// Waits for all groups of this thread's copies but the last `PENDING`.
template <int PENDING>
__device__ __forceinline__ void wait_for_copies() {
    asm volatile("cp.async.wait_group %0;" ::"n"(PENDING) : "memory");
}

// N times four 8 x 8 matrices of halves from shared memory. Lane l gives row l % 8 of matrix l / 8, 16 bytes at a
// multiple of 16 bytes; the i-th four lie i * `stride` halves further. Every lane of the warp calls it.
template <int N>
__device__ __forceinline__ void load_matrices(unsigned (&out)[N][4], const __half* row, int stride) {
#pragma unroll
    for (int i = 0; i < N; ++i) {
        asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                     : "=r"(out[i][0]), "=r"(out[i][1]), "=r"(out[i][2]), "=r"(out[i][3])
                     : "r"(shared_address(row + i * stride))
                     : "memory");
    }
}

// The same, each matrix transposed.
template <int N>
__device__ __forceinline__ void load_transposed(unsigned (&out)[N][4], const __half* row, int stride) {
#pragma unroll
    for (int i = 0; i < N; ++i) {
        asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                     : "=r"(out[i][0]), "=r"(out[i][1]), "=r"(out[i][2]), "=r"(out[i][3])
                     : "r"(shared_address(row + i * stride))
                     : "memory");
    }
}

// sum [16 M, 16 N] += a [16 M, 16] b' with b [16 N, 16], halves, sums f32. Fragments of a 16 x 16 part of `a`: rows 0-7
// and columns 0-7, rows 8-15 and columns 0-7, rows 0-7 and columns 8-15, rows 8-15 and columns 8-15. Those of `b`: rows
// 0-7 and columns 0-7, rows 0-7 and columns 8-15, rows 8-15 and columns 0-7, rows 8-15 and columns 8-15. A sum's: rows
// 0-7 (two values), rows 8-15 (two values), for each 8 columns. Every lane of the warp calls it.
template <int M, int N>
__device__ __forceinline__ void multiply_add(float (&sum)[M][2 * N][4], const unsigned (&a)[M][4],
                                             const unsigned (&b)[N][4]) {
#pragma unroll
    for (int i = 0; i < M; ++i) {
#pragma unroll
        for (int j = 0; j < 2 * N; ++j) {
            float(&c)[4] = sum[i][j];
            asm volatile(
                "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
                "{%0, %1, %2, %3};"
                : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
                : "r"(a[i][0]), "r"(a[i][1]), "r"(a[i][2]), "r"(a[i][3]), "r"(b[j / 2][2 * (j % 2)]),
                  "r"(b[j / 2][2 * (j % 2) + 1]));
        }
    }
}
