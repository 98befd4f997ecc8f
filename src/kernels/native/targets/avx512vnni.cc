// The sampler alone; the rest is that of avx512.cc.
#if !defined(__AVX512VNNI__) || !defined(__AVX512VBMI__)
  #error "compile with the flags of avx512.cc and -mavx512vnni -mavx512vbmi"
#endif
#define KERNELS_NAME avx512vnni
#define KERNELS_WIDTH 16
#include "sample/sampler.h"
