// Matrix products on the matrix units (paper, section 3.2 and the layers of both networks). CPU twin:
// src/backend/cpu/packed.rs.
//
//   linear            x half [n, from], weight half [to, from] -> f(x weight' + bias) half [n, to]; f: nothing, erf
//                     GELU or ReLU
//   add_linear        the same without f, added to f32 [n, to]: the residual of a Transformer block
//   squared_lengths   the same without f, not stored: sums of squares over each warp's columns, f32 [parts, n]
//   inner_products    x weight', f32 [n, to]; of x with itself the Gram matrix
//
// Operands are half, sums f32: no index is decided here. `from` is a multiple of 8, `to` of 2 where pairs are written.
// `bias` is null where there is none. `row_count` holds on the device how many of the `rows` are computed, and is null
// where all are. `triangular`: row i of the weight is zero before its column i (R of a QR factorisation), and a block
// begins at its first row's column.
//
// A block computes a tile of the result: `linear_large` and `squared_lengths` 128 x 128 with 8 warps, the others 64 x
// 64 with 4, for results too small to fill a GPU with large tiles. PIECE columns of both operands are multiplied while
// those of the next STAGES - 1 pieces are copied to shared memory, 48 KB at most. Blocks that follow each other share
// rows of x: x is read from memory once, and the weight, which is smaller, stays in the L2 cache.

#include <instructions.cuh>

#include "common.cuh"

// Columns of both operands that are multiplied at a time, and the number of such pieces in shared memory.
constexpr int PIECE = 32;
constexpr int STAGES = 3;
// Halves that one copy brings, and the number of such chunks in a row of a piece.
constexpr int CHUNK = 8;
constexpr int CHUNKS = PIECE / CHUNK;

enum Activation { NOTHING, GELU, RELU };

// Sizes of a tile: ROWS x COLUMNS of the result by WARPS_DOWN x WARPS_ACROSS warps.
template <int ROWS_, int COLUMNS_, int WARPS_DOWN_, int WARPS_ACROSS_>
struct Tile {
    static constexpr int ROWS = ROWS_, COLUMNS = COLUMNS_, WARPS_ACROSS = WARPS_ACROSS_;
    static constexpr int THREADS = 32 * WARPS_DOWN_ * WARPS_ACROSS_;
    // A warp's share, and the 16 x 16 parts of it.
    static constexpr int DOWN = ROWS / WARPS_DOWN_, ACROSS = COLUMNS / WARPS_ACROSS_;
    static constexpr int M = DOWN / 16, N = ACROSS / 16;
    // Halves of a stage.
    static constexpr int STAGE = (ROWS + COLUMNS) * PIECE;
};

using Large = Tile<128, 128, 2, 4>;
using Small = Tile<64, 64, 2, 2>;

// Both operands and a block's place in the result. `first_piece`: the pieces before it are zeros in the weight.
struct Operands {
    const __half* x;
    const __half* weight;
    int n, from, to, top, left, first_piece;
};

// The place of chunk `chunk` of row `row` in a stage: the same chunk of eight rows lies in eight groups of banks.
__device__ __forceinline__ int place_of(int row, int chunk) {
    return row * PIECE + (chunk ^ (row >> 1 & (CHUNKS - 1))) * CHUNK;
}

// What a thread copies of each piece of an operand: one chunk of COUNT rows, APART rows from each other. Whatever is
// the same for every piece is computed once.
template <int ROWS, int THREADS>
struct Copies {
    static constexpr int APART = THREADS / CHUNKS, COUNT = ROWS / APART;
    static_assert(ROWS % APART == 0 && APART % (2 * CHUNKS) == 0, "the chunk has the same place in all its rows");
    // Its chunk of its first row in the first piece, the column of that, and where it goes in a stage.
    const __half* source;
    int column, place;
    // How many of its rows are there, and the length of each.
    int rows, from;
};

// Copies of ROWS rows from `first` on of `matrix` [count, from].
template <int ROWS, int THREADS>
__device__ __forceinline__ Copies<ROWS, THREADS> copies_of(const __half* matrix, int first, int count, int from) {
    const int row = threadIdx.x / CHUNKS, chunk = threadIdx.x % CHUNKS, apart = Copies<ROWS, THREADS>::APART;
    const int rows = (count - first - row + apart - 1) / apart;
    const __half* source = matrix + (size_t)min(first + row, count - 1) * from + chunk * CHUNK;
    return {source, chunk * CHUNK, place_of(row, chunk), rows, from};
}

// Begins to copy a piece to a stage; writes zeros beyond the matrix's edges.
template <int ROWS, int THREADS>
__device__ __forceinline__ void fetch(__half* stage, const Copies<ROWS, THREADS>& copies, int piece) {
    constexpr int APART = Copies<ROWS, THREADS>::APART, COUNT = Copies<ROWS, THREADS>::COUNT;
    const bool is_column = copies.column + piece * PIECE < copies.from;
    const __half* source = copies.source + piece * PIECE;
#pragma unroll
    for (int i = 0; i < COUNT; ++i) {
        const bool there = is_column && i < copies.rows;
        const __half* row = there ? source + (size_t)i * APART * copies.from : copies.source;
        copy_async(stage + copies.place + i * APART * PIECE, row, there);
    }
}

// Computes this warp's share of the block's tile.
template <class T>
__device__ __forceinline__ void multiply(__half* stages, const Operands& of, float (&sum)[T::M][2 * T::N][4]) {
    const int pieces = (of.from + PIECE - 1) / PIECE - of.first_piece, lane = lane_of_thread();
    const int warp = warp_of_thread();
    const int down = warp / T::WARPS_ACROSS * T::DOWN, across = warp % T::WARPS_ACROSS * T::ACROSS;
    const auto x = copies_of<T::ROWS, T::THREADS>(of.x, of.top, of.n, of.from);
    const auto weight = copies_of<T::COLUMNS, T::THREADS>(of.weight, of.left, of.to, of.from);
    const auto begin = [&](int piece) {
        if (piece < pieces) {
            __half* stage = stages + piece % STAGES * T::STAGE;
            fetch(stage, x, of.first_piece + piece);
            fetch(stage + T::ROWS * PIECE, weight, of.first_piece + piece);
        }
        // Also without copies, so that the groups after the last finished one are always the next pieces.
        commit_copies();
    };
    for (int piece = 0; piece < STAGES - 1; ++piece) {
        begin(piece);
    }
    // The row that this lane names of the first fragment, and its chunk.
    const int a_row = down + (lane & 15), a_chunk = lane >> 4;
    const int b_row = across + (lane & 7) + (lane >> 4) * 8, b_chunk = lane >> 3 & 1;
    for (int piece = 0; piece < pieces; ++piece) {
        wait_for_copies<STAGES - 2>();
        // Every thread's copies are complete, and every warp is done with the stage that is overwritten next.
        __syncthreads();
        begin(piece + STAGES - 1);
        const __half* a = stages + piece % STAGES * T::STAGE;
        const __half* b = a + T::ROWS * PIECE;
#pragma unroll
        for (int chunk = 0; chunk < CHUNKS; chunk += 2) {
            unsigned left[T::M][4], right[T::N][4];
            load_matrices(left, a + place_of(a_row, chunk + a_chunk), 16 * PIECE);
            load_matrices(right, b + place_of(b_row, chunk + b_chunk), 16 * PIECE);
            multiply_add(sum, left, right);
        }
    }
}

// Passes each pair of neighbouring values of this thread, with the bias added, to `take(i, row, column, u, v)`; `i`
// counts the thread's rows. All columns of a row come before the next row.
template <class T, class Take>
__device__ __forceinline__ void each_pair(const float (&sum)[T::M][2 * T::N][4], const Operands& of, const float* bias,
                                          Take take) {
    const int lane = lane_of_thread(), warp = warp_of_thread();
    const int top = of.top + warp / T::WARPS_ACROSS * T::DOWN + lane / 4;
    const int left = of.left + warp % T::WARPS_ACROSS * T::ACROSS + lane % 4 * 2;
#pragma unroll
    for (int i = 0; i < 2 * T::M; ++i) {
#pragma unroll
        for (int j = 0; j < 2 * T::N; ++j) {
            const int row = top + i * 8, column = left + j * 8;
            const float* value = &sum[i / 2][j][i % 2 * 2];
            const bool first = bias != nullptr && column < of.to, second = bias != nullptr && column + 1 < of.to;
            const float u = value[0] + (first ? bias[column] : 0.0f), v = value[1] + (second ? bias[column + 1] : 0.0f);
            take(i, row, column, u, v);
        }
    }
}

template <class T>
__device__ __forceinline__ Operands operands(const __half* x, const __half* weight, const int* row_count, int rows,
                                             int from, int to, int triangular) {
    const int n = row_count == nullptr ? rows : *row_count;
    const int top = blockIdx.y * T::ROWS, left = blockIdx.x * T::COLUMNS;
    return {x, weight, n, from, to, top, left, triangular != 0 ? left / PIECE : 0};
}

__device__ __forceinline__ float activated(float value, int activation) {
    return activation == GELU ? gelu(value) : activation == RELU ? fmaxf(value, 0.0f) : value;
}

template <class T>
__device__ __forceinline__ void linear_tile(__half* stages, const Operands& of, const float* bias, int activation,
                                            __half* out) {
    float sum[T::M][2 * T::N][4] = {};
    multiply<T>(stages, of, sum);
    each_pair<T>(sum, of, bias, [&](int, int row, int column, float u, float v) {
        if (row < of.n && column < of.to) {
            const __half2 pair = __floats2half2_rn(activated(u, activation), activated(v, activation));
            *reinterpret_cast<__half2*>(out + (size_t)row * of.to + column) = pair;
        }
    });
}

template <class T>
__device__ __forceinline__ void add_linear_tile(__half* stages, const Operands& of, const float* bias, float* out) {
    float sum[T::M][2 * T::N][4] = {};
    multiply<T>(stages, of, sum);
    each_pair<T>(sum, of, bias, [&](int, int row, int column, float u, float v) {
        if (row < of.n && column < of.to) {
            float2* at = reinterpret_cast<float2*>(out + (size_t)row * of.to + column);
            *at = {at->x + u, at->y + v};
        }
    });
}

// Each column of warps of each column of blocks writes one row of `out` [gridDim.x * WARPS_ACROSS, rows].
template <class T>
__device__ __forceinline__ void squared_lengths_tile(__half* stages, const Operands& of, const float* bias, int rows,
                                                     float* out) {
    float sum[T::M][2 * T::N][4] = {}, squares[2 * T::M] = {};
    multiply<T>(stages, of, sum);
    each_pair<T>(sum, of, bias, [&](int i, int, int, float u, float v) { squares[i] += u * u + v * v; });
    const int lane = lane_of_thread(), warp = warp_of_thread();
    const int part = blockIdx.x * T::WARPS_ACROSS + warp % T::WARPS_ACROSS;
#pragma unroll
    for (int i = 0; i < 2 * T::M; ++i) {
        // Four lanes share a row.
        squares[i] += __shfl_xor_sync(EVERY_LANE, squares[i], 1);
        squares[i] += __shfl_xor_sync(EVERY_LANE, squares[i], 2);
        const int row = of.top + warp / T::WARPS_ACROSS * T::DOWN + lane / 4 + i * 8;
        if (lane % 4 == 0 && row < of.n) {
            out[(size_t)part * rows + row] = squares[i];
        }
    }
}

template <class T>
__device__ __forceinline__ void inner_products_tile(__half* stages, const Operands& of, float* out) {
    float sum[T::M][2 * T::N][4] = {};
    multiply<T>(stages, of, sum);
    each_pair<T>(sum, of, nullptr, [&](int, int row, int column, float u, float v) {
        float* at = out + (size_t)row * of.to + column;
        if (row < of.n && column < of.to) {
            at[0] = u;
        }
        if (row < of.n && column + 1 < of.to) {
            at[1] = v;
        }
    });
}

// Blocks (columns, rows) of tiles that cover the result, with all `rows`.

extern "C" __global__ void __launch_bounds__(Small::THREADS, 4)
linear(const __half* __restrict__ x, const __half* __restrict__ weight, const float* __restrict__ bias,
       const int* __restrict__ row_count, int rows, int from, int to, int triangular, int activation,
       __half* __restrict__ out) {
    __shared__ __align__(16) __half stages[STAGES * Small::STAGE];
    const Operands of = operands<Small>(x, weight, row_count, rows, from, to, triangular);
    if (of.top < of.n) {
        linear_tile<Small>(stages, of, bias, activation, out);
    }
}

extern "C" __global__ void __launch_bounds__(Large::THREADS, 2)
linear_large(const __half* __restrict__ x, const __half* __restrict__ weight, const float* __restrict__ bias,
             const int* __restrict__ row_count, int rows, int from, int to, int triangular, int activation,
             __half* __restrict__ out) {
    __shared__ __align__(16) __half stages[STAGES * Large::STAGE];
    const Operands of = operands<Large>(x, weight, row_count, rows, from, to, triangular);
    if (of.top < of.n) {
        linear_tile<Large>(stages, of, bias, activation, out);
    }
}

extern "C" __global__ void __launch_bounds__(Small::THREADS, 4)
add_linear(const __half* __restrict__ x, const __half* __restrict__ weight, const float* __restrict__ bias,
           int rows, int from, int to, float* __restrict__ out) {
    __shared__ __align__(16) __half stages[STAGES * Small::STAGE];
    const Operands of = operands<Small>(x, weight, nullptr, rows, from, to, 0);
    if (of.top < of.n) {
        add_linear_tile<Small>(stages, of, bias, out);
    }
}

extern "C" __global__ void __launch_bounds__(Large::THREADS, 2)
squared_lengths(const __half* __restrict__ x, const __half* __restrict__ weight, const float* __restrict__ bias,
                const int* __restrict__ row_count, int rows, int from, int to, int triangular,
                float* __restrict__ out) {
    __shared__ __align__(16) __half stages[STAGES * Large::STAGE];
    const Operands of = operands<Large>(x, weight, row_count, rows, from, to, triangular);
    if (of.top < of.n) {
        squared_lengths_tile<Large>(stages, of, bias, rows, out);
    }
}

extern "C" __global__ void __launch_bounds__(Small::THREADS, 4)
inner_products(const __half* __restrict__ x, const __half* __restrict__ weight, int rows, int from, int to,
               float* __restrict__ out) {
    __shared__ __align__(16) __half stages[STAGES * Small::STAGE];
    const Operands of = operands<Small>(x, weight, nullptr, rows, from, to, 0);
    if (of.top < of.n) {
        inner_products_tile<Small>(stages, of, out);
    }
}
