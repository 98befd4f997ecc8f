// The sampler: one stream, one sample at a time. A block of 16 outputs is kParts registers; its input is broadcast.
#pragma once
#include "philox.h"
#include "products.h"

namespace {

constexpr uint32_t kSamplingStream = 4;

template <int BR, int BC>
INLINE void vector_block_row(const Matrix& m, int i, const float* __restrict x, float* __restrict y) {
  const int begin = m.rowStart[i], end = m.rowStart[i + 1];
  const float* w = m.values + (size_t)begin * BR * BC;
  if constexpr (BR == 16) {
    // Four sums in flight hide the latency of the multiply-add.
    vf sums[4][kParts];
    UNROLL for (int c = 0; c < 4; c++) UNROLL for (int p = 0; p < kParts; p++) sums[c][p] = vf{};
    int k = begin;
    for (; k + 4 <= end; k += 4, w += 64)
      UNROLL for (int c = 0; c < 4; c++) UNROLL for (int p = 0; p < kParts; p++) sums[c][p] += load(w + c * 16 + p * kWidth) * x[m.column[k + c]];
    for (; k < end; k++, w += 16) UNROLL for (int p = 0; p < kParts; p++) sums[0][p] += load(w + p * kWidth) * x[m.column[k]];
    UNROLL for (int p = 0; p < kParts; p++) store(y + p * kWidth, (sums[0][p] + sums[1][p]) + (sums[2][p] + sums[3][p]));
  } else if constexpr (BR == 4) {
    v4 sums[4] = {v4{}, v4{}, v4{}, v4{}};
    for (int k = begin; k < end; k++, w += 16) {
      const float* in = x + (size_t)m.column[k] * 4;
      UNROLL for (int c = 0; c < 4; c++) {
        v4 column;
        memcpy(&column, w + c * 4, 16);
        sums[c] += column * in[c];
      }
    }
    const v4 all = (sums[0] + sums[1]) + (sums[2] + sums[3]);
    memcpy(y, &all, 16);
  } else {
    float all = 0;
    for (int k = begin; k < end; k++, w++) all += *w * x[m.column[k]];
    *y = all;
  }
}

template <class S>
struct SamplerRun {
  SamplerState& st;
  const Network& net;
  const int H, P, Q;
  float *products, *next, *y, *z;

  explicit SamplerRun(SamplerState& s) : st(s), net(s.network), H(net.hidden), P(net.projection), Q(net.levels) {
    products = s.scratch;
    next = products + 3 * H;
    y = next + H;
    z = y + P;
  }

  void product(const Matrix& m, const float* x, float* out) {
    for (int i = 0; i < m.rows / S::rows; i++) vector_block_row<S::rows, S::columns>(m, i, x, out + i * S::rows);
  }

  // Half of the state: 0 coarse, 1 fine.
  void gates(int half, const float* gate, float c0, float f0, float c1) {
    const float* w = st.inputColumns;
    for (int i = half * H / 2; i < (half + 1) * H / 2; i += kWidth) {
      vf drive[3];
      UNROLL for (int g = 0; g < 3; g++) {
        const int row = g * H + i;
        drive[g] = load(gate + row) + load(w + row) * c0 + load(w + 3 * H + row) * f0;
        if (half) drive[g] += load(w + 6 * H + row) * c1;
      }
      const vf u = sigmoid(load(products + i) + drive[0]);
      const vf r = sigmoid(load(products + H + i) + drive[1]);
      const vf e = hyperbolic_tangent(r * load(products + 2 * H + i) + drive[2]);
      store(next + i, e + u * (load(st.hidden + i) - e));
    }
  }

  int draw(int half, uint32_t random, const uint16_t* forced, float* probabilities) {
    product(net.sparse[half ? kFineHidden : kCoarseHidden], next + half * H / 2, y);
    const float* hiddenBias = net.dense[half ? kFineHiddenBias : kCoarseHiddenBias];
    for (int i = 0; i < P; i += kWidth) store(y + i, maximum(load(y + i) + load(hiddenBias + i), vf{}));
    product(net.sparse[half ? kFineLogits : kCoarseLogits], y, z);
    const float* logitBias = net.dense[half ? kFineLogitsBias : kCoarseLogitsBias];
    vf top = splat(-1e30f);
    for (int i = 0; i < Q; i += kWidth) {
      const vf v = (load(z + i) + load(logitBias + i)) * st.inverseTemperature;
      store(z + i, v);
      top = maximum(top, v);
    }
    float highest = top[0];
    for (int l = 1; l < kWidth; l++) highest = top[l] > highest ? top[l] : highest;
    vf total = vf{};
    for (int i = 0; i < Q; i += kWidth) {
      const vf v = exponential(load(z + i) - highest);
      store(z + i, v);
      total += v;
    }
    const float all = sum(total);
    if (probabilities)
      for (int i = 0; i < Q; i++) probabilities[i] = z[i] / all;
    if (forced) return half ? *forced % Q : *forced / Q;

    // Inverse of the cumulative distribution: first by groups of 16, then within the group.
    float left = (random >> 8) * (1.f / 16777216.f) * all;
    int i = 0;
    for (; i < Q - 16; i += 16) {
      vf group = load(z + i);
      UNROLL for (int p = 1; p < kParts; p++) group += load(z + i + p * kWidth);
      const float mass = sum(group);
      if (left < mass) break;
      left -= mass;
    }
    int symbol = i;
    for (int l = 0; l < 16; l++) {
      if (z[i + l] > 0.f) symbol = i + l;
      if (left < z[i + l]) break;
      left -= z[i + l];
    }
    return symbol;
  }

  void run(const float* gate, int count, uint16_t* codes, const uint16_t* forced, float* probabilities) {
    const float step = 2.f / (Q - 1);
    for (int t = 0; t < count; t++) {
      uint32_t random[4];
      philox(st.key, st.position++, kSamplingStream, random);
      product(net.sparse[kRecurrent], st.hidden, products);
      const float c0 = st.coarse * step - 1.f, f0 = st.fine * step - 1.f;
      float* p = probabilities ? probabilities + (size_t)t * 2 * Q : nullptr;
      gates(0, gate, c0, f0, 0.f);
      st.coarse = draw(0, random[0], forced ? forced + t : nullptr, p);
      gates(1, gate, c0, f0, st.coarse * step - 1.f);
      st.fine = draw(1, random[1], forced ? forced + t : nullptr, p ? p + Q : nullptr);
      codes[t] = (uint16_t)(st.coarse * Q + st.fine);
      float* swap = st.hidden;
      st.hidden = next;
      next = swap;
    }
  }
};

size_t sampler_scratch(const Network* net) { return 3 * net->hidden + net->hidden + net->projection + net->levels; }

void sample(SamplerState* state, const float* gate, int count, uint16_t* codes, const uint16_t* forced, float* probabilities) {
  with_shape(state->network.sparse[0], [&](auto shape) {
    float* const home = state->hidden;
    SamplerRun<decltype(shape)> run(*state);
    run.run(gate, count, codes, forced, probabilities);
    // The state may have ended in the scratch half of the pair.
    if (state->hidden != home) {
      memcpy(home, state->hidden, run.H * sizeof(float));
      state->hidden = home;
    }
  });
}

}  // namespace
