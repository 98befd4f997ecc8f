// From block matrices to what the sampler reads. The only place that knows how both are laid out.
#pragma once
#include <memory>

#include "train/engine.h"

// Block CSR like Matrix, its values in any precision: float, bf16 bits, or int8 with a scale per
// row.
struct SourceMatrix {
  int rows, columns, blockRows, blockColumns;
  const int32_t* rowStart;
  const int32_t* column;
  int precision;
  const void* values;
  const float* scale;
};

struct SourceNetwork {
  int hidden, projection, classes, inputs;
  SourceMatrix sparse[kSparseCount];
  const float* dense[kDenseCount];
};

// All arrays in one piece of memory, in the order in which a step reads them.
class Arena {
 public:
  ~Arena();
  // `where` is set by `close`; it must stay where it is until then.
  template <class T>
  void place(const T** where, const std::vector<T>& data) {
    add(reinterpret_cast<const void**>(where), data.data(), data.size() * sizeof(T));
  }
  void add(const void** where, const void* data, size_t bytes);
  void close();

 private:
  std::vector<char> bytes_;
  std::vector<std::pair<const void**, size_t>> places_;
  void* memory_ = nullptr;
};

// slabs: the first row of each, in the order in which they are read.
void pack_matrix(const SourceMatrix&, const std::vector<int>& slabs, const SamplerKernels*,
                 PackedMatrix* out, Arena*);

// First rows of slabs begin … end-1.
std::vector<int> rows_of(Slabs);

struct Packed {
  PackedNetwork network;
  Arena arena;
};
// For one of `size` threads that share a stream.
std::unique_ptr<Packed> pack_network(const SourceNetwork&, const SamplerKernels*, int index = 0,
                                     int size = 1);
