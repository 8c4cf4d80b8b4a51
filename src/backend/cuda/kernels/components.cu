// Connected components of a frame's points on their pixel grid (paper, section 4): which of them is the part. CPU twin:
// src/prepare/components.rs. Components, sizes and places are the same in whatever order the threads come.
//
//   link_runs           points [height, width, 3] -> parents [height, width], sizes [height, width] = 0
//   join_runs           parents: two pixels of one component lead to the same first pixel
//   component_sizes     parents: every pixel has the first pixel of its component; sizes: its points, at that pixel
//   component_table     the two largest components, and a row for each that is no speck
//   component_extents   place and sums of the components that have a row, and of the largest
//   component_mask      bits [pixels / 32]: the pixels of one component
//
// Neighbours are the eight pixels around one, whose points are nearer than 6 mm. A pixel's parent is itself or an earlier
// pixel of its component, in row-major order; -1 where there is no point. A parent only ever becomes an earlier one, by an
// atomic minimum, and whoever finds that another thread came first joins what both found. So a component's root is its
// first pixel in the end, and components sort by their roots as on the CPU. Compiled with fmad=false: a distance at the
// limit must fall to the same side.
//
// The table, 64 bits each: [largest, second, rows, unused], then a row of 8 for each component: root, points, and of its
// pixels the largest of 2^30 - x, x, 2^30 - y and y, and the sums of x and y. Row 0 is the largest component's, without
// root and points, if it has no row of its own. It holds zeros before. `largest` and `second` are points times 2^32, plus
// 2^32 - 1 less the root: the larger one is that with more points, or with the earlier root.

#include "common.cuh"

// Grid neighbours nearer than this belong together, metres (src/prepare/components.rs).
constexpr float NEIGHBOUR_M = 0.006f;
constexpr int NO_POINT = -1;
// Rows of 32 pixels that a warp goes through, so that it adds up what belongs to one component before it tells the rest.
constexpr int SPAN = 16;
constexpr int TABLE_HEAD = 4, TABLE_ROW = 8;
constexpr unsigned FAR = 1u << 30;

// Whether two neighbours on the grid belong together.
__device__ __forceinline__ bool linked(const float* points, int i, int j) {
    const float *a = points + 3 * (size_t)i, *b = points + 3 * (size_t)j;
    const float apart = squared_distance(a[0], a[1], a[2], b[0], b[1], b[2]);
    return is_point(a) && is_point(b) && apart < NEIGHBOUR_M * NEIGHBOUR_M;
}

// The first pixel that is known of a pixel's component so far.
__device__ __forceinline__ int root_of(volatile int* parents, int pixel) {
    for (int parent = parents[pixel]; parent != pixel; parent = parents[pixel]) {
        pixel = parent;
    }
    return pixel;
}

// The same, and halves the way of whoever comes next. What is written replaces a parent by one of that one's own, so that
// no link between components is lost.
__device__ __forceinline__ int shortened_root(volatile int* parents, int pixel) {
    for (int parent = parents[pixel]; parent != pixel;) {
        const int next = parents[parent];
        if (next != parent) {
            parents[pixel] = next;
        }
        pixel = parent;
        parent = next;
    }
    return pixel;
}

__device__ __forceinline__ void join(int* parents, int a, int b) {
    for (;;) {
        a = shortened_root(parents, a);
        b = shortened_root(parents, b);
        if (a == b) {
            return;
        }
        const int later = max(a, b), earlier = min(a, b);
        const int before = atomicMin(parents + later, earlier);
        if (before == later) {
            return;
        }
        // It was no root any more.
        a = before;
        b = earlier;
    }
}

// A thread per pixel. The pixels of a warp that follow one another in a row and are linked have the first as their parent.
extern "C" __global__ void __launch_bounds__(256)
link_runs(const float* __restrict__ points, int width, int pixels, int* __restrict__ parents, int* __restrict__ sizes) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x, lane = lane_of_thread();
    const bool goes_on = i < pixels && lane > 0 && i % width > 0 && linked(points, i, i - 1);
    const unsigned starts = ~__ballot_sync(EVERY_LANE, goes_on);
    if (i >= pixels) {
        return;
    }
    const int start = 31 - __clz((int)(starts & EVERY_LANE >> (31 - lane)));
    parents[i] = is_point(points + 3 * (size_t)i) ? i - (lane - start) : NO_POINT;
    sizes[i] = 0;
}

// A thread per pixel. Links that follow from others are left out: inside of a component most are.
extern "C" __global__ void __launch_bounds__(256)
join_runs(const float* __restrict__ points, int width, int pixels, int* parents) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= pixels || !is_point(points + 3 * (size_t)i)) {
        return;
    }
    const int x = i % width, above = i - width;
    const bool left = x > 0 && linked(points, i, i - 1);
    if (left && lane_of_thread() == 0) {
        join(parents, i, i - 1);
    }
    if (above < 0) {
        return;
    }
    const bool up = linked(points, i, above);
    const bool above_left = x > 0 && linked(points, above, above - 1);
    const bool left_up = x > 0 && linked(points, i - 1, above - 1);
    if (up && !(left && left_up && above_left)) {
        join(parents, i, above);
    }
    if (x > 0 && linked(points, i, above - 1) && !(left && left_up) && !(up && above_left)) {
        join(parents, i, above - 1);
    }
    if (x + 1 < width && linked(points, i, above + 1) && !(up && linked(points, above, above + 1))) {
        join(parents, i, above + 1);
    }
}

__device__ __forceinline__ int first_of_span() {
    return (blockIdx.x * (blockDim.x / 32) + warp_of_thread()) * 32 * SPAN + lane_of_thread();
}

// A warp per SPAN times 32 pixels.
extern "C" __global__ void __launch_bounds__(256)
component_sizes(int* parents, int pixels, int* __restrict__ sizes) {
    int counted = NO_POINT, count = 0;
    const int first = first_of_span();
    for (int step = 0; step < SPAN; ++step) {
        const int i = first + 32 * step;
        int root = i < pixels ? parents[i] : NO_POINT;
        if (root != NO_POINT) {
            root = root_of(parents, root);
            parents[i] = root;
        }
        // The components of the warp's pixels, one after the other: mostly there is one.
        for (int next; (next = __reduce_max_sync(EVERY_LANE, root)) != NO_POINT;) {
            const unsigned members = __ballot_sync(EVERY_LANE, root == next);
            if (next != counted) {
                if (lane_of_thread() == 0 && counted != NO_POINT) {
                    atomicAdd(sizes + counted, count);
                }
                counted = next;
                count = 0;
            }
            count += __popc(members);
            root = root == next ? NO_POINT : root;
        }
    }
    if (lane_of_thread() == 0 && counted != NO_POINT) {
        atomicAdd(sizes + counted, count);
    }
}

// A thread per pixel. A component of at least `points_min` points gets a row; its size becomes less than 0, the row's
// number.
extern "C" __global__ void __launch_bounds__(256)
component_table(const int* __restrict__ parents, int pixels, int points_min, int* __restrict__ sizes,
                unsigned long long* table) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= pixels || parents[i] != i) {
        return;
    }
    const int points = sizes[i];
    const unsigned long long key = (unsigned long long)points << 32 | (0xffffffffu - (unsigned)i);
    // Both only grow: what is less than the second now will not be one of them.
    if (key > *(volatile unsigned long long*)(table + 1)) {
        // Whichever of two keys is the less one is offered as the second, by the thread that came later.
        const unsigned long long before = atomicMax(table, key);
        atomicMax(table + 1, min(before, key));
    }
    if (points >= points_min) {
        const int row = (int)atomicAdd(table + 2, 1ull) + 1;
        table[TABLE_HEAD + TABLE_ROW * row] = i;
        table[TABLE_HEAD + TABLE_ROW * row + 1] = points;
        sizes[i] = -row;
    }
}

// What a lane has seen of the component that its warp goes through.
struct Extent {
    unsigned left, right, top, bottom, sum_x, sum_y;
};

__device__ __forceinline__ void tell(const Extent& seen, int row, unsigned long long* table) {
    const unsigned left = __reduce_max_sync(EVERY_LANE, seen.left), right = __reduce_max_sync(EVERY_LANE, seen.right);
    const unsigned top = __reduce_max_sync(EVERY_LANE, seen.top), bottom = __reduce_max_sync(EVERY_LANE, seen.bottom);
    const unsigned sum_x = warp_sum(seen.sum_x), sum_y = warp_sum(seen.sum_y);
    if (lane_of_thread() == 0) {
        unsigned long long* to = table + TABLE_HEAD + TABLE_ROW * row + 2;
        atomicMax(to, (unsigned long long)left);
        atomicMax(to + 1, (unsigned long long)right);
        atomicMax(to + 2, (unsigned long long)top);
        atomicMax(to + 3, (unsigned long long)bottom);
        atomicAdd(to + 4, (unsigned long long)sum_x);
        atomicAdd(to + 5, (unsigned long long)sum_y);
    }
}

// A warp per SPAN times 32 pixels.
extern "C" __global__ void __launch_bounds__(256)
component_extents(const int* __restrict__ parents, const int* __restrict__ sizes, int width, int pixels,
                  unsigned long long* table) {
    const int largest = (int)(0xffffffffu - (unsigned)table[0]);
    int told = -1;
    Extent seen = {};
    const int first = first_of_span();
    for (int step = 0; step < SPAN; ++step) {
        const int i = first + 32 * step;
        int row = -1;
        if (i < pixels && parents[i] != NO_POINT) {
            const int size = sizes[parents[i]];
            row = size < 0 ? -size : parents[i] == largest ? 0 : -1;
        }
        for (int next; (next = __reduce_max_sync(EVERY_LANE, row)) >= 0;) {
            if (next != told) {
                if (told >= 0) {
                    tell(seen, told, table);
                }
                told = next;
                seen = {};
            }
            if (row == next) {
                const unsigned x = i % width, y = i / width;
                seen.left = max(seen.left, FAR - x), seen.right = max(seen.right, x), seen.sum_x += x;
                seen.top = max(seen.top, FAR - y), seen.bottom = max(seen.bottom, y), seen.sum_y += y;
                row = -1;
            }
        }
    }
    if (told >= 0) {
        tell(seen, told, table);
    }
}

// A thread per pixel, and a bit: the lowest of each number is the first pixel's.
extern "C" __global__ void __launch_bounds__(256)
component_mask(const int* __restrict__ parents, int pixels, int root, unsigned* __restrict__ bits) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    const unsigned members = __ballot_sync(EVERY_LANE, i < pixels && parents[i] == root);
    if (i < pixels && lane_of_thread() == 0) {
        bits[i / 32] = members;
    }
}
