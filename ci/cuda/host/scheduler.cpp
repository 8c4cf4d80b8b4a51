// Takes the turns of a launch's threads. One launch at a time.

#include <algorithm>

#include "cuda_host.h"

#if defined(__x86_64__)
asm(R"(
.text
.hidden cuda_host_switch
.globl cuda_host_switch
.type cuda_host_switch,@function
cuda_host_switch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
.size cuda_host_switch, .-cuda_host_switch
)");
#endif

// The linker marks where the section of shared variables begins and ends.
extern "C" char __start_cuda_shared[] __attribute__((visibility("hidden")));
extern "C" char __stop_cuda_shared[] __attribute__((visibility("hidden")));

namespace cuda_host {

// Operations of its warp that a thread may go through in one turn.
constexpr unsigned RUN_AHEAD = 16;
// Warps of the largest block.
constexpr int WARPS_MAX = 32;
// Turns that a block may take, when shuffled, before another one has its next.
constexpr unsigned BLOCK_AHEAD = 8;

static uint32_t random_state;

// Random numbers of 32 bits (xorshift).
static uint32_t random_bits() {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    random_state ^= random_state << 5;
    return random_state;
}

static unsigned random_below(unsigned limit) {
    return (uint64_t)random_bits() * limit >> 32;
}

// Not by memcpy or memset, which the sanitizer keeps from going over its marks between the variables.
#define OVER_MARKS __attribute__((no_sanitize("address"), optimize("no-tree-loop-distribute-patterns")))
using Line = uint64_t __attribute__((vector_size(64), aligned(1), may_alias));

OVER_MARKS static void copy_bytes(char* to, const char* from, size_t count) {
    size_t i = 0;
    for (; i + sizeof(Line) <= count; i += sizeof(Line)) {
        *reinterpret_cast<Line*>(to + i) = *reinterpret_cast<const Line*>(from + i);
    }
    for (; i < count; ++i) {
        to[i] = from[i];
    }
}

// No zeros, which a kernel might take for granted.
OVER_MARKS static void spoil(char* to, size_t count) {
    size_t i = 0;
    for (; i + sizeof(Line) <= count; i += sizeof(Line)) {
        *reinterpret_cast<Line*>(to + i) = ~Line{};
    }
    for (; i < count; ++i) {
        to[i] = (char)0xff;
    }
}

static size_t shared_bytes() {
    return __stop_cuda_shared - __start_cuda_shared;
}

// Fills `order` with the numbers below `count`, as the schedule has them.
static void put_in_order(int* order, int count) {
    for (int i = 0; i < count; ++i) {
        order[i] = launch->schedule == Schedule::descending ? count - 1 - i : i;
    }
    if (launch->schedule == Schedule::shuffled) {
        for (int i = count - 1; i > 0; --i) {
            std::swap(order[i], order[random_below(i + 1)]);
        }
    }
}

static void thread_main() {
    arrive(scheduler);
    launch->kernel();
    current->state = State::left;
    switch_context(current->context, scheduler, true);
    abort();
}

static void begin(Block& block, int place, char* stacks) {
    const Dim &grid = launch->grid, &size = launch->block;
    const unsigned b = place;
    block.place = {b % grid.x, b / grid.x % grid.y, b / (grid.x * grid.y)};
    block.threads.resize(size.x * size.y * size.z);
    block.warps.assign((block.threads.size() + 31) / 32, {});
    if (block.threads.size() % 32 != 0) {
        block.warps.back().missing = ~0u << block.threads.size() % 32;
    }
    block.left = 0;
    for (unsigned i = 0; i < block.threads.size(); ++i) {
        Thread& thread = block.threads[i];
        thread.state = State::ready;
        thread.copies.clear();
        thread.groups.clear();
        thread.block = &block;
        thread.index = i;
        thread.place = {i % size.x, i / size.x % size.y, i / (size.x * size.y)};
        prepare_context(thread.context, stacks + i * STACK_BYTES, i, thread_main);
    }
}

// Lets the lanes that `thread` waits for go on once all are there.
static void settle_warp(Thread& thread) {
    Warp& warp = thread.block->warps[thread.index / 32];
    warp.waiting |= 1u << thread.index % 32;
    if (thread.mask & warp.missing) {
        failure = std::string(thread.operation) + ": the mask names a lane that is not there";
    }
    if (thread.mask & ~warp.waiting) {
        return;
    }
    Thread* lanes = &thread.block->threads[thread.index & ~31];
    uint64_t brought[32] = {};
    for (int lane = 0; lane < 32; ++lane) {
        if (thread.mask >> lane & 1) {
            const bool same = lanes[lane].operation == thread.operation ||
                              strcmp(lanes[lane].operation, thread.operation) == 0;
            if (lanes[lane].mask != thread.mask || lanes[lane].together != thread.together || !same) {
                failure = std::string(thread.operation) + " meets " + lanes[lane].operation + ", or another mask";
            }
            brought[lane] = lanes[lane].brought;
            lanes[lane].state = State::ready;
        }
    }
    warp.waiting &= ~thread.mask;
    if (!failure.empty()) {
        return;
    }
    if (thread.together != nullptr) {
        thread.together(brought);
        return;
    }
    for (int lane = 0; lane < 32; ++lane) {
        if (thread.mask >> lane & 1) {
            memcpy(lanes[lane].seen, brought, sizeof brought);
        }
    }
}

// Ends the launch where `pointer` leads to no 16 bytes of shared memory, or to such at no multiple of 16.
void check_shared(const char* operation, const void* pointer) {
    const char* at = static_cast<const char*>(pointer);
    if (at < __start_cuda_shared || at + 16 > __stop_cuda_shared || reinterpret_cast<uintptr_t>(at) % 16 != 0) {
        fail(std::string(operation) + ": not 16 bytes of shared memory at a multiple of 16");
    }
}

static void carry_out(const Copy& copy) {
    copy.from != nullptr ? memcpy(copy.to, copy.from, 16) : memset(copy.to, 0, 16);
}

void begin_copy(const Copy& copy) {
    const bool now = launch->schedule == Schedule::ascending ||
                     (launch->schedule == Schedule::shuffled && random_below(2) == 0);
    now ? carry_out(copy) : current->copies.push_back(copy);
}

void finish_copies(size_t groups_left) {
    std::vector<size_t>& groups = current->groups;
    if (groups.size() <= groups_left) {
        return;
    }
    const size_t done = groups.size() - groups_left, count = groups[done - 1];
    std::vector<Copy>& copies = current->copies;
    std::for_each(copies.begin(), copies.begin() + count, carry_out);
    copies.erase(copies.begin(), copies.begin() + count);
    groups.erase(groups.begin(), groups.begin() + done);
    std::for_each(groups.begin(), groups.end(), [=](size_t& end) { end -= count; });
}

static void settle_block(Block& block) {
    const auto waits = [](const Thread& t) { return t.state == State::at_block; };
    const int waiting = std::count_if(block.threads.begin(), block.threads.end(), waits);
    if (waiting > 0 && waiting + block.left == (int)block.threads.size()) {
        if (block.left > 0) {
            failure = "__syncthreads after threads of the block have left";
        }
        for (Thread& thread : block.threads) {
            thread.state = waits(thread) ? State::ready : thread.state;
        }
    }
}

// Runs a thread until it waits or leaves.
static void resume(Thread& thread) {
    current = &thread;
    switch_context(scheduler, thread.context);
    if (thread.state == State::at_warp) {
        settle_warp(thread);
    } else if (thread.state == State::left) {
        ++thread.block->left;
        thread.block->warps[thread.index / 32].missing |= 1u << thread.index % 32;
    }
}

// The ready lanes of a warp, once each; how many there were.
static int run_warp(Block& block, int warp) {
    int lanes[32];
    const int count = std::min<int>(32, block.threads.size() - 32 * warp);
    put_in_order(lanes, count);
    int ran = 0;
    for (int i = 0; i < count; ++i) {
        Thread& thread = block.threads[32 * warp + lanes[i]];
        if (thread.state == State::ready && failure.empty()) {
            ++ran;
            resume(thread);
        }
    }
    return ran;
}

// One turn of every warp of the block; how many threads ran. A warp runs ahead of the others, to the next barrier of
// the block where that is near: in step with them it would never overwrite what they have yet to read.
static int turn(Block& block) {
    int warps[WARPS_MAX];
    const int count = block.warps.size();
    put_in_order(warps, count);
    int ran = 0;
    for (int i = 0; i < count; ++i) {
        const unsigned rounds = launch->schedule == Schedule::shuffled ? random_below(RUN_AHEAD) + 1 : RUN_AHEAD;
        for (unsigned round = 0; round < rounds; ++round) {
            const int now = run_warp(block, warps[i]);
            ran += now;
            if (now == 0 || !failure.empty()) {
                break;
            }
        }
    }
    settle_block(block);
    return ran;
}

// Runs blocks side by side until every thread has left. The shared memory of several blocks changes places.
static void run_together(std::vector<Block>& blocks) {
    std::vector<int> block_order(blocks.size());
    const auto done = [](const Block& block) { return block.left == (int)block.threads.size(); };
    // Whose shared memory is in place.
    Block* loaded = nullptr;
    for (uint64_t turns = 0; failure.empty() && !std::all_of(blocks.begin(), blocks.end(), done);) {
        int ran = 0;
        put_in_order(block_order.data(), block_order.size());
        for (int i : block_order) {
            if (done(blocks[i])) {
                continue;
            }
            if (blocks.size() > 1 && loaded != &blocks[i]) {
                if (loaded != nullptr) {
                    copy_bytes(loaded->shared.data(), __start_cuda_shared, shared_bytes());
                }
                loaded = &blocks[i];
                copy_bytes(__start_cuda_shared, loaded->shared.data(), shared_bytes());
            }
            const unsigned most = launch->schedule == Schedule::shuffled ? random_below(BLOCK_AHEAD) + 1 : 1;
            for (unsigned taken = 0; taken < most; ++taken) {
                const int now = turn(blocks[i]);
                ran += now;
                if (!failure.empty()) {
                    return;
                }
                if (now == 0) {
                    break;
                }
            }
        }
        turns += ran;
        if (ran == 0) {
            failure = "deadlock: threads wait for a barrier or for lanes that never come";
        } else if (turns > TURNS_MAX) {
            failure = "no end: threads spin for what never comes";
        }
    }
}

const char* run(const Launch& given) {
    launch = &given;
    failure.clear();
    random_state = 20'231'207;
    const int count = given.grid.x * given.grid.y * given.grid.z;
    const int threads = given.block.x * given.block.y * given.block.z;
    char* memory = stacks((size_t)threads * (given.coresident ? count : 1));
    std::vector<int> order(count);
    put_in_order(order.data(), count);
    std::vector<Block> blocks(given.coresident ? count : 1);
    for (int i = 0; i < count && failure.empty(); ++i) {
        if (given.coresident) {
            begin(blocks[i], i, memory + (size_t)i * threads * STACK_BYTES);
            blocks[i].shared.assign(shared_bytes(), (char)0xff);
        } else {
            begin(blocks[0], order[i], memory);
            spoil(__start_cuda_shared, shared_bytes());
            run_together(blocks);
        }
    }
    if (given.coresident && count > 0) {
        run_together(blocks);
    }
    return failure.empty() ? nullptr : failure.c_str();
}

}  // namespace cuda_host
