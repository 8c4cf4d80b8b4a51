// Inspects one frame and prints what was found.
//
//     inspect ENGINE PHOTOGRAPH.ppm POINTS.xyz
//     inspect ENGINE PHOTOGRAPH.ppm DEPTH.pgm CAMERA.toml
//
// The photograph is a binary PPM of 8 bits, the depth image a binary PGM of 16 bits. POINTS.xyz has three floats for each
// pixel of the photograph, in metres, row by row, without a head.
//
// Exit code 0: pass, or the engine has no threshold; 1: reject or review; 2: error.

#include <crosscheck.h>

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void fail(const char *format, ...) {
    va_list values;
    va_start(values, format);
    vfprintf(stderr, format, values);
    va_end(values);
    fputc('\n', stderr);
    exit(2);
}

// Reads `size` bytes of a file behind what was read of it, and no more.
static void *read_rest(FILE *file, const char *path, size_t size) {
    void *bytes = malloc(size);
    if (bytes == NULL || fread(bytes, 1, size, file) != size) fail("%s has fewer than %zu bytes of pixels", path, size);
    fclose(file);
    return bytes;
}

static FILE *open_file(const char *path) {
    FILE *file = fopen(path, "rb");
    if (file == NULL) fail("cannot read %s", path);
    return file;
}

// Reads the pixels of a binary PPM or PGM, and its size.
static void *read_portable(const char *path, const char *kind, unsigned most, size_t bytes, size_t *width, size_t *height) {
    FILE *file = open_file(path);
    char found[3] = "";
    unsigned found_most = 0;
    if (fscanf(file, "%2s %zu %zu %u", found, width, height, &found_most) != 4 || fgetc(file) == EOF)
        fail("%s has no head of a %s file", path, kind);
    if (strcmp(found, kind) != 0 || found_most != most || *width > 8192 || *height > 8192)
        fail("%s is a %s file of values up to %u where %s up to %u is expected", path, found, found_most, kind, most);
    return read_rest(file, path, *width * *height * bytes);
}

static uint16_t *read_depth(const char *path, size_t *width, size_t *height) {
    uint8_t *bytes = read_portable(path, "P5", 65535, 2, width, height);
    uint16_t *steps = malloc(*width * *height * sizeof *steps);
    if (steps == NULL) fail("no memory for %s", path);
    for (size_t i = 0; i < *width * *height; i++) steps[i] = (uint16_t)(bytes[2 * i] << 8 | bytes[2 * i + 1]);
    free(bytes);
    return steps;
}

static uint32_t bits_of(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static void print_result(const crosscheck_result *result, const crosscheck_defect *defects) {
    static const char *const verdicts[] = {"reject", "review", "pass", "none"};
    static const char *const kinds[] = {"unknown", "colour", "shape", "mismatch", "missing", "excess"};
    if (result->reason == CROSSCHECK_REASON_NONE)
        printf("score    %f (bits %08" PRIx32 ")\n", result->score, bits_of(result->score));
    printf("verdict  %s, threshold %f\n", verdicts[result->verdict], result->threshold);
    for (uint32_t i = 0; i < result->defects_written; i++)
        printf("defect   %s at column %.0f, row %.0f: %.1f mm2, score %.4f\n", kinds[defects[i].kind],
               defects[i].centre[0], defects[i].centre[1], defects[i].area_mm2, defects[i].score);
    printf("time     %.1f ms\n", (double)result->total_ns / 1e6);
}

int main(int count, char **arguments) {
    if (count != 4 && count != 5) fail("usage: %s ENGINE PHOTOGRAPH.ppm POINTS.xyz | DEPTH.pgm CAMERA.toml", arguments[0]);
    char text[CROSSCHECK_TEXT_SIZE];
    crosscheck_inspector *inspector;
    if (crosscheck_inspector_open(arguments[1], NULL, &inspector, text, sizeof text) != CROSSCHECK_STATUS_OK)
        fail("%s", text);

    crosscheck_frame frame = {.struct_size = sizeof frame};
    uint8_t *rgb = read_portable(arguments[2], "P6", 255, 3, &frame.width, &frame.height);
    frame.rgb = rgb;
    crosscheck_camera *camera = NULL;
    float *xyz = NULL;
    uint16_t *depth = NULL;
    if (count == 4) {
        xyz = read_rest(open_file(arguments[3]), arguments[3], frame.width * frame.height * 3 * sizeof *xyz);
        frame.xyz = xyz;
    } else {
        if (crosscheck_camera_open(arguments[4], &camera, text, sizeof text) != CROSSCHECK_STATUS_OK) fail("%s", text);
        depth = read_depth(arguments[3], &frame.depth_width, &frame.depth_height);
        frame.depth = depth;
        frame.camera = camera;
    }

    crosscheck_defect defects[CROSSCHECK_DEFECTS_MAX];
    crosscheck_outputs outputs = {.struct_size = sizeof outputs};
    outputs.defects = defects;
    outputs.defect_size = sizeof *defects;
    outputs.defects_max = CROSSCHECK_DEFECTS_MAX;
    crosscheck_result result = {.struct_size = sizeof result};
    if (crosscheck_inspect(inspector, &frame, &outputs, &result) != CROSSCHECK_STATUS_OK) {
        crosscheck_inspector_text(inspector, text, sizeof text);
        fail("%s", text);
    }
    print_result(&result, defects);

    crosscheck_inspector_close(inspector);
    crosscheck_camera_close(camera);
    free(rgb);
    free(xyz);
    free(depth);
    return result.verdict == CROSSCHECK_VERDICT_PASS || result.verdict == CROSSCHECK_VERDICT_NONE ? 0 : 1;
}
