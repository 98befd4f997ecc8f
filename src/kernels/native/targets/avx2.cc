#if !defined(__AVX2__) || !defined(__FMA__)
  #error "compile with -mavx2 -mfma"
#endif
#define KERNELS_NAME avx2
#define KERNELS_WIDTH 8
#include "targets/target_table.h"
