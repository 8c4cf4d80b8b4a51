// What the test programs share: checks that end the program, and the files that ci/c/reference.rs writes.

#ifndef COMMON_H
#define COMMON_H

#include <crosscheck.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIDE 224

#define CHECK(what)                                                                        \
    do {                                                                                   \
        if (!(what)) {                                                                     \
            fprintf(stderr, "%s:%d: this does not hold: %s\n", __FILE__, __LINE__, #what); \
            exit(1);                                                                       \
        }                                                                                  \
    } while (0)

#define CHECK_STATUS(call, expected)                                                                              \
    do {                                                                                                          \
        const crosscheck_status found_ = (call);                                                                  \
        if (found_ != (expected)) {                                                                               \
            fprintf(stderr, "%s:%d: %s is \"%s\" where \"%s\" is expected\n", __FILE__, __LINE__, #call,          \
                    crosscheck_status_name(found_), crosscheck_status_name(expected));                            \
            exit(1);                                                                                              \
        }                                                                                                         \
    } while (0)

// The golden frame, and a depth image of it.
typedef struct part {
    uint8_t rgb[SIDE * SIDE * 3];
    float xyz[SIDE * SIDE * 3];
    uint16_t depth[SIDE * SIDE];
} part;

static inline const char *path_of(const char *folder, const char *name) {
    static _Thread_local char path[4096];
    CHECK(snprintf(path, sizeof path, "%s/%s", folder, name) < (int)sizeof path);
    return path;
}

// Reads the last `size` bytes of a file: what comes before them is the head.
static inline void read_end(const char *path, void *bytes, size_t size) {
    FILE *file = fopen(path, "rb");
    CHECK(file != NULL);
    CHECK(fseek(file, -(long)size, SEEK_END) == 0);
    CHECK(fread(bytes, 1, size, file) == size);
    fclose(file);
}

static inline part *read_part(const char *folder) {
    part *read = malloc(sizeof *read);
    CHECK(read != NULL);
    read_end(path_of(folder, "part.ppm"), read->rgb, sizeof read->rgb);
    read_end(path_of(folder, "part.xyz"), read->xyz, sizeof read->xyz);
    read_end(path_of(folder, "part.pgm"), read->depth, sizeof read->depth);
    for (size_t i = 0; i < SIDE * SIDE; i++) read->depth[i] = (uint16_t)(read->depth[i] << 8 | read->depth[i] >> 8);
    return read;
}

static inline crosscheck_frame frame_of(const part *shown) {
    crosscheck_frame frame = {.struct_size = sizeof frame};
    frame.width = SIDE;
    frame.height = SIDE;
    frame.rgb = shown->rgb;
    frame.xyz = shown->xyz;
    return frame;
}

static inline crosscheck_inspector *open_engine(const char *folder, const char *name, uint32_t threads) {
    char text[CROSSCHECK_TEXT_SIZE];
    crosscheck_options options = {.struct_size = sizeof options};
    options.threads = threads;
    crosscheck_inspector *inspector = NULL;
    const crosscheck_status status =
        crosscheck_inspector_open(path_of(folder, name), &options, &inspector, text, sizeof text);
    if (status != CROSSCHECK_STATUS_OK) fprintf(stderr, "%s\n", text);
    CHECK(status == CROSSCHECK_STATUS_OK && inspector != NULL && text[0] == 0);
    return inspector;
}

static inline crosscheck_camera *open_camera(const char *folder) {
    crosscheck_camera *camera = NULL;
    CHECK_STATUS(crosscheck_camera_open(path_of(folder, "camera.toml"), &camera, NULL, 0), CROSSCHECK_STATUS_OK);
    return camera;
}

static inline uint32_t bits_of(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static inline int is_rejected_unseen(const crosscheck_result *result) {
    return result->verdict == CROSSCHECK_VERDICT_REJECT && result->reason == CROSSCHECK_REASON_NOT_INSPECTED &&
           result->score != result->score && result->defects == 0 && result->struct_size == sizeof *result;
}

#endif
