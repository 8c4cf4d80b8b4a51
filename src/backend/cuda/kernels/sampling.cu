// Farthest point sampling (paper, section 3.1). CPU twin: src/spatial/grouping.rs, of which every index is the same: f32
// without FMA (fmad=false), ties to the lowest index.
//
//   farthest_points   points [N, 3] -> centre_index [G], centres [G, 3]
//
// Sampling takes G points one after the other, each the farthest from all before. What costs time is that every thread
// waits for each of them, so this kernel takes several in a round, and they are the same ones. In a round, each warp
// offers the two farthest of its points and a bound for the others; from these offers one warp takes points for as long
// as it is certain which is next (`take_points`), and then the distances of all points are lowered by the new centres.
// 1,024 centres of a part need about 140 rounds. A cloud of up to SAMPLE_POINTS points is one block's, which leaves every
// other multiprocessor to the colour network; a larger one is shared by up to SAMPLE_BLOCKS, which see each other's
// offers.

#include "common.cuh"

constexpr int SAMPLE_THREADS = 512;
constexpr int SAMPLE_WARPS = SAMPLE_THREADS / 32;
// Points that a thread holds in registers, four for each of the 128 that 512 threads leave to one; and in the 48 KB of
// shared memory that every launch may have.
constexpr int REGISTER_SLOTS = 25;
constexpr int SHARED_SLOTS = 5;
// Slots that are skipped together where a warp has no point for them.
constexpr int SLOT_STEP = 5;
constexpr int SAMPLE_POINTS = SAMPLE_THREADS * (REGISTER_SLOTS + SHARED_SLOTS);
constexpr int SAMPLE_BLOCKS = (P + SAMPLE_POINTS - 1) / SAMPLE_POINTS;
// What a block offers in a round: two points and a bound of each warp.
constexpr int OFFERS = 3 * SAMPLE_WARPS;
constexpr int SAMPLE_CANDIDATES = SAMPLE_BLOCKS * 2 * SAMPLE_WARPS;
// Centres of a round: a lane of each warp finds out whether one matters to the warp's points.
constexpr int ACCEPTED_MAX = 32;

// A point's distance and index in one number that sorts as the sampler takes points: by distance and, among equals, the
// lowest index first. The low 16 bits are left for the number of a round. Zero stands for no point.
__device__ __forceinline__ unsigned long long sample_key(float distance, int index) {
    static_assert(P <= 0xffff, "an index has 16 bits, and its complement is not zero");
    return pair_key(distance, (unsigned)(0xffff - index) << 16);
}

__device__ __forceinline__ int sample_index(unsigned low) {
    return 0xffff - (int)(low >> 16);
}

__device__ __forceinline__ unsigned round_of(unsigned long long key) {
    return (unsigned)key & 0xffffu;
}

__device__ __forceinline__ unsigned long long without_round(unsigned long long key) {
    return key & ~0xffffull;
}

// A warp's points: consecutive ones, so that they are near each other and few centres matter to them. In a slot, lane l
// has point 32 slot + l. Where there is none, the distance to the nearest centre is below every other.
struct SamplePoints {
    int first, count;
    float x[REGISTER_SLOTS], y[REGISTER_SLOTS], z[REGISTER_SLOTS], nearest[REGISTER_SLOTS];
};

// x, y, z and distance of the points that registers do not hold. A thread touches none but its own.
using HeldPoints = float[SHARED_SLOTS][4][SAMPLE_THREADS];

__device__ __forceinline__ void load_points(const float* __restrict__ points, SamplePoints& own, HeldPoints& held,
                                            float* box) {
    const int lane = lane_of_thread();
    // Also where the warp has no point at all, this is a point of the cloud.
    const float* last = points + 3 * (own.first + own.count - 1);
#pragma unroll
    for (int slot = 0; slot < REGISTER_SLOTS; ++slot) {
        const int i = slot * 32 + lane;
        const float* point = i < own.count ? points + 3 * (own.first + i) : last;
        own.x[slot] = point[0], own.y[slot] = point[1], own.z[slot] = point[2];
        own.nearest[slot] = i < own.count ? infinity() : -1.0f;
    }
    for (int slot = 0; slot < SHARED_SLOTS; ++slot) {
        const int i = (REGISTER_SLOTS + slot) * 32 + lane;
        const float* point = i < own.count ? points + 3 * (own.first + i) : last;
        for (int axis = 0; axis < 3; ++axis) {
            held[slot][axis][threadIdx.x] = point[axis];
        }
        held[slot][3][threadIdx.x] = i < own.count ? infinity() : -1.0f;
    }
    for (int axis = 0; axis < 3; ++axis) {
        float low = infinity(), high = -infinity();
        for (int i = lane; i < own.count; i += 32) {
            const float value = points[3 * (own.first + i) + axis];
            low = fminf(low, value), high = fmaxf(high, value);
        }
        low = warp_minimum(low), high = -warp_minimum(-high);
        if (lane == 0) {
            box[axis] = low, box[3 + axis] = high;
        }
    }
}

// No point in the box is nearer to the centre, not even by rounding, as each step is monotonic. `box`: the least
// coordinates, then the largest.
__device__ __forceinline__ float box_distance(const float* box, float x, float y, float z) {
    const float dx = fmaxf(fmaxf(box[0] - x, x - box[3]), 0.0f);
    const float dy = fmaxf(fmaxf(box[1] - y, y - box[4]), 0.0f);
    const float dz = fmaxf(fmaxf(box[2] - z, z - box[5]), 0.0f);
    return dx * dx + dy * dy + dz * dz;
}

__device__ __forceinline__ void lower_distances(SamplePoints& own, HeldPoints& held, float x, float y, float z) {
#pragma unroll
    for (int step = 0; step < REGISTER_SLOTS; step += SLOT_STEP) {
        if (step * 32 < own.count) {
#pragma unroll
            for (int slot = step; slot < step + SLOT_STEP; ++slot) {
                const float distance = squared_distance(own.x[slot], own.y[slot], own.z[slot], x, y, z);
                own.nearest[slot] = fminf(own.nearest[slot], distance);
            }
        }
    }
    for (int slot = 0; (REGISTER_SLOTS + slot) * 32 < own.count; ++slot) {
        float(*point)[SAMPLE_THREADS] = held[slot];
        const int i = threadIdx.x;
        const float distance = squared_distance(point[0][i], point[1][i], point[2][i], x, y, z);
        point[3][i] = fminf(point[3][i], distance);
    }
}

// What a lane knows of its points: the farthest, the lowest index of equals, and the distance of the second farthest.
struct Farthest {
    float distance = -1.0f, second = -1.0f;
    int slot = 0;

    __device__ __forceinline__ void see(float other, int other_slot) {
        slot = other > distance ? other_slot : slot;
        second = fmaxf(second, fminf(other, distance));
        distance = fmaxf(distance, other);
    }
};

// What a warp offers: two points, of those that are the farthest of their lanes, and a bound of all others' keys.
__device__ __forceinline__ void offer_points(const SamplePoints& own, const HeldPoints& held,
                                             unsigned long long* offers) {
    Farthest farthest;
#pragma unroll
    for (int step = 0; step < REGISTER_SLOTS; step += SLOT_STEP) {
        if (step * 32 < own.count) {
#pragma unroll
            for (int slot = step; slot < step + SLOT_STEP; ++slot) {
                farthest.see(own.nearest[slot], slot);
            }
        }
    }
    for (int slot = REGISTER_SLOTS; slot * 32 < own.count; ++slot) {
        farthest.see(held[slot - REGISTER_SLOTS][3][threadIdx.x], slot);
    }
    const int index = own.first + farthest.slot * 32 + lane_of_thread();
    const unsigned long long key = farthest.distance < 0.0f ? 0ull : sample_key(farthest.distance, index);
    const unsigned long long first = warp_maximum(key), next = warp_maximum(key == first ? 0ull : key);
    // A lane's other points of the second's distance may be its farthest's equals, and have higher indices.
    const unsigned long long others = farthest.second < 0.0f ? 0ull : pair_key(farthest.second, (unsigned)key);
    const unsigned long long bound = warp_maximum(key == first || key == next ? others : key);
    if (lane_of_thread() == 0) {
        const int warp = warp_of_thread();
        offers[warp] = first, offers[SAMPLE_WARPS + warp] = next, offers[2 * SAMPLE_WARPS + warp] = bound;
    }
}

// The candidates of a round, 32 of each block: keys, coordinates and, for each block, a bound of all other points' keys.
struct Candidates {
    unsigned long long keys[SAMPLE_CANDIDATES];
    float x[SAMPLE_CANDIDATES], y[SAMPLE_CANDIDATES], z[SAMPLE_CANDIDATES];
    unsigned long long bounds[SAMPLE_BLOCKS];
};

// Waits for what `block` offers in the round of this number, and fetches its candidates' coordinates. Called by a warp.
//
// No block relies on the order in which another's writes become visible: each word is whole (64 bits, aligned), has the
// number of its round in its low bits, and is read until that number is there. Words of even and of odd rounds have
// places of their own. A warp overwrites its words two rounds later, when its block has read all words of the round
// between; and those were written when their blocks had read all that are now overwritten.
__device__ __forceinline__ void gather_offers(const float* __restrict__ points, volatile unsigned long long* offers,
                                              unsigned number, int block, Candidates& candidates) {
    const int lane = lane_of_thread();
    unsigned long long key, bound;
    do {
        key = offers[lane], bound = offers[32 + lane % SAMPLE_WARPS];
    } while (!__all_sync(EVERY_LANE, round_of(key) == number && round_of(bound) == number));
    const int at = block * 32 + lane;
    key = without_round(key);
    candidates.keys[at] = key;
    if (key != 0ull) {
        const float* point = points + 3 * sample_index((unsigned)key);
        candidates.x[at] = point[0], candidates.y[at] = point[1], candidates.z[at] = point[2];
    }
    bound = warp_maximum(without_round(bound));
    if (lane == 0) {
        candidates.bounds[block] = bound;
    }
}

// Takes points for as long as the candidates tell which is the farthest: which of them to `accepted`, at most `most`;
// gives how many. Called by a warp.
//
// Every point is a candidate, whose distance to the nearest centre is known, or has a key of at most the bound, also
// when distances have shrunk. So if the greatest key of a candidate is at least the bound, that candidate is what
// sampling one by one takes next; ties included, since no two points have the same key. (A bound can equal a key: that
// of the farthest of a lane whose other points are bounded by it.) The point is a centre then, and the distances of the
// other candidates are lowered by it. At first the greatest key is that of the farthest point of all, since the farthest
// of each warp is a candidate, and no bound is above it: a round takes at least one point.
__device__ __forceinline__ int take_points(const Candidates& candidates, int blocks, int most, int* accepted) {
    const int lane = lane_of_thread();
    float distance[SAMPLE_BLOCKS];
    unsigned low[SAMPLE_BLOCKS];
    unsigned long long bound = 0ull;
#pragma unroll
    for (int block = 0; block < SAMPLE_BLOCKS; ++block) {
        const unsigned long long key = block < blocks ? candidates.keys[block * 32 + lane] : 0ull;
        distance[block] = __int_as_float((int)(key >> 32)), low[block] = (unsigned)key;
        bound = block < blocks ? max(bound, candidates.bounds[block]) : bound;
    }
    int count = 0;
    while (count < most) {
        unsigned long long key = 0ull;
#pragma unroll
        for (int block = 0; block < SAMPLE_BLOCKS; ++block) {
            key = max(key, pair_key(distance[block], low[block]));
        }
        key = warp_maximum(key);
        if (key < bound) {
            break;
        }
#pragma unroll
        for (int block = 0; block < SAMPLE_BLOCKS; ++block) {
            if (low[block] == (unsigned)key) {
                accepted[count] = block * 32 + lane;
            }
        }
        __syncwarp();
        const int at = accepted[count++];
        const float x = candidates.x[at], y = candidates.y[at], z = candidates.z[at];
#pragma unroll
        for (int block = 0; block < SAMPLE_BLOCKS; ++block) {
            if (low[block] != 0u) {
                const int i = block * 32 + lane;
                const float lowered = squared_distance(candidates.x[i], candidates.y[i], candidates.z[i], x, y, z);
                distance[block] = fminf(distance[block], lowered);
            }
        }
    }
    return count;
}

// SAMPLE_BLOCKS blocks of SAMPLE_THREADS, all on the device at once (a cooperative launch); those that the cloud does
// not need leave. `words` [2, SAMPLE_BLOCKS, OFFERS] holds zeros. `round_count` [1] receives the rounds. An empty cloud
// leaves everything as it is.
extern "C" __global__ void __launch_bounds__(SAMPLE_THREADS, 1)
farthest_points(const float* __restrict__ points, const int* __restrict__ point_count, int group_count,
                unsigned long long* words, int* __restrict__ centre_index, float* __restrict__ centres,
                int* __restrict__ round_count) {
    __shared__ HeldPoints held;
    __shared__ unsigned long long offers[OFFERS];
    __shared__ float boxes[SAMPLE_WARPS][6];
    __shared__ Candidates candidates;
    __shared__ int accepted[ACCEPTED_MAX], accepted_count;
    const int n = *point_count;
    const int blocks = (n + SAMPLE_POINTS - 1) / SAMPLE_POINTS;
    if ((int)blockIdx.x >= blocks) {
        return;
    }
    const int lane = lane_of_thread(), warp = warp_of_thread();
    const int share = (n + blocks * SAMPLE_WARPS - 1) / (blocks * SAMPLE_WARPS);
    SamplePoints own;
    own.first = (blockIdx.x * SAMPLE_WARPS + warp) * share;
    own.count = min(share, n - own.first);
    load_points(points, own, held, boxes[warp]);
    bool changed = true;
    int round = 1;
    for (int taken = 0;; ++round) {
        if (changed) {
            offer_points(own, held, offers);
        }
        volatile unsigned long long* shown = words + (round & 1) * SAMPLE_BLOCKS * OFFERS;
        const unsigned number = round & 0xffff;
        if (blocks > 1) {
            __syncwarp();
            if (lane < 3) {
                const int i = lane * SAMPLE_WARPS + warp;
                shown[blockIdx.x * OFFERS + i] = offers[i] | number;
            }
        }
        __syncthreads();
        if (blocks == 1 && warp == 0) {
            gather_offers(points, offers, 0, 0, candidates);
        } else if (blocks > 1 && warp < blocks) {
            gather_offers(points, shown + warp * OFFERS, number, warp, candidates);
        }
        __syncthreads();
        if (warp == 0) {
            const int count = take_points(candidates, blocks, min(ACCEPTED_MAX, group_count - taken), accepted);
            if (lane == 0) {
                accepted_count = count;
            }
        }
        __syncthreads();
        const int count = accepted_count;
        const int at = accepted[min(lane, count - 1)];
        const float x = candidates.x[at], y = candidates.y[at], z = candidates.z[at];
        if (blockIdx.x == 0 && warp == 0 && lane < count) {
            const int place = taken + lane;
            centre_index[place] = sample_index((unsigned)candidates.keys[at]);
            centres[3 * place] = x, centres[3 * place + 1] = y, centres[3 * place + 2] = z;
        }
        taken += count;
        if (taken >= group_count) {
            break;
        }
        // A centre lowers nothing where it is no nearer to any point than the farthest point is to its own centre.
        const float farthest = __int_as_float((int)(offers[warp] >> 32));
        const bool matters = lane < count && box_distance(boxes[warp], x, y, z) < farthest;
        unsigned mattering = __ballot_sync(EVERY_LANE, matters);
        changed = mattering != 0u;
        for (; mattering != 0u; mattering &= mattering - 1u) {
            const int i = accepted[__ffs(mattering) - 1];
            lower_distances(own, held, candidates.x[i], candidates.y[i], candidates.z[i]);
        }
    }
    if (blockIdx.x == 0 && threadIdx.x == 0) {
        *round_count = round;
    }
}
