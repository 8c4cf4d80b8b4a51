/* The C interface of crosscheck: finds defects on parts that a camera sees in colour and in depth (RGB-D).
 *
 * An engine file is opened once, as an inspector; then frame after frame is inspected:
 *
 *     char text[CROSSCHECK_TEXT_SIZE];
 *     crosscheck_inspector *inspector;
 *     crosscheck_status status = crosscheck_inspector_open("bracket.safetensors", NULL, &inspector, text, sizeof text);
 *
 *     crosscheck_frame frame = {.struct_size = sizeof frame};
 *     frame.width = 640;
 *     frame.height = 480;
 *     frame.rgb = rgb;
 *     frame.xyz = xyz;
 *     crosscheck_result result = {.struct_size = sizeof result};
 *     status = crosscheck_inspect(inspector, &frame, NULL, &result);
 *     bool passes = status == CROSSCHECK_STATUS_OK && result.verdict == CROSSCHECK_VERDICT_PASS;
 *
 *     crosscheck_inspector_close(inspector);
 *
 * Shapes and units: images are row by row, [height, width, channels]. Points are in metres in the camera's frame: x to the
 * right, y down, z forward. Pixels of the photograph count from the middle of the upper left one, [column, row]. Maps have
 * 224 x 224 pixels of their own, network pixels. Names end in their unit where it is another one: _mm, _mm2, _ns.
 *
 * Ownership: the caller owns what it passes, and the library keeps nothing of it after a call. What an _open function gives is
 * the library's until the _close function of the same name.
 *
 * Threads: one thread at a time uses an inspector; another call meanwhile returns BUSY and does nothing. Different inspectors
 * are independent of each other: the library has no global state. It computes in threads of each inspector's own, which
 * inherit what the opening thread has of priority, affinity and signal mask.
 *
 * Errors: every function returns a status, but for the two that return a text. Here OK stands for CROSSCHECK_STATUS_OK, and
 * likewise every other word in capitals. No function ends the process, and no panic or exception leaves one. Addresses are
 * checked for NULL and alignment, sizes and strides for overflow; that an address is one of memory of the size that is stated,
 * and a handle one that is open, is the caller's promise.
 *
 * Versions: structures begin with struct_size, which the caller sets. A later version appends fields, and takes the sizes of
 * the versions before it. Until version 1 a minor version may change the interface, and then the shared library has another
 * soname.
 */

/* Made of bindings/c/src by its test `header`; do not edit. */


#ifndef CROSSCHECK_H
#define CROSSCHECK_H

#include <stddef.h>
#include <stdint.h>

/* The version of this header. */
#define CROSSCHECK_VERSION "0.1.0"
#define CROSSCHECK_VERSION_MAJOR 0
#define CROSSCHECK_VERSION_MINOR 1
#define CROSSCHECK_VERSION_PATCH 0


// Bytes that hold every text of an error with its zero at the end. Longer texts are cut.
#define CROSSCHECK_TEXT_SIZE 1024

// The most threads of an inspector.
#define CROSSCHECK_THREADS_MAX 1024

// Pixels of a row of an anomaly map.
#define CROSSCHECK_MAP_WIDTH 224

// Rows of an anomaly map.
#define CROSSCHECK_MAP_HEIGHT 224

// Values of an anomaly map, 224 x 224.
#define CROSSCHECK_MAP_PIXELS 50176

// The most defects of a part that are described.
#define CROSSCHECK_DEFECTS_MAX 16

// The most points of an outline.
#define CROSSCHECK_OUTLINE_MAX 32

// How a call ended. Whatever is not OK means that no frame was inspected: such a part is not known to be good, so reject it.
enum crosscheck_status
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // It did what it was asked for.
    CROSSCHECK_STATUS_OK = 0,
    // An address that has to be given is NULL.
    CROSSCHECK_STATUS_NULL_POINTER = 1,
    // An address or a stride is not a multiple of what its values need.
    CROSSCHECK_STATUS_MISALIGNED = 2,
    // struct_size, or defect_size, is not the size of the structure in this version.
    CROSSCHECK_STATUS_STRUCT_SIZE = 3,
    // An image is empty or too large, or image and points differ in size.
    CROSSCHECK_STATUS_IMAGE_SIZE = 4,
    // A stride is shorter than a row, or the image would reach beyond the end of all addresses.
    CROSSCHECK_STATUS_STRIDE = 5,
    // Fewer values fit into a buffer than are written.
    CROSSCHECK_STATUS_BUFFER_SIZE = 6,
    // A value is none of those that there are, or two do not go together: a frame has both points and a depth image, or
    // neither.
    CROSSCHECK_STATUS_OPTION = 7,
    // Another call with the same inspector has not ended yet. Nothing was done.
    CROSSCHECK_STATUS_BUSY = 8,
    // A file cannot be read.
    CROSSCHECK_STATUS_FILE = 9,
    // The file is not an engine of this version, is damaged, or was not fitted yet.
    CROSSCHECK_STATUS_ENGINE = 10,
    // The camera file is not valid, or is not that of these images.
    CROSSCHECK_STATUS_CAMERA = 11,
    // The machine that was asked for is not there, or has failed.
    CROSSCHECK_STATUS_MACHINE = 12,
    // The frame does not fit the engine: its points are in another unit, or its size is not that of the crop.
    CROSSCHECK_STATUS_FRAME = 13,
    // The library has a mistake: please report the text. The inspector can only be closed from now on.
    CROSSCHECK_STATUS_INTERNAL = 14,
    // An earlier call with this inspector ended with INTERNAL: close it, and open another.
    CROSSCHECK_STATUS_POISONED = 15,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum crosscheck_status crosscheck_status;
#else
typedef int32_t crosscheck_status;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// What is wrong where a defect is.
enum crosscheck_kind
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // It cannot be told.
    CROSSCHECK_KIND_UNKNOWN = 0,
    // A colour that good parts do not have there.
    CROSSCHECK_KIND_COLOUR = 1,
    // A shape that good parts do not have there.
    CROSSCHECK_KIND_SHAPE = 2,
    // A colour and a shape that do not belong together.
    CROSSCHECK_KIND_MISMATCH = 3,
    // No material where good parts have some.
    CROSSCHECK_KIND_MISSING = 4,
    // Material where good parts have none.
    CROSSCHECK_KIND_EXCESS = 5,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum crosscheck_kind crosscheck_kind;
#else
typedef int32_t crosscheck_kind;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// What is to become of a part. Only PASS lets one pass.
enum crosscheck_verdict
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // The score is above the threshold, or the part was not judged: see the reason. It is 0, so that a result that nobody
    // has written is no pass.
    CROSSCHECK_VERDICT_REJECT = 0,
    // The score lies between both thresholds: for a person to look at.
    CROSSCHECK_VERDICT_REVIEW = 1,
    // The part is good.
    CROSSCHECK_VERDICT_PASS = 2,
    // There is a score, but the engine has no threshold: treat the part as rejected, and calibrate the engine.
    CROSSCHECK_VERDICT_NONE = 3,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum crosscheck_verdict crosscheck_verdict;
#else
typedef int32_t crosscheck_verdict;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// Why a frame has no score, and is therefore rejected.
enum crosscheck_reason
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // It has a score.
    CROSSCHECK_REASON_NONE = 0,
    // Nothing was inspected: see the status of the call.
    CROSSCHECK_REASON_NOT_INSPECTED = 1,
    // The frame has no point where the part may be.
    CROSSCHECK_REASON_NO_POINTS = 2,
    // No part was found among the points.
    CROSSCHECK_REASON_NO_PART = 3,
    // The size of a pixel cannot be measured, so that no window can follow the part.
    CROSSCHECK_REASON_NO_SCALE = 4,
    // Fewer points are left on the part than its shape needs.
    CROSSCHECK_REASON_TOO_FEW_POINTS = 5,
    // Another one, that this version of the interface has no number for.
    CROSSCHECK_REASON_OTHER = 6,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum crosscheck_reason crosscheck_reason;
#else
typedef int32_t crosscheck_reason;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// Why something else may have been taken for the part. It changes no verdict.
enum crosscheck_doubt
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // There is no doubt.
    CROSSCHECK_DOUBT_NONE = 0,
    // What was taken for the part touches the edge of the crop.
    CROSSCHECK_DOUBT_TOUCHES_EDGE = 1,
    // Another object could have been taken for the part nearly as well.
    CROSSCHECK_DOUBT_CLOSE_CHOICE = 2,
    // It has far more or fewer points than good parts have.
    CROSSCHECK_DOUBT_UNUSUAL_SIZE = 3,
    // Another one, that this version of the interface has no number for.
    CROSSCHECK_DOUBT_OTHER = 4,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum crosscheck_doubt crosscheck_doubt;
#else
typedef int32_t crosscheck_doubt;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// The numbers in which the CPU computes large products. Scores compare only between frames of one precision.
enum crosscheck_precision
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // f32 throughout: exact, and the default.
    CROSSCHECK_PRECISION_F32 = 0,
    // bf16 or f16 where this processor multiplies it faster, else f32.
    CROSSCHECK_PRECISION_AUTO = 1,
    // Operands are rounded to f16.
    CROSSCHECK_PRECISION_F16 = 2,
    // Operands are rounded to bf16.
    CROSSCHECK_PRECISION_BF16 = 3,
    // Hidden units of the mappings are rounded to integers of 8 bits; the rest is as with AUTO.
    CROSSCHECK_PRECISION_INT8 = 4,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum crosscheck_precision crosscheck_precision;
#else
typedef int32_t crosscheck_precision;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// The machine that computes.
enum crosscheck_machine
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // The CPU, in this version even if there is a GPU; the default.
    CROSSCHECK_MACHINE_AUTO = 0,
    // The CPU.
    CROSSCHECK_MACHINE_CPU = 1,
    // An NVIDIA GPU: MACHINE where there is none, or where the library was built without it.
    CROSSCHECK_MACHINE_CUDA = 2,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum crosscheck_machine crosscheck_machine;
#else
typedef int32_t crosscheck_machine;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// A camera file that was read. It never changes: any number of inspectors may use one at once, in any threads.
typedef struct crosscheck_camera crosscheck_camera;

// An engine that is ready to inspect frames, with its threads and its memory. One thread at a time may use one; another
// call meanwhile returns BUSY and does nothing. Threads that inspect at once have an inspector each.
typedef struct crosscheck_inspector crosscheck_inspector;

// How an engine is to be computed. Every 0 stands for the default, so set the whole structure to 0 and then struct_size:
// `crosscheck_options options = {.struct_size = sizeof options};`
typedef struct crosscheck_options {
    // sizeof(crosscheck_options).
    size_t struct_size;
    // A crosscheck_precision.
    int32_t precision;
    // A crosscheck_machine.
    int32_t machine;
    // Threads of the CPU that compute a frame, the calling one among them, at most CROSSCHECK_THREADS_MAX; 0: one for each
    // core that the process may use. Results do not depend on it. Only for the CPU.
    uint32_t threads;
    // 0.
    uint32_t reserved;
} crosscheck_options;

// What is known of an inspector before a frame. The caller owns it.
typedef struct crosscheck_properties {
    // sizeof(crosscheck_properties), which the caller sets.
    size_t struct_size;
    // Pixels of a row of a map: CROSSCHECK_MAP_WIDTH.
    uint32_t map_width;
    // Rows of a map: CROSSCHECK_MAP_HEIGHT.
    uint32_t map_height;
    // A score above this rejects; NaN where the engine has no threshold.
    float threshold;
    // A score above this, up to the threshold, has the verdict REVIEW; NaN where there is no such band.
    float review_threshold;
    // Pixels of a row of the photographs that the engine was fitted on; 0 if they are not known.
    uint32_t fitted_width;
    // Rows of these photographs; 0 if they are not known.
    uint32_t fitted_height;
    // The hash of the engine, SHA-256 in hexadecimal with a zero at the end: everything that a verdict depends on is in it.
    // Recordings name it as engine_sha256.
    char content_sha256[65];
} crosscheck_properties;

// A frame: a photograph, and either the points of its pixels or a depth image. All of it stays the caller's, is only read, and
// must not change while crosscheck_inspect runs; nothing is kept.
//
// A row may be longer than its pixels: a stride is the distance from the beginning of one row to that of the next in bytes,
// and 0 stands for rows without a gap. Images have at most 8192 pixels a side and 16,777,216 in all.
//
// Set the whole structure to 0 first, so that what is not given is NULL: `crosscheck_frame frame = {.struct_size = sizeof frame};`
typedef struct crosscheck_frame {
    // sizeof(crosscheck_frame).
    size_t struct_size;
    // Pixels of a row of the photograph.
    size_t width;
    // Rows of the photograph.
    size_t height;
    // The photograph, `[height, width, 3]`: red, green, blue, each 0 to 255.
    const uint8_t *rgb;
    // Bytes from row to row of the photograph.
    size_t rgb_stride;
    // The points, `[height, width, 3]`: x, y, z of the point that each pixel of the photograph shows, in metres in the
    // camera's frame: x to the right, y down, z forward. (0, 0, 0), a z that is not above 0, and a value that is not finite
    // stand for "no point". NULL if there is a depth image.
    const float *xyz;
    // Bytes from row to row of the points.
    size_t xyz_stride;
    // The depth image, `[depth_height, depth_width]`: steps of the camera's depth unit, 0 = no point. NULL if there are
    // points.
    const uint16_t *depth;
    // Bytes from row to row of the depth image.
    size_t depth_stride;
    // Pixels of a row of the depth image; 0 for that of the photograph.
    size_t depth_width;
    // Rows of the depth image; 0 for those of the photograph.
    size_t depth_height;
    // The camera that took both images, by which depth becomes points; NULL if there are points.
    const struct crosscheck_camera *camera;
    // The middle of the part that is to be inspected, two values, its column and row, as crosscheck_inspector_parts has found it. Engines
    // that inspect each part of a frame by itself need it; with the others it is NULL, or NaN and NaN.
    const float *part;
} crosscheck_frame;

// One area of the anomaly map above the threshold. Its values are NaN where they are not known.
typedef struct crosscheck_defect {
    // What is wrong.
    crosscheck_kind kind;
    // The largest value of the map in it.
    float score;
    // Where that is: column and row in pixels of the photograph.
    float at[2];
    // The centre of the area: column and row in pixels of the photograph.
    float centre[2];
    // The same in millimetres on the belt: x to the right in the picture and y down from the point of the belt below the
    // camera; along the camera's own axes where no belt was found.
    float centre_mm[2];
    // Its area in square millimetres.
    float area_mm2;
    // How high it stands above its surroundings, millimetres; below 0 where it lies deeper.
    float height_mm;
    // Its area in network pixels.
    uint32_t pixels;
    // The rectangle around it in network pixels: first column, first row, columns, rows.
    uint32_t bounds[4];
    // Points of its outline, at most CROSSCHECK_OUTLINE_MAX.
    uint32_t outline_points;
    // Its outline, a closed polygon, clockwise: column and row of each point in pixels of the photograph. Points beyond
    // outline_points are 0.
    float outline[CROSSCHECK_OUTLINE_MAX][2];
} crosscheck_defect;

// Where the caller wants what it wants to see of a frame beside its result. What is NULL is not written. Set the whole
// structure to 0 first: `crosscheck_outputs outputs = {.struct_size = sizeof outputs};`
//
// Maps are `[224, 224]`, row by row. crosscheck_result says which square of the photograph they show. All of them are the
// caller's memory, must not overlap each other, and are written only by a call that returns OK.
typedef struct crosscheck_outputs {
    // sizeof(crosscheck_outputs).
    size_t struct_size;
    // Values that fit into each map that is given, at least CROSSCHECK_MAP_PIXELS.
    size_t map_size;
    // The anomaly map, whose largest value is the score. 0 where nothing is judged.
    float *anomaly_map;
    // The distance between the colour that the shape lets expect and the one that is seen.
    float *psi_rgb;
    // The distance between the shape that the colour lets expect and the one that is seen.
    float *psi_xyz;
    // 1 where a pixel has a shape feature and is judged, else 0.
    uint8_t *valid;
    // An array for the defects, those with the highest scores first.
    struct crosscheck_defect *defects;
    // sizeof(crosscheck_defect), where there is an array.
    size_t defect_size;
    // Defects that fit into it. More than CROSSCHECK_DEFECTS_MAX are never written.
    size_t defects_max;
} crosscheck_outputs;

// The result of a frame. The caller owns it; every call writes all of it.
typedef struct crosscheck_result {
    // sizeof(crosscheck_result), which the caller sets.
    size_t struct_size;
    // What is to become of the part.
    crosscheck_verdict verdict;
    // Why there is no score.
    crosscheck_reason reason;
    // Why something else may have been taken for the part.
    crosscheck_doubt doubt;
    // The score, the largest value of the anomaly map; NaN where there is none. It has no unit, and compares only between
    // frames of one engine.
    float score;
    // The score of the published evaluation; NaN where there is none.
    float reference_score;
    // A score above this rejects; NaN where the engine has no threshold.
    float threshold;
    // A score above this, up to the threshold, has the verdict REVIEW; NaN where there is no such band.
    float review_threshold;
    // Network pixels with a shape feature: those that were judged.
    uint32_t valid_pixels;
    // All defects, those that were not written too. A part that passes has none.
    uint32_t defects;
    // Defects that were written to the caller's array.
    uint32_t defects_written;
    // The square of the photograph that the maps show: its first column, which may lie left of the photograph.
    int32_t window_left;
    // Its first row, which may lie above the photograph.
    int32_t window_top;
    // Its side in pixels of the photograph. The middle of map pixel i along a row lies at
    // window_left + (i + 0.5) * window_side / 224 - 0.5, in pixels from the middle of the photograph's first one.
    uint32_t window_side;
    // The whole call, nanoseconds: with reading the caller's frame and writing the maps.
    uint64_t total_ns;
    // Crop, belt, part and resizing, nanoseconds.
    uint64_t prepare_ns;
    // The colour network, nanoseconds.
    uint64_t rgb_tokens_ns;
    // The shape network, nanoseconds.
    uint64_t xyz_groups_ns;
    // Both mappings and the anomaly map, nanoseconds.
    uint64_t anomaly_map_ns;
} crosscheck_result;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

// The version of the library that the program runs with, as "0.1.0". CROSSCHECK_VERSION is that of the header which the
// program was compiled with; the two are equal, but for the last number, where the right library is loaded.
//
// The text lives as long as the library. Any thread may call this at any time.
const char *crosscheck_version(void);

// A word or two for a crosscheck_status, as "null pointer"; "unknown" for a number that is none.
//
// The text lives as long as the library. Any thread may call this at any time.
const char *crosscheck_status_name(int32_t status);

// Reads an engine file, and prepares it for inspecting frames.
//
// path: the file's path, which ends with a zero byte. `crosscheck fit` and `crosscheck calibrate` make the file.
// options: precision, machine and threads; NULL for the defaults.
// inspector: gets the inspector, or NULL where there is none. Give it back by crosscheck_inspector_close.
// text, text_size: a buffer for the text of an error, empty if there is none; NULL if none is wanted.
//
// Returns OK; FILE if the file cannot be read, ENGINE if it is not an engine that can inspect, MACHINE if the machine is not
// there, OPTION, STRUCT_SIZE, NULL_POINTER, MISALIGNED, INTERNAL. Any thread may call this at any time. It starts the
// threads of the inspector: a process must not fork between this and the end of its inspectors, but to start another program.
crosscheck_status crosscheck_inspector_open(const char *path,
                                            const struct crosscheck_options *options,
                                            struct crosscheck_inspector **inspector,
                                            char *text,
                                            size_t text_size);

// Gives an inspector back: ends its threads and frees its memory. NULL is nothing to close.
//
// Returns OK; BUSY if another call with it has not ended, and then it is still open; MISALIGNED for what is not an inspector.
// No call with it may begin from now on: it is gone, as after free().
crosscheck_status crosscheck_inspector_close(struct crosscheck_inspector *inspector);

// Says what is known of an inspector: sizes, thresholds, hash. Any thread may call this at any time, also while another one
// inspects.
//
// Returns OK, NULL_POINTER, MISALIGNED, STRUCT_SIZE.
crosscheck_status crosscheck_inspector_properties(const struct crosscheck_inspector *inspector,
                                                  struct crosscheck_properties *properties);

// Copies the text of the error of the last crosscheck_inspect with an inspector; empty if it returned OK. It says what was
// found, what was expected, and what to do.
//
// text, text_size: the caller's buffer; CROSSCHECK_TEXT_SIZE bytes hold every text with its zero. Longer ones are cut.
//
// Returns OK; BUSY if another call with the inspector has not ended; NULL_POINTER, MISALIGNED.
crosscheck_status crosscheck_inspector_text(const struct crosscheck_inspector *inspector,
                                            char *text,
                                            size_t text_size);

// Reads a camera file, by which inspectors make points of depth images.
//
// path: the file's path, as `crosscheck calibrate-camera` writes it; it ends with a zero byte.
// camera: gets the camera, or NULL where it cannot be read. Give it back by crosscheck_camera_close.
// text, text_size: a buffer for the text of an error, empty if there is none; NULL if none is wanted.
//
// Returns OK; FILE if the file cannot be read, CAMERA if it is not a camera file, NULL_POINTER, MISALIGNED. Any thread may
// call this at any time.
crosscheck_status crosscheck_camera_open(const char *path,
                                         struct crosscheck_camera **camera,
                                         char *text,
                                         size_t text_size);

// Gives a camera back. Inspectors that have used it may go on; a frame must not name it any more. NULL is nothing to close.
//
// Returns OK, or MISALIGNED for what is not a camera.
crosscheck_status crosscheck_camera_close(struct crosscheck_camera *camera);

// Inspects one frame: from the photograph and its points, or its depth image, to the verdict.
//
// frame: the photograph and the points or the depth image.
// outputs: where maps and defects are wanted; NULL if nowhere.
// result: gets score, verdict and times. Whatever fails, it says "reject, not inspected", as long as it can be written to at
// all: a result is never left as it was.
//
// The first frame of a size allocates memory. After it, a frame allocates none, whatever it shows and even if it is refused,
// except where colour is sampled at the points of a depth image (grid = "depth" of a camera file).
//
// Returns OK, for a rejected part too; NULL_POINTER, MISALIGNED, STRUCT_SIZE, IMAGE_SIZE, STRIDE, BUFFER_SIZE, OPTION for
// arguments that cannot be, before anything is computed; CAMERA if the camera is not that of these images; FRAME if the
// frame does not fit the engine; MACHINE if the machine has failed; BUSY, INTERNAL, POISONED. crosscheck_inspector_text has
// the text.
crosscheck_status crosscheck_inspect(struct crosscheck_inspector *inspector,
                                     const struct crosscheck_frame *frame,
                                     const struct crosscheck_outputs *outputs,
                                     struct crosscheck_result *result);

// Finds the parts of a frame, for engines that inspect each part of a frame by itself (scene.part = "each"). Each is then
// inspected by a crosscheck_inspect of its own, whose frame names it in `part`. An engine that inspects one part for each
// frame finds one, without a middle; so does any engine in a frame without a part. So a loop over all that are found inspects
// everything with every engine.
//
// frame: as for crosscheck_inspect.
// parts: an array for the parts, two values for the middle of each: column and row in pixels of the photograph, or NaN and NaN
// for one without a middle. NULL if only their number is wanted.
// parts_max: how many parts fit into it.
// count: gets how many there are, also if that is more.
//
// Returns OK, or what crosscheck_inspect returns of a frame; the list of the parts is allocated in every call.
crosscheck_status crosscheck_inspector_parts(struct crosscheck_inspector *inspector,
                                             const struct crosscheck_frame *frame,
                                             float *parts,
                                             size_t parts_max,
                                             size_t *count);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* CROSSCHECK_H */
