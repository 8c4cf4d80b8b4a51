// One family of kernels, FAMILY, from its file SOURCE: compiled by itself, so that a change to one family leaves the others
// as they are.

#include "cuda_fp16.h"
#include "cuda_host.h"
#include "families.h"
#include "instructions.cuh"

#define NAMED(name) {#name, cuda_host::kernel(name)},
#define EXPANDED(family) KERNELS_OF_##family(NAMED)
#define LISTED(family) EXPANDED(family)

// A family's own names do not meet another's.
namespace FAMILY {

#include SOURCE

const cuda_host::Kernels& kernels() {
    static const cuda_host::Kernels all = {LISTED(FAMILY)};
    return all;
}

}  // namespace FAMILY
