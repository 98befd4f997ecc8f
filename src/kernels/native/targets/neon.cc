#if !defined(__ARM_NEON)
  #error "compile for 64-bit Arm"
#endif
#define KERNELS_NAME neon
#define KERNELS_WIDTH 4
#include "targets/target_table.h"
