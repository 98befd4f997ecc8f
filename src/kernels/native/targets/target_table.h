// Everything that is compiled once per instruction set. KERNELS_NAME names the table.
#pragma once
#include "classify/classifier.h"
#include "evolve/noise.h"
#include "sample/sampler.h"
#include "simd/gemm.h"
#include "train/adam.h"
#include "train/sequence.h"

namespace {

void product(const Matrix* m, const float* x, float* y) {
  with_shape(*m, [&](auto shape) { product_all<decltype(shape)>(*m, x, y); });
}

void product_transposed(const Matrix* m, const float* dy, float* dx) {
  with_shape(*m, [&](auto shape) { transposed_all<decltype(shape)>(*m, dy, dx); });
}

void product_weights(const Matrix* m, const float* dy, size_t dyStride, const float* x,
                     size_t xStride, int steps, float* dw) {
  with_shape(*m, [&](auto shape) {
    weights_all<decltype(shape)>(*m, dy, dyStride, x, xStride, steps, dw);
  });
}

}  // namespace

#define KERNELS_STRING(name) KERNELS_STRING_(name)
#define KERNELS_STRING_(name) #name
#define KERNELS_TABLE(name) KERNELS_TABLE_(name)
#define KERNELS_TABLE_(name) kernels_##name
extern const KernelTable KERNELS_TABLE(KERNELS_NAME);
const KernelTable KERNELS_TABLE(KERNELS_NAME) = {
    KERNELS_STRING(KERNELS_NAME),
    kWidth,
    product,
    product_transposed,
    product_weights,
    sequence_workspace,
    sequence,
    adam,
    &SAMPLER_TABLE(KERNELS_NAME),
    gemm,
    classifier,
    mirrored,
    add_noise,
};
