// Memory of the stand-in's device, and page-locked memory of its host. Each piece ends where a page begins that nobody
// may touch, and holds bytes of 0xff: what is read before it is written is no number.
#pragma once

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <sys/mman.h>
#include <unistd.h>

namespace standin {

constexpr size_t PAGE = 4096;
// What the program ends with when a kernel goes beyond a buffer.
constexpr int OUT_OF_BOUNDS = 86;

struct Piece {
    char* mapping;
    size_t mapped;
    // As asked for.
    size_t bytes;
    bool device;
};

inline std::map<uint64_t, Piece> pieces;
inline size_t device_bytes, device_bytes_peak, device_bytes_max = (size_t)8 << 30;
// The kernel that runs, for whoever reports what it does wrong.
inline const char* running = nullptr;

inline void report_access(int, siginfo_t* info, void*) {
    const uint64_t at = (uint64_t)info->si_addr;
    auto next = pieces.upper_bound(at);
    char text[200];
    if (running != nullptr && next != pieces.begin()) {
        const auto& [start, piece] = *std::prev(next);
        const long beyond = (long)(at - start) - (long)piece.bytes;
        snprintf(text, sizeof text, "stand-in: %s touches byte %ld beyond a buffer of %zu bytes\n", running, beyond, piece.bytes);
    } else {
        snprintf(text, sizeof text, "stand-in: an access to %p, in no buffer, by %s\n", info->si_addr, running ? running : "the host");
    }
    (void)!write(STDERR_FILENO, text, strlen(text));
    _exit(OUT_OF_BOUNDS);
}

inline void watch_accesses() {
    struct sigaction action = {};
    action.sa_sigaction = report_access;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigaction(SIGSEGV, &action, nullptr);
}

// 0 where there is no memory left.
inline uint64_t allocate(size_t bytes, bool device) {
    if (device && device_bytes + bytes > device_bytes_max) {
        return 0;
    }
    // No more than the kernels' widest access needs, so that the first byte beyond is noticed where that can be.
    const size_t alignment = bytes % 16 == 0 ? 16 : bytes % 8 == 0 ? 8 : 4;
    const size_t whole = (bytes + alignment - 1) / alignment * alignment;
    const size_t pages = std::max<size_t>(1, (whole + PAGE - 1) / PAGE);
    const size_t mapped = (pages + 1) * PAGE;
    void* mapping = mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapping == MAP_FAILED) {
        return 0;
    }
    char* end = static_cast<char*>(mapping) + pages * PAGE;
    memset(mapping, 0xff, pages * PAGE);
    mprotect(end, PAGE, PROT_NONE);
    const uint64_t start = (uint64_t)(end - whole);
    pieces[start] = {static_cast<char*>(mapping), mapped, bytes, device};
    device_bytes += device ? bytes : 0;
    device_bytes_peak = std::max(device_bytes_peak, device_bytes);
    return start;
}

// False where nothing starts there.
inline bool release(uint64_t start, bool device) {
    const auto found = pieces.find(start);
    if (found == pieces.end() || found->second.device != device) {
        return false;
    }
    device_bytes -= device ? found->second.bytes : 0;
    munmap(found->second.mapping, found->second.mapped);
    pieces.erase(found);
    return true;
}

// Whether `bytes` from `start` lie in one live piece.
inline bool lies_in(uint64_t start, size_t bytes, bool device) {
    auto next = pieces.upper_bound(start);
    if (next == pieces.begin()) {
        return false;
    }
    const auto& [first, piece] = *std::prev(next);
    return piece.device == device && start + bytes <= first + piece.bytes;
}

}  // namespace standin
