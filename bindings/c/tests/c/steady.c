// A stream of frames allocates nothing after its first frames, by points and by depth, with and without gaps between rows,
// whatever the frames show, and even if they are refused. All allocations of the process are counted: those of C and of Rust.
//
//     steady FOLDER

#include "common.h"

#include <errno.h>
#include <math.h>
#include <stdatomic.h>

#define FRAMES 200
#define STRIDE (SIDE * 12 + 64)

// The C library's own functions, behind the names by which everybody else allocates.
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

static atomic_size_t allocations;

void *malloc(size_t size) {
    atomic_fetch_add(&allocations, 1);
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
    atomic_fetch_add(&allocations, 1);
    return __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size) {
    atomic_fetch_add(&allocations, 1);
    return __libc_realloc(memory, size);
}

void *memalign(size_t alignment, size_t size) {
    atomic_fetch_add(&allocations, 1);
    return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
    atomic_fetch_add(&allocations, 1);
    return __libc_memalign(alignment, size);
}

int posix_memalign(void **memory, size_t alignment, size_t size) {
    atomic_fetch_add(&allocations, 1);
    *memory = __libc_memalign(alignment, size);
    return *memory == NULL ? ENOMEM : 0;
}

#define KINDS 6

// Frames of every kind, with the status of each.
static void make_frames(const char *folder, crosscheck_frame *frames, crosscheck_status *expected) {
    const part *shown = read_part(folder);
    part *bare = malloc(sizeof *bare);
    uint8_t *spread = malloc(STRIDE * SIDE);
    CHECK(bare != NULL && spread != NULL);
    memset(bare, 0, sizeof *bare);
    for (size_t y = 0; y < SIDE; y++) memcpy(spread + y * STRIDE, shown->xyz + y * SIDE * 3, SIDE * 12);
    for (int i = 0; i < KINDS; i++) {
        frames[i] = frame_of(shown);
        expected[i] = CROSSCHECK_STATUS_OK;
    }
    frames[1].xyz = (const float *)(const void *)spread;
    frames[1].xyz_stride = STRIDE;
    frames[2].xyz = NULL;
    frames[2].depth = shown->depth;
    frames[2].camera = open_camera(folder);
    frames[3] = frame_of(bare);
    frames[4].height = 0;
    expected[4] = CROSSCHECK_STATUS_IMAGE_SIZE;
    frames[5] = frames[2];
    frames[5].depth_width = SIDE / 2;
    expected[5] = CROSSCHECK_STATUS_IMAGE_SIZE;
}

int main(int count, char **arguments) {
    CHECK(count == 2);
    crosscheck_frame frames[KINDS];
    crosscheck_status expected[KINDS];
    make_frames(arguments[1], frames, expected);
    crosscheck_inspector *inspector = open_engine(arguments[1], "small.safetensors", 2);
    static float map[CROSSCHECK_MAP_PIXELS];
    static crosscheck_defect defects[CROSSCHECK_DEFECTS_MAX];
    crosscheck_outputs outputs = {.struct_size = sizeof outputs};
    outputs.map_size = CROSSCHECK_MAP_PIXELS;
    outputs.anomaly_map = map;
    outputs.defects = defects;
    outputs.defect_size = sizeof *defects;
    outputs.defects_max = CROSSCHECK_DEFECTS_MAX;
    const size_t opened = atomic_load(&allocations);
    size_t warm = 0;
    for (int i = 0; i < FRAMES; i++) {
        char text[CROSSCHECK_TEXT_SIZE];
        crosscheck_result result = {.struct_size = sizeof result};
        // One frame of each kind comes first.
        if (i == KINDS) warm = atomic_load(&allocations);
        CHECK_STATUS(crosscheck_inspect(inspector, &frames[i % KINDS], &outputs, &result), expected[i % KINDS]);
        CHECK_STATUS(crosscheck_inspector_text(inspector, text, sizeof text), CROSSCHECK_STATUS_OK);
        CHECK((text[0] == 0) == (expected[i % KINDS] == CROSSCHECK_STATUS_OK));
    }
    const size_t end = atomic_load(&allocations);
    printf("steady: %zu allocations until the inspector was open, %zu in the first %d frames, %zu in the %d after them\n",
           opened, warm - opened, KINDS, end - warm, FRAMES - KINDS);
    // Else nothing was counted.
    CHECK(opened > 100 && warm > opened);
    CHECK(end == warm);
    CHECK_STATUS(crosscheck_inspector_close(inspector), CROSSCHECK_STATUS_OK);
    return 0;
}
