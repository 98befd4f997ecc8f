// dot(sum, weights, activations): to each 32-bit sum the products of four weights and four
// activations, all signed bytes, exactly. Weights are within ±127, activations within -128 … 127.
// Instructions that multiply unsigned by signed bytes get activations + 128 (kActivationOffset);
// the packed corrections take the excess away again.
#pragma once
#include "simd/simd.h"
#if defined(__ARM_NEON)
  #include <arm_neon.h>
#endif
#if defined(__wasm_simd128__)
  #include <wasm_simd128.h>
#endif

namespace {

#if defined(__AVX512VNNI__) && KERNELS_WIDTH == 16
constexpr int kActivationOffset = 128;
INLINE vi dot(vi sum, vi weights, vi activations) {
  return (vi)_mm512_dpbusd_epi32((__m512i)sum, (__m512i)activations, (__m512i)weights);
}

#elif defined(__AVXVNNI__) && KERNELS_WIDTH == 8
constexpr int kActivationOffset = 128;
INLINE vi dot(vi sum, vi weights, vi activations) {
  return (vi)_mm256_dpbusd_avx_epi32((__m256i)sum, (__m256i)activations, (__m256i)weights);
}

#elif defined(__AVX512BW__) || defined(__AVX2__)
// |a| · (sign(a) w): a pair of products is at most 2 · 128 · 127 = 32,512, so that the 16-bit sums
// cannot saturate.
constexpr int kActivationOffset = 0;
INLINE vi dot(vi sum, vi weights, vi activations) {
  #if KERNELS_WIDTH == 16
  const __m512i a = (__m512i)activations, w = (__m512i)weights;
  const __m512i signedWeights =
      _mm512_mask_sub_epi8(w, _mm512_movepi8_mask(a), _mm512_setzero_si512(), w);
  return sum + (vi)_mm512_madd_epi16(_mm512_maddubs_epi16(_mm512_abs_epi8(a), signedWeights),
                                     _mm512_set1_epi16(1));
  #else
  const __m256i a = (__m256i)activations, w = (__m256i)weights;
  return sum +
         (vi)_mm256_madd_epi16(_mm256_maddubs_epi16(_mm256_abs_epi8(a), _mm256_sign_epi8(w, a)),
                               _mm256_set1_epi16(1));
  #endif
}

#elif defined(__ARM_FEATURE_DOTPROD)
constexpr int kActivationOffset = 0;
INLINE vi dot(vi sum, vi weights, vi activations) {
  return (vi)vdotq_s32((int32x4_t)sum, (int8x16_t)weights, (int8x16_t)activations);
}

#elif defined(__ARM_NEON)
constexpr int kActivationOffset = 0;
INLINE vi dot(vi sum, vi weights, vi activations) {
  const int8x16_t w = (int8x16_t)weights, a = (int8x16_t)activations;
  const int32x4_t low = vpaddlq_s16(vmull_s8(vget_low_s8(w), vget_low_s8(a))),
                  high = vpaddlq_s16(vmull_s8(vget_high_s8(w), vget_high_s8(a)));
  return sum + (vi)vpaddq_s32(low, high);
}

#elif defined(__wasm_simd128__)
constexpr int kActivationOffset = 0;
INLINE vi dot(vi sum, vi weights, vi activations) {
  const v128_t w = (v128_t)weights, a = (v128_t)activations;
  const v128_t p =
      wasm_i32x4_dot_i16x8(wasm_i16x8_extend_low_i8x16(w), wasm_i16x8_extend_low_i8x16(a));
  const v128_t q =
      wasm_i32x4_dot_i16x8(wasm_i16x8_extend_high_i8x16(w), wasm_i16x8_extend_high_i8x16(a));
  return sum + (vi)wasm_i32x4_shuffle(p, q, 0, 2, 4, 6) + (vi)wasm_i32x4_shuffle(p, q, 1, 3, 5, 7);
}

#elif defined(__SSE2__)
constexpr int kActivationOffset = 0;
INLINE vi dot(vi sum, vi weights, vi activations) {
  const __m128i w = (__m128i)weights, a = (__m128i)activations;
  const auto low = [](__m128i v) { return _mm_srai_epi16(_mm_unpacklo_epi8(v, v), 8); };
  const auto high = [](__m128i v) { return _mm_srai_epi16(_mm_unpackhi_epi8(v, v), 8); };
  const __m128 p = _mm_castsi128_ps(_mm_madd_epi16(low(w), low(a))),
               q = _mm_castsi128_ps(_mm_madd_epi16(high(w), high(a)));
  return sum + (vi)_mm_castps_si128(_mm_shuffle_ps(p, q, 0x88)) +
         (vi)_mm_castps_si128(_mm_shuffle_ps(p, q, 0xdd));
}

#else
constexpr int kActivationOffset = 0;
INLINE vi dot(vi sum, vi weights, vi activations) {
  int8_t w[4 * kWidth], a[4 * kWidth];
  memcpy(w, &weights, sizeof w);
  memcpy(a, &activations, sizeof a);
  for (int l = 0; l < kWidth; l++)
    for (int j = 4 * l; j < 4 * l + 4; j++) sum[l] += w[j] * a[j];
  return sum;
}
#endif

}  // namespace
