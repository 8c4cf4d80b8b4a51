// From tokens and groups to pixels, as sparse rows (paper, section 3.1). CPU twin: src/backend/cpu/interpolate.rs.
//
//   three_nearest   cloud [P, 3], centres [G, 3] -> groups [P, 3], weights [P, 3]; group -1 where there is no point
//   valid_pixels    cloud [P, 3] -> pixels [n]: those that are evaluated, in order; places [P] of them, else NO_PLACE
//                   without a shape feature, BETWEEN with one; n
//   xyz_rows        groups, weights, pixels -> row_groups [n, ROW_MAX], row_weights, row_lengths [n]
//   rgb_rows        pixels -> row_tokens [n, RGB_ROW], row_weights
//
// A pixel's feature is the sum of weight * token (or group) over its row. The 3 x 3 mean and the adaptive mean back to
// H x W are folded into the row, so that no map of features exists. Compiled with fmad=false: which centre is nearest
// is decided here, and weights are summed in the CPU's order.

#include "common.cuh"
#include "nodes.cuh"

constexpr int CENTRE_TILE = 1024;
constexpr int ROW_THREADS = 64;
// Keeps the weights finite where a point is its own centre.
constexpr float DISTANCE_FLOOR = 1e-8f;
// Side of the 3 x 3 mean's output, which has no padding.
constexpr int SMOOTHED = H - 2;

struct Nearest {
    float distance;
    int group;
};

__device__ __forceinline__ void insert(Nearest (&best)[3], float distance, int group) {
    if (distance < best[2].distance) {
        best[2] = {distance, group};
        if (distance < best[1].distance) {
            best[2] = best[1];
            best[1] = {distance, group};
            if (distance < best[0].distance) {
                best[1] = best[0];
                best[0] = {distance, group};
            }
        }
    }
}

// A thread per pixel, of blocks of 256; the centres pass through shared memory. Fewer than three centres leave weights
// of zero.
extern "C" __global__ void __launch_bounds__(256)
three_nearest(const float* __restrict__ cloud, const float* __restrict__ centres, int group_count,
              int* __restrict__ groups, float* __restrict__ weights) {
    __shared__ float tile[3 * CENTRE_TILE];
    const int pixel = blockIdx.x * blockDim.x + threadIdx.x;
    const float* point = cloud + 3 * min(pixel, P - 1);
    const float x = point[0], y = point[1], z = point[2];
    const bool valid = pixel < P && is_point(point);
    Nearest best[3] = {{infinity(), 0}, {infinity(), 0}, {infinity(), 0}};
    for (int start = 0; start < group_count; start += CENTRE_TILE) {
        const int length = min(CENTRE_TILE, group_count - start);
        for (int i = threadIdx.x; i < 3 * length; i += blockDim.x) {
            tile[i] = centres[3 * start + i];
        }
        __syncthreads();
        for (int i = 0; valid && i < length; ++i) {
            insert(best, squared_distance(x, y, z, tile[3 * i], tile[3 * i + 1], tile[3 * i + 2]), start + i);
        }
        __syncthreads();
    }
    if (pixel >= P) {
        return;
    }
    float weight[3], total = 0.0f;
    for (int i = 0; i < 3; ++i) {
        weight[i] = 1.0f / (best[i].distance + DISTANCE_FLOOR);
        total += weight[i];
    }
    for (int i = 0; i < 3; ++i) {
        groups[3 * pixel + i] = valid ? best[i].group : -1;
        weights[3 * pixel + i] = valid ? weight[i] / total : 0.0f;
    }
}

// Cells `first` to `last` of the 3 x 3 mean that cell `i` of the adaptive mean covers: floor(i n / m) to
// ceil((i + 1) n / m). Their windows reach from source `first` to `last` + 2, excluded.
struct Span {
    int first, last;

    // Windows that cover source `at`.
    __device__ int windows(int at) const {
        return min(at + 1, last) - max(at - 2, first);
    }
};

__device__ __forceinline__ Span span_of(int i) {
    return {i * SMOOTHED / H, ((i + 1) * SMOOTHED + H - 1) / H};
}

// A pixel has a shape feature where a point lies under its windows.
__device__ __forceinline__ bool has_feature(const float* cloud, int pixel) {
    const Span rows = span_of(pixel / W), columns = span_of(pixel % W);
    for (int y = rows.first; y < rows.last + 2; ++y) {
        for (int x = columns.first; x < columns.last + 2; ++x) {
            if (is_point(cloud + 3 * (y * W + x))) {
                return true;
            }
        }
    }
    return false;
}

// One block. With a `stride` of 1, all pixels with a shape feature are evaluated; with 2, those of them that are nodes,
// and those that have no node with a shape feature around them. CPU twin: src/backend/cpu/pixels.rs.
extern "C" __global__ void __launch_bounds__(LIST_THREADS)
valid_pixels(const float* __restrict__ cloud, int stride, int* __restrict__ pixels, int* __restrict__ places,
             int* __restrict__ pixel_count) {
    __shared__ int warp_counts[LIST_THREADS / 32];
    int listed = 0;
    for (int start = 0; start < P; start += LIST_THREADS) {
        const int pixel = start + threadIdx.x;
        const bool valid = pixel < P && has_feature(cloud, pixel);
        bool evaluated = valid;
        if (valid && stride != 1) {
            bool between = false;
            each_node(pixel, [&](int node) { between = between || (node != pixel && has_feature(cloud, node)); });
            evaluated = !between;
        }
        int total;
        const int place = listed + block_rank(evaluated, warp_counts, total);
        if (evaluated) {
            pixels[place] = pixel;
        }
        if (pixel < P) {
            places[pixel] = evaluated ? place : valid ? BETWEEN : NO_PLACE;
        }
        listed += total;
    }
    if (threadIdx.x == 0) {
        *pixel_count = listed;
    }
}

// A thread per listed pixel, of blocks of ROW_THREADS, enough for all that may be listed. Each thread merges the groups
// of its up to 16 points in its own column of shared memory.
extern "C" __global__ void __launch_bounds__(ROW_THREADS)
xyz_rows(const int* __restrict__ groups, const float* __restrict__ weights, const int* __restrict__ pixels,
         const int* __restrict__ pixel_count, int* __restrict__ row_groups, float* __restrict__ row_weights,
         int* __restrict__ row_lengths) {
    __shared__ int merged[ROW_MAX][ROW_THREADS];
    __shared__ float sums[ROW_MAX][ROW_THREADS];
    const int place = blockIdx.x * ROW_THREADS + threadIdx.x, column = threadIdx.x;
    if (place >= *pixel_count) {
        return;
    }
    const Span rows = span_of(pixels[place] / W), columns = span_of(pixels[place] % W);
    const float scale = 1.0f / (float)(9 * (rows.last - rows.first) * (columns.last - columns.first));
    int length = 0;
    for (int y = rows.first; y < rows.last + 2; ++y) {
        for (int x = columns.first; x < columns.last + 2; ++x) {
            const float repeats = scale * (float)(rows.windows(y) * columns.windows(x));
            const int source = 3 * (y * W + x);
            for (int i = 0; i < 3 && groups[source + i] >= 0; ++i) {
                const int group = groups[source + i];
                const float weight = repeats * weights[source + i];
                int at = 0;
                while (at < length && merged[at][column] != group) {
                    ++at;
                }
                if (at == length) {
                    merged[at][column] = group;
                    sums[at][column] = weight;
                    ++length;
                } else {
                    sums[at][column] += weight;
                }
            }
        }
    }
    for (int i = 0; i < length; ++i) {
        row_groups[place * ROW_MAX + i] = merged[i][column];
        row_weights[place * ROW_MAX + i] = sums[i][column];
    }
    row_lengths[place] = length;
}

// A thread per listed pixel. Bilinear, align_corners = false; at the edge a token comes twice.
extern "C" __global__ void __launch_bounds__(256)
rgb_rows(const int* __restrict__ pixels, const int* __restrict__ pixel_count, int* __restrict__ row_tokens,
         float* __restrict__ row_weights) {
    const int place = blockIdx.x * blockDim.x + threadIdx.x;
    if (place >= *pixel_count) {
        return;
    }
    const int axis[2] = {pixels[place] / W, pixels[place] % W};
    int token[2][2];
    float weight[2][2];
    for (int a = 0; a < 2; ++a) {
        const float source = fmaxf(((float)axis[a] + 0.5f) / PATCH - 0.5f, 0.0f);
        token[a][0] = (int)source;
        token[a][1] = min(token[a][0] + 1, T_SIDE - 1);
        weight[a][1] = source - (float)token[a][0];
        weight[a][0] = 1.0f - weight[a][1];
    }
    for (int i = 0; i < RGB_ROW; ++i) {
        row_tokens[place * RGB_ROW + i] = token[0][i / 2] * T_SIDE + token[1][i % 2];
        row_weights[place * RGB_ROW + i] = weight[0][i / 2] * weight[1][i % 2];
    }
}
