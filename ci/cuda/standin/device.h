// The GPU that the stand-in plays, and the driver's CUDA version. A GPU's limits follow from its compute capability ("Technical
// Specifications per Compute Capability" in CUDA's programming guide).
//
// Of the environment: STANDIN_DRIVER (CUDA version, 12060), STANDIN_CAPABILITY (87), STANDIN_PROCESSORS (multiprocessors,
// 8, those of a Jetson Orin Nano).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>

#include "ptx.h"

namespace standin {

constexpr unsigned THREADS_OF_BLOCK = 1024, WARP = 32;
constexpr unsigned REGISTERS = 65536;
// What a block may use unless its kernel was given more by cuFuncSetAttribute.
constexpr size_t SHARED_BYTES = 48 << 10;
// The system's own part of each block's shared memory.
constexpr size_t SHARED_RESERVED = 1 << 10;

// The limits of one multiprocessor, and the most shared memory that a block can be given.
struct Limits {
    unsigned threads, blocks;
    size_t shared_bytes, shared_bytes_of_block;
};

inline long setting(const char* name, long usual) {
    const char* text = getenv(name);
    return text == nullptr ? usual : atol(text);
}

inline int capability() {
    return (int)setting("STANDIN_CAPABILITY", 87);
}

inline unsigned processors() {
    return (unsigned)setting("STANDIN_PROCESSORS", 8);
}

inline int driver_version() {
    return (int)setting("STANDIN_DRIVER", 12060);
}

inline const Limits& limits() {
    static const std::map<int, Limits> known = {
        {75, {1024, 16, 64 << 10, 64 << 10}},   {80, {2048, 32, 164 << 10, 163 << 10}},
        {86, {1536, 16, 100 << 10, 99 << 10}},  {87, {1536, 16, 164 << 10, 163 << 10}},
        {89, {1536, 24, 100 << 10, 99 << 10}},  {90, {2048, 32, 228 << 10, 227 << 10}},
        {120, {1536, 24, 100 << 10, 99 << 10}},
    };
    const auto found = known.find(capability());
    if (found == known.end() || processors() < 1) {
        fprintf(stderr, "stand-in: no limits are known of compute capability %d with %u multiprocessors\n", capability(), processors());
        abort();
    }
    return found->second;
}

// The newest PTX that a driver of this CUDA version compiles, ten times the version: "Release Notes" in the PTX manual.
inline int ptx_version_max(int driver) {
    const int major = driver / 1000, minor = driver % 1000 / 10;
    if (major == 11) {
        return 70 + minor;
    }
    if (major == 12) {
        // Of CUDA 12.5 and 12.6, both have 8.5.
        return 80 + (minor <= 5 ? minor : minor - 1);
    }
    return 90;
}

// The registers of a thread. PTX only limits them, so the most that the compiler may use is assumed.
inline unsigned registers_max(const Entry& entry) {
    const unsigned warps = (entry.threads_max + WARP - 1) / WARP;
    const unsigned fair = REGISTERS / (warps * WARP * entry.blocks_min) / 8 * 8;
    return std::min(entry.registers_max, fair);
}

// How many blocks of a kernel the device holds at once, whatever registers the compiler gives it.
inline uint64_t resident_blocks(const Entry& entry, unsigned threads, size_t dynamic_bytes) {
    const Limits& most = limits();
    const unsigned warps = (threads + WARP - 1) / WARP;
    const uint64_t by_threads = most.threads / (warps * WARP);
    const uint64_t by_registers = REGISTERS / (registers_max(entry) * WARP * warps);
    const uint64_t by_shared = most.shared_bytes / (entry.shared_bytes + dynamic_bytes + SHARED_RESERVED);
    return processors() * std::min({by_threads, by_registers, by_shared, (uint64_t)most.blocks});
}

}  // namespace standin
