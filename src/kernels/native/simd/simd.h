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
INLINE void prefetch_rows(const float* p, int rows) {
  for (int i = 0; i < rows; i++) prefetch(p + i * kLanes);
}
// Part `i` of `parts` of so many rows.
INLINE void prefetch_share(const float* p, int rows, int i, int parts) {
  const int from = rows * i / parts;
  prefetch_rows(p + from * kLanes, rows * (i + 1) / parts - from);
}
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

constexpr float kLog2E = 1.44269504f;

// 2^(factor · x) = 2^n · 2^f of R registers that take each step together, so that none waits for
// its own result; the power within 2^±126. n is the nearest integer: adding 1.5·2^23 rounds to it
// and leaves it in the low bits. 2^f on [-1/2, 1/2] by its degree-6 Taylor polynomial: relative
// error below 2e-7.
template <int R>
INLINE void powers_of_two(float factor, vf (&x)[R]) {
  vf z[R], shifted[R], f[R], p[R];
  UNROLL for (int i = 0; i < R; i++) z[i] = x[i] * factor;
  UNROLL for (int i = 0; i < R; i++) shifted[i] = z[i] + 12582912.f;
  UNROLL for (int i = 0; i < R; i++) f[i] = z[i] - (shifted[i] - 12582912.f);
  UNROLL for (int i = 0; i < R; i++) p[i] = f[i] * 1.5403530e-4f + 1.3333558e-3f;
  UNROLL for (int i = 0; i < R; i++) p[i] = p[i] * f[i] + 9.6181291e-3f;
  UNROLL for (int i = 0; i < R; i++) p[i] = p[i] * f[i] + 5.5504109e-2f;
  UNROLL for (int i = 0; i < R; i++) p[i] = p[i] * f[i] + 2.4022651e-1f;
  UNROLL for (int i = 0; i < R; i++) p[i] = p[i] * f[i] + 6.9314718e-1f;
  UNROLL for (int i = 0; i < R; i++) p[i] = p[i] * f[i] + 1.f;
  UNROLL for (int i = 0; i < R; i++) x[i] = (vf)((vi)p[i] + ((vi)shifted[i] << 23));
}

template <int R>
INLINE void bound(float least, float most, vf (&x)[R]) {
  UNROLL for (int i = 0; i < R; i++) x[i] = minimum(maximum(x[i], splat(least)), splat(most));
}

INLINE vf exponential(vf x) {
  vf one[1] = {x};
  bound(-87.f, 88.f, one);
  powers_of_two(kLog2E, one);
  return one[0];
}

// Sigmoids of 2R registers for R divisions: 1/a = b/(ab). Beyond ±40 a sigmoid is 0 or 1 in
// float32; the bound keeps ab finite.
template <int R>
INLINE void sigmoids(vf (&x)[R], vf (&y)[R]) {
  bound(-40.f, 40.f, x);
  powers_of_two(-kLog2E, x);
  bound(-40.f, 40.f, y);
  powers_of_two(-kLog2E, y);
  UNROLL for (int i = 0; i < R; i++) {
    const vf a = 1.f + x[i], b = 1.f + y[i], inverse = 1.f / (a * b);
    x[i] = inverse * b;
    y[i] = inverse * a;
  }
}

template <int R>
INLINE void hyperbolic_tangents(vf (&x)[R]) {
  bound(-43.5f, 44.f, x);
  powers_of_two(2 * kLog2E, x);
  UNROLL for (int i = 0; i < R; i++) x[i] = 1.f - 2.f / (1.f + x[i]);
}

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

#if KERNELS_WIDTH == 8
  // In each four of a register the numbers i, j, k, l of those of `a` (0 … 3) and `b` (4 … 7).
  #define FOUR_(i, four) ((i) % 4 + (i) / 4 * kWidth + 4 * (four))
  #define FOURS_(i, j, k, l, four) FOUR_(i, four), FOUR_(j, four), FOUR_(k, four), FOUR_(l, four)
  #define SHUFFLE_FOURS(a, b, i, j, k, l) \
    __builtin_shufflevector(a, b, FOURS_(i, j, k, l, 0), FOURS_(i, j, k, l, 1))

// A register of two fours that are `stride` apart.
INLINE vf load_fours(const float* p, size_t stride) {
  v4 a, b;
  memcpy(&a, p, sizeof a);
  memcpy(&b, p + stride, sizeof b);
  return __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7);
}
#elif KERNELS_WIDTH == 4
  #define SHUFFLE_FOURS(a, b, i, j, k, l) SHUFFLE4(a, b, i, j, k, l)
INLINE vf load_fours(const float* p, size_t) { return load(p); }
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
