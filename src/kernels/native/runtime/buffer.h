#pragma once
#include "train/engine.h"

// A buffer that grows and is kept between calls. Its contents are not cleared.
class Buffer {
 public:
  float* need(size_t floats) {
    if (floats > size_) {
      free_aligned(data_);
      // There may be no memory: then the buffer is empty.
      data_ = nullptr;
      size_ = 0;
      data_ = static_cast<float*>(aligned_memory(floats * sizeof(float)));
      size_ = floats;
    }
    return data_;
  }

 private:
  float* data_ = nullptr;
  size_t size_ = 0;
};
