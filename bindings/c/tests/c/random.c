// Calls with random arguments, each of them right or wrong in some way: NULL, misaligned, of sizes and strides that cannot be.
// A call with a wrong one has a status of those, never OK, and no call crashes, writes beyond a buffer or reads beyond an image:
// behind each lies a page that nobody may touch.
//
//     random FOLDER [CALLS [SEED]]

#define _DEFAULT_SOURCE

#include "common.h"

#include <sys/mman.h>
#include <unistd.h>

#define WIDTH 32
#define HEIGHT 24
// The longest rows that are valid.
#define STRIDE_MAX (WIDTH * 12 + 64)

static uint64_t state;

static uint32_t drawn(uint32_t below) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 32) % below;
}

// Whether everything that was drawn for this call is right.
static int all_right;

// One argument of eight is wrong.
static int is_wrong(void) {
    if (drawn(8) != 0) return 0;
    all_right = 0;
    return 1;
}

// Memory that ends with a page which nobody may touch.
static void *guarded(size_t size) {
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    const size_t pages = (size + page - 1) / page * page;
    uint8_t *start = mmap(NULL, pages + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(start != MAP_FAILED && mprotect(start + pages, page, PROT_NONE) == 0);
    return start + pages - size;
}

static void *address(void *good, size_t alignment) {
    if (!is_wrong()) return good;
    return alignment == 1 || drawn(2) == 0 ? NULL : (void *)((uintptr_t)good + 1 + drawn((uint32_t)alignment - 1));
}

static size_t struct_size(size_t good) {
    if (!is_wrong()) return good;
    const size_t wrong[] = {0, 1, good - 1, good + 1, good + 8, 2 * good, SIZE_MAX, SIZE_MAX / 2};
    return wrong[drawn(sizeof wrong / sizeof *wrong)];
}

static size_t side(size_t good) {
    if (!is_wrong()) return drawn(4) == 0 ? 1 : good;
    const size_t wrong[] = {0, 8193, 1 << 20, SIZE_MAX, SIZE_MAX / 2, SIZE_MAX / 3, (size_t)1 << 32};
    return wrong[drawn(sizeof wrong / sizeof *wrong)];
}

// Bytes from row to row of an image of so many rows, and of values that are aligned so.
static size_t stride(size_t row, size_t height, size_t alignment) {
    if (!is_wrong()) {
        const size_t free = row < STRIDE_MAX ? (STRIDE_MAX - row) / alignment : 0;
        return drawn(3) == 0 ? 0 : row + alignment * drawn((uint32_t)free + 1);
    }
    // One row may have any stride that is long enough.
    if (height < 2 || drawn(3) == 0) return alignment == 1 || drawn(2) == 0 ? row - 1 : row + 1;
    const size_t wrong[] = {SIZE_MAX / alignment * alignment, SIZE_MAX / 2, SIZE_MAX / height + 1, (size_t)1 << 62};
    return wrong[drawn(sizeof wrong / sizeof *wrong)];
}

typedef struct memory {
    uint8_t *rgb;
    float *xyz;
    uint16_t *depth;
    float *maps[3];
    uint8_t *valid;
    crosscheck_defect *defects;
    crosscheck_frame *frame;
    crosscheck_outputs *outputs;
    crosscheck_result *result;
    crosscheck_options *options;
    crosscheck_properties *properties;
} memory;

static memory make_memory(void) {
    memory own = {
        .rgb = guarded(STRIDE_MAX * HEIGHT),
        .xyz = guarded(STRIDE_MAX * HEIGHT),
        .depth = guarded(STRIDE_MAX * HEIGHT),
        .valid = guarded(CROSSCHECK_MAP_PIXELS),
        .defects = guarded(3 * sizeof *own.defects),
        .frame = guarded(sizeof *own.frame),
        .outputs = guarded(sizeof *own.outputs),
        .result = guarded(sizeof *own.result),
        .options = guarded(sizeof *own.options),
        .properties = guarded(sizeof *own.properties),
    };
    for (int i = 0; i < 3; i++) own.maps[i] = guarded(CROSSCHECK_MAP_PIXELS * sizeof(float));
    for (size_t i = 0; i < STRIDE_MAX * HEIGHT; i++) own.rgb[i] = (uint8_t)drawn(256);
    // Few pixels have a point, so that a frame takes little time.
    for (size_t i = 0; i < STRIDE_MAX * HEIGHT / 4; i++) own.xyz[i] = drawn(16) == 0 ? 0.3f + (float)drawn(1000) * 1e-6f : 0;
    for (size_t i = 0; i < STRIDE_MAX * HEIGHT / 2; i++) own.depth[i] = (uint16_t)(drawn(16) == 0 ? 3000 + drawn(50) : 0);
    return own;
}

// An image ends where its memory does, so that what is read beyond it is found: it begins as far before the end as it is long.
static void *image(void *start, size_t width, size_t height, size_t bytes, size_t row_stride, size_t alignment) {
    const size_t row = width * bytes;
    const size_t used = (row_stride == 0 ? row : row_stride) * (height - 1) + row;
    const size_t all = STRIDE_MAX * HEIGHT;
    return address(all_right ? (uint8_t *)start + (all - used) / 4 * 4 : (uint8_t *)start, alignment);
}

static void draw_frame(const memory *own, const crosscheck_camera *camera) {
    crosscheck_frame frame = {.struct_size = struct_size(sizeof frame)};
    frame.width = side(WIDTH);
    frame.height = side(HEIGHT);
    const size_t height = frame.height;
    frame.rgb_stride = stride(frame.width * 3, height, 1);
    frame.rgb = image(own->rgb, frame.width, height, 3, frame.rgb_stride, 1);
    const uint32_t kind = drawn(16);
    if (kind < 11) {
        frame.xyz_stride = stride(frame.width * 12, height, 4);
        frame.xyz = image(own->xyz, frame.width, height, 12, frame.xyz_stride, 4);
    } else if (kind < 14) {
        // The camera's principal point lies within the whole image only.
        if (frame.width != WIDTH || height != HEIGHT) all_right = 0;
        frame.depth_stride = stride(frame.width * 2, height, 2);
        frame.depth = image(own->depth, frame.width, height, 2, frame.depth_stride, 2);
        frame.camera = address((void *)(uintptr_t)camera, 8);
    } else {
        // Neither, or both.
        all_right = 0;
        frame.xyz = kind == 14 ? NULL : own->xyz;
        frame.depth = kind == 14 ? NULL : own->depth;
    }
    *own->frame = frame;
}

static void draw_outputs(const memory *own) {
    crosscheck_outputs outputs = {.struct_size = struct_size(sizeof outputs)};
    float **const maps[3] = {&outputs.anomaly_map, &outputs.psi_rgb, &outputs.psi_xyz};
    const int has_maps = drawn(2) != 0;
    outputs.map_size = CROSSCHECK_MAP_PIXELS;
    for (int i = 0; has_maps && i < 3; i++) {
        *maps[i] = own->maps[i];
        if (drawn(16) == 0) {
            *maps[i] = (float *)((uintptr_t)own->maps[i] + 1 + drawn(3));
            all_right = 0;
        }
    }
    if (has_maps) outputs.valid = own->valid;
    if (has_maps && is_wrong()) outputs.map_size = drawn(CROSSCHECK_MAP_PIXELS);
    if (drawn(2) != 0) {
        outputs.defects = own->defects;
        outputs.defect_size = struct_size(sizeof *own->defects);
        outputs.defects_max = drawn(4);
    }
    *own->outputs = outputs;
}

// The statuses of arguments that cannot be.
static int is_refusal(crosscheck_status status) {
    return (status >= CROSSCHECK_STATUS_NULL_POINTER && status <= CROSSCHECK_STATUS_OPTION) ||
           status == CROSSCHECK_STATUS_CAMERA;
}

static crosscheck_status call_inspect(const memory *own, crosscheck_inspector *inspector, const crosscheck_camera *camera) {
    draw_frame(own, camera);
    crosscheck_outputs *outputs = NULL;
    if (drawn(4) != 0) {
        draw_outputs(own);
        outputs = own->outputs;
        if (is_wrong()) outputs = (crosscheck_outputs *)((uintptr_t)outputs + 1 + drawn(7));
    }
    crosscheck_result *result = address(own->result, 8);
    memset(own->result, 0xff, sizeof *own->result);
    own->result->struct_size = struct_size(sizeof *own->result);
    const int is_writable = result == own->result && result->struct_size == sizeof *result;
    crosscheck_frame *frame = address(own->frame, 8);
    const crosscheck_status status = crosscheck_inspect(address(inspector, 8), frame, outputs, result);
    CHECK(status == CROSSCHECK_STATUS_OK || !is_writable || is_rejected_unseen(result));
    return status;
}

static crosscheck_status call_parts(const memory *own, crosscheck_inspector *inspector, const crosscheck_camera *camera) {
    draw_frame(own, camera);
    size_t count = 0;
    float *parts = NULL;
    if (drawn(4) != 0) {
        parts = own->maps[0];
        if (is_wrong()) parts = (float *)((uintptr_t)parts + 1 + drawn(3));
    }
    crosscheck_frame *frame = address(own->frame, 8);
    return crosscheck_inspector_parts(address(inspector, 8), frame, parts, drawn(3), address(&count, 8));
}

static crosscheck_status call_open(const memory *own, const char *nothing) {
    crosscheck_inspector *inspector = NULL;
    char text[64];
    crosscheck_options options = {.struct_size = struct_size(sizeof options)};
    options.precision = is_wrong() ? (int32_t)drawn(UINT32_MAX) | 8 : (int32_t)drawn(5);
    options.machine = is_wrong() ? (int32_t)drawn(UINT32_MAX) | 8 : (int32_t)drawn(2);
    options.threads = is_wrong() ? CROSSCHECK_THREADS_MAX + 1 + drawn(1u << 31) : drawn(3);
    *own->options = options;
    const char *path = address((void *)(uintptr_t)nothing, 1);
    const crosscheck_status status =
        crosscheck_inspector_open(path, own->options, address(&inspector, 8), text, drawn(sizeof text + 1));
    CHECK(inspector == NULL);
    // There is no such file, so that nothing is opened even if all is right.
    all_right = 0;
    return status;
}

static crosscheck_status call_other(const memory *own, crosscheck_inspector *inspector, const char *nothing) {
    crosscheck_camera *camera = NULL;
    char text[64];
    const char *path;
    switch (drawn(4)) {
        case 0:
            own->properties->struct_size = struct_size(sizeof *own->properties);
            return crosscheck_inspector_properties(address(inspector, 8), address(own->properties, 8));
        case 1: return crosscheck_inspector_text(address(inspector, 8), address(text, 1), drawn(sizeof text + 1));
        case 2: return call_open(own, nothing);
        default:
            path = address((void *)(uintptr_t)nothing, 1);
            all_right = 0;
            return crosscheck_camera_open(path, address(&camera, 8), text, drawn(sizeof text + 1));
    }
}

int main(int count, char **arguments) {
    CHECK(count >= 2);
    const long calls = count > 2 ? atol(arguments[2]) : 20000;
    state = count > 3 ? strtoull(arguments[3], NULL, 10) : 88172645463325252u;
    const memory own = make_memory();
    crosscheck_inspector *inspector = open_engine(arguments[1], "small.safetensors", 1);
    FILE *file = fopen(path_of(arguments[1], "small.toml"), "w");
    CHECK(file != NULL && fputs("fx = 60\nfy = 60\ncx = 16\ncy = 12\ndepth_unit_m = 0.0001\n", file) > 0 && fclose(file) == 0);
    crosscheck_camera *camera = NULL;
    CHECK_STATUS(crosscheck_camera_open(path_of(arguments[1], "small.toml"), &camera, NULL, 0), CROSSCHECK_STATUS_OK);
    long found[16] = {0};
    for (long i = 0; i < calls; i++) {
        all_right = 1;
        const uint32_t kind = drawn(16);
        const int is_frame = kind > 4;
        const crosscheck_status status = kind > 5   ? call_inspect(&own, inspector, camera)
                                         : is_frame ? call_parts(&own, inspector, camera)
                                                    : call_other(&own, inspector, "/nothing/here.safetensors");
        CHECK(status >= 0 && status < 16);
        found[status]++;
        const int is_expected = all_right ? status == CROSSCHECK_STATUS_OK
                                          : is_refusal(status) || (!is_frame && status == CROSSCHECK_STATUS_FILE);
        if (!is_expected) {
            fprintf(stderr, "call %ld, whose arguments are %s, ends with \"%s\"\n", i, all_right ? "right" : "wrong",
                    crosscheck_status_name(status));
            return 1;
        }
    }
    CHECK_STATUS(crosscheck_inspector_close(inspector), CROSSCHECK_STATUS_OK);
    CHECK_STATUS(crosscheck_camera_close(camera), CROSSCHECK_STATUS_OK);
    printf("random: %ld calls:", calls);
    for (int i = 0; i < 16; i++) {
        if (found[i] > 0) printf(" %s %ld;", crosscheck_status_name(i), found[i]);
    }
    puts(" no crash");
    CHECK(found[CROSSCHECK_STATUS_OK] > calls / 50);
    return 0;
}
