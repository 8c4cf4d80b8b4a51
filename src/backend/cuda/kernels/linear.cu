// The products between the kernels of a mapping (paper, section 3.2). CPU twin: src/backend/cpu/mapping.rs, packed.rs.
//
//   linear           x half [n, from], weight half [to, from] -> x weight' + bias, with or without GELU, half [n, to]
//   inner_products   the same without bias -> f32 [n, to]; of x with itself the Gram matrix
//
// A block makes LINEAR_TILE x LINEAR_TILE of the result, a thread 4 x 4, in f32: no index is decided here. It does not
// use the matrix units: TensorRT's engines, where they are, take these products. `from` is even.

#include <cuda_fp16.h>

#include "common.cuh"

constexpr int LINEAR_TILE = 64;
// Pairs of channels that a block takes at a time.
constexpr int LINEAR_PAIRS = 16;
constexpr int LINEAR_THREADS = 256;
constexpr int LINEAR_EACH = 4;
constexpr int LINEAR_SIDE = LINEAR_TILE / LINEAR_EACH;
// Four more, so that the threads of a warp that fill a column meet different banks.
constexpr int LINEAR_STRIDE = LINEAR_TILE + 4;

// Channels of LINEAR_TILE rows, a row of it for each channel.
using Tile = float[2 * LINEAR_PAIRS][LINEAR_STRIDE];

// Rows of `matrix` [count, pairs] from `first` on; zeros beyond its edges.
__device__ __forceinline__ void fill(Tile& tile, const __half2* matrix, int first, int count, int pairs, int pair) {
    for (int i = threadIdx.x; i < LINEAR_TILE * LINEAR_PAIRS; i += LINEAR_THREADS) {
        const int row = i / LINEAR_PAIRS, at = i % LINEAR_PAIRS;
        float2 value = {0.0f, 0.0f};
        if (first + row < count && pair + at < pairs) {
            value = __half22float2(matrix[(size_t)(first + row) * pairs + pair + at]);
        }
        tile[2 * at][row] = value.x;
        tile[2 * at + 1][row] = value.y;
    }
}

// What this thread makes of the tile of the result at (top, left).
__device__ __forceinline__ void multiply(Tile& rows, Tile& columns, const __half2* x, int n, const __half2* weight,
                                         int to, int pairs, int top, int left, float (&sum)[LINEAR_EACH][LINEAR_EACH]) {
    const int y = threadIdx.x / LINEAR_SIDE * LINEAR_EACH, c = threadIdx.x % LINEAR_SIDE * LINEAR_EACH;
    for (int i = 0; i < LINEAR_EACH * LINEAR_EACH; ++i) {
        sum[i / LINEAR_EACH][i % LINEAR_EACH] = 0.0f;
    }
    for (int pair = 0; pair < pairs; pair += LINEAR_PAIRS) {
        fill(rows, x, top, n, pairs, pair);
        fill(columns, weight, left, to, pairs, pair);
        __syncthreads();
        // All at once they take more registers than there are.
#pragma unroll 8
        for (int k = 0; k < 2 * LINEAR_PAIRS; ++k) {
            for (int i = 0; i < LINEAR_EACH; ++i) {
                for (int j = 0; j < LINEAR_EACH; ++j) {
                    sum[i][j] += rows[k][y + i] * columns[k][c + j];
                }
            }
        }
        // The tiles may be overwritten only when every thread is done with them.
        __syncthreads();
    }
}

// Blocks (rows, columns) of the result, enough for all rows there may be: `row_count` says how many there are, and is
// null where all `rows` are. `bias` is null where there is none.
extern "C" __global__ void __launch_bounds__(LINEAR_THREADS)
linear(const __half2* __restrict__ x, const __half2* __restrict__ weight, const float* __restrict__ bias,
       const int* __restrict__ row_count, int rows, int from, int to, int activation, __half* __restrict__ out) {
    __shared__ Tile left_tile, right_tile;
    const int n = row_count == nullptr ? rows : *row_count;
    const int top = blockIdx.x * LINEAR_TILE, left = blockIdx.y * LINEAR_TILE;
    if (top >= n) {
        return;
    }
    float sum[LINEAR_EACH][LINEAR_EACH];
    multiply(left_tile, right_tile, x, n, weight, to, from / 2, top, left, sum);
    for (int i = 0; i < LINEAR_EACH; ++i) {
        for (int j = 0; j < LINEAR_EACH; ++j) {
            const int row = top + threadIdx.x / LINEAR_SIDE * LINEAR_EACH + i;
            const int column = left + threadIdx.x % LINEAR_SIDE * LINEAR_EACH + j;
            if (row < n && column < to) {
                const float value = sum[i][j] + (bias == nullptr ? 0.0f : bias[column]);
                out[(size_t)row * to + column] = __float2half_rn(activation != 0 ? gelu(value) : value);
            }
        }
    }
}

extern "C" __global__ void __launch_bounds__(LINEAR_THREADS)
inner_products(const __half2* __restrict__ x, const __half2* __restrict__ weight, int rows, int from, int to,
               float* __restrict__ out) {
    __shared__ Tile left_tile, right_tile;
    const int top = blockIdx.x * LINEAR_TILE, left = blockIdx.y * LINEAR_TILE;
    float sum[LINEAR_EACH][LINEAR_EACH];
    multiply(left_tile, right_tile, x, rows, weight, to, from / 2, top, left, sum);
    for (int i = 0; i < LINEAR_EACH; ++i) {
        for (int j = 0; j < LINEAR_EACH; ++j) {
            const int row = top + threadIdx.x / LINEAR_SIDE * LINEAR_EACH + i;
            const int column = left + threadIdx.x % LINEAR_SIDE * LINEAR_EACH + j;
            if (row < rows && column < to) {
                out[(size_t)row * to + column] = sum[i][j];
            }
        }
    }
}
