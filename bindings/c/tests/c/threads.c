// Threads that have an inspector each get what one thread alone gets, with one camera for all; and whoever comes to an inspector
// that is in use is sent away.
//
//     threads FOLDER

#include "common.h"

#include <pthread.h>
#include <stdatomic.h>

#define THREADS 4
#define FRAMES 12
// Frames that one thread inspects while the other one comes to its inspector.
#define CALLS 60

typedef struct worker {
    const char *folder;
    const part *shown;
    const crosscheck_camera *camera;
    // By points, and by depth.
    uint32_t scores[2];
} worker;

static uint32_t score_of(crosscheck_inspector *inspector, const crosscheck_frame *frame) {
    crosscheck_result result = {.struct_size = sizeof result};
    CHECK_STATUS(crosscheck_inspect(inspector, frame, NULL, &result), CROSSCHECK_STATUS_OK);
    CHECK(result.reason == CROSSCHECK_REASON_NONE);
    return bits_of(result.score);
}

static void *inspect(void *given) {
    worker *own = given;
    crosscheck_frame frames[2] = {frame_of(own->shown), frame_of(own->shown)};
    frames[1].xyz = NULL;
    frames[1].depth = own->shown->depth;
    frames[1].camera = own->camera;
    crosscheck_inspector *inspector = open_engine(own->folder, "small.safetensors", 2);
    for (int i = 0; i < FRAMES; i++) {
        const uint32_t score = score_of(inspector, &frames[i % 2]);
        CHECK(i < 2 || score == own->scores[i % 2]);
        own->scores[i % 2] = score;
    }
    CHECK_STATUS(crosscheck_inspector_close(inspector), CROSSCHECK_STATUS_OK);
    return NULL;
}

static void an_inspector_each(const char *folder, const part *shown) {
    crosscheck_camera *camera = open_camera(folder);
    worker alone = {.folder = folder, .shown = shown, .camera = camera};
    inspect(&alone);
    CHECK(alone.scores[0] != alone.scores[1]);
    worker workers[THREADS];
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        workers[i] = (worker){.folder = folder, .shown = shown, .camera = camera};
        CHECK(pthread_create(&threads[i], NULL, inspect, &workers[i]) == 0);
    }
    for (int i = 0; i < THREADS; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
        CHECK(workers[i].scores[0] == alone.scores[0] && workers[i].scores[1] == alone.scores[1]);
    }
    CHECK_STATUS(crosscheck_camera_close(camera), CROSSCHECK_STATUS_OK);
    printf("threads: %d threads with an inspector each, %d frames each: the same scores\n", THREADS, FRAMES);
}

typedef struct shared {
    crosscheck_inspector *inspector;
    const part *shown;
    uint32_t score;
    atomic_int done;
} shared;

// Inspects until it has done so often enough, whoever else comes.
static void *stay(void *given) {
    shared *both = given;
    const crosscheck_frame frame = frame_of(both->shown);
    for (int judged = 0; judged < CALLS;) {
        crosscheck_result result = {.struct_size = sizeof result};
        const crosscheck_status status = crosscheck_inspect(both->inspector, &frame, NULL, &result);
        CHECK(status == CROSSCHECK_STATUS_OK || status == CROSSCHECK_STATUS_BUSY);
        CHECK(status == CROSSCHECK_STATUS_OK ? bits_of(result.score) == both->score : is_rejected_unseen(&result));
        judged += status == CROSSCHECK_STATUS_OK;
    }
    atomic_store(&both->done, 1);
    return NULL;
}

static void one_inspector_for_two(const char *folder, const part *shown) {
    shared both = {.inspector = open_engine(folder, "small.safetensors", 1), .shown = shown};
    const crosscheck_frame frame = frame_of(shown);
    both.score = score_of(both.inspector, &frame);
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, stay, &both) == 0);
    int busy = 0;
    int still_open = 0;
    while (!atomic_load(&both.done)) {
        char text[CROSSCHECK_TEXT_SIZE];
        crosscheck_result result = {.struct_size = sizeof result};
        const crosscheck_status status = crosscheck_inspect(both.inspector, &frame, NULL, &result);
        CHECK(status == CROSSCHECK_STATUS_OK || status == CROSSCHECK_STATUS_BUSY);
        busy += status == CROSSCHECK_STATUS_BUSY;
        still_open += crosscheck_inspector_text(both.inspector, text, sizeof text) == CROSSCHECK_STATUS_BUSY;
        crosscheck_properties properties = {.struct_size = sizeof properties};
        CHECK_STATUS(crosscheck_inspector_properties(both.inspector, &properties), CROSSCHECK_STATUS_OK);
    }
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK(busy > 0 && still_open > 0);
    CHECK_STATUS(crosscheck_inspector_close(both.inspector), CROSSCHECK_STATUS_OK);
    puts("threads: a second thread was sent away, and the first one saw no difference");
}

int main(int count, char **arguments) {
    CHECK(count == 2);
    part *shown = read_part(arguments[1]);
    an_inspector_each(arguments[1], shown);
    one_inspector_for_two(arguments[1], shown);
    free(shown);
    return 0;
}
