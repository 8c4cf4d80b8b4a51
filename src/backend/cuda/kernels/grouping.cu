// Where an index is decided (paper, section 3.1). CPU twin: src/backend/cpu/grouping.rs, of which every index is the
// same: f32 without FMA (fmad=false), ties to the lowest index.
//
//   valid_points      cloud [P, 3] -> points [N, 3] in row-major order, N
//   farthest_points   points [N, 3] -> centre_index [G], centres [G, 3]
//   nearest_points    points [N, 3], centres [G, 3] -> neighbours [G, K], offsets from the centre half [G, K, 3]
//
// Farthest point sampling takes G steps, each of which needs the one before. A step costs N distances and one
// argmax over everything, and the argmax is what can be made short: points stay in registers, a warp reduces by two
// integer reductions, a block by one barrier, and what a block has found is one 64-bit word that needs no lock, no
// second barrier and no fence. A cloud of up to SAMPLE_POINTS points is one block's, which leaves every other
// multiprocessor to the colour network; a larger one is shared by up to SAMPLE_BLOCKS, which see each other's words.

#include <cuda_fp16.h>

#include "common.cuh"

constexpr int SAMPLE_THREADS = 512;
constexpr int SAMPLE_WARPS = SAMPLE_THREADS / 32;
// Points that a thread holds: four registers each, of the 128 that 512 threads leave to one.
constexpr int SAMPLE_SLOTS = 24;
constexpr int SAMPLE_POINTS = SAMPLE_THREADS * SAMPLE_SLOTS;
constexpr int SAMPLE_BLOCKS = (P + SAMPLE_POINTS - 1) / SAMPLE_POINTS;

constexpr int NEAREST_WARPS = 8;
constexpr int NEAREST_THREADS = NEAREST_WARPS * 32;
constexpr int NEAREST_TILE = 256;
// A warp's candidates before it sorts them and keeps K.
constexpr int NEAREST_QUEUE = 256;
// Tiles are visited every so many first: the cloud's rows approach a centre, and each would bring nearer points.
constexpr int NEAREST_STRIDE = 8;
constexpr unsigned long long NO_CANDIDATE = ~0ull;

extern "C" __global__ void __launch_bounds__(LIST_THREADS)
valid_points(const float* __restrict__ cloud, float* __restrict__ points, int* __restrict__ point_count) {
    __shared__ int warp_counts[LIST_THREADS / 32];
    int listed = 0;
    for (int first = 0; first < P; first += LIST_THREADS) {
        const int pixel = first + threadIdx.x;
        const float* point = cloud + 3 * pixel;
        const bool valid = pixel < P && is_point(point);
        int total;
        const int place = listed + block_rank(valid, warp_counts, total);
        if (valid) {
            points[3 * place] = point[0];
            points[3 * place + 1] = point[1];
            points[3 * place + 2] = point[2];
        }
        listed += total;
    }
    if (threadIdx.x == 0) {
        *point_count = listed;
    }
}

// The largest key of every block that takes part, once each has written its own. Called by whole warps.
__device__ __forceinline__ unsigned long long grid_maximum(volatile unsigned long long* keys, int blocks) {
    unsigned long long key;
    do {
        // No key is zero: its low half is the complement of an index.
        key = lane_of_thread() < blocks ? keys[lane_of_thread()] : 1ull;
    } while (!__all_sync(EVERY_LANE, key != 0ull));
    return warp_maximum(key);
}

// SAMPLE_BLOCKS blocks of SAMPLE_THREADS, all on the device at once (a cooperative launch); those that the cloud does
// not need leave. `candidates` [G, SAMPLE_BLOCKS] holds zeros. An empty cloud leaves everything as it is.
extern "C" __global__ void __launch_bounds__(SAMPLE_THREADS, 1)
farthest_points(const float* __restrict__ points, const int* __restrict__ point_count, int group_count,
                unsigned long long* candidates, int* __restrict__ centre_index, float* __restrict__ centres) {
    __shared__ unsigned long long warp_keys[2][SAMPLE_WARPS];
    const int n = *point_count;
    const int blocks = (n + SAMPLE_POINTS - 1) / SAMPLE_POINTS;
    if ((int)blockIdx.x >= blocks) {
        return;
    }
    const int share = (n + blocks - 1) / blocks, first = blockIdx.x * share, mine = min(share, n - first);
    float x[SAMPLE_SLOTS], y[SAMPLE_SLOTS], z[SAMPLE_SLOTS], nearest[SAMPLE_SLOTS];
#pragma unroll
    for (int slot = 0; slot < SAMPLE_SLOTS; ++slot) {
        const int i = slot * SAMPLE_THREADS + threadIdx.x;
        const bool inside = i < mine;
        const float* point = points + 3 * (inside ? first + i : 0);
        x[slot] = point[0], y[slot] = point[1], z[slot] = point[2];
        // Below every distance, so that it is never the farthest.
        nearest[slot] = inside ? infinity() : -1.0f;
    }
    int chosen = 0;
    for (int step = 0; step < group_count; ++step) {
        const float cx = points[3 * chosen], cy = points[3 * chosen + 1], cz = points[3 * chosen + 2];
        if (blockIdx.x == 0 && threadIdx.x == 0) {
            centre_index[step] = chosen;
            centres[3 * step] = cx, centres[3 * step + 1] = cy, centres[3 * step + 2] = cz;
        }
        float farthest = -1.0f;
        int farthest_slot = 0;
#pragma unroll
        for (int slot = 0; slot < SAMPLE_SLOTS; ++slot) {
            if (slot * SAMPLE_THREADS < mine) {
                nearest[slot] = fminf(nearest[slot], squared_distance(x[slot], y[slot], z[slot], cx, cy, cz));
                if (nearest[slot] > farthest) {
                    farthest = nearest[slot];
                    farthest_slot = slot;
                }
            }
        }
        // The complement of the index: the largest key has the lowest index among equal distances.
        const unsigned index = first + farthest_slot * SAMPLE_THREADS + threadIdx.x;
        unsigned long long key = warp_maximum(farthest < 0.0f ? 0ull : pair_key(farthest, ~index));
        // Two sets of keys in turn: a warp that is a step ahead does not overwrite what another still reads.
        if (lane_of_thread() == 0) {
            warp_keys[step & 1][warp_of_thread()] = key;
        }
        __syncthreads();
        key = warp_maximum(lane_of_thread() < SAMPLE_WARPS ? warp_keys[step & 1][lane_of_thread()] : 0ull);
        if (blocks > 1) {
            volatile unsigned long long* keys = candidates + (size_t)step * SAMPLE_BLOCKS;
            if (threadIdx.x == 0) {
                keys[blockIdx.x] = key;
            }
            key = grid_maximum(keys, blocks);
        }
        chosen = ~(unsigned)key;
    }
}

// Sorts a warp's queue, ascending, by bitonic merges; places from `filled` on are empty.
__device__ __forceinline__ void sort_queue(unsigned long long* queue, int filled) {
    for (int i = filled + lane_of_thread(); i < NEAREST_QUEUE; i += 32) {
        queue[i] = NO_CANDIDATE;
    }
    __syncwarp();
    for (int run = 2; run <= NEAREST_QUEUE; run *= 2) {
        for (int distance = run / 2; distance > 0; distance /= 2) {
            for (int pair = lane_of_thread(); pair < NEAREST_QUEUE / 2; pair += 32) {
                const int low = 2 * pair - (pair & (distance - 1)), high = low + distance;
                const unsigned long long a = queue[low], b = queue[high];
                if ((a > b) == ((low & run) == 0)) {
                    queue[low] = b, queue[high] = a;
                }
            }
            __syncwarp();
        }
    }
}

// A warp per centre, NEAREST_WARPS of them share each tile of points. K is at most 128.
// Sorted by distance; where the cloud has fewer than K points the nearest repeats.
extern "C" __global__ void __launch_bounds__(NEAREST_THREADS)
nearest_points(const float* __restrict__ points, const int* __restrict__ point_count, const float* __restrict__ centres,
               int group_count, int k, int* __restrict__ neighbours, __half* __restrict__ offsets) {
    __shared__ float tile[3 * NEAREST_TILE];
    __shared__ unsigned long long queues[NEAREST_WARPS][NEAREST_QUEUE];
    const int n = *point_count, tiles = (n + NEAREST_TILE - 1) / NEAREST_TILE;
    const int lane = lane_of_thread(), group = blockIdx.x * NEAREST_WARPS + warp_of_thread();
    const bool active = group < group_count && n > 0;
    const float* centre = centres + 3 * (active ? group : 0);
    const float cx = centre[0], cy = centre[1], cz = centre[2];
    unsigned long long* queue = queues[warp_of_thread()];
    // Keys from here on are too far: the k-th of those seen when the queue was last sorted.
    unsigned long long limit = NO_CANDIDATE;
    int filled = 0;
    for (int visit = 0, t = 0, phase = 0; visit < tiles; ++visit) {
        const int start = t * NEAREST_TILE, length = min(NEAREST_TILE, n - start);
        for (int i = threadIdx.x; i < 3 * length; i += NEAREST_THREADS) {
            tile[i] = points[3 * (size_t)start + i];
        }
        __syncthreads();
        for (int i = lane; active && i < NEAREST_TILE; i += 32) {
            const float* point = tile + 3 * min(i, length - 1);
            const float distance = squared_distance(point[0], point[1], point[2], cx, cy, cz);
            const unsigned long long key = i < length ? pair_key(distance, start + i) : NO_CANDIDATE;
            const unsigned takers = __ballot_sync(EVERY_LANE, key < limit);
            if (key < limit) {
                queue[filled + __popc(takers & ((1u << lane) - 1u))] = key;
            }
            filled += __popc(takers);
            if (filled > NEAREST_QUEUE - 32) {
                sort_queue(queue, filled);
                filled = min(filled, k);
                limit = queue[k - 1];
            }
        }
        // The tile may be overwritten only when every warp is done with it.
        __syncthreads();
        t += NEAREST_STRIDE;
        if (t >= tiles) {
            t = ++phase;
        }
    }
    if (!active) {
        return;
    }
    sort_queue(queue, filled);
    for (int i = lane; i < k; i += 32) {
        const int neighbour = (int)(unsigned)queue[i < filled ? i : 0];
        const size_t out = (size_t)group * k + i;
        neighbours[out] = neighbour;
        offsets[3 * out] = __float2half_rn(points[3 * neighbour] - cx);
        offsets[3 * out + 1] = __float2half_rn(points[3 * neighbour + 1] - cy);
        offsets[3 * out + 2] = __float2half_rn(points[3 * neighbour + 2] - cz);
    }
}
