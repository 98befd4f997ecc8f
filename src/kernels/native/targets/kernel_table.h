// What the dispatcher and the kernels of one instruction set say to each other. Plain data only:
// this header is compiled with and without wide instructions, so it must not hold code.
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "sample/packed.h"

// Block CSR; see src/kernels/interface/blocks.ts.
struct Matrix {
  int rows, columns, blockRows, blockColumns;
  const int32_t* rowStart;
  const int32_t* column;
  const float* values;
};

enum { kRecurrent, kCoarseHidden, kCoarseLogits, kFineHidden, kFineLogits, kSparseCount };
enum {
  kInput,
  kCoarseHiddenBias,
  kCoarseLogitsBias,
  kFineHiddenBias,
  kFineLogitsBias,
  kDenseCount
};

// The sample-rate network; shapes in src/model/wavernn/config.ts.
struct Network {
  int hidden, projection, classes;
  int inputs;  // columns of I*: three symbols, and cues
  Matrix sparse[kSparseCount];
  const float* dense[kDenseCount];
};

// Where a sequence's time goes; names: `sequenceParts` in interface/kernels.ts.
enum {
  kStateProducts,
  kOutputProducts,
  kStateProductsBack,
  kOutputProductsBack,
  kStateWeights,
  kOutputWeights,
  kGates,
  kGatesBack,
  kSoftmax,
  kRest,
  kPartCount
};

// One group of 16 lanes. Arrays marked [..][16] have the lane as their fastest index.
struct Sequence {
  int steps, hop, phase, frames;
  const uint8_t* coarse;       // [steps + 1][16], symbol of the sample before the segment first
  const uint8_t* fine;         // [steps + 1][16]
  const uint8_t* heardCoarse;  // [steps][16], symbols that a step hears as the sample before it
  const uint8_t* heardFine;    // [steps][16]
  const float* cues;           // [steps][inputs - 3][16]
  const float* gate;           // [frames][3H][16]
  const int32_t* length;       // [16], samples of the lane that count; 0 for an empty lane
  float scale;                 // gradients are those of scale · (sum of nats)
  float* state;                // [H][16], initial state in, final state out
  double* loss;                // [16], sum of nats
  float* nll;                  // [steps][16] or null: nats of each sample
  uint64_t* profile;           // [kPartCount] or null: ticks are added
};

struct Gradients {
  float* gate;                  // [frames][3H][16], overwritten
  Matrix at[kSparseCount];      // the blocks that have gradients: those stored, or all; no values
  float* sparse[kSparseCount];  // in the order of these blocks, overwritten
  float* dense[kDenseCount];    // overwritten
};

struct Adam {
  float rate, beta1, beta2, epsilon;  // rate already holds the bias corrections: see adam.h
  float gradientScale, correction2;
  float average;  // decay of the exponential moving average of the weights
};

// Standard normal numbers, four from each index of a Philox stream, from `index` on.
struct Noise {
  uint32_t key[2], stream;
  uint64_t index;
};

// classify/network.h
struct Classifier;
struct ClassifierSlice;
struct ClassifierGradients;

struct KernelTable {
  const char* name;
  int width;
  // y [rows][16] = M x [columns][16]
  void (*product)(const Matrix*, const float* x, float* y);
  // dx [columns][16] += Mᵀ dy [rows][16]
  void (*product_transposed)(const Matrix*, const float* dy, float* dx);
  // dw += Σ over steps and lanes of dy xᵀ at the non-zero blocks; strides in floats between steps
  void (*product_weights)(const Matrix*, const float* dy, size_t dyStride, const float* x,
                          size_t xStride, int steps, float* dw);
  size_t (*sequence_workspace)(const Network*, int steps, int gradients);
  // gradients == null: loss and final state only
  void (*sequence)(const Network*, const Sequence*, const Gradients*, float* workspace);
  void (*adam)(const Adam*, float* weights, const float* gradient, float* first, float* second,
               float* average, size_t count);
  const SamplerKernels* sampler;
  // C [m,n] = A·B (+ C when accumulate): row-major, leading dimensions in floats, A and B
  // optionally transposed
  void (*gemm)(int transposeA, int transposeB, int m, int n, int k, const float* a, int lda,
               const float* b, int ldb, float* c, int ldc, int accumulate);
  // Some members, on the same examples, and the slice of each; their first `common` layers are the
  // same. gradients == null: loss and correct answers only, else there is one member. The workspace
  // is laid out by classify/layout.h.
  void (*classifier)(const Classifier*, int members, int common, ClassifierSlice*,
                     const ClassifierGradients*, float* workspace);
  // plus, minus [count] = mean ± scale · sigma · noise
  void (*mirrored)(const Noise*, const float* mean, const float* sigma, float scale, float* plus,
                   float* minus, size_t count);
  // sum [count] += weight · noise
  void (*add_noise)(const Noise*, float weight, float* sum, size_t count);
};
