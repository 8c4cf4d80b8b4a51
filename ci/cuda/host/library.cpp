// The kernels as a library: launched by name, with pointers to their arguments, as the CUDA driver launches them.

#include <algorithm>
#include <mutex>

#include "cuda_host.h"
#include "families.h"

#define DECLARED(family)                 \
    namespace family {                   \
    const cuda_host::Kernels& kernels(); \
    }
FAMILIES(DECLARED)

static std::mutex one_at_a_time;

// Null where there is no kernel of that name.
static const cuda_host::Kernel* find(const std::string& name) {
#define OF_FAMILY(family) &family::kernels,
    for (const auto kernels : {FAMILIES(OF_FAMILY)}) {
        const auto found = kernels().find(name);
        if (found != kernels().end()) {
            return &found->second;
        }
    }
    return nullptr;
}

// Null when the launch ended well, else what went wrong, to be read before the thread launches again.
extern "C" __attribute__((visibility("default"))) const char* cuda_host_launch(
    const char* name, const unsigned* grid, const unsigned* block, int schedule, int coresident, void** arguments,
    const size_t* sizes, size_t count) {
    static thread_local std::string message;
    const std::lock_guard<std::mutex> lock(one_at_a_time);
    const cuda_host::Kernel* kernel = find(name);
    if (kernel == nullptr) {
        return (message = std::string("there is no kernel ") + name).c_str();
    }
    const std::function<void()> bound = kernel->bind(arguments, sizes, count);
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
    const cuda_host::Kernel* kernel = find(name);
    if (kernel == nullptr) {
        return -1;
    }
    for (size_t i = 0; i < std::min(room, kernel->sizes.size()); ++i) {
        sizes[i] = kernel->sizes[i];
        pointers[i] = kernel->pointers[i];
    }
    return (int)kernel->sizes.size();
}
