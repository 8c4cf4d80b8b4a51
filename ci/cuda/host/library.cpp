// The kernels as a library: launched by name, with pointers to their arguments, as the CUDA driver launches them.

#include <algorithm>
#include <map>
#include <mutex>

#include "cuda_fp16.h"
#include "cuda_host.h"
#include "instructions.cuh"

#include "common.cuh"
#include "nodes.cuh"

// A family's own names do not meet another's.
namespace components {
#include "components.cu"
}
namespace prepare {
#include "prepare.cu"
}
namespace grouping {
#include "grouping.cu"
}
namespace sampling {
#include "sampling.cu"
}
namespace interpolate {
#include "interpolate.cu"
}
namespace products {
#include "products.cu"
}
namespace attention {
#include "attention.cu"
}
namespace norm {
#include "norm.cu"
}
namespace patches {
#include "patches.cu"
}
namespace group_encoder {
#include "group_encoder.cu"
}
namespace mapping {
#include "mapping.cu"
}
namespace anomaly {
#include "anomaly.cu"
}
namespace fit {
#include "fit.cu"
}
namespace registration {
#include "registration.cu"
}
namespace probes {
#include "probes.cu"
}

namespace {

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

#define KERNEL(family, name) {#name, kernel(family::name)}

const std::map<std::string, Kernel> KERNELS = {
    KERNEL(components, link_runs),
    KERNEL(components, join_runs),
    KERNEL(components, component_sizes),
    KERNEL(components, component_table),
    KERNEL(components, component_extents),
    KERNEL(components, component_mask),
    KERNEL(prepare, points_of_steps),
    KERNEL(prepare, points_of_cloud),
    KERNEL(prepare, window_points),
    KERNEL(prepare, resize_table),
    KERNEL(prepare, resize_columns),
    KERNEL(prepare, resize_rows),
    KERNEL(grouping, valid_points),
    KERNEL(sampling, farthest_points),
    KERNEL(grouping, nearest_points),
    KERNEL(interpolate, three_nearest),
    KERNEL(interpolate, valid_pixels),
    KERNEL(interpolate, xyz_rows),
    KERNEL(interpolate, rgb_rows),
    KERNEL(products, linear),
    KERNEL(products, linear_large),
    KERNEL(products, add_linear),
    KERNEL(products, squared_lengths),
    KERNEL(products, inner_products),
    KERNEL(attention, attention),
    KERNEL(norm, layer_norm),
    KERNEL(patches, patches),
    KERNEL(group_encoder, group_maxima),
    KERNEL(group_encoder, group_features),
    KERNEL(group_encoder, position_units),
    KERNEL(mapping, hidden_activations),
    KERNEL(mapping, discrepancy),
    KERNEL(anomaly, product),
    KERNEL(anomaly, smooth),
    KERNEL(anomaly, maximum),
    KERNEL(fit, bias_gelu),
    KERNEL(fit, cosine_loss),
    KERNEL(fit, add_mean),
    KERNEL(fit, gelu_backward),
    KERNEL(fit, column_sums),
    KERNEL(fit, adam),
    KERNEL(registration, nearest_steps),
    KERNEL(registration, registered_points),
    KERNEL(probes, probe_fragments),
};

std::mutex one_at_a_time;

}  // namespace

// Null when the launch ended well, else what went wrong, to be read before the thread launches again.
extern "C" __attribute__((visibility("default"))) const char* cuda_host_launch(
    const char* name, const unsigned* grid, const unsigned* block, int schedule, int coresident, void** arguments,
    const size_t* sizes, size_t count) {
    static thread_local std::string message;
    const std::lock_guard<std::mutex> lock(one_at_a_time);
    const auto found = KERNELS.find(name);
    if (found == KERNELS.end()) {
        return (message = std::string("there is no kernel ") + name).c_str();
    }
    const std::function<void()> bound = found->second.bind(arguments, sizes, count);
    if (!bound) {
        return (message = "the arguments do not fit the kernel's parameters").c_str();
    }
    const auto order = static_cast<cuda_host::Schedule>(schedule);
    const char* wrong = cuda_host::run({{grid[0], grid[1], 1}, {block[0], 1, 1}, order, coresident != 0, bound});
    return wrong == nullptr ? nullptr : (message = wrong).c_str();
}

// How many parameters the kernel has, at most `room` of them with their bytes and whether they are pointers; -1 where
// there is no such kernel.
extern "C" __attribute__((visibility("default"))) int cuda_host_parameters(const char* name, size_t* sizes,
                                                                           int* pointers, size_t room) {
    const auto found = KERNELS.find(name);
    if (found == KERNELS.end()) {
        return -1;
    }
    const Kernel& kernel = found->second;
    for (size_t i = 0; i < std::min(room, kernel.sizes.size()); ++i) {
        sizes[i] = kernel.sizes[i];
        pointers[i] = kernel.pointers[i];
    }
    return (int)kernel.sizes.size();
}
