// What a step computes besides products: powers, one unit of the GRU, and the draw from a softmax.
#pragma once
#include "simd/simd.h"

namespace {

constexpr float kLog2E = 1.44269504f;

// 2^z for -126 ≤ z ≤ 127, of R registers that take each step together, so that none waits for its
// own result: relative error below 2.5e-7. 2^n comes from the exponent's bits, 2^f from the
// polynomial of degree 5 whose largest relative error is least (7.5e-8, found by Lawson's
// algorithm); f is within ±1/2, or in [0, 1) where an instruction takes the integer part away.
template <int R>
INLINE void powers(const vf (&z)[R], vf (&out)[R]) {
  vf f[R], p[R];
#if KERNELS_WIDTH == 16
  UNROLL for (int i = 0; i < R; i++) f[i] =
      (vf)_mm512_reduce_ps((__m512)z[i], _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
  UNROLL for (int i = 0; i < R; i++) p[i] = f[i] * 1.877576680e-3f + 8.989340284e-3f;
  UNROLL for (int i = 0; i < R; i++) p[i] = p[i] * f[i] + 5.582631767e-2f;
  UNROLL for (int i = 0; i < R; i++) p[i] = p[i] * f[i] + 2.401536173e-1f;
  UNROLL for (int i = 0; i < R; i++) p[i] = p[i] * f[i] + 6.931530731e-1f;
  UNROLL for (int i = 0; i < R; i++) p[i] = p[i] * f[i] + 9.999999251e-1f;
  UNROLL for (int i = 0; i < R; i++) out[i] = (vf)_mm512_scalef_ps((__m512)p[i], (__m512)z[i]);
#else
  // Adding 1.5·2^23 rounds to the nearest integer and leaves it in the low bits.
  vf shifted[R];
  UNROLL for (int i = 0; i < R; i++) shifted[i] = z[i] + 12582912.f;
  UNROLL for (int i = 0; i < R; i++) f[i] = z[i] - (shifted[i] - 12582912.f);
  UNROLL for (int i = 0; i < R; i++) p[i] = f[i] * 1.327647203e-3f + 9.675541480e-3f;
  UNROLL for (int i = 0; i < R; i++) p[i] = p[i] * f[i] + 5.550713275e-2f;
  UNROLL for (int i = 0; i < R; i++) p[i] = p[i] * f[i] + 2.402211972e-1f;
  UNROLL for (int i = 0; i < R; i++) p[i] = p[i] * f[i] + 6.931469671e-1f;
  UNROLL for (int i = 0; i < R; i++) p[i] = p[i] * f[i] + 1.000000072f;
  UNROLL for (int i = 0; i < R; i++) out[i] = (vf)((vi)p[i] + ((vi)shifted[i] << 23));
#endif
}

INLINE vf power(vf z) {
  const vf one[1] = {z};
  vf out[1];
  powers<1>(one, out);
  return out[0];
}

// Beyond 2^±57 a sigmoid is 0 or 1 in float32; the bound keeps products of two such powers finite.
template <int R>
INLINE void bounded_powers(const vf (&z)[R], vf (&out)[R]) {
  vf bounded[R];
  UNROLL for (int i = 0; i < R; i++) bounded[i] = minimum(maximum(z[i], splat(-57.f)), splat(57.f));
  powers<R>(bounded, out);
}

// The next states of R registers of units of the GRU. gate(g, i): what enters update gate (0),
// reset gate (1) and candidate (2) of register i besides what the state gives by way of drive(g,
// i); h(i): the state. With u = sigmoid(x) = 1 / (1 + a) and e = tanh(v) = (1 - b) / (1 + b), u h +
// (1 - u) e stands over one denominator: one division instead of two.
template <int R, class Gate, class Drive, class State>
INLINE void next_states(const Gate& gate, const Drive& drive, const State& h, vf (&out)[R]) {
  vf z[R], a[R], b[R];
  UNROLL for (int i = 0; i < R; i++) z[i] = (drive(1, i) + gate(1, i)) * -kLog2E;
  bounded_powers<R>(z, a);
  UNROLL for (int i = 0; i < R; i++) a[i] = 1.f / (1.f + a[i]);
  UNROLL for (int i = 0; i < R; i++) z[i] = (a[i] * drive(2, i) + gate(2, i)) * (-2 * kLog2E);
  bounded_powers<R>(z, b);
  UNROLL for (int i = 0; i < R; i++) z[i] = (drive(0, i) + gate(0, i)) * -kLog2E;
  bounded_powers<R>(z, a);
  UNROLL for (int i = 0; i < R; i++) out[i] =
      (a[i] * (1.f - b[i]) + h(i) * (1.f + b[i])) / ((1.f + a[i]) * (1.f + b[i]));
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
    // Running sums over the columns.
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
