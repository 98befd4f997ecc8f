// One vector type for every instruction set: GCC/Clang vector extensions, so that the same source
// is compiled for each of them and what is tested on one machine is the code that runs on another.
// The including file sets KERNELS_WIDTH, the floats of a register.
//
// Training works on groups of 16 lanes (16 segments side by side): a value of a group is 16 floats,
// kParts registers.
#pragma once
#include <stdint.h>
#include <string.h>
#if defined(__SSE2__)
  #include <immintrin.h>
#elif defined(__wasm_simd128__)
  #include <wasm_simd128.h>
#endif

#ifndef KERNELS_WIDTH
  #error "include this from a file in targets/, which sets KERNELS_WIDTH"
#endif

#define INLINE static inline __attribute__((always_inline))
// After the parameters of a lambda in an inner loop: compilers do not inline all of them.
#define INLINE_LAMBDA __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 16")

namespace {

constexpr int kWidth = KERNELS_WIDTH;
constexpr int kLanes = 16;
constexpr int kParts = kLanes / kWidth;

typedef float vf __attribute__((vector_size(kWidth * 4)));
typedef int32_t vi __attribute__((vector_size(kWidth * 4)));
typedef float vf_memory __attribute__((vector_size(kWidth * 4), aligned(4), may_alias));
typedef float v4 __attribute__((vector_size(16)));

INLINE vf load(const float* p) { return *reinterpret_cast<const vf_memory*>(p); }
INLINE void store(float* p, vf v) { *reinterpret_cast<vf_memory*>(p) = v; }
INLINE vf splat(float s) { return s - vf{}; }

// What vector extensions do not say well.
#if defined(__AVX512F__)
INLINE vf maximum(vf a, vf b) { return (vf)_mm512_max_ps((__m512)a, (__m512)b); }
INLINE vf minimum(vf a, vf b) { return (vf)_mm512_min_ps((__m512)a, (__m512)b); }
INLINE vf square_root(vf a) { return (vf)_mm512_sqrt_ps((__m512)a); }
#elif defined(__AVX2__)
INLINE vf maximum(vf a, vf b) { return (vf)_mm256_max_ps((__m256)a, (__m256)b); }
INLINE vf minimum(vf a, vf b) { return (vf)_mm256_min_ps((__m256)a, (__m256)b); }
INLINE vf square_root(vf a) { return (vf)_mm256_sqrt_ps((__m256)a); }
#elif defined(__SSE2__)
INLINE vf maximum(vf a, vf b) { return (vf)_mm_max_ps((__m128)a, (__m128)b); }
INLINE vf minimum(vf a, vf b) { return (vf)_mm_min_ps((__m128)a, (__m128)b); }
INLINE vf square_root(vf a) { return (vf)_mm_sqrt_ps((__m128)a); }
#elif defined(__wasm_simd128__)
INLINE vf maximum(vf a, vf b) { return (vf)wasm_f32x4_pmax((v128_t)b, (v128_t)a); }
INLINE vf minimum(vf a, vf b) { return (vf)wasm_f32x4_pmin((v128_t)b, (v128_t)a); }
INLINE vf square_root(vf a) { return (vf)wasm_f32x4_sqrt((v128_t)a); }
#else
INLINE vf maximum(vf a, vf b) { return a > b ? a : b; }
INLINE vf minimum(vf a, vf b) { return a < b ? a : b; }
INLINE vf square_root(vf a) {
  vf b;
  for (int i = 0; i < kWidth; i++) b[i] = __builtin_sqrtf(a[i]);
  return b;
}
#endif

// Fetches one row of 16 lanes, a cache line, ahead of its use.
INLINE void prefetch(const float* p) { __builtin_prefetch(p, 0); }
INLINE void prefetch_to_write(float* p) { __builtin_prefetch(p, 1); }

// A counter of constant rate; 0 where there is none that is cheap to read.
INLINE uint64_t ticks_now() {
#if defined(__SSE2__)
  return __rdtsc();
#elif defined(__aarch64__)
  uint64_t count;
  asm volatile("mrs %0, cntvct_el0" : "=r"(count));
  return count;
#else
  return 0;
#endif
}

// exp(x) = 2^n · 2^f, n the nearest integer to x·log2(e). Adding 1.5·2^23 rounds to the nearest
// integer and leaves n in the low bits. 2^f on [-1/2, 1/2] by its degree-6 Taylor polynomial:
// relative error below 2e-7.
INLINE vf exponential(vf x) {
  x = minimum(maximum(x, splat(-87.f)), splat(88.f));
  const vf z = x * 1.44269504f;
  const vf shifted = z + 12582912.f;
  const vf f = z - (shifted - 12582912.f);
  vf p = splat(1.5403530e-4f);
  p = p * f + 1.3333558e-3f;
  p = p * f + 9.6181291e-3f;
  p = p * f + 5.5504109e-2f;
  p = p * f + 2.4022651e-1f;
  p = p * f + 6.9314718e-1f;
  p = p * f + 1.f;
  return (vf)((vi)p + ((vi)shifted << 23));
}

INLINE vf sigmoid(vf x) { return 1.f / (1.f + exponential(-x)); }

// Two sigmoids for one division: 1/a = b/(ab). Beyond ±40 a sigmoid is 0 or 1 in float32; the bound
// keeps ab finite.
INLINE void sigmoids(vf& x, vf& y) {
  const vf a = 1.f + exponential(minimum(maximum(-x, splat(-40.f)), splat(40.f)));
  const vf b = 1.f + exponential(minimum(maximum(-y, splat(-40.f)), splat(40.f)));
  const vf inverse = 1.f / (a * b);
  x = inverse * b;
  y = inverse * a;
}

INLINE vf hyperbolic_tangent(vf x) { return 1.f - 2.f / (1.f + exponential(x + x)); }

#define SHUFFLE4(a, b, i, j, k, l) __builtin_shufflevector(a, b, i, j, k, l)

// a0 b0 a1 b1 … of the lower or the upper halves of two registers.
#if KERNELS_WIDTH == 16
INLINE vf interleave_low(vf a, vf b) {
  return __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}
INLINE vf interleave_high(vf a, vf b) {
  return __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15,
                                 31);
}
#elif KERNELS_WIDTH == 8
INLINE vf interleave_low(vf a, vf b) {
  return __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
}
INLINE vf interleave_high(vf a, vf b) {
  return __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
}
#else
INLINE vf interleave_low(vf a, vf b) { return SHUFFLE4(a, b, 0, 4, 1, 5); }
INLINE vf interleave_high(vf a, vf b) { return SHUFFLE4(a, b, 2, 6, 3, 7); }
#endif

INLINE v4 fold(vf a) {
#if KERNELS_WIDTH == 16
  typedef float v8 __attribute__((vector_size(32)));
  const v8 h = __builtin_shufflevector(a, a, 0, 1, 2, 3, 4, 5, 6, 7) +
               __builtin_shufflevector(a, a, 8, 9, 10, 11, 12, 13, 14, 15);
  return SHUFFLE4(h, h, 0, 1, 2, 3) + SHUFFLE4(h, h, 4, 5, 6, 7);
#elif KERNELS_WIDTH == 8
  return SHUFFLE4(a, a, 0, 1, 2, 3) + SHUFFLE4(a, a, 4, 5, 6, 7);
#else
  return a;
#endif
}

// The horizontal sums of four registers.
INLINE v4 sum4(vf a, vf b, vf c, vf d) {
  const v4 p = fold(a), q = fold(b), r = fold(c), s = fold(d);
  const v4 x = SHUFFLE4(p, q, 0, 4, 1, 5) + SHUFFLE4(p, q, 2, 6, 3, 7);
  const v4 y = SHUFFLE4(r, s, 0, 4, 1, 5) + SHUFFLE4(r, s, 2, 6, 3, 7);
  return SHUFFLE4(x, y, 0, 1, 4, 5) + SHUFFLE4(x, y, 2, 3, 6, 7);
}

INLINE float sum(vf a) {
  const v4 f = fold(a);
  return (f[0] + f[2]) + (f[1] + f[3]);
}

}  // namespace
