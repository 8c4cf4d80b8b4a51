// Kernels that show what the instructions do, for the tests alone: the products use the others' results only together.

#include <instructions.cuh>

// The four 8 x 8 parts of `matrix` half [16, 16] through shared memory and a warp's fragments, each transposed or not;
// without a wait for their copies if `waits` is 0.
extern "C" __global__ void __launch_bounds__(32)
probe_fragments(const __half* __restrict__ matrix, int transposed, int waits, __half* __restrict__ out) {
    __shared__ __align__(16) __half copied[16 * 16];
    const int lane = threadIdx.x & 31;
    copy_async(copied + 8 * lane, matrix + 8 * lane, true);
    commit_copies();
    if (waits != 0) {
        wait_for_copies<0>();
    }
    __syncwarp();
    // Rows 0-7 and 8-15 of the left half, then of the right half.
    const __half* row = copied + (lane & 15) * 16 + lane / 16 * 8;
    unsigned found[1][4];
    if (transposed != 0) {
        load_transposed(found, row, 0);
    } else {
        load_matrices(found, row, 0);
    }
    for (int part = 0; part < 4; ++part) {
        __half* to = out + (part % 2 * 8 + lane / 4) * 16 + part / 2 * 8 + lane % 4 * 2;
        to[0].bits = found[0][part] & 0xffff;
        to[1].bits = found[0][part] >> 16;
    }
}
