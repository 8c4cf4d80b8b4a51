// LayerNorm of a Transformer's stream (paper, section 4). CPU twin: src/backend/cpu/elementwise.rs.
//
//   layer_norm   stream f32 [.., width], of which `rows` from row `skipped` on -> half, row i at i * `stride` + `column`
//
// `positions` f32 [.., width], where they are given, are added to the stream first, and stay in it: the tokens' places
// before the first block of the colour network, the groups' before every block of the shape network. `width`, `stride`
// and `column` are even. The stream is f32, since it sums what every block adds, and some channels of published networks
// grow to thousands; a normed row is a half.

#include <cuda_fp16.h>

#include "common.cuh"

constexpr int THREADS = 256;

// A warp for each row.
extern "C" __global__ void __launch_bounds__(THREADS)
layer_norm(float* __restrict__ stream, const float* __restrict__ positions, const float* __restrict__ weight,
           const float* __restrict__ bias, int skipped, int rows, int width, float epsilon, int stride, int column,
           __half* __restrict__ out) {
    const int row = blockIdx.x * (THREADS / 32) + warp_of_thread(), first = 2 * lane_of_thread();
    if (row >= rows) {
        return;
    }
    const size_t start = (size_t)(skipped + row) * width;
    float* x = stream + start;
    float sum = 0.0f;
    for (int i = first; i < width; i += 64) {
        float2 pair = *reinterpret_cast<float2*>(x + i);
        if (positions != nullptr) {
            const float2 place = *reinterpret_cast<const float2*>(positions + start + i);
            pair = {pair.x + place.x, pair.y + place.y};
            *reinterpret_cast<float2*>(x + i) = pair;
        }
        sum += pair.x + pair.y;
    }
    const float mean = warp_sum(sum) / width;
    float squares = 0.0f;
    for (int i = first; i < width; i += 64) {
        const float2 pair = *reinterpret_cast<float2*>(x + i);
        squares += (pair.x - mean) * (pair.x - mean) + (pair.y - mean) * (pair.y - mean);
    }
    const float scale = 1.0f / sqrtf(warp_sum(squares) / width + epsilon);
    for (int i = first; i < width; i += 64) {
        const float2 pair = *reinterpret_cast<float2*>(x + i);
        const float u = (pair.x - mean) * scale * weight[i] + bias[i];
        const float v = (pair.y - mean) * scale * weight[i + 1] + bias[i + 1];
        *reinterpret_cast<__half2*>(out + (size_t)row * stride + column + i) = __floats2half2_rn(u, v);
    }
}
