// A step of a mapping that learns, but for its products (paper, sections 3.2 and 4). CPU twin: src/backend/cpu/training.rs.
//
//   bias_gelu       before [n, c] without its bias -> before with it, after = GELU(before) [n, c]
//   cosine_loss     predicted [n, c] without its bias, observed [n, c] -> loss of each row [n], its mean's gradient [n, c]
//   add_mean        losses [n] -> total [1] f64 and their mean
//   gelu_backward   gradient [n, c] after a GELU -> before it, in place
//   column_sums     gradient [n, c] -> [c], of a bias
//   adam            weights, gradient, first, second [count] -> one step, in place
//
// Between them stand cuBLAS's products. All f32, but for sums over a row's channels and over rows of losses, which the
// twin takes in f64 too. Whatever is summed is summed in an order that depends on n and c only: the same seed gives the
// same weights on the same GPU.

#include "common.cuh"

constexpr int ROW_THREADS = 256;
constexpr int LOSS_WARPS = 8;
constexpr int MEAN_THREADS = 256;
constexpr int SUM_SIDE = 32;
constexpr int ADAM_THREADS = 256;

// A block per row.
extern "C" __global__ void __launch_bounds__(ROW_THREADS)
bias_gelu(float* __restrict__ before, const float* __restrict__ bias, int c, float* __restrict__ after) {
    const size_t start = (size_t)blockIdx.x * c;
    for (int i = threadIdx.x; i < c; i += ROW_THREADS) {
        const float value = before[start + i] + bias[i];
        before[start + i] = value;
        after[start + i] = gelu(value);
    }
}

// The floor of torch.nn.functional.normalize.
__device__ __forceinline__ float norm_of(double square) {
    return fmaxf((float)sqrt(square), 1e-12f);
}

// A warp per row, LOSS_WARPS of them a block.
extern "C" __global__ void __launch_bounds__(LOSS_WARPS * 32)
cosine_loss(const float* __restrict__ predicted, const float* __restrict__ bias, const float* __restrict__ observed,
            int n, int c, float* __restrict__ losses, float* __restrict__ gradient) {
    const int row = blockIdx.x * LOSS_WARPS + warp_of_thread(), lane = lane_of_thread();
    if (row >= n) {
        return;
    }
    const size_t start = (size_t)row * c;
    double inner = 0.0, of_predicted = 0.0, of_observed = 0.0;
    for (int i = lane; i < c; i += 32) {
        const double p = predicted[start + i] + bias[i], o = observed[start + i];
        inner += p * o;
        of_predicted += p * p;
        of_observed += o * o;
    }
    const float predicted_norm = norm_of(warp_sum(of_predicted)), observed_norm = norm_of(warp_sum(of_observed));
    const float cosine = (float)(warp_sum(inner) / predicted_norm / observed_norm);
    const float along = cosine / (predicted_norm * predicted_norm), across = 1.0f / (predicted_norm * observed_norm);
    const float scale = 1.0f / n;
    for (int i = lane; i < c; i += 32) {
        gradient[start + i] = scale * (along * (predicted[start + i] + bias[i]) - across * observed[start + i]);
    }
    if (lane == 0) {
        losses[row] = 1.0f - cosine;
    }
}

// One block.
extern "C" __global__ void __launch_bounds__(MEAN_THREADS)
add_mean(const float* __restrict__ losses, int n, double* __restrict__ total) {
    __shared__ double warp_sums[MEAN_THREADS / 32];
    double sum = 0.0;
    for (int i = threadIdx.x; i < n; i += MEAN_THREADS) {
        sum += losses[i];
    }
    sum = warp_sum(sum);
    if (lane_of_thread() == 0) {
        warp_sums[warp_of_thread()] = sum;
    }
    __syncthreads();
    if (threadIdx.x == 0) {
        sum = 0.0;
        for (int warp = 0; warp < MEAN_THREADS / 32; ++warp) {
            sum += warp_sums[warp];
        }
        *total += sum / n;
    }
}

// d GELU(x) / dx = Phi(x) + x phi(x). A block per row.
extern "C" __global__ void __launch_bounds__(ROW_THREADS)
gelu_backward(float* __restrict__ gradient, const float* __restrict__ before, int c) {
    const size_t start = (size_t)blockIdx.x * c;
    for (int i = threadIdx.x; i < c; i += ROW_THREADS) {
        const float x = before[start + i];
        const float distribution = 0.5f * (1.0f + erff(x * 0.70710678f)), density = 0.39894228f * expf(-0.5f * x * x);
        gradient[start + i] *= distribution + x * density;
    }
}

// SUM_SIDE columns a block. A thread sums every SUM_SIDE-th row of its column, then a warp the sums of a column.
extern "C" __global__ void __launch_bounds__(SUM_SIDE * SUM_SIDE)
column_sums(const float* __restrict__ gradient, int n, int c, float* __restrict__ sums) {
    // One more, so that the lanes of a warp that read a column meet different banks.
    __shared__ float partial[SUM_SIDE][SUM_SIDE + 1];
    const int first = blockIdx.x * SUM_SIDE, column = first + lane_of_thread();
    float sum = 0.0f;
    if (column < c) {
        for (int row = warp_of_thread(); row < n; row += SUM_SIDE) {
            sum += gradient[(size_t)row * c + column];
        }
    }
    partial[warp_of_thread()][lane_of_thread()] = sum;
    __syncthreads();
    sum = warp_sum(partial[lane_of_thread()][warp_of_thread()]);
    if (lane_of_thread() == 0 && first + warp_of_thread() < c) {
        sums[first + warp_of_thread()] = sum;
    }
}

// `rate` and `root_correction` are the step's; the rest is the optimiser's.
extern "C" __global__ void __launch_bounds__(ADAM_THREADS)
adam(float* __restrict__ weights, const float* __restrict__ gradient, float* __restrict__ first,
     float* __restrict__ second, int count, float rate, float root_correction, float beta_first, float beta_second,
     float epsilon) {
    const int i = blockIdx.x * ADAM_THREADS + threadIdx.x;
    if (i >= count) {
        return;
    }
    const float g = gradient[i];
    const float m = beta_first * first[i] + (1.0f - beta_first) * g;
    const float v = beta_second * second[i] + (1.0f - beta_second) * g * g;
    first[i] = m;
    second[i] = v;
    weights[i] -= rate * m / (sqrtf(v) / root_correction + epsilon);
}
