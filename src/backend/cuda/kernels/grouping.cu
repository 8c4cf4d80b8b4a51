// Where an index is decided (paper, section 3.1). CPU twin: src/spatial/grouping.rs, of which every index is the
// same: f32 without FMA (fmad=false), ties to the lowest index.
//
//   valid_points      cloud [P, 3] -> points [N, 3] in row-major order, N
//   nearest_points    points [N, 3], centres [G, 3] -> neighbours [G, K], offsets from the centre half [G, K, 3]

#include <cuda_fp16.h>

#include "common.cuh"

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
