// A stack of its own for each CUDA thread, switched by hand on x86-64, by ucontext elsewhere.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <sys/mman.h>
#if !defined(__x86_64__)
#include <ucontext.h>
#endif
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

namespace cuda_host {

constexpr size_t STACK_BYTES = 128 << 10;
// Stacks begin at different places of their memory: at the same, all would share a few lines of the caches.
constexpr size_t STAGGER_BYTES = 1 << 10, STAGGERS = 60;

struct Context {
#if defined(__x86_64__)
    void* stack_pointer = nullptr;
#else
    ucontext_t machine;
#endif
    // What AddressSanitizer knows this stack by.
    void* fake_stack = nullptr;
    const void* bottom = nullptr;
    size_t bytes = 0;
};

#if defined(__x86_64__)
// Saves the callee's registers and the stack pointer to *save, takes those of load.
extern "C" void cuda_host_switch(void** save, void* load) __attribute__((visibility("hidden")));
#endif

// Goes from one context to another; returns when something comes back to `from`.
inline void switch_context(Context& from, Context& to, bool for_good = false) {
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_start_switch_fiber(for_good ? nullptr : &from.fake_stack, to.bottom, to.bytes);
#endif
    (void)for_good;
#if defined(__x86_64__)
    cuda_host_switch(&from.stack_pointer, to.stack_pointer);
#else
    swapcontext(&from.machine, &to.machine);
#endif
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_finish_switch_fiber(from.fake_stack, nullptr, nullptr);
#endif
}

// What a new context does first. `caller` learns where its own stack lies.
inline void arrive(Context& caller) {
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_finish_switch_fiber(nullptr, &caller.bottom, &caller.bytes);
#endif
    (void)caller;
}

// Makes `context` start `entry` on the stack at `stack`, that of thread `index`; `entry` never returns.
inline void prepare_context(Context& context, char* stack, unsigned index, void (*entry)()) {
    const size_t bytes = STACK_BYTES - index % STAGGERS * STAGGER_BYTES;
    context.fake_stack = nullptr;
    context.bottom = stack;
    context.bytes = bytes;
#if defined(__SANITIZE_ADDRESS__)
    // A thread that was given up left its frames' marks.
    __asan_unpoison_memory_region(stack, STACK_BYTES);
#endif
#if defined(__x86_64__)
    void** top = reinterpret_cast<void**>(stack + bytes);
    // The entry finds the stack as after a call: eight bytes off a multiple of sixteen.
    *--top = nullptr;
    *--top = reinterpret_cast<void*>(entry);
    for (int i = 0; i < 6; ++i) {
        *--top = nullptr;
    }
    context.stack_pointer = top;
#else
    getcontext(&context.machine);
    context.machine.uc_stack.ss_sp = stack;
    context.machine.uc_stack.ss_size = bytes;
    context.machine.uc_link = nullptr;
    makecontext(&context.machine, entry, 0);
#endif
}

// Memory for `count` stacks, kept and grown from launch to launch; untouched pages cost nothing.
inline char* stacks(size_t count) {
    static char* memory = nullptr;
    static size_t held = 0;
    if (held < count) {
        if (memory != nullptr) {
            munmap(memory, held * STACK_BYTES);
        }
        const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
        void* mapped = mmap(nullptr, count * STACK_BYTES, PROT_READ | PROT_WRITE, flags, -1, 0);
        if (mapped == MAP_FAILED) {
            abort();
        }
        memory = static_cast<char*>(mapped);
        held = count;
    }
    return memory;
}

}  // namespace cuda_host
