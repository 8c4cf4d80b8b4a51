// The families of kernels (src/backend/cuda/kernels), the kernels of each, and how a kernel is bound to its arguments.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#define FAMILIES(F) F(components) F(prepare) F(grouping) F(sampling) F(interpolate) F(products) F(attention) \
    F(norm) F(patches) F(group_encoder) F(mapping) F(anomaly) F(fit) F(registration) F(probes)

#define KERNELS_OF_components(K) K(link_runs) K(join_runs) K(component_sizes) K(component_table) \
    K(component_extents) K(component_mask)
#define KERNELS_OF_prepare(K) K(points_of_steps) K(points_of_cloud) K(window_points) K(resize_table) \
    K(resize_columns) K(resize_rows)
#define KERNELS_OF_grouping(K) K(valid_points) K(nearest_points)
#define KERNELS_OF_sampling(K) K(farthest_points)
#define KERNELS_OF_interpolate(K) K(three_nearest) K(valid_pixels) K(xyz_rows) K(rgb_rows)
#define KERNELS_OF_products(K) K(linear) K(linear_large) K(add_linear) K(squared_lengths) K(inner_products)
#define KERNELS_OF_attention(K) K(attention)
#define KERNELS_OF_norm(K) K(layer_norm)
#define KERNELS_OF_patches(K) K(patches)
#define KERNELS_OF_group_encoder(K) K(group_maxima) K(group_features) K(position_units)
#define KERNELS_OF_mapping(K) K(hidden_activations) K(discrepancy) K(likelihood)
#define KERNELS_OF_anomaly(K) K(product) K(sum) K(smooth) K(maximum)
#define KERNELS_OF_fit(K) K(bias_gelu) K(cosine_loss) K(add_mean) K(gelu_backward) K(column_sums) K(adam)
#define KERNELS_OF_registration(K) K(nearest_steps) K(registered_points)
#define KERNELS_OF_probes(K) K(probe_fragments)

namespace cuda_host {

// `sizes`: of the arguments, in bytes. Null where they do not fit the kernel's parameters.
using Bind = std::function<std::function<void()>(void** arguments, const size_t* sizes, size_t count)>;

template <class... A, size_t... I>
std::function<void()> bind_all(void (*kernel)(A...), void** arguments, const size_t* sizes, size_t count,
                               std::index_sequence<I...>) {
    if (count != sizeof...(A) || !((sizes[I] == sizeof(A)) && ...)) {
        return nullptr;
    }
    return [=] { kernel(*static_cast<A*>(arguments[I])...); };
}

struct Kernel {
    Bind bind;
    std::vector<size_t> sizes;
    std::vector<bool> pointers;
};

template <class... A>
Kernel kernel(void (*function)(A...)) {
    const auto bind = [function](void** arguments, const size_t* sizes, size_t count) {
        return bind_all(function, arguments, sizes, count, std::index_sequence_for<A...>{});
    };
    return {bind, {sizeof(A)...}, {std::is_pointer<A>::value...}};
}

// By name.
using Kernels = std::map<std::string, Kernel>;

}  // namespace cuda_host
