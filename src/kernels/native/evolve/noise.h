// The noise of a pair of members of an evolution strategy, drawn where it is used and never stored.
// The same numbers as `fillNormals` in src/base/random.ts, within a few roundings.
#pragma once
#include "simd/simd.h"
#include "targets/kernel_table.h"

namespace {

typedef uint32_t vu __attribute__((vector_size(kWidth * 4)));
// One index of a Philox stream a lane. Of the words of a counter only the lower half counts.
typedef uint64_t vl __attribute__((vector_size(kWidth * 4)));
constexpr int kIndices = kWidth / 2;

// The lower halves times m, in full.
INLINE vl multiply_halves(vl a, uint32_t m) {
#if defined(__AVX512F__)
  return (vl)_mm512_mul_epu32((__m512i)a, _mm512_set1_epi64(m));
#elif defined(__AVX2__)
  return (vl)_mm256_mul_epu32((__m256i)a, _mm256_set1_epi64x(m));
#elif defined(__SSE2__)
  return (vl)_mm_mul_epu32((__m128i)a, _mm_set1_epi64x(m));
#else
  return (a & 0xFFFFFFFFu) * (uint64_t)m;
#endif
}

// -ln x for x in (0, 1]. x = 2^e m with m within √½ … √2, and ln m = 2 artanh s, s = (m - 1) / (m +
// 1): by its series, of which the first term that is left out is below 3e-9 of the whole.
INLINE vf minus_logarithm(vf x) {
  const vi e = ((vi)x - 0x3F3504F3) >> 23;
  const vf m = (vf)((vi)x - (e << 23)), s = (m - 1.f) / (m + 1.f), z = s * s;
  vf p = z * (1.f / 9) + 1.f / 7;
  p = p * z + 1.f / 5;
  p = p * z + 1.f / 3;
  p = p * z + 1.f;
  return __builtin_convertvector(e, vf) * -0.69314718f - 2.f * s * p;
}

// Sine and cosine of 2π turns, for turns in [0, 1). Within an eighth of a turn of a quarter by
// their Taylor polynomials: error below 3e-8.
INLINE void sine_and_cosine(vf turns, vf* sine, vf* cosine) {
  const vf shifted = turns * 4.f + 12582912.f;
  const vi quarter = (vi)shifted & 3;
  const vf x = (turns - (shifted - 12582912.f) * 0.25f) * 6.28318531f, z = x * x;
  vf s = z * 2.7557319e-6f - 1.9841270e-4f;
  s = s * z + 8.3333333e-3f;
  s = s * z - 1.6666667e-1f;
  s = s * z * x + x;
  vf c = z * 2.4801587e-5f - 1.3888889e-3f;
  c = c * z + 4.1666667e-2f;
  c = c * z - 0.5f;
  c = c * z + 1.f;
  const vi odd = (quarter & 1) != 0;
  *sine = (vf)((vi)(odd ? c : s) ^ ((quarter & 2) << 30));
  *cosine = (vf)((vi)(odd ? s : c) ^ (((quarter + 1) & 2) << 30));
}

// The eight numbers of each two indices, in order: Philox4x32-10 (Salmon et al. 2011), then the
// transform of Box and Muller, words 0 and 2 giving radii and words 1 and 3 angles.
INLINE void normals(const Noise& noise, vl index, vf* first, vf* second) {
  vl c0 = index, c1 = index >> 32, c2 = noise.stream - vl{}, c3 = {};
  uint32_t k0 = noise.key[0], k1 = noise.key[1];
  UNROLL for (int round = 0; round < 10; round++) {
    const vl p0 = multiply_halves(c0, 0xD2511F53u), p1 = multiply_halves(c2, 0xCD9E8D57u);
    c0 = (p1 >> 32) ^ c1 ^ (uint64_t)k0;
    c1 = p1;
    c2 = (p0 >> 32) ^ c3 ^ (uint64_t)k1;
    c3 = p0;
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  const auto uniform = [](vl even, vl odd) INLINE_LAMBDA {
    const vu words = (vu)((even & 0xFFFFFFFFu) | (odd << 32));
    return __builtin_convertvector((vi)(words >> 8), vf) * 0x1p-24f;
  };
  const vf radius = square_root(2.f * minus_logarithm(1.f - uniform(c0, c2)));
  vf sine, cosine;
  sine_and_cosine(uniform(c1, c3), &sine, &cosine);
  const vf a = radius * cosine, b = radius * sine;
  *first = interleave_low(a, b);
  *second = interleave_high(a, b);
}

// Calls f(i, n, numbers) for every register n of the noise: so many numbers from number i on.
template <class F>
INLINE void for_noise(const Noise& noise, size_t count, F f) {
  vl index = noise.index - vl{};
  for (int l = 0; l < kIndices; l++) index[l] += l;
  vf a, b;
  size_t i = 0;
  for (; i + 2 * kWidth <= count; i += 2 * kWidth, index += kIndices) {
    normals(noise, index, &a, &b);
    f(i, a, kWidth);
    f(i + kWidth, b, kWidth);
  }
  if (i == count) return;
  normals(noise, index, &a, &b);
  const size_t left = count - i;
  f(i, a, left < kWidth ? left : kWidth);
  if (left > kWidth) f(i + kWidth, b, left - kWidth);
}

INLINE vf load_some(const float* p, size_t count) {
  vf v = {};
  memcpy(&v, p, count * sizeof(float));
  return v;
}

void mirrored(const Noise* noise, const float* mean, const float* sigma, float scale, float* plus,
              float* minus, size_t count) {
  for_noise(*noise, count, [&](size_t i, vf n, size_t numbers) INLINE_LAMBDA {
    const vf from = load_some(mean + i, numbers),
             offset = scale * load_some(sigma + i, numbers) * n, up = from + offset,
             down = from - offset;
    memcpy(plus + i, &up, numbers * sizeof(float));
    memcpy(minus + i, &down, numbers * sizeof(float));
  });
}

void add_noise(const Noise* noise, float weight, float* sum, size_t count) {
  for_noise(*noise, count, [&](size_t i, vf n, size_t numbers) INLINE_LAMBDA {
    const vf all = load_some(sum + i, numbers) + weight * n;
    memcpy(sum + i, &all, numbers * sizeof(float));
  });
}

}  // namespace
