// Prints everything that is found in the golden frame, in numbers that differ if one bit of it does: by its points and by a depth
// image, with and without gaps between the rows. ci/c/reference.rs prints the same of the Rust library.
//
//     bits FOLDER

#include "common.h"

#include <inttypes.h>

// Bytes from row to row of images with gaps.
#define RGB_STRIDE (SIDE * 3 + 29)
#define XYZ_STRIDE (SIDE * 12 + 52)
#define DEPTH_STRIDE (SIDE * 2 + 6)

static uint64_t hash(uint64_t hash, const void *bytes, size_t size) {
    for (size_t i = 0; i < size; i++) hash = (hash ^ ((const uint8_t *)bytes)[i]) * 0x100000001b3u;
    return hash;
}

static const uint64_t START = 0xcbf29ce484222325u;

static uint64_t hash_of_defects(const crosscheck_defect *defects, uint32_t count) {
    uint64_t all = START;
    for (uint32_t i = 0; i < count; i++) {
        const crosscheck_defect *defect = &defects[i];
        const float pixels = (float)defect->pixels;
        all = hash(all, &defect->score, sizeof defect->score);
        all = hash(all, defect->at, sizeof defect->at);
        all = hash(all, defect->centre, sizeof defect->centre);
        all = hash(all, &pixels, sizeof pixels);
        all = hash(all, defect->outline, defect->outline_points * sizeof *defect->outline);
    }
    return all;
}

static void print_bits(const char *name, crosscheck_inspector *inspector, const crosscheck_frame *frame) {
    static const char *const verdicts[] = {"reject", "review", "pass", "none"};
    static float maps[3][CROSSCHECK_MAP_PIXELS];
    static uint8_t valid[CROSSCHECK_MAP_PIXELS];
    crosscheck_defect defects[CROSSCHECK_DEFECTS_MAX];
    crosscheck_outputs outputs = {.struct_size = sizeof outputs};
    outputs.map_size = CROSSCHECK_MAP_PIXELS;
    outputs.anomaly_map = maps[0];
    outputs.psi_rgb = maps[1];
    outputs.psi_xyz = maps[2];
    outputs.valid = valid;
    outputs.defects = defects;
    outputs.defect_size = sizeof *defects;
    outputs.defects_max = CROSSCHECK_DEFECTS_MAX;
    crosscheck_result result = {.struct_size = sizeof result};
    CHECK_STATUS(crosscheck_inspect(inspector, frame, &outputs, &result), CROSSCHECK_STATUS_OK);
    printf("%s score %08" PRIx32 " reference %08" PRIx32 " verdict %s valid %016" PRIx64, name, bits_of(result.score),
           bits_of(result.reference_score), verdicts[result.verdict], hash(START, valid, sizeof valid));
    printf(" anomaly_map %016" PRIx64 " psi_rgb %016" PRIx64 " psi_xyz %016" PRIx64 " defects %" PRIu32 " %016" PRIx64 "\n",
           hash(START, maps[0], sizeof maps[0]), hash(START, maps[1], sizeof maps[1]),
           hash(START, maps[2], sizeof maps[2]), result.defects, hash_of_defects(defects, result.defects_written));
}

// A copy whose rows begin `stride` bytes apart, with other values in the gaps.
static void *spread(const void *image, size_t row, size_t stride) {
    uint8_t *copy = malloc(stride * SIDE);
    CHECK(copy != NULL);
    memset(copy, 0x5a, stride * SIDE);
    for (size_t y = 0; y < SIDE; y++) memcpy(copy + y * stride, (const uint8_t *)image + y * row, row);
    return copy;
}

int main(int count, char **arguments) {
    CHECK(count == 2);
    part *shown = read_part(arguments[1]);
    crosscheck_inspector *inspector = open_engine(arguments[1], "golden.safetensors", 0);
    crosscheck_camera *camera = open_camera(arguments[1]);

    crosscheck_frame of_points = frame_of(shown);
    print_bits("points", inspector, &of_points);
    crosscheck_frame of_depth = frame_of(shown);
    of_depth.xyz = NULL;
    of_depth.depth = shown->depth;
    of_depth.camera = camera;
    print_bits("depth", inspector, &of_depth);

    void *rgb = spread(shown->rgb, SIDE * 3, RGB_STRIDE);
    void *xyz = spread(shown->xyz, SIDE * 12, XYZ_STRIDE);
    void *depth = spread(shown->depth, SIDE * 2, DEPTH_STRIDE);
    of_points.rgb = of_depth.rgb = rgb;
    of_points.rgb_stride = of_depth.rgb_stride = RGB_STRIDE;
    of_points.xyz = xyz;
    of_points.xyz_stride = XYZ_STRIDE;
    of_depth.depth = depth;
    of_depth.depth_stride = DEPTH_STRIDE;
    of_depth.depth_width = of_depth.depth_height = SIDE;
    print_bits("points", inspector, &of_points);
    print_bits("depth", inspector, &of_depth);

    CHECK_STATUS(crosscheck_inspector_close(inspector), CROSSCHECK_STATUS_OK);
    CHECK_STATUS(crosscheck_camera_close(camera), CROSSCHECK_STATUS_OK);
    free(shown);
    free(rgb);
    free(xyz);
    free(depth);
    return 0;
}
