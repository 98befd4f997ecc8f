// The sample-rate network on a group of 16 lanes over a segment: loss, and gradients by
// back-propagation through all its steps.
//
// Forwards, each step stores the state and the gates. That is megabytes per lane, more than any
// cache: they are read back with prefetches that hide behind the products. The output layers do not
// feed back, so they wait for the backward pass. There, a chunk of steps at a time, their
// activations and gradients stay in the cache, and the gradients of the weights are summed over 16
// lanes · kChunk steps in registers.
#pragma once
#include "excitation/listener.h"
#include "train/products.h"

namespace {

constexpr int kChunk = 4;

constexpr int kMostInputs = 3 + kMostCues;

// Registers of a gate that are worked out side by side.
constexpr int kGateRegisters = 4;

// Whether the gradients of the gates are kept transposed, as `weights_by_rows` wants them.
template <class S>
constexpr bool kTransposed = S::rows == kLanes;

// Rows are 16 floats, a cache line. Steps are 17 lines more than a multiple of 64 apart: the rows
// of a tile over several steps then fall into different sets of a first-level cache.
INLINE size_t padded(int rows) { return (size_t)(rows + ((17 - rows) & 63)) * kLanes; }

template <class S>
struct SequenceRun {
  const Network& net;
  const Sequence& seq;
  const Gradients* grad;
  const int H, P, Q, inputs;
  // whole segment, when gradients are wanted; else two steps
  float *h, *u, *r, *e, *candidate;
  // one chunk: activations and gradients of the output layers, what they send back to the state,
  // gradients of the gates
  float *y[2], *dy[2], *logits[2], *dhOut, *heard;
  // gradients of the gates' arguments, a tile of 16 rows at a time: [4H/16][kChunk][16][16]; the
  // last quarter is the candidate's before the reset gate
  float* dgates;
  float *dh, *dhNext, *biasSums;
  const bool backward;
  uint64_t last = 0;

  float* take(float*& at, size_t count) {
    float* p = at;
    at += (count + 15) / 16 * 16;
    return p;
  }

  size_t layout(float* at) {
    float* const start = at;
    const size_t kept = backward ? seq.steps : 1;
    h = take(at, (kept + 1) * padded(H));
    float** const stored[] = {&u, &r, &e, &candidate};
    for (float** p : stored) *p = take(at, kept * padded(H));
    for (int s = 0; s < 2; s++) {
      y[s] = take(at, kChunk * padded(P));
      dy[s] = take(at, kChunk * padded(P));
      logits[s] = take(at, kChunk * padded(Q));
    }
    dhOut = take(at, kChunk * padded(H));
    dgates = take(at, (size_t)kChunk * 4 * H * kLanes);
    heard = take(at, (size_t)kChunk * inputs * kLanes);
    dh = take(at, H * kLanes);
    dhNext = take(at, H * kLanes);
    biasSums = take(at, 2 * (P + Q) * kLanes);
    return at - start;
  }

  SequenceRun(const Network& n, const Sequence& s, const Gradients* g, float* workspace,
              bool withGradients)
      : net(n),
        seq(s),
        grad(g),
        H(n.hidden),
        P(n.projection),
        Q(n.classes),
        inputs(n.inputs),
        backward(withGradients) {
    words = layout(workspace);
  }
  size_t words;

  // Time since the last mark was spent on this part.
  void mark(int part) {
    if (!seq.profile) return;
    const uint64_t now = ticks_now();
    seq.profile[part] += now - last;
    last = now;
  }

  size_t slot(int t) const { return backward ? t : 0; }
  float* state(int t) const { return h + (backward ? t : t & 1) * padded(H); }
  int frame(int t) const { return (seq.phase + t) / seq.hop; }

  // The first step of the chunk that ends before `end`. Chunks end where frames do, so that a chunk
  // has one frame of gate conditioning.
  int chunk_start(int end) const {
    const int start = end - 1 - (end - 1) % kChunk, ofFrame = frame(end - 1) * seq.hop - seq.phase;
    return start > ofFrame ? start : ofFrame > 0 ? ofFrame : 0;
  }

  // [inputs][16]; symbols are scaled to [-1, 1].
  void network_inputs(int t, float* x) const {
    const float step = 2.f / (Q - 1);
    for (int l = 0; l < kLanes; l++) {
      x[l] = seq.heardCoarse[t * kLanes + l] * step - 1.f;
      x[kLanes + l] = seq.heardFine[t * kLanes + l] * step - 1.f;
      x[2 * kLanes + l] = seq.coarse[(t + 1) * kLanes + l] * step - 1.f;
    }
    const size_t cues = (size_t)(inputs - 3) * kLanes;
    if (cues) memcpy(x + 3 * kLanes, seq.cues + t * cues, cues * sizeof(float));
  }

  // Kalchbrenner et al. 2018, eq. 2; the reset gate acts after the product.
  void gru_step(int t) {
    const float* before = state(t);
    float* after = state(t + 1);
    const float* gate = seq.gate + (size_t)frame(t) * 3 * H * kLanes;
    const float* wi = net.dense[kInput];
    const size_t at = slot(t) * padded(H);
    alignas(64) float x[kMostInputs * kLanes];
    network_inputs(t, x);
    alignas(64) float products[3][16 * kLanes];
    constexpr int perTile = 16 / S::rows;
    for (int i0 = 0; i0 < H; i0 += 16) {
      if (backward && t + 2 <= seq.steps)
        for (int i = i0; i < i0 + 16; i++) prefetch_to_write(state(t + 2) + i * kLanes);
      for (int g = 0; g < 3; g++)
        for (int b = 0; b < perTile; b++)
          product_block_row<S>(net.sparse[kRecurrent], (g * H + i0) / S::rows + b, before,
                               products[g] + b * S::rows * kLanes);
      mark(kStateProducts);
      const float fineHalf = i0 >= H / 2 ? 1.f : 0.f;
      // What enters a gate besides the product, for the registers from the `first` of its 16 rows.
      const auto drive = [&](int g, int first, vf(&to)[kGateRegisters]) INLINE_LAMBDA {
        const int row = g * H + i0 + first / kParts;
        const float* w = wi + (size_t)row * inputs;
        const float* from = gate + (size_t)row * kLanes;
        UNROLL for (int n = 0; n < kGateRegisters; n++) {
          const float *wn = w + n / kParts * inputs, *xn = x + n % kParts * kWidth;
          to[n] = load(from + n * kWidth) + wn[0] * load(xn) + wn[1] * load(xn + kLanes) +
                  wn[2] * fineHalf * load(xn + 2 * kLanes);
        }
        for (int c = 3; c < inputs; c++)
          UNROLL for (int n = 0; n < kGateRegisters; n++) to[n] +=
              w[n / kParts * inputs + c] * load(x + c * kLanes + n % kParts * kWidth);
      };
      // The candidate waits for the reset gate: with the gates of all 16 units first, there is work
      // to fill the wait.
      for (int n0 = 0; n0 < 16 * kParts; n0 += kGateRegisters) {
        float *pu = products[0] + n0 * kWidth, *pr = products[1] + n0 * kWidth;
        vf uu[kGateRegisters], rr[kGateRegisters];
        drive(0, n0, uu);
        drive(1, n0, rr);
        UNROLL for (int n = 0; n < kGateRegisters; n++) {
          uu[n] = load(pu + n * kWidth) + uu[n];
          rr[n] = load(pr + n * kWidth) + rr[n];
        }
        sigmoids(uu, rr);
        UNROLL for (int n = 0; n < kGateRegisters; n++) {
          store(pu + n * kWidth, uu[n]);
          store(pr + n * kWidth, rr[n]);
        }
        if (!backward) continue;
        const size_t q = at + (size_t)i0 * kLanes + n0 * kWidth;
        UNROLL for (int n = 0; n < kGateRegisters; n++) {
          store(u + q + n * kWidth, uu[n]);
          store(r + q + n * kWidth, rr[n]);
        }
      }
      for (int n0 = 0; n0 < 16 * kParts; n0 += kGateRegisters) {
        const int at16 = n0 * kWidth;
        const size_t v = (size_t)i0 * kLanes + at16;
        vf aa[kGateRegisters], reset[kGateRegisters], ee[kGateRegisters];
        UNROLL for (int n = 0; n < kGateRegisters; n++) {
          aa[n] = load(products[2] + at16 + n * kWidth);
          reset[n] = load(products[1] + at16 + n * kWidth) * aa[n];
        }
        drive(2, n0, ee);
        UNROLL for (int n = 0; n < kGateRegisters; n++) ee[n] = reset[n] + ee[n];
        hyperbolic_tangents(ee);
        UNROLL for (int n = 0; n < kGateRegisters; n++) {
          const vf uu = load(products[0] + at16 + n * kWidth);
          store(after + v + n * kWidth, ee[n] + uu * (load(before + v + n * kWidth) - ee[n]));
        }
        if (!backward) continue;
        UNROLL for (int n = 0; n < kGateRegisters; n++) {
          store(e + at + v + n * kWidth, ee[n]);
          store(candidate + at + v + n * kWidth, aa[n]);
        }
      }
      mark(kGates);
    }
  }

  // One softmax: half 0 is coarse, 1 is fine. Leaves the gradient of the logits in `logits` when
  // gradients are wanted. Steps from `end` on are done.
  void output_step(int t, int half, int slotInChunk, int end) {
    const Matrix& hiddenMatrix = net.sparse[half ? kFineHidden : kCoarseHidden];
    const Matrix& logitMatrix = net.sparse[half ? kFineLogits : kCoarseLogits];
    const float* hiddenBias = net.dense[half ? kFineHiddenBias : kCoarseHiddenBias];
    const float* logitBias = net.dense[half ? kFineLogitsBias : kCoarseLogitsBias];
    float* yy = y[half] + slotInChunk * padded(P);
    float* z = logits[half] + slotInChunk * padded(Q);
    const size_t ofHalf = (size_t)half * (H / 2) * kLanes;
    const int blockRows = P / S::rows;
    for (int i = 0; i < blockRows; i++) {
      if (backward && t + 1 < end) prefetch_share(state(t + 2) + ofHalf, H / 2, i, blockRows);
      product_block_row<S>(hiddenMatrix, i, state(t + 1) + ofHalf, yy + i * S::rows * kLanes);
    }
    for (int i = 0; i < P; i++) UNROLL for (int p = 0; p < kParts; p++) {
        float* q = yy + i * kLanes + p * kWidth;
        store(q, maximum(load(q) + hiddenBias[i], vf{}));
      }
    product_all<S>(logitMatrix, yy, z);
    mark(kOutputProducts);
    vf top[kParts], total[kParts];
    UNROLL for (int p = 0; p < kParts; p++) top[p] = splat(-1e30f), total[p] = vf{};
    for (int i = 0; i < Q; i++) UNROLL for (int p = 0; p < kParts; p++) {
        float* q = z + i * kLanes + p * kWidth;
        const vf v = load(q) + logitBias[i];
        store(q, v);
        top[p] = maximum(top[p], v);
      }
    const uint8_t* target = (half ? seq.fine : seq.coarse) + (t + 1) * kLanes;
    alignas(64) float chosen[kLanes], tops[kLanes], totals[kLanes], scale[kLanes];
    for (int l = 0; l < kLanes; l++) chosen[l] = z[target[l] * kLanes + l];
    for (int i = 0; i < Q; i++) UNROLL for (int p = 0; p < kParts; p++) {
        float* q = z + i * kLanes + p * kWidth;
        const vf v = exponential(load(q) - top[p]);
        store(q, v);
        total[p] += v;
      }
    UNROLL for (int p = 0; p < kParts; p++) store(tops + p * kWidth, top[p]),
        store(totals + p * kWidth, total[p]);
    for (int l = 0; l < kLanes; l++) {
      const bool counts = t < seq.length[l];
      const float nats = __builtin_logf(totals[l]) + tops[l] - chosen[l];
      scale[l] = counts ? seq.scale : 0.f;
      if (counts) seq.loss[l] += nats;
      if (seq.nll)
        seq.nll[t * kLanes + l] = (half ? seq.nll[t * kLanes + l] : 0.f) + (counts ? nats : 0.f);
    }
    mark(kSoftmax);
    if (!backward) return;

    UNROLL for (int p = 0; p < kParts; p++) {
      const vf factor = load(scale + p * kWidth) / total[p];
      for (int i = 0; i < Q; i++)
        store(z + i * kLanes + p * kWidth, load(z + i * kLanes + p * kWidth) * factor);
    }
    for (int l = 0; l < kLanes; l++) z[target[l] * kLanes + l] -= scale[l];
    mark(kSoftmax);
    float* d = dy[half] + slotInChunk * padded(P);
    memset(d, 0, P * kLanes * sizeof(float));
    transposed_all<S>(logitMatrix, z, d);
    for (int i = 0; i < P * kLanes; i += kWidth)
      store(d + i, load(yy + i) > vf{} ? load(d + i) : vf{});
    transposed_all<S>(hiddenMatrix, d, dhOut + slotInChunk * padded(H) + ofHalf);
    mark(kOutputProductsBack);
    float* sums = biasSums + half * (P + Q) * kLanes;
    for (int i = 0; i < P * kLanes; i += kWidth) store(sums + i, load(sums + i) + load(d + i));
    sums += P * kLanes;
    for (int i = 0; i < Q * kLanes; i += kWidth) store(sums + i, load(sums + i) + load(z + i));
    mark(kRest);
  }

  void output_weights(int t0, int steps) {
    for (int half = 0; half < 2; half++) {
      const int hiddenIndex = half ? kFineHidden : kCoarseHidden,
                logitIndex = half ? kFineLogits : kCoarseLogits;
      weights_all<S>(grad->at[hiddenIndex], dy[half], padded(P),
                     state(t0 + 1) + (size_t)half * (H / 2) * kLanes, padded(H), steps,
                     grad->sparse[hiddenIndex]);
      weights_all<S>(grad->at[logitIndex], logits[half], padded(Q), y[half], padded(P), steps,
                     grad->sparse[logitIndex]);
    }
    mark(kOutputWeights);
  }

  float* tile(int row, int slotInChunk) const {
    return dgates + ((size_t)(row / kLanes) * kChunk + slotInChunk) * kLanes * kLanes;
  }

  // dh [H][16], the gradient with respect to the state after step t, becomes the one before it.
  void gru_step_backward(int t, int slotInChunk) {
    const size_t at = t * padded(H);
    const float* out = dhOut + slotInChunk * padded(H);
    const float* before = state(t);
    memset(dhNext, 0, H * kLanes * sizeof(float));
    constexpr int perTile = kLanes / S::rows;
    alignas(64) float local[4][kLanes * kLanes];
    for (int i0 = 0; i0 < H; i0 += kLanes) {
      float* d[4];
      for (int g = 0; g < 4; g++) d[g] = kTransposed<S> ? local[g] : tile(g * H + i0, slotInChunk);
      for (int j = 0; j < kLanes * kLanes; j += kWidth) {
        const int i = i0 * kLanes + j;
        const vf uu = load(u + at + i), rr = load(r + at + i), ee = load(e + at + i),
                 aa = load(candidate + at + i);
        const vf after = load(dh + i) + load(out + i);
        const vf toCandidate = after * (1.f - uu) * (1.f - ee * ee);
        store(d[0] + j, after * (load(before + i) - ee) * (uu * (1.f - uu)));
        store(d[1] + j, toCandidate * aa * (rr * (1.f - rr)));
        store(d[2] + j, toCandidate * rr);
        store(d[3] + j, toCandidate);
        store(dhNext + i, load(dhNext + i) + after * uu);
      }
      mark(kGatesBack);
      for (int g = 0; g < 3; g++) {
        // What the next tile reads, a few lines at a time, so that the product's own loads find
        // room among them; not a whole step ahead, which would fill a small second-level cache.
        const bool more = i0 + kLanes < H;
        if (more || t > 0) {
          const size_t next = more ? at + (i0 + kLanes) * kLanes : at - padded(H);
          prefetch_rows((g == 0 ? u : g == 1 ? r : e) + next, kLanes);
          if (g == 2) prefetch_rows(candidate + next, kLanes);
        }
        // The other states of the chunk are in the cache since the output layers.
        if (g == 2 && slotInChunk == 1) prefetch_rows(before - padded(H) + i0 * kLanes, kLanes);
        for (int b = 0; b < perTile; b++)
          transposed_block_row<S>(net.sparse[kRecurrent], (g * H + i0) / S::rows + b,
                                  d[g] + b * S::rows * kLanes, dhNext);
      }
      mark(kStateProductsBack);
      if (kTransposed<S>)
        for (int g = 0; g < 4; g++) transpose_tile(local[g], tile(g * H + i0, slotInChunk));
      mark(kStateWeights);
    }
    float* swap = dh;
    dh = dhNext;
    dhNext = swap;
  }

  // Gradients of R, of I* and of the gate conditioning from a chunk that lies within one frame.
  void gru_weights(int t0, int steps) {
    const size_t stride = (size_t)inputs * kLanes;
    for (int t = 0; t < steps; t++) network_inputs(t0 + t, heard + t * stride);
    const float* columns[kMostInputs];
    for (int c = 0; c < inputs; c++) columns[c] = heard + c * kLanes;
    for (int row = 0; row < 3 * H; row += kLanes) {
      if (t0 > 0) prefetch_share(state(chunk_start(t0) + 1), H, row / kLanes, 3 * H / kLanes);
      // The reset gate acts on the product only: what drives the candidate besides sees its
      // gradient before that gate.
      const float *product = tile(row, 0), *drive = row < 2 * H ? product : tile(row + H, 0);
      float* gate = grad->gate + ((size_t)frame(t0) * 3 * H + row) * kLanes;
      alignas(64) float dInput[kMostInputs][kLanes] = {};
      if constexpr (kTransposed<S>) {
        weights_of_block_row<S>(grad->at[kRecurrent], row / kLanes, product, state(t0), padded(H),
                                steps, grad->sparse[kRecurrent]);
        weights_of_entries(
            inputs, [&](int c) { return columns[c]; }, drive, stride, steps, dInput[0]);
      } else {
        for (int b = 0; b < kLanes / S::rows; b++)
          weights_lanes<S>(grad->at[kRecurrent], row / S::rows + b, product + b * S::rows * kLanes,
                           kLanes * kLanes, state(t0), padded(H), steps, grad->sparse[kRecurrent]);
        for (int i = 0; i < kLanes; i++)
          for (int c = 0; c < inputs; c++) {
            vf sums = vf{};
            for (int t = 0; t < steps; t++)
              UNROLL for (int p = 0; p < kLanes; p += kWidth) sums +=
                  load(drive + (t * kLanes + i) * kLanes + p) * load(columns[c] + t * stride + p);
            dInput[c][i] = sum(sums);
          }
      }
      mark(kStateWeights);
      add_tiles(drive, steps, gate);
      // Until the end, a tile of I* is [inputs][16 rows].
      float* out = grad->dense[kInput] + (size_t)row * inputs;
      const bool fineHalf = row % H >= H / 2;
      for (int c = 0; c < inputs; c++)
        if (c != 2 || fineHalf)
          UNROLL for (int p = 0; p < kLanes; p += kWidth)
              store(out + c * kLanes + p, load(out + c * kLanes + p) + load(dInput[c] + p));
      mark(kRest);
    }
  }

  // gate [16][16] += Σ over the steps
  void add_tiles(const float* tiles, int steps, float* gate) {
    for (int j = 0; j < kLanes * kLanes; j += kWidth) {
      vf sum = load(tiles + j);
      for (int t = 1; t < steps; t++) sum += load(tiles + t * kLanes * kLanes + j);
      store(gate + j, load(gate + j) + sum);
    }
  }

  // Sums that were kept in tiles as they came, into the order of the gradients.
  void order_gradients() {
    static_assert(kMostInputs <= kLanes, "a tile of I* is no larger than one of the gates");
    alignas(64) float tile[kLanes * kLanes];
    if (kTransposed<S>)
      for (size_t row = 0; row < (size_t)seq.frames * 3 * H; row += kLanes) {
        float* gate = grad->gate + row * kLanes;
        transpose_tile(gate, tile);
        memcpy(gate, tile, kLanes * kLanes * sizeof(float));
      }
    for (int row = 0; row < 3 * H; row += kLanes) {
      float* out = grad->dense[kInput] + (size_t)row * inputs;
      memcpy(tile, out, (size_t)inputs * kLanes * sizeof(float));
      for (int i = 0; i < kLanes; i++)
        for (int c = 0; c < inputs; c++) out[i * inputs + c] = tile[c * kLanes + i];
    }
  }

  void clear_gradients() {
    memset(grad->gate, 0, (size_t)seq.frames * 3 * H * kLanes * sizeof(float));
    for (int m = 0; m < kSparseCount; m++) {
      const Matrix& matrix = grad->at[m];
      memset(grad->sparse[m], 0,
             (size_t)matrix.rowStart[matrix.rows / S::rows] * S::rows * S::columns * sizeof(float));
    }
    const int sizes[kDenseCount] = {3 * H * inputs, P, Q, P, Q};
    for (int d = 0; d < kDenseCount; d++) memset(grad->dense[d], 0, sizes[d] * sizeof(float));
    memset(biasSums, 0, 2 * (P + Q) * kLanes * sizeof(float));
    memset(dh, 0, H * kLanes * sizeof(float));
  }

  void run() {
    last = ticks_now();
    if (backward) clear_gradients();
    memcpy(state(0), seq.state, H * kLanes * sizeof(float));
    mark(kRest);
    for (int t = 0; t < seq.steps; t++) {
      gru_step(t);
      if (!backward) output_step(t, 0, 0, 0), output_step(t, 1, 0, 0);
    }
    memcpy(seq.state, state(seq.steps), H * kLanes * sizeof(float));
    if (!backward) return;

    for (int end = seq.steps; end > 0;) {
      const int t0 = chunk_start(end);
      memset(dhOut, 0, kChunk * padded(H) * sizeof(float));
      for (int t = t0; t < end; t++) output_step(t, 0, t - t0, end), output_step(t, 1, t - t0, end);
      output_weights(t0, end - t0);
      for (int t = end - 1; t >= t0; t--) gru_step_backward(t, t - t0);
      gru_weights(t0, end - t0);
      end = t0;
    }
    order_gradients();
    for (int half = 0; half < 2; half++) {
      const float* sums = biasSums + half * (P + Q) * kLanes;
      float* hiddenBias = grad->dense[half ? kFineHiddenBias : kCoarseHiddenBias];
      float* logitBias = grad->dense[half ? kFineLogitsBias : kCoarseLogitsBias];
      for (int i = 0; i < P + Q; i++) {
        vf all = load(sums + i * kLanes);
        UNROLL for (int p = 1; p < kParts; p++) all += load(sums + i * kLanes + p * kWidth);
        (i < P ? hiddenBias[i] : logitBias[i - P]) = sum(all);
      }
    }
  }
};

size_t sequence_workspace(const Network* net, int steps, int gradients) {
  Sequence seq = {};
  seq.steps = steps;
  seq.hop = 1;
  return SequenceRun<Shape<16, 1>>(*net, seq, nullptr, nullptr, gradients != 0).words;
}

void sequence(const Network* net, const Sequence* seq, const Gradients* grad, float* workspace) {
  with_shape(net->sparse[0], [&](auto shape) {
    SequenceRun<decltype(shape)>(*net, *seq, grad, workspace, grad != nullptr).run();
  });
}

}  // namespace
