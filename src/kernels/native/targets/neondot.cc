// The sampler alone; the rest is that of neon.cc.
#if !defined(__ARM_FEATURE_DOTPROD)
  #error "compile for 64-bit Arm with -march=armv8.2-a+dotprod"
#endif
#define KERNELS_NAME neondot
#define KERNELS_WIDTH 4
#include "sample/sampler.h"
