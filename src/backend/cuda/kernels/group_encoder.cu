// The group encoder of Point-MAE (paper, section 4), a PointNet in its folded form (src/fold/encoder.rs). CPU twin:
// src/backend/cpu/group_encoder.rs.
//
//   group_maxima     offsets half [G, K, 3] -> half [G, e1]: first layer (3 to e0, ReLU), second (e0 to e1), maximum
//                    over each group's points
//   group_features   offsets, pooled half [G, e2] -> f32 [G, width]: first layer again, third (e0 to e2, plus its group's
//                    row of `pooled`, ReLU), last (e2 to width), maximum over each group's points
//   position_units   centres f32 [G, 3] -> half [G, h]: first layer of the position network (3 to h, erf GELU)
//
// No unit of a point leaves its multiprocessor. Sums are f32; the first layer is so throughout, then its units are
// halves, as is the third layer's ReLU. e0, e1, e2 are multiples of 16, zeros where the network has fewer; e0 is at most
// UNITS_MAX. K is at most `points`, one of 16, 32, 64, 128: the last point takes the place of those that a group lacks,
// and changes no maximum.
//
// Weights [to, from] of the matrix units are stored as fragments: [to / 16, from / 16] parts of 16 x 16, each 32 lanes
// of 8 halves, as `multiply_add` takes them, so that a warp reads one in whole lines.

#include <instructions.cuh>

#include "common.cuh"

constexpr int THREADS = 256;
constexpr int WARPS = THREADS / 32;
constexpr int UNITS_MAX = 128;
// A row of units in shared memory: eight of them begin in eight different groups of banks.
constexpr int STRIDE = UNITS_MAX + 8;
// Points of a block of `group_maxima`; points that `group_features` takes at a time, and columns of its third layer.
constexpr int MAXIMA_ROWS = 128;
constexpr int ROWS = 64;
constexpr int PIECE = WARPS * 16;
static_assert(PIECE <= UNITS_MAX, "a piece lies in rows as long as those of the units");
// Parts of 16 columns of the last layer that a warp of `group_features` has: 96 sums a thread.
constexpr int PARTS = 3;

// A unit of a layer on three coordinates.
struct __align__(16) Plane {
    float x, y, z, shift;
};

// A lane's share of 16 x 16 weights.
struct __align__(16) Fragment {
    unsigned pairs[4];
};

// The largest half, which larger values become: a point far from its group's centre is described coarsely, not by infinity.
constexpr float HALF_MAX = 65504.0f;

__device__ __forceinline__ float plane_at(const Plane& plane, float x, float y, float z) {
    return plane.x * x + plane.y * y + plane.z * z + plane.shift;
}

// ReLU of two neighbouring units.
__device__ __forceinline__ __half2 relu_pair(float u, float v) {
    return __floats2half2_rn(fminf(fmaxf(u, 0.0f), HALF_MAX), fminf(fmaxf(v, 0.0f), HALF_MAX));
}

// What both kernels take of the groups. `points`: rows that a group has, of which the first K are its points.
struct Groups {
    const __half* offsets;
    const Plane* first;
    int count, k, points, units;
};

// Units of ROWS points from row `top` of all groups on.
template <int COUNT>
__device__ __forceinline__ void first_units(const Groups& of, int top, __half* out) {
    const int pairs = of.units / 2;
    for (int i = threadIdx.x; i < COUNT * pairs; i += THREADS) {
        const int row = i / pairs, unit = i % pairs * 2;
        const int group = min((top + row) / of.points, of.count - 1), point = min((top + row) % of.points, of.k - 1);
        const __half* offset = of.offsets + ((size_t)group * of.k + point) * 3;
        const float x = __half2float(offset[0]), y = __half2float(offset[1]), z = __half2float(offset[2]);
        const float u = plane_at(of.first[unit], x, y, z), v = plane_at(of.first[unit + 1], x, y, z);
        *reinterpret_cast<__half2*>(out + row * STRIDE + unit) = relu_pair(u, v);
    }
}

// Columns 16 `step` to 16 `step` + 15 of 16 M rows in shared memory.
template <int M>
__device__ __forceinline__ void load_rows(unsigned (&a)[M][4], const __half* rows, int step) {
    const int lane = lane_of_thread();
    load_matrices(a, rows + (lane & 15) * STRIDE + step * 16 + (lane >> 4) * 8, 16 * STRIDE);
}

__device__ __forceinline__ void load_weights(unsigned (&b)[1][4], const Fragment* weight, int part, int parts, int step) {
    const Fragment fragment = weight[((size_t)part * parts + step) * 32 + lane_of_thread()];
#pragma unroll
    for (int i = 0; i < 4; ++i) {
        b[0][i] = fragment.pairs[i];
    }
}

// sum = rows [16 M, 16 steps] x 16 rows of `weight`.
template <int M>
__device__ __forceinline__ void multiply(float (&sum)[M][2][4], const __half* rows, const Fragment* weight, int part,
                                         int steps) {
    for (int step = 0; step < steps; ++step) {
        unsigned a[M][4], b[1][4];
        load_weights(b, weight, part, steps, step);
        load_rows(a, rows, step);
        multiply_add(sum, a, b);
    }
}

// Gives the largest value of each column in each of the groups that 16 M rows hold, or in the part of a group that they
// are, to `take(group, column, largest)`, in one lane each.
template <int M, class Take>
__device__ __forceinline__ void each_maximum(const float (&sum)[M][2][4], int points, Take take) {
    const int lane = lane_of_thread(), together = points / 16;
#pragma unroll
    for (int column = 0; column < 4; ++column) {
        const int j = column / 2, pair = column % 2;
        float most = -infinity();
#pragma unroll
        for (int i = 0; i < M; ++i) {
            most = fmaxf(most, fmaxf(sum[i][j][pair], sum[i][j][pair + 2]));
            if ((i + 1) % together == 0 || i == M - 1) {
                most = fmaxf(most, __shfl_xor_sync(EVERY_LANE, most, 4));
                most = fmaxf(most, __shfl_xor_sync(EVERY_LANE, most, 8));
                most = fmaxf(most, __shfl_xor_sync(EVERY_LANE, most, 16));
                if (lane < 4) {
                    take(i / together, j * 8 + lane * 2 + pair, most);
                }
                most = -infinity();
            }
        }
    }
}

// Blocks over all rows, MAXIMA_ROWS each.
extern "C" __global__ void __launch_bounds__(THREADS, 2)
group_maxima(const __half* __restrict__ offsets, const Plane* __restrict__ first, const Fragment* __restrict__ second,
             const float* __restrict__ bias, int groups, int k, int points, int e0, int e1, __half* __restrict__ out) {
    __shared__ __align__(16) __half units[MAXIMA_ROWS * STRIDE];
    const int top = blockIdx.x * MAXIMA_ROWS;
    first_units<MAXIMA_ROWS>({offsets, first, groups, k, points, e0}, top, units);
    __syncthreads();
    for (int part = warp_of_thread(); part < e1 / 16; part += WARPS) {
        float sum[MAXIMA_ROWS / 16][2][4] = {};
        multiply(sum, units, second, part, e0 / 16);
        each_maximum(sum, points, [&](int group, int column, float largest) {
            group += top / points;
            column += part * 16;
            if (group < groups) {
                const float value = fminf(fmaxf(largest + bias[column], -HALF_MAX), HALF_MAX);
                out[(size_t)group * e1 + column] = __float2half_rn(value);
            }
        });
    }
}

// PIECE columns of the third layer from `column` on, of ROWS points from row `top` on.
__device__ __forceinline__ void third_units(const Groups& of, int top, const __half* units, const Fragment* local,
                                            const __half* pooled, int column, int e2, __half* out) {
    const int lane = lane_of_thread(), at = warp_of_thread() * 16;
    if (column + at >= e2) {
        return;
    }
    float sum[ROWS / 16][2][4] = {};
    multiply(sum, units, local, (column + at) / 16, of.units / 16);
#pragma unroll
    for (int i = 0; i < ROWS / 16; ++i) {
        const int group = min((top + i * 16) / of.points, of.count - 1);
#pragma unroll
        for (int j = 0; j < 2; ++j) {
            const int unit = at + j * 8 + lane % 4 * 2;
            const __half2* shared = reinterpret_cast<const __half2*>(pooled + (size_t)group * e2 + column + unit);
            const float2 own = __half22float2(*shared);
#pragma unroll
            for (int half = 0; half < 2; ++half) {
                const float u = sum[i][j][2 * half] + own.x, v = sum[i][j][2 * half + 1] + own.y;
                __half* to = out + (i * 16 + half * 8 + lane / 4) * STRIDE + unit;
                *reinterpret_cast<__half2*>(to) = relu_pair(u, v);
            }
        }
    }
}

// sum += `third` x the last layer's columns from `column` on, for the parts that this warp has.
__device__ __forceinline__ void add_last(float (&sum)[PARTS][ROWS / 16][2][4], const __half* third, const Fragment* last,
                                         int column, int e2, int parts) {
    const int first = blockIdx.y * PARTS * WARPS + warp_of_thread(), steps = min(PIECE, e2 - column) / 16;
    for (int step = 0; step < steps; ++step) {
        unsigned a[ROWS / 16][4], b[PARTS][1][4];
#pragma unroll
        for (int i = 0; i < PARTS; ++i) {
            // A part that is not there is multiplied in vain, and nothing takes it.
            load_weights(b[i], last, min(first + i * WARPS, parts - 1), e2 / 16, column / 16 + step);
        }
        load_rows(a, third, step);
#pragma unroll
        for (int i = 0; i < PARTS; ++i) {
            if (first + i * WARPS < parts) {
                multiply_add(sum[i], a, b[i]);
            }
        }
    }
}

// Blocks (all rows / max(ROWS, points), width / (16 PARTS WARPS)).
extern "C" __global__ void __launch_bounds__(THREADS, 1)
group_features(const __half* __restrict__ offsets, const Plane* __restrict__ first, const Fragment* __restrict__ local,
               const __half* __restrict__ pooled, const Fragment* __restrict__ last, const float* __restrict__ bias,
               int groups, int k, int points, int e0, int e2, int width, float* __restrict__ out) {
    __shared__ __align__(16) __half units[ROWS * STRIDE], third[ROWS * STRIDE];
    const Groups of = {offsets, first, groups, k, points, e0};
    const int begin = blockIdx.x * max(ROWS, points), parts = (width + 15) / 16;
    for (int at = 0; at < max(ROWS, points); at += ROWS) {
        const int top = begin + at;
        first_units<ROWS>(of, top, units);
        __syncthreads();
        float sum[PARTS][ROWS / 16][2][4] = {};
        for (int column = 0; column < e2; column += PIECE) {
            third_units(of, top, units, local, pooled, column, e2, third);
            __syncthreads();
            add_last(sum, third, last, column, e2, parts);
            // Every warp is done with the piece, and with the units after the last.
            __syncthreads();
        }
#pragma unroll
        for (int i = 0; i < PARTS; ++i) {
            const int part = blockIdx.y * PARTS * WARPS + warp_of_thread() + i * WARPS;
            each_maximum(sum[i], points, [&](int group, int column, float largest) {
                group += top / points;
                column += part * 16;
                if (group < groups && column < width) {
                    float* to = out + (size_t)group * width + column;
                    const float value = largest + bias[column];
                    *to = at == 0 ? value : fmaxf(*to, value);
                }
            });
        }
    }
}

// A thread for each two units.
extern "C" __global__ void __launch_bounds__(THREADS)
position_units(const float* __restrict__ centres, const Plane* __restrict__ first, int groups, int h,
               __half* __restrict__ out) {
    const int i = blockIdx.x * THREADS + threadIdx.x, group = i / (h / 2), unit = i % (h / 2) * 2;
    if (group >= groups) {
        return;
    }
    const float *centre = centres + (size_t)group * 3, x = centre[0], y = centre[1], z = centre[2];
    const float u = gelu(plane_at(first[unit], x, y, z)), v = gelu(plane_at(first[unit + 1], x, y, z));
    *reinterpret_cast<__half2*>(out + (size_t)group * h + unit) = __floats2half2_rn(fminf(u, HALF_MAX), fminf(v, HALF_MAX));
}
