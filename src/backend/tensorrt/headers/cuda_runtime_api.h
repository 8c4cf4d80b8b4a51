// TensorRT's headers name two handles of CUDA's runtime and nothing else of it: with these no toolkit is needed.
#pragma once

typedef struct CUstream_st* cudaStream_t;
typedef struct CUevent_st* cudaEvent_t;
