#if !defined(__AVX512F__) || !defined(__AVX512DQ__)
  #error "compile with -mavx512f -mavx512bw -mavx512vl -mavx512dq"
#endif
#define KERNELS_NAME avx512
#define KERNELS_WIDTH 16
#include "targets/target_table.h"
