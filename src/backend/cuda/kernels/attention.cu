// Streaming softmax attention of a Transformer block (paper, section 4). CPU twin: src/backend/cpu/attention.rs.
//
//   attention   qkv half [n, 3 width] -> half [n, width]; heads of `depth` channels: for each row q of a head
//               softmax(q K') V, without the scores of all rows ever being in memory
//
// A row of qkv holds the queries of all heads, then keys, then values, as the layer before writes them. The scale
// 1 / sqrt(depth) is part of the queries. `width` and `depth` are multiples of 8, `depth` at most DEPTH. Scores, maxima
// and sums are f32; shares of the softmax are at most one, and halves.
//
// Blocks (rows / ROWS, heads). A warp has 16 rows. Keys and values come in tiles of KEYS: while one is multiplied, the
// next is on its way to shared memory.

#include <instructions.cuh>

#include "common.cuh"

constexpr int THREADS = 128;
constexpr int ROWS = THREADS / 32 * 16;
constexpr int KEYS = 64;
// Channels of a head, and a row of a tile in shared memory: eight of them begin in eight different groups of banks.
constexpr int DEPTH = 64;
constexpr int STRIDE = DEPTH + 8;
// Halves that one copy brings.
constexpr int CHUNK = 8;
constexpr int CHUNKS = DEPTH / CHUNK;
// 16 columns of a product are one step of the matrix units.
constexpr int STEPS = DEPTH / 16;
constexpr float LOG2_E = 1.44269504f;

struct Tile {
    __half keys[KEYS * STRIDE];
    __half values[KEYS * STRIDE];
};

__device__ __forceinline__ unsigned pair_of(float x, float y) {
    const __half2 pair = __floats2half2_rn(x, y);
    unsigned bits;
    memcpy(&bits, &pair, sizeof bits);
    return bits;
}

// Begins to copy the keys and values from `first` on; zeros beyond the last, and beyond the head's channels.
__device__ __forceinline__ void fetch(Tile& to, const __half* keys, int first, int n, int width, int depth) {
    for (int i = threadIdx.x; i < KEYS * CHUNKS; i += THREADS) {
        const int row = i / CHUNKS, column = i % CHUNKS * CHUNK;
        const bool there = first + row < n && column < depth;
        const __half* from = there ? keys + (size_t)(first + row) * 3 * width + column : keys;
        copy_async(to.keys + row * STRIDE + column, from, there);
        copy_async(to.values + row * STRIDE + column, there ? from + width : keys, there);
    }
}

// Two neighbouring queries of a row; zeros where there is no such row or channel.
__device__ __forceinline__ unsigned query_pair(const __half* queries, int row, int column, int n, int width, int depth) {
    unsigned bits = 0;
    if (row < n && column < depth) {
        memcpy(&bits, queries + (size_t)row * 3 * width + column, sizeof bits);
    }
    return bits;
}

// Scores of 16 rows and the keys of a tile, -inf for keys beyond the last.
__device__ __forceinline__ void score(const unsigned (&queries)[STEPS][1][4], const __half* keys, int keys_left, int depth,
                                      float (&scores)[1][KEYS / 8][4]) {
    const int lane = lane_of_thread();
    const __half* row = keys + ((lane & 7) + (lane >> 4) * 8) * STRIDE + (lane >> 3 & 1) * 8;
#pragma unroll
    for (int step = 0; step < STEPS; ++step) {
        if (step * 16 < depth) {
            unsigned b[KEYS / 16][4];
            load_matrices(b, row + step * 16, 16 * STRIDE);
            multiply_add(scores, queries[step], b);
        }
    }
#pragma unroll
    for (int i = 0; i < KEYS / 8 * 4; ++i) {
        const int key = i / 4 * 8 + lane % 4 * 2 + i % 2;
        if (key >= keys_left) {
            scores[0][i / 4][i % 4] = -infinity();
        }
    }
}

// Turns scores into shares that the sums have not divided yet; what was summed before is scaled to the new maximum.
__device__ __forceinline__ void weigh(float (&scores)[1][KEYS / 8][4], float (&maximum)[2], float (&sum)[2],
                                      float (&out)[1][DEPTH / 8][4]) {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
        float most = maximum[half];
#pragma unroll
        for (int j = 0; j < KEYS / 8; ++j) {
            most = fmaxf(most, fmaxf(scores[0][j][2 * half], scores[0][j][2 * half + 1]));
        }
        // The four lanes that share a row.
        most = fmaxf(most, __shfl_xor_sync(EVERY_LANE, most, 1));
        most = fmaxf(most, __shfl_xor_sync(EVERY_LANE, most, 2));
        const float scale = exp2f((maximum[half] - most) * LOG2_E);
        maximum[half] = most;
        sum[half] *= scale;
#pragma unroll
        for (int j = 0; j < KEYS / 8; ++j) {
#pragma unroll
            for (int i = 2 * half; i < 2 * half + 2; ++i) {
                scores[0][j][i] = exp2f((scores[0][j][i] - most) * LOG2_E);
                sum[half] += scores[0][j][i];
            }
        }
#pragma unroll
        for (int j = 0; j < DEPTH / 8; ++j) {
            out[0][j][2 * half] *= scale;
            out[0][j][2 * half + 1] *= scale;
        }
    }
}

// out += shares x values of a tile.
__device__ __forceinline__ void add_values(const float (&shares)[1][KEYS / 8][4], const __half* values,
                                           float (&out)[1][DEPTH / 8][4]) {
    const int lane = lane_of_thread();
    const __half* row = values + ((lane & 7) + (lane >> 3 & 1) * 8) * STRIDE + (lane >> 4) * 8;
#pragma unroll
    for (int step = 0; step < KEYS / 16; ++step) {
        const float(&left)[4] = shares[0][2 * step], (&right)[4] = shares[0][2 * step + 1];
        const unsigned a[1][4] = {{pair_of(left[0], left[1]), pair_of(left[2], left[3]), pair_of(right[0], right[1]),
                                   pair_of(right[2], right[3])}};
        unsigned b[DEPTH / 16][4];
        load_transposed(b, row + step * 16 * STRIDE, 16);
        multiply_add(out, a, b);
    }
}

extern "C" __global__ void __launch_bounds__(THREADS, 3)
attention(const __half* __restrict__ qkv, int n, int width, int depth, __half* __restrict__ out) {
    __shared__ __align__(16) Tile tiles[2];
    const int lane = lane_of_thread(), head = blockIdx.y * depth;
    const int top = blockIdx.x * ROWS + warp_of_thread() * 16 + lane / 4;
    unsigned queries[STEPS][1][4];
#pragma unroll
    for (int i = 0; i < STEPS * 4; ++i) {
        const int row = top + i % 2 * 8, column = i / 4 * 16 + i % 4 / 2 * 8 + lane % 4 * 2;
        queries[i / 4][0][i % 4] = query_pair(qkv + head, row, column, n, width, depth);
    }
    const __half* keys = qkv + width + head;
    fetch(tiles[0], keys, 0, n, width, depth);
    commit_copies();
    float sum[2] = {}, maximum[2] = {-infinity(), -infinity()}, heads[1][DEPTH / 8][4] = {};
    for (int first = 0, at = 0; first < n; first += KEYS, at ^= 1) {
        wait_for_copies<0>();
        // Every thread's copies are there, and every warp is done with the tile that is overwritten next.
        __syncthreads();
        if (first + KEYS < n) {
            fetch(tiles[at ^ 1], keys, first + KEYS, n, width, depth);
            commit_copies();
        }
        float scores[1][KEYS / 8][4] = {};
        score(queries, tiles[at].keys, n - first, depth, scores);
        weigh(scores, maximum, sum, heads);
        add_values(scores, tiles[at].values, heads);
    }
#pragma unroll
    for (int half = 0; half < 2; ++half) {
        sum[half] += __shfl_xor_sync(EVERY_LANE, sum[half], 1);
        sum[half] += __shfl_xor_sync(EVERY_LANE, sum[half], 2);
        const int row = top + half * 8;
#pragma unroll
        for (int j = 0; j < DEPTH / 8; ++j) {
            const int column = j * 8 + lane % 4 * 2;
            if (row < n && column < depth) {
                const float u = heads[0][j][2 * half] / sum[half], v = heads[0][j][2 * half + 1] / sum[half];
                *reinterpret_cast<__half2*>(out + (size_t)row * width + head + column) = __floats2half2_rn(u, v);
            }
        }
    }
}
