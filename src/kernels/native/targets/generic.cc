// Four floats: SSE2 on x86-64, SIMD in WebAssembly, and whatever the compiler makes of it
// elsewhere.
#define KERNELS_NAME generic
#define KERNELS_WIDTH 4
#include "targets/target_table.h"
