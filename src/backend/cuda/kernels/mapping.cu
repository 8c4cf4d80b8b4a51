// Both ends of a mapping (paper, section 3.2 and equation 3). CPU twin: src/backend/cpu/mapping.rs.
//
//   hidden_activations   moved half [n_from, M], rows -> GELU(row of moved + bias) half [n, M]
//   discrepancy          hidden, squares, projected, offset, gram, rows -> psi [n]
//   likelihood           heads half [n, 2, width], features half [n_to, C], floors [C], rows -> psi [n]
//
// Between the ends are products of products.cu: hidden = GELU(projection) [n, M] and, for the discrepancy, squares, the
// squared lengths of R hidden + d in parts, with W = QR the last layer. So are those over tokens: moved = first layer of
// each token, projected = W'f, offset = f.b, gram = F F'. The first layer is applied before interpolation, and the last
// one never. A likelihood evaluates its last layers, `width` channels at a time: of each pixel the predicted means, then
// the logarithms of the variances.
//
// A row is `stride` pairs of a token (or group) and its weight; `lengths` is null where all of them count. Values are
// half, sums f32: no index is decided here. M, C and `width` are multiples of 8: a lane takes eight channels at a time.

#include <cuda_fp16.h>

#include "common.cuh"

constexpr int HIDDEN_THREADS = 128;
constexpr int PSI_WARPS = 8;
// Listed pixels of a block. Neighbours share most of their tokens, which then come from the L1 cache.
constexpr int HIDDEN_PIXELS = 8;
constexpr int OCTET = 8;

// Eight channels, which one load brings.
struct __align__(16) Octet {
    unsigned pairs[OCTET / 2];
};

struct __align__(16) Shifts {
    float of[OCTET];
};

struct Row {
    const int* index;
    const float* weight;
    int length;
};

__device__ __forceinline__ Row row_of(int place, const int* indices, const float* weights, const int* lengths,
                                      int stride) {
    const size_t start = (size_t)place * stride;
    return {indices + start, weights + start, lengths == nullptr ? stride : lengths[place]};
}

__device__ __forceinline__ float2 pair_at(unsigned bits) {
    __half2 pair;
    memcpy(&pair, &bits, sizeof pair);
    return __half22float2(pair);
}

// Adds eight channels of the row's sum over `features` half [n, M], M / 8 octets.
__device__ __forceinline__ void combine(const Row& row, const Octet* features, int octets, int octet,
                                        float (&sum)[OCTET]) {
    for (int i = 0; i < row.length; ++i) {
        const Octet feature = features[(size_t)row.index[i] * octets + octet];
        const float weight = row.weight[i];
#pragma unroll
        for (int j = 0; j < OCTET / 2; ++j) {
            const float2 pair = pair_at(feature.pairs[j]);
            sum[2 * j] += weight * pair.x;
            sum[2 * j + 1] += weight * pair.y;
        }
    }
}

// HIDDEN_PIXELS listed pixels a block, enough blocks for all that may be listed. Its threads go through the octets of
// them all, so that few are idle whatever M is.
extern "C" __global__ void __launch_bounds__(HIDDEN_THREADS)
hidden_activations(const Octet* __restrict__ moved, const Shifts* __restrict__ bias, const int* __restrict__ indices,
                   const float* __restrict__ weights, const int* __restrict__ lengths, int stride,
                   const int* __restrict__ pixel_count, int m, Octet* __restrict__ out) {
    const int octets = m / OCTET, first = blockIdx.x * HIDDEN_PIXELS;
    const int items = (min(first + HIDDEN_PIXELS, *pixel_count) - first) * octets;
    for (int item = threadIdx.x; item < items; item += HIDDEN_THREADS) {
        const int place = first + item / octets, octet = item % octets;
        float sum[OCTET] = {};
        combine(row_of(place, indices, weights, lengths, stride), moved, octets, octet, sum);
        const Shifts shift = bias[octet];
        Octet units;
#pragma unroll
        for (int j = 0; j < OCTET / 2; ++j) {
            const float u = gelu(sum[2 * j] + shift.of[2 * j]), v = gelu(sum[2 * j + 1] + shift.of[2 * j + 1]);
            const __half2 pair = __floats2half2_rn(u, v);
            memcpy(&units.pairs[j], &pair, sizeof pair);
        }
        out[(size_t)place * octets + octet] = units;
    }
}

// The floor of torch.nn.functional.normalize, squared. Not a maximum, which would make a number of what is none.
__device__ __forceinline__ float floored(float squared_norm) {
    return squared_norm < 1e-24f ? 1e-24f : squared_norm;
}

// |a/|a| - b/|b|| from a.b, |a|^2 and |b|^2. What is no number stays none: it must not be a perfect match.
__device__ __forceinline__ float unit_distance(float inner, float predicted, float observed) {
    const float squared = 2.0f - 2.0f * (inner / sqrtf(floored(predicted) * floored(observed)));
    return squared < 0.0f ? 0.0f : sqrtf(squared);
}

// A warp per listed pixel, PSI_WARPS of them a block; the bound of blocks leaves it registers. hidden half [n, M],
// squares [parts, rows]; of the observed side:
// projected half [n_to, M], offset [n_to], gram [n_to, n_to] and its rows. `rest`: |b|^2 outside of Q's range.
extern "C" __global__ void __launch_bounds__(PSI_WARPS * 32, 4)
discrepancy(const Octet* __restrict__ hidden, const float* __restrict__ squares,
            const Octet* __restrict__ projected, const float* __restrict__ offset, const float* __restrict__ gram,
            const int* __restrict__ indices, const float* __restrict__ weights, const int* __restrict__ lengths,
            int stride, const int* __restrict__ pixel_count, int rows, int m, int parts, int n_to, float rest,
            float* __restrict__ psi) {
    const int place = blockIdx.x * PSI_WARPS + warp_of_thread(), lane = lane_of_thread(), octets = m / OCTET;
    if (place >= *pixel_count) {
        return;
    }
    const Row row = row_of(place, indices, weights, lengths, stride);
    float inner = 0.0f, predicted = 0.0f, observed = 0.0f;
    for (int octet = lane; octet < octets; octet += 32) {
        const Octet own = hidden[(size_t)place * octets + octet];
        float e[OCTET] = {};
        combine(row, projected, octets, octet, e);
#pragma unroll
        for (int j = 0; j < OCTET / 2; ++j) {
            const float2 h = pair_at(own.pairs[j]);
            inner += e[2 * j] * h.x + e[2 * j + 1] * h.y;
        }
    }
    for (int part = lane; part < parts; part += 32) {
        predicted += squares[(size_t)part * rows + place];
    }
    // |e|^2 = w' (F F') w, a lane per entry of the matrix.
    for (int i = lane; i < row.length * row.length; i += 32) {
        const int a = i / row.length, b = i % row.length;
        observed += row.weight[a] * row.weight[b] * gram[(size_t)row.index[a] * n_to + row.index[b]];
    }
    for (int i = lane; i < row.length; i += 32) {
        inner += row.weight[i] * offset[row.index[i]];
    }
    inner = warp_sum(inner);
    predicted = warp_sum(predicted) + rest;
    observed = warp_sum(observed);
    if (lane == 0) {
        psi[place] = unit_distance(inner, predicted, observed);
    }
}

// What is no number stays none.
__device__ __forceinline__ float clamped(float value, float low, float high) {
    return value < low ? low : value > high ? high : value;
}

// A warp per listed pixel, PSI_WARPS of them a block; the bound of blocks leaves it registers. Adds to psi, or begins it
// where `first` is zero: the sum over the channels from `first` on of (mean - observed)^2 / variance, times `scale`, with
// the variance exp(logarithm, kept within `low` and `high`) + floor. Channels that pad C are zeros on both sides.
extern "C" __global__ void __launch_bounds__(PSI_WARPS * 32, 4)
likelihood(const Octet* __restrict__ heads, const Octet* __restrict__ features, const Shifts* __restrict__ floors,
           const int* __restrict__ indices, const float* __restrict__ weights, const int* __restrict__ lengths,
           int stride, const int* __restrict__ pixel_count, int width, int first, int channels, float low, float high,
           float scale, float* __restrict__ psi) {
    const int place = blockIdx.x * PSI_WARPS + warp_of_thread(), octets = width / OCTET, before = first / OCTET;
    if (place >= *pixel_count) {
        return;
    }
    const Row row = row_of(place, indices, weights, lengths, stride);
    const Octet* means = heads + (size_t)place * 2 * octets;
    float sum = 0.0f;
    for (int octet = lane_of_thread(); octet < octets; octet += 32) {
        const Octet mean = means[octet], logarithm = means[octets + octet];
        const Shifts floor = floors[before + octet];
        float observed[OCTET] = {};
        combine(row, features, channels / OCTET, before + octet, observed);
#pragma unroll
        for (int j = 0; j < OCTET; ++j) {
            const float2 m = pair_at(mean.pairs[j / 2]), l = pair_at(logarithm.pairs[j / 2]);
            const float difference = (j % 2 == 0 ? m.x : m.y) - observed[j];
            const float variance = expf(clamped(j % 2 == 0 ? l.x : l.y, low, high)) + floor.of[j];
            sum += difference * difference / variance;
        }
    }
    sum = warp_sum(sum) * scale;
    if (lane_of_thread() == 0) {
        psi[place] = first == 0 ? sum : psi[place] + sum;
    }
}
