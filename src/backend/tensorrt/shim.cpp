// What the program needs of TensorRT's C++ interface, as a table of C functions (its Rust twin: sys.rs).
//
// build.rs compiles this once for each set of headers it is given: TensorRT's, and TensorRT-RTX's with other names for
// their namespaces, since both may be in one program and inline functions of one would otherwise stand in for those of
// the other. Nothing is linked: libraries are opened at run time and their entry points come in as pointers.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>

#include "NvInfer.h"
#include "NvOnnxParser.h"

#ifdef TRT_MAJOR_RTX
#define CROSSCHECK_IS_RTX 1
#define CROSSCHECK_TABLE crosscheck_tensorrt_rtx
#else
#define CROSSCHECK_IS_RTX 0
#define CROSSCHECK_TABLE crosscheck_tensorrt
#endif

static_assert(CROSSCHECK_IS_RTX || NV_TENSORRT_MAJOR > 10 || (NV_TENSORRT_MAJOR == 10 && NV_TENSORRT_MINOR >= 3),
              "TensorRT 10.3 or later is expected");

namespace {

// Severity as in ILogger: 0 internal error, 1 error, 2 warning, 3 information, 4 verbose.
using Log = void (*)(int32_t severity, char const* message);
// So many steps of a phase are done, and of how many, which is told with its first; a zero gives the build up. TensorRT
// tells of progress from several threads at once.
using Progress = int32_t (*)(void const* user, char const* phase, int32_t step, int32_t steps);

class Logger final : public nvinfer1::ILogger {
public:
    void log(Severity severity, char const* message) noexcept override {
        Log const own = sink.load();
        if (own != nullptr) {
            own(static_cast<int32_t>(severity), message);
        }
    }

    std::atomic<Log> sink{nullptr};
};

// Never taken away: the library speaks to it until the program has ended.
Logger& logger() noexcept {
    static auto* const own = new Logger;
    return *own;
}

class Monitor final : public nvinfer1::IProgressMonitor {
public:
    Monitor(Progress report, void const* user) : report_(report), user_(user) {}

    void phaseStart(char const* phase, char const* parent, int32_t steps) noexcept override {
        (void)parent;
        report_(user_, phase, 0, steps);
    }

    bool stepComplete(char const* phase, int32_t step) noexcept override {
        return report_(user_, phase, step + 1, 0) != 0;
    }

    void phaseFinish(char const* phase) noexcept override { (void)phase; }

private:
    Progress report_;
    void const* user_;
};

struct BuildRequest {
    void* create_builder;
    void* create_parser;
    void const* graph;
    size_t graph_bytes;
    // 89 for 8.9; TensorRT-RTX only, 0 elsewhere, where plans are for the GPU at hand.
    int32_t capability;
    size_t workspace_bytes;
    Progress progress;
    void const* user;
};

// What a build came to.
enum Outcome : int32_t { BUILT = 0, NO_BUILDER, NO_PARSER, NOT_PARSED, NO_CONFIGURATION, NOT_BUILT };

struct TensorInfo {
    char const* name;
    // As in nvinfer1::DataType: 0 f32, 1 f16.
    int32_t kind;
    int32_t is_input;
    int32_t rank;
    int64_t shape[8];
};

void log_errors(nvonnxparser::IParser const& parser) noexcept {
    for (int32_t i = 0; i < parser.getNbErrors(); ++i) {
        nvonnxparser::IParserError const* error = parser.getError(i);
        char const* name = error->nodeOperator();
        char text[1024];
        std::snprintf(text, sizeof text, "node %d (%s): %s", error->node(), name == nullptr ? "?" : name, error->desc());
        logger().log(nvinfer1::ILogger::Severity::kERROR, text);
    }
}

int32_t build(BuildRequest const* request, void** plan) noexcept {
    using CreateBuilder = void* (*)(void*, int32_t);
    using CreateParser = void* (*)(void*, void*, int32_t);
    *plan = nullptr;
    // First, and so destroyed last: it has to outlive everything of TensorRT that may report to it.
    Monitor monitor(request->progress, request->user);
    auto* create_builder = reinterpret_cast<CreateBuilder>(request->create_builder);
    std::unique_ptr<nvinfer1::IBuilder> builder(
        static_cast<nvinfer1::IBuilder*>(create_builder(&logger(), NV_TENSORRT_VERSION)));
    if (!builder) {
        return NO_BUILDER;
    }
    // The types are those of the graph. TensorRT-RTX and TensorRT 11 know no other networks.
    uint32_t flags = 0;
#if !CROSSCHECK_IS_RTX && NV_TENSORRT_MAJOR == 10
    flags = 1U << static_cast<uint32_t>(nvinfer1::NetworkDefinitionCreationFlag::kSTRONGLY_TYPED);
#endif
    std::unique_ptr<nvinfer1::INetworkDefinition> network(builder->createNetworkV2(flags));
    std::unique_ptr<nvinfer1::IBuilderConfig> configuration(builder->createBuilderConfig());
    if (!network || !configuration) {
        return NO_BUILDER;
    }
    auto* create_parser = reinterpret_cast<CreateParser>(request->create_parser);
    std::unique_ptr<nvonnxparser::IParser> parser(
        static_cast<nvonnxparser::IParser*>(create_parser(network.get(), &logger(), NV_ONNX_PARSER_VERSION)));
    if (!parser) {
        return NO_PARSER;
    }
    if (!parser->parse(request->graph, request->graph_bytes)) {
        log_errors(*parser);
        return NOT_PARSED;
    }
    configuration->setMemoryPoolLimit(nvinfer1::MemoryPoolType::kWORKSPACE, request->workspace_bytes);
    // Coordinates are f32, in metres. TF32, which is on by default, would round them to 11 bits: by 0.12 mm at 0.45 m.
    configuration->clearFlag(nvinfer1::BuilderFlag::kTF32);
    if (configuration->getFlag(nvinfer1::BuilderFlag::kTF32)) {
        return NO_CONFIGURATION;
    }
#if CROSSCHECK_IS_RTX
    auto const capability = static_cast<nvinfer1::ComputeCapability>(request->capability);
    if (!configuration->setNbComputeCapabilities(1) || !configuration->setComputeCapability(capability, 0)) {
        return NO_CONFIGURATION;
    }
#endif
    configuration->setProgressMonitor(&monitor);
    *plan = builder->buildSerializedNetwork(*network, *configuration);
    return *plan == nullptr ? NOT_BUILT : BUILT;
}

void set_log(Log sink) noexcept { logger().sink = sink; }

void const* plan_data(void* plan) noexcept { return static_cast<nvinfer1::IHostMemory*>(plan)->data(); }
size_t plan_bytes(void* plan) noexcept { return static_cast<nvinfer1::IHostMemory*>(plan)->size(); }
void plan_delete(void* plan) noexcept { delete static_cast<nvinfer1::IHostMemory*>(plan); }

void* runtime_new(void* create_runtime) noexcept {
    using CreateRuntime = void* (*)(void*, int32_t);
    return reinterpret_cast<CreateRuntime>(create_runtime)(&logger(), NV_TENSORRT_VERSION);
}
void runtime_delete(void* runtime) noexcept { delete static_cast<nvinfer1::IRuntime*>(runtime); }

void* engine_new(void* runtime, void const* plan, size_t bytes) noexcept {
    return static_cast<nvinfer1::IRuntime*>(runtime)->deserializeCudaEngine(plan, bytes);
}
void engine_delete(void* engine) noexcept { delete static_cast<nvinfer1::ICudaEngine*>(engine); }

int32_t engine_tensors(void* engine) noexcept { return static_cast<nvinfer1::ICudaEngine*>(engine)->getNbIOTensors(); }

// The name lives as long as the engine. Zero: there is no such tensor, or it has more axes than fit.
int32_t engine_tensor(void* engine, int32_t index, TensorInfo* out) noexcept {
    auto* own = static_cast<nvinfer1::ICudaEngine*>(engine);
    char const* name = own->getIOTensorName(index);
    if (name == nullptr) {
        return 0;
    }
    nvinfer1::Dims const shape = own->getTensorShape(name);
    if (shape.nbDims < 0 || shape.nbDims > 8) {
        return 0;
    }
    out->name = name;
    out->kind = static_cast<int32_t>(own->getTensorDataType(name));
    out->is_input = own->getTensorIOMode(name) == nvinfer1::TensorIOMode::kINPUT ? 1 : 0;
    out->rank = shape.nbDims;
    for (int32_t i = 0; i < shape.nbDims; ++i) {
        out->shape[i] = shape.d[i];
    }
    return 1;
}

#if CROSSCHECK_IS_RTX
// What TensorRT-RTX compiles of a plan for the GPU at hand, and the configuration by which contexts use it. Destroyed in
// reverse order.
struct Compiled {
    std::unique_ptr<nvinfer1::IRuntimeConfig> configuration;
    std::unique_ptr<nvinfer1::IRuntimeCache> cache;
};

// With what an earlier program compiled, if `bytes` is not zero. `accepted`: whether the library takes that.
void* compiled_new(void* engine, void const* kept, size_t bytes, int32_t* accepted) noexcept {
    *accepted = 0;
    auto own = std::make_unique<Compiled>();
    own->configuration.reset(static_cast<nvinfer1::ICudaEngine*>(engine)->createRuntimeConfig());
    if (!own->configuration) {
        return nullptr;
    }
    own->cache.reset(own->configuration->createRuntimeCache());
    if (!own->cache) {
        return nullptr;
    }
    if (bytes != 0) {
        *accepted = own->cache->deserialize(kept, bytes) ? 1 : 0;
        if (*accepted == 0) {
            own->cache.reset(own->configuration->createRuntimeCache());
        }
    }
    return own->cache && own->configuration->setRuntimeCache(*own->cache) ? own.release() : nullptr;
}
void compiled_delete(void* compiled) noexcept { delete static_cast<Compiled*>(compiled); }

// As the memory of a plan, to be deleted in the same way.
void* compiled_memory(void* compiled) noexcept { return static_cast<Compiled*>(compiled)->cache->serialize(); }

void* context_new(void* engine, void* compiled) noexcept {
    auto* own = static_cast<nvinfer1::ICudaEngine*>(engine);
    return compiled == nullptr ? own->createExecutionContext()
                               : own->createExecutionContext(static_cast<Compiled*>(compiled)->configuration.get());
}
#else
// TensorRT's plans are compiled when they are built.
void* compiled_new(void*, void const*, size_t, int32_t* accepted) noexcept {
    *accepted = 0;
    return nullptr;
}
void compiled_delete(void*) noexcept {}
void* compiled_memory(void*) noexcept { return nullptr; }

void* context_new(void* engine, void*) noexcept {
    return static_cast<nvinfer1::ICudaEngine*>(engine)->createExecutionContext();
}
#endif
void context_delete(void* context) noexcept { delete static_cast<nvinfer1::IExecutionContext*>(context); }

int32_t context_bind(void* context, char const* name, void* address) noexcept {
    return static_cast<nvinfer1::IExecutionContext*>(context)->setTensorAddress(name, address) ? 1 : 0;
}

int32_t context_enqueue(void* context, void* stream) noexcept {
    return static_cast<nvinfer1::IExecutionContext*>(context)->enqueueV3(static_cast<cudaStream_t>(stream)) ? 1 : 0;
}

struct Table {
    int32_t version;
    int32_t is_rtx;
    void (*set_log)(Log) noexcept;
    int32_t (*build)(BuildRequest const*, void**) noexcept;
    void const* (*plan_data)(void*) noexcept;
    size_t (*plan_bytes)(void*) noexcept;
    void (*plan_delete)(void*) noexcept;
    void* (*runtime_new)(void*) noexcept;
    void (*runtime_delete)(void*) noexcept;
    void* (*engine_new)(void*, void const*, size_t) noexcept;
    void (*engine_delete)(void*) noexcept;
    int32_t (*engine_tensors)(void*) noexcept;
    int32_t (*engine_tensor)(void*, int32_t, TensorInfo*) noexcept;
    void* (*compiled_new)(void*, void const*, size_t, int32_t*) noexcept;
    void (*compiled_delete)(void*) noexcept;
    void* (*compiled_memory)(void*) noexcept;
    void* (*context_new)(void*, void*) noexcept;
    void (*context_delete)(void*) noexcept;
    int32_t (*context_bind)(void*, char const*, void*) noexcept;
    int32_t (*context_enqueue)(void*, void*) noexcept;
};

constexpr Table table = {
    static_cast<int32_t>(NV_TENSORRT_VERSION),
    CROSSCHECK_IS_RTX,
    set_log,
    build,
    plan_data,
    plan_bytes,
    plan_delete,
    runtime_new,
    runtime_delete,
    engine_new,
    engine_delete,
    engine_tensors,
    engine_tensor,
    compiled_new,
    compiled_delete,
    compiled_memory,
    context_new,
    context_delete,
    context_bind,
    context_enqueue,
};

} // namespace

extern "C" void const* CROSSCHECK_TABLE() { return &table; }
