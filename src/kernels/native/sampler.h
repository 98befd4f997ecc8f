// The sampler: one stream, one sample at a time.
#pragma once
#include "kernels.h"
#include "philox.h"
#include "sampler_math.h"
#include "sampler_products.h"

namespace {

constexpr uint32_t kSamplingStream = 4;

// Any unit will do: times are only compared with each other.
INLINE uint64_t ticks_now() {
#if defined(__SSE2__)
  return __rdtsc();
#elif defined(__aarch64__)
  uint64_t t;
  asm volatile("mrs %0, cntvct_el0" : "=r"(t));
  return t;
#else
  return 0;
#endif
}

// Takes pieces of a stream's memory, each beginning on a cache line.
struct Pieces {
  char* at;
  size_t used = 0;

  template <class T>
  T* take(size_t count) {
    T* piece = reinterpret_cast<T*>(at ? at + used : nullptr);
    used += (count * sizeof(T) + 63) / 64 * 64;
    return piece;
  }

  Quantised take_quantised(int columns) {
    uint8_t* bytes = take<uint8_t>(columns + kBytesMargin);
    return {bytes, take<uint8_t>(kSpreadMargin + 4 * (size_t)columns) + kSpreadMargin};
  }
};

INLINE size_t group_count(const PackedMatrix& m) { return m.precision == kInt8 ? ((size_t)m.start[m.rows / m.tile] + 15) / 16 * 16 : 0; }

struct StreamMemory {
  float* states[2];
  Quantised quantised[2];
  float *rectified, *masses, *sums;
  uint32_t *gathered, *gatheredHalf;  // for the recurrent matrix, and for a hidden layer while the former still waits for the fine half

  static size_t layout(const PackedNetwork& net, char* memory, StreamMemory* out) {
    Pieces pieces{memory};
    for (int i = 0; i < 2; i++) {
      out->states[i] = pieces.take<float>(net.hidden);
      out->quantised[i] = net.quantised ? pieces.take_quantised(net.hidden) : Quantised{};
    }
    out->rectified = pieces.take<float>(net.projection);
    out->masses = pieces.take<float>(net.levels);
    out->sums = pieces.take<float>(net.levels);
    out->gathered = pieces.take<uint32_t>(group_count(net.sparse[kRecurrent]));
    const size_t coarse = group_count(net.sparse[kCoarseHidden]), fine = group_count(net.sparse[kFineHidden]);
    out->gatheredHalf = pieces.take<uint32_t>(coarse > fine ? coarse : fine);
    return pieces.used;
  }
};

struct SamplerRun {
  const PackedNetwork& net;
  Stream& stream;
  const int H, P, Q;
  StreamMemory memory;
  Softmax softmax;
  uint64_t* ticks;
  uint64_t since = 0;

  SamplerRun(const PackedNetwork& n, Stream& s, uint64_t* t) : net(n), stream(s), H(n.hidden), P(n.projection), Q(n.levels), ticks(t) {
    StreamMemory::layout(net, reinterpret_cast<char*>(s.memory), &memory);
    softmax.levels = Q;
    softmax.masses = memory.masses;
    softmax.sums = memory.sums;
  }

  void took(int part) {
    if (!ticks) return;
    const uint64_t now = ticks_now();
    ticks[part] += now - since;
    since = now;
  }

  // Half of the state, 0 coarse or 1 fine: 16 rows of each gate's product, then the gates of these 16 units.
  template <class Kind, bool Fine>
  __attribute__((always_inline)) inline void gates(const PackedMatrix& m, const Input& before, const float* gate, const float inputs[3]) {
    float* next = memory.states[1 - stream.current];
    const Quantised quantisedNext = memory.quantised[1 - stream.current];
    for (int i = Fine * H / 2; i < (Fine + 1) * H / 2; i += 16) {
      vf drive[3][kParts];
      UNROLL for (int g = 0; g < 3; g++) Kind::slab(m, i / 16 * 3 + g, before, drive[g]);
      UNROLL for (int p = 0; p < kParts; p++) {
        const int unit = i + p * kWidth;
        vf pre[3];
        UNROLL for (int g = 0; g < 3; g++) {
          const int row = g * H + unit;
          pre[g] = load(gate + row) + load(net.input + row) * inputs[0] + load(net.input + 3 * H + row) * inputs[1];
          if (Fine) pre[g] += load(net.input + 6 * H + row) * inputs[2];
        }
        const vf r = reset_gate(drive[1][p] + pre[1]);
        const vf h = next_state(drive[0][p] + pre[0], r * drive[2][p] + pre[2], load(before.values + unit));
        store(next + unit, h);
        if (net.quantised) quantise(h, quantisedNext, unit);
      }
    }
  }

  template <bool Fine>
  void recurrent(const float* gate, const float inputs[3]) {
    with_kind(net.sparse[kRecurrent], [&](auto kind) {
      const Input before{memory.states[stream.current], memory.quantised[stream.current], memory.gathered};
      if (!Fine) decltype(kind)::prepare(net.sparse[kRecurrent], before);
      gates<decltype(kind), Fine>(net.sparse[kRecurrent], before, gate, inputs);
    });
    took(kRecurrentTime);
  }

  // Coarse (0) or fine (1) symbol.
  int draw(int half, uint32_t random, const uint16_t* forced, float* probabilities) {
    const PackedMatrix &hidden = net.sparse[half ? kFineHidden : kCoarseHidden], &logits = net.sparse[half ? kFineLogits : kCoarseLogits];
    with_kind(hidden, [&](auto kind) {
      const int next = 1 - stream.current, column = half * H / 2;
      const Input in{memory.states[next] + column, memory.quantised[next].from(column), memory.gatheredHalf};
      const float* bias = net.bias[2 * half];
      decltype(kind)::prepare(hidden, in);
      for (int i = 0; i < P; i += 16) {
        vf y[kParts];
        decltype(kind)::slab(hidden, i / 16, in, y);
        UNROLL for (int p = 0; p < kParts; p++) store(memory.rectified + i + p * kWidth, maximum(y[p] + load(bias + i + p * kWidth), vf{}));
      }
    });
    took(kHiddenTime);
    vf top = splat(-1e30f);
    with_kind(logits, [&](auto kind) {
      const Input in{memory.rectified, {}, nullptr};
      const float* bias = net.bias[2 * half + 1];
      for (int i = 0; i < Q; i += 16) {
        vf z[kParts];
        decltype(kind)::slab(logits, i / 16, in, z);
        UNROLL for (int p = 0; p < kParts; p++) {
          const vf v = (z[p] + load(bias + i + p * kWidth)) * stream.inverseTemperature;
          store(memory.masses + i + p * kWidth, v);
          top = maximum(top, v);
        }
      }
    });
    took(kLogitsTime);
    const float all = softmax.exponentials(top);
    if (probabilities)
      for (int i = 0; i < Q; i++) probabilities[i] = memory.masses[i] / all;
    const int symbol = forced ? (half ? *forced % Q : *forced / Q) : softmax.pick((random >> 8) * (1.f / 16777216.f) * all);
    took(kSoftmaxTime);
    return symbol;
  }

  void run(const float* gate, int count, uint16_t* codes, const uint16_t* forced, float* probabilities) {
    const float step = 2.f / (Q - 1);
    if (ticks) since = ticks_now();
    for (int t = 0; t < count; t++) {
      uint32_t random[4];
      philox(stream.key, stream.position++, kSamplingStream, random);
      float inputs[3] = {stream.coarse * step - 1.f, stream.fine * step - 1.f, 0.f};
      const uint16_t* given = forced ? forced + t : nullptr;
      float* p = probabilities ? probabilities + (size_t)t * 2 * Q : nullptr;
      recurrent<false>(gate, inputs);
      stream.coarse = draw(0, random[0], given, p);
      inputs[2] = stream.coarse * step - 1.f;
      recurrent<true>(gate, inputs);
      stream.fine = draw(1, random[1], given, p ? p + Q : nullptr);
      codes[t] = (uint16_t)(stream.coarse * Q + stream.fine);
      stream.current = 1 - stream.current;
    }
  }
};

size_t stream_bytes(const PackedNetwork* net) {
  StreamMemory memory;
  return StreamMemory::layout(*net, nullptr, &memory);
}

void begin(const PackedNetwork* net, Stream* stream) {
  StreamMemory memory;
  StreamMemory::layout(*net, reinterpret_cast<char*>(stream->memory), &memory);
  if (net->quantised)
    for (int i = 0; i < net->hidden; i += kWidth) quantise(vf{}, memory.quantised[stream->current], i);
}

void sample(const PackedNetwork* net, Stream* stream, const float* gate, int count, uint16_t* codes, const uint16_t* forced, float* probabilities, uint64_t* ticks) {
  SamplerRun(*net, *stream, ticks).run(gate, count, codes, forced, probabilities);
}

size_t sampler_product_bytes(const PackedMatrix* m) {
  Pieces pieces{nullptr};
  pieces.take_quantised(m->columns);
  pieces.take<uint32_t>(group_count(*m));
  return pieces.used;
}

void sampler_product(const PackedMatrix* m, const float* x, float* y, float* memory) {
  Pieces pieces{reinterpret_cast<char*>(memory)};
  const Quantised quantised = pieces.take_quantised(m->columns);
  const Input in{x, quantised, pieces.take<uint32_t>(group_count(*m))};
  if (m->precision == kInt8)
    for (int i = 0; i < m->columns; i += kWidth) quantise(load(x + i), quantised, i);
  with_kind(*m, [&](auto kind) {
    decltype(kind)::prepare(*m, in);
    for (int s = 0; s < m->rows / 16; s++) {
      vf out[kParts];
      decltype(kind)::slab(*m, s, in, out);
      UNROLL for (int p = 0; p < kParts; p++) store(y + s * 16 + p * kWidth, out[p]);
    }
  });
}

float read_all(const float* from, size_t count) {
  vf sums[8] = {};
  for (size_t i = 0; i + 8 * kWidth <= count; i += 8 * kWidth)
    UNROLL for (int s = 0; s < 8; s++) sums[s] += load(from + i + s * kWidth);
  vf all = vf{};
  UNROLL for (int s = 0; s < 8; s++) all += sums[s];
  return sum(all);
}

void activations(const float* x, int count, float* sigmoids, float* tangents) {
  for (int i = 0; i < count; i += kWidth) {
    // A state of 1 and a candidate of 0 leave the update gate; its other end leaves the candidate.
    store(sigmoids + i, next_state(load(x + i), vf{}, splat(1.f)));
    store(tangents + i, next_state(splat(-1000.f), load(x + i), vf{}));
  }
}

}  // namespace

#define SAMPLER_TABLE(name) SAMPLER_TABLE_(name)
#define SAMPLER_TABLE_(name) sampler_##name
extern const SamplerKernels SAMPLER_TABLE(KERNELS_NAME);
const SamplerKernels SAMPLER_TABLE(KERNELS_NAME) = {kByteGather, stream_bytes, begin, sample, sampler_product_bytes, sampler_product, read_all, activations};
