// The sampler alone; the rest is that of kernels_avx2.cc.
#if !defined(__AVXVNNI__)
  #error "compile with the flags of kernels_avx2.cc and -mavxvnni"
#endif
#define KERNELS_NAME avxvnni
#define KERNELS_WIDTH 8
#include "sample/sampler.h"
