// The sampler alone; the rest is that of avx2.cc.
#if !defined(__AVXVNNI__)
  #error "compile with the flags of avx2.cc and -mavxvnni"
#endif
#define KERNELS_NAME avxvnni
#define KERNELS_WIDTH 8
#include "sample/sampler.h"
