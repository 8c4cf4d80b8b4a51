// Pixels between evaluated ones. CPU twin: src/backend/cpu/pixels.rs.
#pragma once

#include "common.cuh"

// Instead of a place among the listed pixels: of a pixel without a shape feature, and of one that has one but lies
// between listed pixels.
constexpr int NO_PLACE = -1;
constexpr int BETWEEN = -2;

// Calls `take(pixel)` for the nodes around a pixel: the pixels in even rows and columns, of which a pixel has itself,
// two or four, fewer at the edge.
template <class Take>
__device__ __forceinline__ void each_node(int pixel, Take take) {
    const int y = pixel / W, x = pixel % W;
    for (int row = y & ~1; row < min(y + 2, H); row += 2) {
        for (int column = x & ~1; column < min(x + 2, W); column += 2) {
            take(row * W + column);
        }
    }
}
