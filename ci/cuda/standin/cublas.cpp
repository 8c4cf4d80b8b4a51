// A libcublas for tests: as much of cuBLAS's interface as a fit calls, written from its public documentation, on the
// driver interface of the process (driver.cpp beside this file), as the real one is. Products are done when their turn
// in the stream comes.
//
// Refused, with a line on the standard error: matrices that go beyond a buffer of the device, leading dimensions below
// their rows, sizes that are none, products in TF32, handles that are none. A handle holds memory of the device, as the
// real one's does, so that one that is not destroyed is left over in the driver's report.
//
// Of the environment: STANDIN_CUBLAS (version).

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <dlfcn.h>
#include <memory>
#include <set>
#include <vector>

namespace {

enum Status { SUCCESS = 0, NOT_INITIALIZED = 1, ALLOC_FAILED = 3, INVALID_VALUE = 7, EXECUTION_FAILED = 13, NOT_SUPPORTED = 15 };
enum Operation { PLAIN = 0, TRANSPOSED = 1 };
constexpr int TF32_MATH = 3;
constexpr size_t WORKSPACE_BYTES = 4 << 20;

struct Handle {
    void* stream = nullptr;
    int math = 0;
    uint64_t workspace = 0;
    // That of the workspace.
    void* own_stream = nullptr;
};

std::set<Handle*> handles;

template <class F>
F* driver(const char* name) {
    static void* library = dlopen("libcuda.so.1", RTLD_NOW);
    void* found = library == nullptr ? nullptr : dlsym(library, name);
    if (found == nullptr) {
        fprintf(stderr, "stand-in: cuBLAS finds no %s\n", name);
        abort();
    }
    return reinterpret_cast<F*>(found);
}

Status refuse(Status status, const char* why) {
    fprintf(stderr, "stand-in: cuBLAS: %s\n", why);
    return status;
}

// A matrix as cuBLAS stores it, column by column; it enters transposed where `operation` says so.
struct Matrix {
    const float* values;
    int operation, rows, columns, leading;

    float at(int row, int column) const {
        return operation == PLAIN ? values[(size_t)column * leading + row] : values[(size_t)row * leading + column];
    }

    // Whether all of it lies in one live buffer of the device.
    bool is_there() const {
        const int stored_rows = operation == PLAIN ? rows : columns, stored_columns = operation == PLAIN ? columns : rows;
        uint64_t start = 0;
        size_t bytes = 0;
        if (leading < std::max(1, stored_rows)) {
            return false;
        }
        const auto range = driver<int(uint64_t*, size_t*, uint64_t)>("cuMemGetAddressRange_v2");
        if (range(&start, &bytes, (uint64_t)values) != 0) {
            return false;
        }
        const size_t floats = (size_t)leading * (stored_columns - 1) + stored_rows;
        return (uint64_t)values + floats * sizeof(float) <= start + bytes;
    }
};

struct Product {
    Matrix a, b, c;
    float alpha, beta;

    bool is_there() const {
        return a.is_there() && b.is_there() && c.is_there();
    }

    // Sums in f32, in the order of k.
    void run() const {
        std::vector<float> column_of_a(a.rows), sums((size_t)c.rows * c.columns);
        for (int k = 0; k < a.columns; ++k) {
            for (int i = 0; i < a.rows; ++i) {
                column_of_a[i] = a.at(i, k);
            }
            for (int j = 0; j < c.columns; ++j) {
                const float factor = b.at(k, j);
                float* sum = &sums[(size_t)j * c.rows];
                for (int i = 0; i < c.rows; ++i) {
                    sum[i] += column_of_a[i] * factor;
                }
            }
        }
        for (int j = 0; j < c.columns; ++j) {
            for (int i = 0; i < c.rows; ++i) {
                float& out = const_cast<float*>(c.values)[(size_t)j * c.leading + i];
                // Where beta is zero, what was there may be no number.
                out = alpha * sums[(size_t)j * c.rows + i] + (beta == 0.0f ? 0.0f : beta * out);
            }
        }
    }
};

void run_product(void* data) {
    const std::unique_ptr<Product> product(static_cast<Product*>(data));
    if (!product->is_there()) {
        fprintf(stderr, "stand-in: cuBLAS: a buffer was freed before its product was taken\n");
        abort();
    }
    product->run();
}

}  // namespace

#define API extern "C" __attribute__((visibility("default"))) int

API cublasCreate_v2(Handle** handle) {
    void* stream = nullptr;
    uint64_t workspace = 0;
    if (driver<int(void**, unsigned)>("cuStreamCreate")(&stream, 1) != 0) {
        return refuse(NOT_INITIALIZED, "no stream for its workspace");
    }
    if (driver<int(uint64_t*, size_t, void*)>("cuMemAllocAsync")(&workspace, WORKSPACE_BYTES, stream) != 0) {
        driver<int(void*)>("cuStreamDestroy_v2")(stream);
        return refuse(ALLOC_FAILED, "no memory for its workspace");
    }
    *handle = new Handle{nullptr, 0, workspace, stream};
    handles.insert(*handle);
    return SUCCESS;
}

API cublasDestroy_v2(Handle* handle) {
    if (handles.erase(handle) == 0) {
        return refuse(NOT_INITIALIZED, "a handle is destroyed that is none");
    }
    driver<int()>("cuCtxSynchronize")();
    driver<int(uint64_t, void*)>("cuMemFreeAsync")(handle->workspace, handle->own_stream);
    driver<int(void*)>("cuStreamDestroy_v2")(handle->own_stream);
    delete handle;
    return SUCCESS;
}

API cublasGetVersion_v2(Handle* handle, int* version) {
    const char* text = getenv("STANDIN_CUBLAS");
    *version = text == nullptr ? 120600 : atoi(text);
    return handles.count(handle) == 0 ? refuse(NOT_INITIALIZED, "the version of no handle") : SUCCESS;
}

API cublasSetStream_v2(Handle* handle, void* stream) {
    if (handles.count(handle) == 0) {
        return refuse(NOT_INITIALIZED, "a stream for no handle");
    }
    handle->stream = stream;
    return SUCCESS;
}

API cublasSetMathMode(Handle* handle, int mode) {
    if (handles.count(handle) == 0) {
        return refuse(NOT_INITIALIZED, "a mode for no handle");
    }
    handle->math = mode;
    return SUCCESS;
}

API cublasSgemm_v2(Handle* handle, int of_a, int of_b, int m, int n, int k, const float* alpha, const float* a, int lda,
                   const float* b, int ldb, const float* beta, float* c, int ldc) {
    if (handles.count(handle) == 0 || handle->stream == nullptr) {
        return refuse(NOT_INITIALIZED, "a product by no handle, or into no stream of its own");
    }
    if (handle->math == TF32_MATH) {
        return refuse(NOT_SUPPORTED, "a product in TF32, which this is not made for");
    }
    if (m <= 0 || n <= 0 || k <= 0 || of_a < PLAIN || of_a > TRANSPOSED || of_b < PLAIN || of_b > TRANSPOSED) {
        return refuse(INVALID_VALUE, "a product of no such sizes");
    }
    const Product product{{a, of_a, m, k, lda}, {b, of_b, k, n, ldb}, {c, PLAIN, m, n, ldc}, *alpha, *beta};
    if (!product.is_there()) {
        return refuse(INVALID_VALUE, "a matrix goes beyond a buffer of the device");
    }
    auto* data = new Product(product);
    if (driver<int(void*, void (*)(void*), void*)>("cuLaunchHostFunc")(handle->stream, run_product, data) != 0) {
        delete data;
        return EXECUTION_FAILED;
    }
    return SUCCESS;
}
