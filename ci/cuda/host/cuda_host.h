// Runs a .cu file under g++: every CUDA thread is a fiber that runs until it meets the others of its warp or block.
//
// Threads that should wait for each other and do not are found because their order changes (ascending, descending,
// shuffled anew at every turn) and because a warp runs ahead of the others. Misuse ends the launch with a message: a
// lane that its mask does not name, a mask that names a lane which left, lanes of one mask in different operations, a
// barrier that some threads never reach, a launch without end. Shared memory holds no zeros at a block's start but
// bytes of 0xff.
//
// Only what the kernels use is here. What a memory model allows beyond a changed order of threads is not shown.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <functional>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "fiber.h"

namespace cuda_host {

struct Dim {
    unsigned x, y, z;
};

enum class State { ready, at_warp, at_block, left };
enum class Schedule { ascending, descending, shuffled };

struct Block;

// Sixteen bytes on their way to shared memory; zeros without a source.
struct Copy {
    void* to;
    const void* from;
};

// What a warp does at once when its last lane has come, with what every lane brought.
using Together = void (*)(const uint64_t* brought);

struct Thread {
    Context context;
    State state = State::ready;
    Block* block = nullptr;
    int index = 0;
    Dim place{};
    // At a warp's operation: which one, for whom, what this lane brings and, after it, what every lane brought.
    const char* operation = nullptr;
    uint32_t mask = 0;
    uint64_t brought = 0;
    uint64_t seen[32] = {};
    Together together = nullptr;
    // Copies that were begun and are not there yet, and how many of them each closed group ends with.
    std::vector<Copy> copies;
    std::vector<size_t> groups;
};

// Lanes that wait at an operation of the warp, and lanes that are not there: they left, or the block ends before.
struct Warp {
    uint32_t waiting = 0, missing = 0;
};

struct Block {
    Dim place{};
    std::vector<Thread> threads;
    std::vector<Warp> warps;
    int left = 0;
    // Its shared memory while another block runs.
    std::vector<char> shared;
};

struct Launch {
    Dim grid, block;
    Schedule schedule;
    // All blocks at once, as a cooperative launch guarantees; one after the other without.
    bool coresident;
    std::function<void()> kernel;
};

// Far beyond any kernel here: a thread spins for what never comes.
constexpr uint64_t TURNS_MAX = 400'000'000;

inline const Launch* launch = nullptr;
inline Context scheduler;
inline Thread* current = nullptr;
inline std::string failure;

inline void pause() {
    switch_context(current->context, scheduler);
}

// Ends the launch: the scheduler never comes back here.
[[noreturn]] inline void fail(const std::string& what) {
    const Dim& b = current->block->place;
    failure = what + " (block " + std::to_string(b.x) + ", " + std::to_string(b.y) + ", thread " +
              std::to_string(current->index) + ")";
    current->state = State::left;
    pause();
    abort();
}

// Waits for the lanes of `mask`, then sees what each of them brought.
inline const uint64_t* meet_warp(const char* operation, uint32_t mask, uint64_t brought, Together together = nullptr) {
    if ((mask >> (current->index & 31) & 1) == 0) {
        fail(std::string(operation) + ": the mask does not name the calling lane");
    }
    current->operation = operation;
    current->mask = mask;
    current->brought = brought;
    current->together = together;
    current->state = State::at_warp;
    pause();
    return current->seen;
}

// Waits for the whole warp, which then runs `together` once; `mine` is what this lane brings to it.
inline void meet_warp_for(const char* operation, Together together, const void* mine) {
    meet_warp(operation, ~0u, reinterpret_cast<uint64_t>(mine), together);
}

void check_shared(const char* operation, const void* pointer);
void begin_copy(const Copy& copy);
void finish_copies(size_t groups_left);

inline void meet_block() {
    current->state = State::at_block;
    pause();
}

const char* run(const Launch& given);

template <class T>
uint64_t bits_of(T value) {
    static_assert(sizeof(T) <= 8);
    uint64_t bits = 0;
    memcpy(&bits, &value, sizeof value);
    return bits;
}

template <class T>
T value_of(uint64_t bits) {
    T value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

template <class T, class Pick>
T reduce(const char* operation, uint32_t mask, T value, Pick pick) {
    const uint64_t* seen = meet_warp(operation, mask, bits_of(value));
    for (int lane = 0; lane < 32; ++lane) {
        value = mask >> lane & 1 ? pick(value, value_of<T>(seen[lane])) : value;
    }
    return value;
}

}  // namespace cuda_host

#define __global__ __attribute__((visibility("hidden")))
#define __device__
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)
// One section for all shared variables, so that a block's can be put aside.
#define __shared__ static __attribute__((section("cuda_shared")))
#define __align__(bytes) __attribute__((aligned(bytes)))
#define __restrict__ __restrict

#define threadIdx (cuda_host::current->place)
#define blockIdx (cuda_host::current->block->place)
#define blockDim (cuda_host::launch->block)
#define gridDim (cuda_host::launch->grid)

struct float2 {
    float x, y;
};

using std::max;
using std::min;

inline void __syncthreads() {
    cuda_host::meet_block();
}

inline void __syncwarp(uint32_t mask = ~0u) {
    cuda_host::meet_warp("__syncwarp", mask, 0);
}

template <class T>
T __shfl_xor_sync(uint32_t mask, T value, int distance) {
    const int from = (cuda_host::current->index & 31) ^ distance;
    const uint64_t* seen = cuda_host::meet_warp("__shfl_xor_sync", mask, cuda_host::bits_of(value));
    // A lane that brings nothing gives nothing defined.
    return mask >> from & 1 ? cuda_host::value_of<T>(seen[from]) : std::numeric_limits<T>::quiet_NaN();
}

inline uint32_t __ballot_sync(uint32_t mask, bool flag) {
    const uint64_t* seen = cuda_host::meet_warp("__ballot_sync", mask, flag);
    uint32_t flags = 0;
    for (int lane = 0; lane < 32; ++lane) {
        flags |= (uint32_t)(mask >> lane & seen[lane] & 1) << lane;
    }
    return flags;
}

inline bool __all_sync(uint32_t mask, bool flag) {
    return __ballot_sync(mask, flag) == mask;
}

template <class T>
T __reduce_max_sync(uint32_t mask, T value) {
    return cuda_host::reduce("__reduce_max_sync", mask, value, [](T a, T b) { return a < b ? b : a; });
}

// No thread is stopped within an atomic operation.
template <class T>
T atomicMax(T* at, T value) {
    const T before = *at;
    *at = max(before, value);
    return before;
}

// Other threads have a turn before it: what this one has read until then may have changed.
template <class T>
T atomicMin(T* at, T value) {
    cuda_host::pause();
    const T before = *at;
    *at = min(before, value);
    return before;
}

template <class T>
T atomicAdd(T* at, T value) {
    const T before = *at;
    *at = before + value;
    return before;
}

// Bits before the highest that is set; 32 where none is.
inline int __clz(int bits) {
    return bits == 0 ? 32 : __builtin_clz((uint32_t)bits);
}

inline int __popc(uint32_t bits) {
    return __builtin_popcount(bits);
}

// One more than the place of the lowest bit that is set; zero where none is.
inline int __ffs(uint32_t bits) {
    return __builtin_ffs((int)bits);
}

inline float __int_as_float(int bits) {
    return cuda_host::value_of<float>((uint32_t)bits);
}

inline int __float_as_int(float value) {
    return cuda_host::value_of<int>(cuda_host::bits_of(value));
}
