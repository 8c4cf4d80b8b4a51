// A libcuda.so.1 for tests: as much of CUDA's driver interface as cudarc calls, written from its public documentation.
// Kernels are found by their names and run by ci/cuda/host.
//
// Refused, with a line on the standard error: calls that need a context, in a thread where none is current; launches whose
// grid, block, shared memory or co-residence the GPU does not take; pointers that lead to no live memory of the device; PTX
// that is newer than the driver, or whose parameters are not the kernel's. A kernel that goes beyond a buffer ends the
// program. When it ends, a report in the file STANDIN_REPORT: launches, and what was left over.
//
// Of the environment: what device.h names, STANDIN_DEVICES, STANDIN_MEMORY_MB, STANDIN_CAPTURE (0: no stream can be
// captured), STANDIN_SKIP (names of kernels with a space after each: their launches are reported, but not run).

#include <algorithm>
#include <memory>
#include <mutex>

#include "device.h"
#include "memory.h"
#include "ptx.h"
#include "streams.h"

extern "C" const char* cuda_host_launch(const char* name, const unsigned* grid, const unsigned* block, int schedule,
                                        int coresident, void** arguments, const size_t* sizes, size_t count);
extern "C" int cuda_host_parameters(const char* name, size_t* sizes, int* pointers, size_t room);

namespace standin {

enum Result {
    SUCCESS = 0, INVALID_VALUE = 1, OUT_OF_MEMORY = 2, NOT_INITIALIZED = 3, NO_DEVICE = 100, INVALID_DEVICE = 101,
    INVALID_CONTEXT = 201, INVALID_PTX = 218, UNSUPPORTED_PTX_VERSION = 222, INVALID_HANDLE = 400, NOT_FOUND = 500, NOT_READY = 600, LAUNCH_OUT_OF_RESOURCES = 701,
    CONTEXT_IS_DESTROYED = 709, LAUNCH_FAILED = 719, COOPERATIVE_LAUNCH_TOO_LARGE = 720, CAPTURE_UNSUPPORTED = 900, CAPTURE_INVALIDATED = 901,
    CAPTURED_EVENT = 907,
};

struct Module;

struct Function {
    Entry entry;
    std::vector<int> pointers;
    Module* module;
    // Dynamic shared memory that it was given by cuFuncSetAttribute.
    size_t dynamic_bytes_max = 0;
};

struct Module {
    std::string ptx;
    std::vector<std::unique_ptr<Function>> functions;
};

// Of a stream.
constexpr int GREATEST_PRIORITY = -5;
// Parameters that may be null: of a crop without polygon, of points that are all kept, of rows that all count, of a layer
// without bias, of rows that the host counts, of a stream that no positions are added to.
const std::map<std::string, std::vector<int>> MAY_BE_NULL = {
    {"points_of_cloud", {1}}, {"points_of_steps", {2}},    {"window_points", {1}}, {"resize_columns", {1}},
    {"hidden_activations", {4}}, {"discrepancy", {7}},  {"likelihood", {5}},    {"linear", {2, 3}},
    {"linear_large", {2, 3}},    {"add_linear", {2}},     {"squared_lengths", {2, 3}},
    {"layer_norm", {1}},
};

static std::recursive_mutex lock;
static bool started = false;
static int contexts = 0;
static thread_local void* current_context = nullptr;
static int the_context;
static std::set<Module*> modules;
static std::set<Function*> functions;
// By kernel: all launches, and those with the greatest priority.
static std::map<std::string, int> launches, urgent;
// By kernel, grid and threads.
static std::map<std::string, int> grids;
static size_t uploaded_bytes = 0, downloaded_bytes = 0;
// Of graphs, and those that were not taken away.
static int replays = 0, uploads = 0, graphs = 0;
// That of the stream, while a graph runs whose kernels have no priorities of their own.
static const int* graph_priority = nullptr;
static int refused = 0;
// A kernel that failed: from then on everything fails, as on a GPU.
static Result broken = SUCCESS;

static Result refuse(Result result, const std::string& why) {
    fprintf(stderr, "stand-in: %s\n", why.c_str());
    ++refused;
    return result;
}

// What a captured stream must not be asked: it has done nothing yet. Ends the capture as well.
static bool is_captured(Stream* stream, const char* what) {
    if (!stream->capture) {
        return false;
    }
    stream->capture->valid = false;
    refuse(CAPTURE_UNSUPPORTED, std::string(what) + " of a captured stream");
    return true;
}

static void run_kernel(const Function* function, const unsigned* grid, const unsigned* block, bool cooperative,
                       std::vector<uint64_t> values, int priority) {
    if (broken != SUCCESS) {
        return;
    }
    const std::string& name = function->entry.name;
    ++launches[name];
    // In a graph whose kernels' priorities do not count, that of the stream that it is launched into does.
    const bool is_urgent = (graph_priority == nullptr ? priority : *graph_priority) == GREATEST_PRIORITY;
    urgent[name] += is_urgent;
    ++grids[name + " " + std::to_string(grid[0]) + " " + std::to_string(grid[1]) + " " + std::to_string(block[0]) +
            (is_urgent ? " urgent" : " beside")];
    const char* skipped = getenv("STANDIN_SKIP");
    if (skipped != nullptr && (" " + std::string(skipped)).find(" " + name + " ") != std::string::npos) {
        return;
    }
    std::vector<void*> arguments;
    for (size_t i = 0; i < values.size(); ++i) {
        arguments.push_back(&values[i]);
        if (function->pointers[i] && values[i] != 0 && !lies_in(values[i], 1, true)) {
            broken = refuse(LAUNCH_FAILED, function->entry.name + ": a buffer was freed before its kernel ran");
            return;
        }
    }
    running = function->entry.name.c_str();
    // The threads' order is shuffled: the other orders are tried on each kernel by itself.
    const char* wrong = cuda_host_launch(running, grid, block, 2, cooperative, arguments.data(),
                                         function->entry.parameters.data(), values.size());
    running = nullptr;
    if (wrong != nullptr) {
        broken = refuse(LAUNCH_FAILED, function->entry.name + ": " + wrong);
    }
}

static Result launch(Function* function, const unsigned (&grid)[3], const unsigned (&block)[3], unsigned shared,
                     Stream* stream, void** parameters, bool cooperative) {
    const std::lock_guard<std::recursive_mutex> guard(lock);
    if (broken != SUCCESS) {
        return broken;
    }
    if (functions.count(function) == 0 || streams.count(stream) == 0) {
        return refuse(INVALID_HANDLE, "a launch of no function, or into no stream");
    }
    const Entry& entry = function->entry;
    const uint64_t threads = (uint64_t)block[0] * block[1] * block[2], blocks = (uint64_t)grid[0] * grid[1] * grid[2];
    if (blocks == 0 || threads == 0 || threads > THREADS_OF_BLOCK || grid[1] > 65535 || grid[2] > 65535) {
        return refuse(INVALID_VALUE, entry.name + ": no such grid: " + std::to_string(blocks) + " blocks of " + std::to_string(threads));
    }
    if (threads > entry.threads_max) {
        return refuse(LAUNCH_OUT_OF_RESOURCES, entry.name + ": " + std::to_string(threads) + " threads, made for " + std::to_string(entry.threads_max));
    }
    if (entry.shared_bytes + shared > SHARED_BYTES && shared > function->dynamic_bytes_max) {
        return refuse(INVALID_VALUE, entry.name + ": more shared memory than the kernel was given");
    }
    if (cooperative && blocks > resident_blocks(entry, threads, shared)) {
        return refuse(COOPERATIVE_LAUNCH_TOO_LARGE, entry.name + ": its blocks are not all on the device at once");
    }
    if (entry.name == "farthest_points" && !cooperative) {
        return refuse(INVALID_VALUE, entry.name + ": its blocks wait for each other, but are not launched together");
    }
    std::vector<uint64_t> values;
    const auto nulls = MAY_BE_NULL.find(entry.name);
    for (size_t i = 0; i < entry.parameters.size(); ++i) {
        uint64_t value = 0;
        memcpy(&value, parameters[i], entry.parameters[i]);
        const bool may_be_null = nulls != MAY_BE_NULL.end() && std::count(nulls->second.begin(), nulls->second.end(), (int)i);
        if (function->pointers[i] && !(value == 0 && may_be_null) && !lies_in(value, 1, true)) {
            return refuse(INVALID_VALUE, entry.name + ": parameter " + std::to_string(i) + " leads to no memory of the device");
        }
        values.push_back(value);
    }
    put(stream, [=, priority = stream->priority] { run_kernel(function, grid, block, cooperative, values, priority); });
    return SUCCESS;
}

// Copies when its turn comes. What is not page-locked is read at once, and written once all before it is done.
static Result copy(Stream* stream, void* to, const void* from, size_t bytes, bool to_device) {
    const std::lock_guard<std::recursive_mutex> guard(lock);
    const uint64_t device = (uint64_t)(to_device ? to : from), host = (uint64_t)(to_device ? from : to);
    if (bytes > 0 && !lies_in(device, bytes, true)) {
        return refuse(INVALID_VALUE, "a copy goes beyond a buffer of the device");
    }
    if (!lies_in(host, bytes, false) && is_captured(stream, "a copy from or to pageable memory")) {
        return CAPTURE_UNSUPPORTED;
    }
    if (lies_in(host, bytes, false)) {
        put(stream, [=] {
            (to_device ? uploaded_bytes : downloaded_bytes) += bytes;
            memcpy(to, from, bytes);
        });
    } else if (to_device) {
        const std::vector<char> held(static_cast<const char*>(from), static_cast<const char*>(from) + bytes);
        put(stream, [=] { memcpy(to, held.data(), bytes); });
    } else {
        finish(stream);
        memcpy(to, from, bytes);
    }
    return broken;
}

static void report() {
    const char* path = getenv("STANDIN_REPORT");
    FILE* file = started && path != nullptr ? fopen(path, "w") : nullptr;
    if (file == nullptr) {
        return;
    }
    for (const auto& [name, count] : launches) {
        fprintf(file, "launched %s %d\nurgent %s %d\n", name.c_str(), count, name.c_str(), urgent[name]);
    }
    for (const auto& [grid, count] : grids) {
        fprintf(file, "grid %s %d\n", grid.c_str(), count);
    }
    fprintf(file, "uploaded bytes %zu\ndownloaded bytes %zu\n", uploaded_bytes, downloaded_bytes);
    size_t undone = 0;
    for (const Stream* stream : streams) {
        undone += stream->waiting.size();
    }
    const auto on_device = std::count_if(pieces.begin(), pieces.end(), [](auto& p) { return p.second.device; });
    fprintf(file, "refused %d\npeak_bytes %zu\nleft device %ld\nleft host %ld\n", refused, device_bytes_peak,
            (long)on_device, (long)pieces.size() - (long)on_device);
    fprintf(file, "replayed graphs %d\nuploaded graphs %d\nleft graphs %d\n", replays, uploads, graphs);
    fprintf(file, "left streams %zu\nleft events %zu\nleft modules %zu\nleft contexts %d\nleft work %zu\n",
            streams.size(), events.size(), modules.size(), contexts, undone);
    fclose(file);
}

}  // namespace standin

using namespace standin;
using Guard = std::lock_guard<std::recursive_mutex>;

#define API extern "C" __attribute__((visibility("default"))) int
// Begins each function that a driver refuses where no context is current in the calling thread.
#define IN_CONTEXT                                                                                              \
    const Guard guard(lock);                                                                                    \
    if (current_context == nullptr) {                                                                           \
        return refuse(INVALID_CONTEXT, std::string(__func__) + ": no context is current in this thread");       \
    }                                                                                                           \
    if (contexts == 0) {                                                                                        \
        return refuse(CONTEXT_IS_DESTROYED, std::string(__func__) + ": the context of this thread was released"); \
    }

API cuInit(unsigned) {
    if (!started) {
        // Before the library's own variables go.
        atexit(report);
        device_bytes_max = (size_t)setting("STANDIN_MEMORY_MB", 8192) << 20;
        watch_accesses();
    }
    started = true;
    return setting("STANDIN_DEVICES", 1) > 0 ? SUCCESS : NO_DEVICE;
}

API cuDriverGetVersion(int* version) {
    *version = driver_version();
    return SUCCESS;
}

API cuDeviceGetCount(int* count) {
    *count = (int)setting("STANDIN_DEVICES", 1);
    return SUCCESS;
}

API cuDeviceGet(int* device, int ordinal) {
    *device = ordinal;
    return ordinal == 0 ? SUCCESS : INVALID_DEVICE;
}

API cuDeviceGetName(char* name, int room, int) {
    snprintf(name, room, "stand-in");
    return SUCCESS;
}

API cuDeviceGetAttribute(int* value, int attribute, int) {
    const Limits& most = limits();
    // MAX_THREADS_PER_BLOCK, MAX_SHARED_MEMORY_PER_BLOCK, WARP_SIZE, CLOCK_RATE (kHz), MULTIPROCESSOR_COUNT,
    // MEMORY_CLOCK_RATE (kHz), GLOBAL_MEMORY_BUS_WIDTH (bits), L2_CACHE_SIZE, MAX_THREADS_PER_MULTIPROCESSOR,
    // COMPUTE_CAPABILITY_MAJOR and _MINOR, MAX_SHARED_MEMORY_PER_MULTIPROCESSOR, MAX_REGISTERS_PER_MULTIPROCESSOR,
    // COOPERATIVE_LAUNCH, MAX_SHARED_MEMORY_PER_BLOCK_OPTIN, MAX_BLOCKS_PER_MULTIPROCESSOR, MEMORY_POOLS_SUPPORTED.
    const std::map<int, size_t> known = {
        {1, THREADS_OF_BLOCK}, {8, SHARED_BYTES}, {10, WARP}, {13, 918000}, {16, processors()},
        {36, 3200000}, {37, 128}, {38, 2 << 20}, {39, most.threads},
        {75, capability() / 10}, {76, capability() % 10}, {81, most.shared_bytes}, {82, REGISTERS}, {95, 1},
        {97, most.shared_bytes_of_block}, {106, most.blocks}, {115, 1},
    };
    const auto found = known.find(attribute);
    *value = found == known.end() ? 0 : (int)found->second;
    return found == known.end() ? refuse(INVALID_VALUE, "attribute " + std::to_string(attribute)) : SUCCESS;
}

API cuDevicePrimaryCtxRetain(void** context, int) {
    const Guard guard(lock);
    ++contexts;
    *context = &the_context;
    return SUCCESS;
}

API cuDevicePrimaryCtxRelease_v2(int) {
    const Guard guard(lock);
    --contexts;
    return contexts >= 0 ? SUCCESS : INVALID_CONTEXT;
}

API cuCtxGetCurrent(void** context) {
    *context = current_context;
    return SUCCESS;
}

API cuCtxSetCurrent(void* context) {
    current_context = context;
    return SUCCESS;
}

API cuCtxSynchronize() {
    IN_CONTEXT
    for (Stream* stream : streams) {
        if (is_captured(stream, "synchronisation")) {
            return CAPTURE_UNSUPPORTED;
        }
    }
    finish_all();
    return broken;
}

API cuMemGetInfo_v2(size_t* free, size_t* total) {
    IN_CONTEXT
    *free = device_bytes_max - device_bytes;
    *total = device_bytes_max;
    return SUCCESS;
}

API cuModuleLoadData(Module** module, const void* image) {
    IN_CONTEXT
    const std::string ptx = static_cast<const char*>(image);
    if (ptx_version(ptx) == 0) {
        return refuse(INVALID_PTX, "no PTX");
    }
    if (ptx_version(ptx) > ptx_version_max(driver_version())) {
        return refuse(UNSUPPORTED_PTX_VERSION, "PTX " + std::to_string(ptx_version(ptx)) + " is newer than the driver");
    }
    *module = new Module{ptx, {}};
    modules.insert(*module);
    return SUCCESS;
}

API cuModuleUnload(Module* module) {
    IN_CONTEXT
    if (modules.erase(module) == 0) {
        return refuse(INVALID_HANDLE, "a module is unloaded that is none");
    }
    for (const auto& function : module->functions) {
        functions.erase(function.get());
    }
    delete module;
    return SUCCESS;
}

API cuModuleGetFunction(Function** function, Module* module, const char* name) {
    IN_CONTEXT
    Entry entry;
    if (modules.count(module) == 0 || !find_entry(module->ptx, name, entry)) {
        return refuse(NOT_FOUND, std::string("no kernel ") + name);
    }
    std::vector<size_t> sizes(64);
    std::vector<int> pointers(64);
    const int count = cuda_host_parameters(name, sizes.data(), pointers.data(), sizes.size());
    sizes.resize(std::max(count, 0));
    if (sizes != entry.parameters) {
        return refuse(INVALID_PTX, std::string(name) + ": the parameters of its PTX are not those of its source");
    }
    module->functions.push_back(std::unique_ptr<Function>(new Function{entry, pointers, module, 0}));
    *function = module->functions.back().get();
    functions.insert(*function);
    return SUCCESS;
}

// Only the attribute MAX_DYNAMIC_SHARED_SIZE_BYTES.
API cuFuncSetAttribute(Function* function, int attribute, int value) {
    IN_CONTEXT
    if (functions.count(function) == 0 || attribute != 8) {
        return refuse(INVALID_VALUE, "attribute " + std::to_string(attribute) + " of a function, or no function");
    }
    if (value < 0 || function->entry.shared_bytes + value > limits().shared_bytes_of_block) {
        return refuse(INVALID_VALUE, function->entry.name + ": more shared memory than the GPU has for a block");
    }
    function->dynamic_bytes_max = value;
    return SUCCESS;
}

API cuStreamCreate(Stream** stream, unsigned) {
    IN_CONTEXT
    *stream = new Stream;
    streams.insert(*stream);
    return SUCCESS;
}

API cuStreamCreateWithPriority(Stream** stream, unsigned flags, int priority) {
    IN_CONTEXT
    const int created = cuStreamCreate(stream, flags);
    // Numbers beyond the range are taken to its nearest end.
    (*stream)->priority = std::clamp(priority, GREATEST_PRIORITY, 0);
    return created;
}

API cuCtxGetStreamPriorityRange(int* least, int* greatest) {
    IN_CONTEXT
    *least = 0;
    *greatest = GREATEST_PRIORITY;
    return SUCCESS;
}

API cuStreamDestroy_v2(Stream* stream) {
    IN_CONTEXT
    if (streams.count(stream) == 0) {
        return refuse(INVALID_HANDLE, "a stream is destroyed that is none");
    }
    finish(stream);
    streams.erase(stream);
    for (Event* event : events) {
        *event = event->stream == stream ? Event{} : *event;
    }
    delete stream;
    return SUCCESS;
}

API cuStreamSynchronize(Stream* stream) {
    IN_CONTEXT
    if (is_captured(stream, "synchronisation")) {
        return CAPTURE_UNSUPPORTED;
    }
    finish(stream);
    return broken;
}

API cuStreamWaitEvent(Stream* stream, Event* event, unsigned) {
    IN_CONTEXT
    if (streams.count(stream) == 0 || events.count(event) == 0) {
        return refuse(INVALID_HANDLE, "a wait for no event");
    }
    const char* wrong = wait(stream, event);
    return wrong != nullptr ? refuse(CAPTURE_INVALIDATED, wrong) : broken;
}

API cuStreamBeginCapture_v2(Stream* stream, int) {
    IN_CONTEXT
    if (streams.count(stream) == 0 || is_captured(stream, "a capture")) {
        return refuse(INVALID_HANDLE, "a capture of no stream");
    }
    stream->capture = std::make_shared<Capture>();
    stream->capture->origin = stream;
    return setting("STANDIN_CAPTURE", 1) != 0 ? SUCCESS : (stream->capture->valid = false, SUCCESS);
}

API cuStreamIsCapturing(Stream* stream, int* status) {
    IN_CONTEXT
    // NONE, ACTIVE, INVALIDATED.
    *status = !stream->capture ? 0 : stream->capture->valid ? 1 : 2;
    return SUCCESS;
}

using Handle = std::shared_ptr<Graph>;

API cuStreamEndCapture(Stream* stream, Handle** graph) {
    IN_CONTEXT
    Handle captured;
    const char* wrong = end_capture(stream, captured);
    *graph = wrong == nullptr ? new Handle(captured) : nullptr;
    graphs += wrong == nullptr;
    return wrong == nullptr ? SUCCESS : setting("STANDIN_CAPTURE", 1) == 0 ? CAPTURE_INVALIDATED : refuse(CAPTURE_INVALIDATED, wrong);
}

// The flag: kernels keep the priorities of the streams that they were captured from.
API cuGraphInstantiateWithFlags(Handle** ready, Handle* graph, unsigned long long flags) {
    IN_CONTEXT
    *ready = new Handle(*graph);
    (**ready)->own_priorities = (flags & 8) != 0;
    ++graphs;
    return SUCCESS;
}

API cuGraphDestroy(Handle* graph) {
    IN_CONTEXT
    delete graph;
    --graphs;
    return SUCCESS;
}

API cuGraphExecDestroy(Handle* ready) {
    return cuGraphDestroy(ready);
}

API cuGraphLaunch(Handle* ready, Stream* stream) {
    IN_CONTEXT
    if (streams.count(stream) == 0 || is_captured(stream, "a graph's launch")) {
        return refuse(INVALID_HANDLE, "a graph is launched into no stream");
    }
    ++replays;
    put(stream, [graph = *ready, priority = stream->priority] {
        graph_priority = graph->own_priorities ? nullptr : &priority;
        run(*graph);
        graph_priority = nullptr;
    });
    return broken;
}

API cuGraphUpload(Handle*, Stream* stream) {
    IN_CONTEXT
    if (streams.count(stream) == 0 || is_captured(stream, "a graph's upload")) {
        return refuse(INVALID_HANDLE, "a graph is uploaded in no stream");
    }
    ++uploads;
    return broken;
}

API cuEventCreate(Event** event, unsigned) {
    IN_CONTEXT
    *event = new Event;
    events.insert(*event);
    return SUCCESS;
}

API cuEventDestroy_v2(Event* event) {
    IN_CONTEXT
    if (events.erase(event) == 0) {
        return refuse(INVALID_HANDLE, "an event is destroyed that is none");
    }
    delete event;
    return SUCCESS;
}

API cuEventRecord(Event* event, Stream* stream) {
    IN_CONTEXT
    if (streams.count(stream) == 0 || events.count(event) == 0) {
        return refuse(INVALID_HANDLE, "a record of no event");
    }
    record(event, stream);
    return broken;
}

// The flag: a step of the graph, by which the event is recorded each time it runs.
API cuEventRecordWithFlags(Event* event, Stream* stream, unsigned external) {
    IN_CONTEXT
    if ((external != 0) != (stream->capture != nullptr)) {
        return refuse(INVALID_VALUE, "an event that is to be recorded by a graph, and no graph");
    }
    if (external == 0) {
        return cuEventRecord(event, stream);
    }
    put(stream, [=] { *event = Event{stream, stream->last, nullptr, {}, now_ms()}; });
    return broken;
}

API cuEventSynchronize(Event* event) {
    IN_CONTEXT
    if (event->capture) {
        return refuse(CAPTURED_EVENT, "a wait for an event that was captured");
    }
    if (event->stream != nullptr) {
        advance(event->stream, event->number);
    }
    return broken;
}

// The time that the kernels took on the CPU.
API cuEventElapsedTime(float* milliseconds, Event* start, Event* end) {
    IN_CONTEXT
    if (start->stream == nullptr || end->stream == nullptr) {
        return refuse(INVALID_HANDLE, "the time of no event");
    }
    if (start->done_ms < 0.0 || end->done_ms < 0.0) {
        return refuse(NOT_READY, "the time of an event whose work is not done");
    }
    *milliseconds = (float)(end->done_ms - start->done_ms);
    return broken;
}

// The only pool: its handle is that of the context.
API cuDeviceGetDefaultMemPool(void** pool, int) {
    *pool = &the_context;
    return SUCCESS;
}

// Only the attribute USED_MEM_CURRENT.
API cuMemPoolGetAttribute(void* pool, int attribute, void* value) {
    const Guard guard(lock);
    if (pool != &the_context || attribute != 7) {
        return refuse(INVALID_VALUE, "attribute " + std::to_string(attribute) + " of a pool, or no pool");
    }
    *static_cast<uint64_t*>(value) = device_bytes;
    return SUCCESS;
}

API cuMemAllocAsync(uint64_t* pointer, size_t bytes, Stream* stream) {
    IN_CONTEXT
    if (is_captured(stream, "memory")) {
        return CAPTURE_UNSUPPORTED;
    }
    *pointer = allocate(bytes, true);
    return *pointer == 0 ? OUT_OF_MEMORY : SUCCESS;
}

API cuMemFreeAsync(uint64_t pointer, Stream* stream) {
    IN_CONTEXT
    if (is_captured(stream, "memory")) {
        return CAPTURE_UNSUPPORTED;
    }
    if (pieces.count(pointer) == 0) {
        return refuse(INVALID_VALUE, "memory is freed that is none");
    }
    put(stream, [=] { release(pointer, true); });
    return SUCCESS;
}

API cuMemHostAlloc(void** pointer, size_t bytes, unsigned) {
    IN_CONTEXT
    *pointer = (void*)allocate(bytes, false);
    return *pointer == nullptr ? OUT_OF_MEMORY : SUCCESS;
}

API cuMemFreeHost(void* pointer) {
    IN_CONTEXT
    return release((uint64_t)pointer, false) ? SUCCESS : refuse(INVALID_VALUE, "host memory is freed that is none");
}

API cuMemsetD8Async(uint64_t pointer, unsigned char value, size_t bytes, Stream* stream) {
    IN_CONTEXT
    if (bytes > 0 && !lies_in(pointer, bytes, true)) {
        return refuse(INVALID_VALUE, "a fill goes beyond a buffer of the device");
    }
    put(stream, [=] { memset((void*)pointer, value, bytes); });
    return broken;
}

API cuMemcpyHtoDAsync_v2(uint64_t to, const void* from, size_t bytes, Stream* stream) {
    IN_CONTEXT
    return copy(stream, (void*)to, from, bytes, true);
}

API cuMemcpyDtoHAsync_v2(void* to, uint64_t from, size_t bytes, Stream* stream) {
    IN_CONTEXT
    return copy(stream, to, (const void*)from, bytes, false);
}

API cuMemcpyDtoDAsync_v2(uint64_t to, uint64_t from, size_t bytes, Stream* stream) {
    IN_CONTEXT
    if (!lies_in(from, bytes, true) || !lies_in(to, bytes, true)) {
        return refuse(INVALID_VALUE, "a copy within the device goes beyond a buffer");
    }
    ++launches["cuMemcpyDtoDAsync"];
    put(stream, [=] { memcpy((void*)to, (const void*)from, bytes); });
    return broken;
}

API cuLaunchKernel(Function* function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz,
                   unsigned shared, Stream* stream, void** parameters, void**) {
    IN_CONTEXT
    return launch(function, {gx, gy, gz}, {bx, by, bz}, shared, stream, parameters, false);
}

API cuLaunchCooperativeKernel(Function* function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by,
                              unsigned bz, unsigned shared, Stream* stream, void** parameters) {
    IN_CONTEXT
    return launch(function, {gx, gy, gz}, {bx, by, bz}, shared, stream, parameters, true);
}

API cuLaunchHostFunc(Stream* stream, void (*function)(void*), void* data) {
    IN_CONTEXT
    if (streams.count(stream) == 0) {
        return refuse(INVALID_HANDLE, "a host function into no stream");
    }
    ++launches["cuLaunchHostFunc"];
    put(stream, [=] { function(data); });
    return broken;
}

API cuMemGetAddressRange_v2(uint64_t* start, size_t* bytes, uint64_t pointer) {
    IN_CONTEXT
    if (!lies_in(pointer, 1, true)) {
        return refuse(INVALID_VALUE, "the range of a pointer that leads to no memory of the device");
    }
    const auto& [first, piece] = *std::prev(pieces.upper_bound(pointer));
    *start = first;
    *bytes = piece.bytes;
    return SUCCESS;
}

API cuGetErrorName(int error, const char** name) {
    static thread_local std::string text;
    text = "CUDA_ERROR_" + std::to_string(error);
    *name = text.c_str();
    return SUCCESS;
}

API cuGetErrorString(int error, const char** text) {
    *text = error == OUT_OF_MEMORY ? "out of memory" : error == INVALID_CONTEXT ? "invalid device context" : error == NO_DEVICE ? "no CUDA-capable device is detected" : "an error of the stand-in";
    return SUCCESS;
}
