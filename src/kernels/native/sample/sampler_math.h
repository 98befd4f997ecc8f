// What a step computes besides products: powers, one unit of the GRU, and the draw from a softmax.
#pragma once
#include "simd/simd.h"

namespace {

constexpr float kLog2E = 1.44269504f;

// 2^z for -126 ≤ z ≤ 127: relative error below 2.5e-7. 2^n comes from the exponent's bits, 2^f from
// the polynomial of degree 5 whose largest relative error is least (7.5e-8, found by Lawson's
// algorithm); f is within ±1/2, or in [0, 1) where an instruction takes the integer part away.
INLINE vf power(vf z) {
#if KERNELS_WIDTH == 16
  const vf f = (vf)_mm512_reduce_ps((__m512)z, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
  vf p = splat(1.877576680e-3f);
  p = p * f + 8.989340284e-3f;
  p = p * f + 5.582631767e-2f;
  p = p * f + 2.401536173e-1f;
  p = p * f + 6.931530731e-1f;
  p = p * f + 9.999999251e-1f;
  return (vf)_mm512_scalef_ps((__m512)p, (__m512)z);
#else
  // Adding 1.5·2^23 rounds to the nearest integer and leaves it in the low bits.
  const vf shifted = z + 12582912.f;
  const vf f = z - (shifted - 12582912.f);
  vf p = splat(1.327647203e-3f);
  p = p * f + 9.675541480e-3f;
  p = p * f + 5.550713275e-2f;
  p = p * f + 2.402211972e-1f;
  p = p * f + 6.931469671e-1f;
  p = p * f + 1.000000072f;
  return (vf)((vi)p + ((vi)shifted << 23));
#endif
}

// Beyond 2^±57 a sigmoid is 0 or 1 in float32; the bound keeps products of two such powers finite.
INLINE vf bounded_power(vf z) { return power(minimum(maximum(z, splat(-57.f)), splat(57.f))); }

INLINE vf reset_gate(vf x) { return 1.f / (1.f + bounded_power(x * -kLog2E)); }

// u h + (1 - u) e with u = sigmoid(x) = 1 / (1 + a) and e = tanh(v) = (1 - b) / (1 + b), over one
// denominator: one division instead of two.
INLINE vf next_state(vf x, vf v, vf h) {
  const vf a = bounded_power(x * -kLog2E), b = bounded_power(v * (-2 * kLog2E));
  return (a * (1.f - b) + h * (1.f + b)) / ((1.f + a) * (1.f + b));
}

// A softmax of Q classes without a division per class, and without a search from class to class:
// exp(logit) is summed up in 16 columns side by side, class c in column c mod 16, and the running
// sums are kept. So the unit interval is divided among the columns first, then among the classes of
// a column: 0, 16, 32, …, 1, 17, …
struct Softmax {
  int classes;
  float* masses;  // [Q]: exp(logit - highest)
  float* sums;    // [Q]: running sums of each column

  // Returns the sum of all.
  float exponentials(const float* logits) {
    vf top = load(logits);
    for (int i = kWidth; i < classes; i += kWidth) top = maximum(top, load(logits + i));
    float highest = top[0];
    for (int l = 1; l < kWidth; l++) highest = top[l] > highest ? top[l] : highest;
    vf running[kParts];
    UNROLL for (int p = 0; p < kParts; p++) running[p] = vf{};
    for (int i = 0; i < classes; i += 16) UNROLL for (int p = 0; p < kParts; p++) {
        const vf mass =
            power(maximum((load(logits + i + p * kWidth) - highest) * kLog2E, splat(-126.f)));
        store(masses + i + p * kWidth, mass);
        running[p] += mass;
        store(sums + i + p * kWidth, running[p]);
      }
    // Of the columns, the running sums.
    const float* last = sums + classes - 16;
    float all = 0;
    for (int l = 0; l < 16; l++) columns[l] = all += last[l];
    return all;
  }

  // The class at which the running sum passes `left`; the last one of its column if rounding has
  // left it above all.
  int pick(float left) const {
    int column = 0;
    for (int l = 0; l < 15; l++) column += columns[l] <= left;
    if (column > 0) left -= columns[column - 1];
    int row = 0;
    for (int i = column; i < classes - 16; i += 16) row += sums[i] <= left;
    return row * 16 + column;
  }

  float columns[16];
};

}  // namespace
