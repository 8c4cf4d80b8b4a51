// The anomaly map and its score (paper, section 3.3). CPU twin: src/backend/cpu/anomaly.rs, src/score.rs.
//
//   product   psi_rgb [n], psi_xyz [n], places [P] -> both as maps [P] and their product [P]: a pixel between gets the
//             mean of the evaluated nodes around it, one without a shape feature zero
//   sum       the same with their sum, which a likelihood takes
//   smooth    map [P] -> map [P]: means over 5 x 5 five times, over 7 x 7 three times, zeros beyond the edge
//   maximum   map [P] -> score [1]
//
// `smooth` does all sixteen passes of rows and columns in shared memory: a tile and the 19 pixels around it that the
// passes reach. What neighbouring tiles compute twice costs less than sixteen passes through memory.

#include "common.cuh"
#include "nodes.cuh"

constexpr int TILE = 32;
constexpr int REACH = 5 * 2 + 3 * 3;
constexpr int TILE_SIDE = TILE + 2 * REACH;
constexpr int CELLS = TILE_SIDE * TILE_SIDE;
constexpr int SMOOTH_THREADS = 512;
constexpr int MAXIMUM_THREADS = 1024;

// Both maps of this thread's pixel, and what `joined` makes of them.
template <class Joined>
__device__ __forceinline__ void join(const float* psi_rgb, const float* psi_xyz, const int* places, float* map_rgb,
                                     float* map_xyz, float* map, Joined joined) {
    const int pixel = blockIdx.x * blockDim.x + threadIdx.x;
    if (pixel >= P) {
        return;
    }
    const int place = places[pixel];
    float rgb = 0.0f, xyz = 0.0f;
    if (place >= 0) {
        rgb = psi_rgb[place];
        xyz = psi_xyz[place];
    } else if (place == BETWEEN) {
        float count = 0.0f;
        each_node(pixel, [&](int node) {
            if (places[node] >= 0) {
                rgb += psi_rgb[places[node]];
                xyz += psi_xyz[places[node]];
                count += 1.0f;
            }
        });
        rgb /= count;
        xyz /= count;
    }
    map_rgb[pixel] = rgb;
    map_xyz[pixel] = xyz;
    map[pixel] = joined(rgb, xyz);
}

extern "C" __global__ void __launch_bounds__(256)
product(const float* __restrict__ psi_rgb, const float* __restrict__ psi_xyz, const int* __restrict__ places,
        float* __restrict__ map_rgb, float* __restrict__ map_xyz, float* __restrict__ map) {
    join(psi_rgb, psi_xyz, places, map_rgb, map_xyz, map, [](float rgb, float xyz) { return rgb * xyz; });
}

extern "C" __global__ void __launch_bounds__(256)
sum(const float* __restrict__ psi_rgb, const float* __restrict__ psi_xyz, const int* __restrict__ places,
    float* __restrict__ map_rgb, float* __restrict__ map_xyz, float* __restrict__ map) {
    join(psi_rgb, psi_xyz, places, map_rgb, map_xyz, map, [](float rgb, float xyz) { return rgb + xyz; });
}

// One pass: means of `side` cells along the axis with `step` between its cells (1: a row, TILE_SIDE: a column). Cells
// off the image stay zero; those at the tile's rim lack neighbours, and the next passes do not reach them.
__device__ __forceinline__ void box_pass(const float* from, float* to, int side, int step, int top, int left) {
    const int half = side / 2;
    const float scale = 1.0f / (float)side;
    for (int cell = threadIdx.x; cell < CELLS; cell += SMOOTH_THREADS) {
        const int row = cell / TILE_SIDE, column = cell % TILE_SIDE, along = step == 1 ? column : row;
        const int y = top + row, x = left + column;
        if (0 <= y && y < H && 0 <= x && x < W) {
            float sum = 0.0f;
            for (int i = max(along - half, 0); i < min(along + half + 1, TILE_SIDE); ++i) {
                sum += from[cell + (i - along) * step];
            }
            to[cell] = sum * scale;
        }
    }
}

// A block per tile, (W / TILE, H / TILE) of them.
extern "C" __global__ void __launch_bounds__(SMOOTH_THREADS)
smooth(const float* __restrict__ map, float* __restrict__ out) {
    __shared__ float cells[CELLS], other[CELLS];
    const int top = blockIdx.y * TILE - REACH, left = blockIdx.x * TILE - REACH;
    for (int cell = threadIdx.x; cell < CELLS; cell += SMOOTH_THREADS) {
        const int y = top + cell / TILE_SIDE, x = left + cell % TILE_SIDE;
        cells[cell] = 0 <= y && y < H && 0 <= x && x < W ? map[y * W + x] : 0.0f;
        other[cell] = 0.0f;
    }
    __syncthreads();
    for (int pass = 0; pass < 8; ++pass) {
        const int side = pass < 5 ? 5 : 7;
        box_pass(cells, other, side, 1, top, left);
        __syncthreads();
        box_pass(other, cells, side, TILE_SIDE, top, left);
        __syncthreads();
    }
    for (int i = threadIdx.x; i < TILE * TILE; i += SMOOTH_THREADS) {
        const int row = i / TILE, column = i % TILE;
        out[(blockIdx.y * TILE + row) * W + blockIdx.x * TILE + column] =
            cells[(row + REACH) * TILE_SIDE + column + REACH];
    }
}

// One block. At least zero; a value that is not a number is larger than any, so that it is not lost.
extern "C" __global__ void __launch_bounds__(MAXIMUM_THREADS)
maximum(const float* __restrict__ map, float* __restrict__ score) {
    __shared__ int warp_largest[MAXIMUM_THREADS / 32];
    const int not_a_number = 0x7fffffff;
    int largest = 0;
    for (int pixel = threadIdx.x; pixel < P; pixel += MAXIMUM_THREADS) {
        const float value = map[pixel];
        // The bits of a float that is not negative grow with it.
        largest = max(largest, value != value ? not_a_number : __float_as_int(value));
    }
    largest = __reduce_max_sync(EVERY_LANE, largest);
    if (lane_of_thread() == 0) {
        warp_largest[warp_of_thread()] = largest;
    }
    __syncthreads();
    if (warp_of_thread() == 0) {
        largest = __reduce_max_sync(EVERY_LANE, warp_largest[lane_of_thread()]);
        if (lane_of_thread() == 0) {
            *score = __int_as_float(largest);
        }
    }
}
