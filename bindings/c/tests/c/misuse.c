// Whatever is wrong about a call has a status and a text that says so, and leaves a result that rejects.
//
//     misuse FOLDER

#include "common.h"

#include <math.h>

// A text as it must not be left.
static char text[CROSSCHECK_TEXT_SIZE];

static const char *error_text(const crosscheck_inspector *inspector) {
    memset(text, '#', sizeof text);
    CHECK_STATUS(crosscheck_inspector_text(inspector, text, sizeof text), CROSSCHECK_STATUS_OK);
    return text;
}

static void refuse(crosscheck_inspector *inspector, const crosscheck_frame *frame, const crosscheck_outputs *outputs,
                   crosscheck_status expected, const char *word) {
    crosscheck_result result = {.struct_size = sizeof result};
    result.verdict = CROSSCHECK_VERDICT_PASS;
    CHECK_STATUS(crosscheck_inspect(inspector, frame, outputs, &result), expected);
    CHECK(is_rejected_unseen(&result));
    if (strstr(error_text(inspector), word) == NULL) {
        fprintf(stderr, "\"%s\" does not say \"%s\"\n", text, word);
        exit(1);
    }
}

static void files_that_cannot_be_opened(const char *folder) {
    crosscheck_inspector *inspector = (crosscheck_inspector *)text;
    CHECK_STATUS(crosscheck_inspector_open(path_of(folder, "none"), NULL, &inspector, text, sizeof text),
                 CROSSCHECK_STATUS_FILE);
    CHECK(inspector == NULL && strstr(text, "none") != NULL);
    CHECK_STATUS(crosscheck_inspector_open(path_of(folder, "camera.toml"), NULL, &inspector, text, sizeof text),
                 CROSSCHECK_STATUS_ENGINE);
    CHECK(inspector == NULL && strstr(text, "is not an engine file") != NULL);
    // A short buffer has the beginning of the text.
    memset(text, '#', sizeof text);
    CHECK_STATUS(crosscheck_inspector_open(path_of(folder, "none"), NULL, &inspector, text, 11), CROSSCHECK_STATUS_FILE);
    CHECK(strcmp(text, "cannot rea") == 0 && text[11] == '#');
    CHECK_STATUS(crosscheck_inspector_open(path_of(folder, "none"), NULL, &inspector, NULL, 0), CROSSCHECK_STATUS_FILE);
    CHECK_STATUS(crosscheck_inspector_open(NULL, NULL, &inspector, text, sizeof text), CROSSCHECK_STATUS_NULL_POINTER);
    CHECK_STATUS(crosscheck_inspector_open("x", NULL, NULL, text, sizeof text), CROSSCHECK_STATUS_NULL_POINTER);

    crosscheck_camera *camera = (crosscheck_camera *)text;
    CHECK_STATUS(crosscheck_camera_open(path_of(folder, "none"), &camera, text, sizeof text), CROSSCHECK_STATUS_FILE);
    CHECK(camera == NULL);
    CHECK_STATUS(crosscheck_camera_open(path_of(folder, "part.ppm"), &camera, text, sizeof text), CROSSCHECK_STATUS_FILE);
    FILE *file = fopen(path_of(folder, "bad.toml"), "w");
    CHECK(file != NULL && fputs("fx = -1\nfy = 1\ncx = 0\ncy = 0\ndepth_unit_m = 0.001\n", file) > 0 && fclose(file) == 0);
    CHECK_STATUS(crosscheck_camera_open(path_of(folder, "bad.toml"), &camera, text, sizeof text), CROSSCHECK_STATUS_CAMERA);
    CHECK(camera == NULL && strstr(text, "fx is -1") != NULL);
    CHECK_STATUS(crosscheck_camera_open(NULL, &camera, NULL, 0), CROSSCHECK_STATUS_NULL_POINTER);
}

static void options_that_cannot_be(const char *folder) {
    const crosscheck_options good = {.struct_size = sizeof good};
    crosscheck_options bad[6] = {good, good, good, good, good, good};
    bad[0].precision = 5;
    bad[1].machine = -1;
    bad[2].threads = CROSSCHECK_THREADS_MAX + 1;
    bad[3].reserved = 1;
    bad[4].machine = CROSSCHECK_MACHINE_CUDA;
    bad[4].threads = 1;
    bad[5].struct_size = sizeof good + 8;
    crosscheck_inspector *inspector = NULL;
    for (size_t i = 0; i < 6; i++) {
        const crosscheck_status expected = i == 5 ? CROSSCHECK_STATUS_STRUCT_SIZE : CROSSCHECK_STATUS_OPTION;
        CHECK_STATUS(crosscheck_inspector_open(path_of(folder, "small.safetensors"), &bad[i], &inspector, text, sizeof text),
                     expected);
        CHECK(inspector == NULL && text[0] != 0);
    }
    crosscheck_options on_gpu = good;
    on_gpu.machine = CROSSCHECK_MACHINE_CUDA;
    const crosscheck_status status =
        crosscheck_inspector_open(path_of(folder, "small.safetensors"), &on_gpu, &inspector, text, sizeof text);
    CHECK(status == CROSSCHECK_STATUS_MACHINE || status == CROSSCHECK_STATUS_OK);
    CHECK((inspector == NULL) == (status != CROSSCHECK_STATUS_OK));
    CHECK_STATUS(crosscheck_inspector_close(inspector), CROSSCHECK_STATUS_OK);
}

static void frames_that_cannot_be(crosscheck_inspector *inspector, crosscheck_camera *camera, const part *shown) {
    const crosscheck_frame good = frame_of(shown);
    crosscheck_frame frame = good;
    refuse(inspector, NULL, NULL, CROSSCHECK_STATUS_NULL_POINTER, "frame is NULL");
    frame.struct_size = 0;
    refuse(inspector, &frame, NULL, CROSSCHECK_STATUS_STRUCT_SIZE, "frame is 0 bytes");
    frame = good;
    frame.rgb = NULL;
    refuse(inspector, &frame, NULL, CROSSCHECK_STATUS_NULL_POINTER, "rgb is NULL");
    frame = good;
    frame.height = 0;
    refuse(inspector, &frame, NULL, CROSSCHECK_STATUS_IMAGE_SIZE, "224 x 0");
    frame = good;
    frame.rgb_stride = SIDE * 3 - 1;
    refuse(inspector, &frame, NULL, CROSSCHECK_STATUS_STRIDE, "the stride of rgb is 671 bytes");
    frame = good;
    frame.xyz_stride = SIDE * 12 + 2;
    refuse(inspector, &frame, NULL, CROSSCHECK_STATUS_MISALIGNED, "xyz");
    frame.xyz_stride = SIZE_MAX / 4 * 4;
    refuse(inspector, &frame, NULL, CROSSCHECK_STATUS_STRIDE, "beyond the last address");
    frame = good;
    frame.depth = shown->depth;
    refuse(inspector, &frame, NULL, CROSSCHECK_STATUS_OPTION, "not both");
    frame.xyz = NULL;
    refuse(inspector, &frame, NULL, CROSSCHECK_STATUS_NULL_POINTER, "camera is NULL");
    frame.depth = NULL;
    refuse(inspector, &frame, NULL, CROSSCHECK_STATUS_OPTION, "needs points");
    // The camera's principal point lies outside of so small an image.
    frame.depth = shown->depth;
    frame.camera = camera;
    frame.width = frame.height = 100;
    refuse(inspector, &frame, NULL, CROSSCHECK_STATUS_CAMERA, "another resolution");
    frame.width = frame.height = SIDE;
    frame.depth_width = SIDE / 2;
    refuse(inspector, &frame, NULL, CROSSCHECK_STATUS_IMAGE_SIZE, "112 x 224");
    const float middle[2] = {112, 112};
    frame = good;
    frame.part = middle;
    refuse(inspector, &frame, NULL, CROSSCHECK_STATUS_OPTION, "one part for each frame");
}

static void outputs_that_cannot_be(crosscheck_inspector *inspector, const part *shown) {
    const crosscheck_frame frame = frame_of(shown);
    static float map[CROSSCHECK_MAP_PIXELS + 1];
    static crosscheck_defect defect;
    const crosscheck_outputs good = {.struct_size = sizeof good, .map_size = CROSSCHECK_MAP_PIXELS, .psi_rgb = map};
    crosscheck_outputs outputs = good;
    outputs.struct_size = sizeof outputs - 1;
    refuse(inspector, &frame, &outputs, CROSSCHECK_STATUS_STRUCT_SIZE, "outputs");
    outputs = good;
    outputs.map_size--;
    refuse(inspector, &frame, &outputs, CROSSCHECK_STATUS_BUFFER_SIZE, "50175 values");
    outputs = good;
    outputs.psi_xyz = (float *)((uintptr_t)map + 1);
    refuse(inspector, &frame, &outputs, CROSSCHECK_STATUS_MISALIGNED, "psi_xyz");
    outputs = good;
    outputs.defects = &defect;
    outputs.defect_size = sizeof defect + 4;
    refuse(inspector, &frame, &outputs, CROSSCHECK_STATUS_STRUCT_SIZE, "defect_size");

    CHECK_STATUS(crosscheck_inspect(inspector, &frame, NULL, NULL), CROSSCHECK_STATUS_NULL_POINTER);
    CHECK(strstr(error_text(inspector), "result is NULL") != NULL);
    crosscheck_result result = {.struct_size = 1};
    CHECK_STATUS(crosscheck_inspect(inspector, &frame, NULL, &result), CROSSCHECK_STATUS_STRUCT_SIZE);
    CHECK(result.struct_size == 1);
    result.struct_size = sizeof result;
    result.verdict = CROSSCHECK_VERDICT_PASS;
    CHECK_STATUS(crosscheck_inspect(NULL, &frame, NULL, &result), CROSSCHECK_STATUS_NULL_POINTER);
    CHECK(is_rejected_unseen(&result));
}

// A frame that shows nothing is a result: it is rejected, with the reason.
static void frames_without_a_part(crosscheck_inspector *inspector, part *shown) {
    part *bare = malloc(sizeof *bare);
    CHECK(bare != NULL);
    *bare = *shown;
    for (size_t i = 0; i < SIDE * SIDE * 3; i++) bare->xyz[i] = NAN;
    const crosscheck_frame frame = frame_of(bare);
    crosscheck_result result = {.struct_size = sizeof result};
    CHECK_STATUS(crosscheck_inspect(inspector, &frame, NULL, &result), CROSSCHECK_STATUS_OK);
    CHECK(result.verdict == CROSSCHECK_VERDICT_REJECT && result.reason == CROSSCHECK_REASON_NO_POINTS);
    CHECK(result.score != result.score && result.threshold == 1e9f);
    free(bare);
}

// The inspector goes on after everything that was refused.
static void the_good_frame_passes(crosscheck_inspector *inspector, const part *shown) {
    const crosscheck_frame frame = frame_of(shown);
    crosscheck_result result = {.struct_size = sizeof result};
    CHECK_STATUS(crosscheck_inspect(inspector, &frame, NULL, &result), CROSSCHECK_STATUS_OK);
    CHECK(result.verdict == CROSSCHECK_VERDICT_PASS && result.reason == CROSSCHECK_REASON_NONE && result.score > 0);
    CHECK(result.window_side == SIDE && result.total_ns >= result.prepare_ns && result.prepare_ns > 0);
    CHECK(error_text(inspector)[0] == 0);
    size_t count = 0;
    float parts[4] = {1, 1, 1, 1};
    CHECK_STATUS(crosscheck_inspector_parts(inspector, &frame, parts, 2, &count), CROSSCHECK_STATUS_OK);
    CHECK(count == 1 && isnan(parts[0]) && isnan(parts[1]) && parts[2] == 1);
    crosscheck_frame named = frame;
    named.part = parts;
    CHECK_STATUS(crosscheck_inspect(inspector, &named, NULL, &result), CROSSCHECK_STATUS_OK);
    CHECK_STATUS(crosscheck_inspector_parts(inspector, &frame, NULL, 0, NULL), CROSSCHECK_STATUS_NULL_POINTER);
}

int main(int count, char **arguments) {
    CHECK(count == 2);
    const char *folder = arguments[1];
    CHECK(strcmp(crosscheck_version(), CROSSCHECK_VERSION) == 0);
    CHECK(strcmp(crosscheck_status_name(-1), "unknown") == 0);
    part *shown = read_part(folder);
    files_that_cannot_be_opened(folder);
    options_that_cannot_be(folder);
    crosscheck_inspector *inspector = open_engine(folder, "small.safetensors", 2);
    crosscheck_camera *camera = open_camera(folder);
    frames_that_cannot_be(inspector, camera, shown);
    outputs_that_cannot_be(inspector, shown);
    frames_without_a_part(inspector, shown);
    the_good_frame_passes(inspector, shown);

    crosscheck_properties properties = {.struct_size = sizeof properties};
    CHECK_STATUS(crosscheck_inspector_properties(inspector, &properties), CROSSCHECK_STATUS_OK);
    CHECK(properties.map_width == SIDE && properties.threshold == 1e9f && strlen(properties.content_sha256) == 64);
    properties.struct_size--;
    CHECK_STATUS(crosscheck_inspector_properties(inspector, &properties), CROSSCHECK_STATUS_STRUCT_SIZE);
    CHECK_STATUS(crosscheck_inspector_properties(inspector, NULL), CROSSCHECK_STATUS_NULL_POINTER);
    CHECK_STATUS(crosscheck_inspector_text(inspector, NULL, 9), CROSSCHECK_STATUS_NULL_POINTER);
    CHECK_STATUS(crosscheck_inspector_close((crosscheck_inspector *)((uintptr_t)inspector + 1)), CROSSCHECK_STATUS_MISALIGNED);
    CHECK_STATUS(crosscheck_inspector_close(inspector), CROSSCHECK_STATUS_OK);
    CHECK_STATUS(crosscheck_inspector_close(NULL), CROSSCHECK_STATUS_OK);
    CHECK_STATUS(crosscheck_camera_close(camera), CROSSCHECK_STATUS_OK);
    CHECK_STATUS(crosscheck_camera_close(NULL), CROSSCHECK_STATUS_OK);
    free(shown);
    puts("misuse: every refusal has its status, its text and a result that rejects");
    return 0;
}
