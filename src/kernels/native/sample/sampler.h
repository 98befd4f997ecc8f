// The sampler: streams of samples, one sample after the other.
#pragma once
#include "excitation/listener.h"
#include "runtime/philox.h"
#include "sample/sampler_math.h"
#include "sample/sampler_products.h"
#include "targets/kernel_table.h"

namespace {

constexpr uint32_t kSamplingStream = 4;

// Streams side by side. WebAssembly has no threads to share them out to, and its module is to stay
// small.
#if defined(__wasm__)
constexpr int kSamplerSlots = 1;
#else
constexpr int kSamplerSlots = 4;
#endif

// Units whose gates follow their products, and registers of them side by side.
constexpr int kBatch = 256;
constexpr int kSide = 4;

// How often a late thread is looked at before the processor is given away: some microseconds.
constexpr int kSpins = 2000;

INLINE void relax() {
#if defined(__x86_64__)
  _mm_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
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

INLINE size_t group_count(const PackedMatrix& m) {
  return m.precision == kInt8 ? ((size_t)m.start[m.rows / m.tile] + 15) / 16 * 16 : 0;
}

struct StreamMemory {
  float* states[2];
  Quantised quantised[2];
  float *rectified, *logits;

  static size_t layout(const PackedNetwork& net, float* memory, StreamMemory* out) {
    Pieces pieces{reinterpret_cast<char*>(memory)};
    for (int i = 0; i < 2; i++) {
      out->states[i] = pieces.take<float>(net.hidden);
      out->quantised[i] = net.quantised ? pieces.take_quantised(net.hidden) : Quantised{};
    }
    out->rectified = pieces.take<float>(net.projection);
    out->logits = pieces.take<float>(net.classes);
    return pieces.used;
  }
};

struct OwnMemory {
  float *masses, *sums;
  uint32_t *gathered, *gatheredHalf;  // for the recurrent matrix, and for a hidden layer while the
                                      // former still waits for the fine half

  static size_t layout(const PackedNetwork& net, float* memory, OwnMemory* out) {
    Pieces pieces{reinterpret_cast<char*>(memory)};
    out->masses = pieces.take<float>(net.classes);
    out->sums = pieces.take<float>(net.classes);
    out->gathered = pieces.take<uint32_t>(group_count(net.sparse[kRecurrent]));
    const size_t coarse = group_count(net.sparse[kCoarseHidden]),
                 fine = group_count(net.sparse[kFineHidden]);
    out->gatheredHalf = pieces.take<uint32_t>(coarse > fine ? coarse : fine);
    return pieces.used;
  }
};

// One stream at work.
struct Slot {
  Stream* stream;
  StreamMemory memory;
  OwnMemory own;
  Softmax softmax;
  const float* gate;  // [3H] of the frame
  uint16_t* codes;    // [count] out, or null
  uint32_t random[4];
  float inputs[3 + kMostCues];  // symbols, cues

  // The state before this sample, and the one after it.
  Input before() const {
    return {memory.states[stream->current], memory.quantised[stream->current], own.gathered};
  }
  Input after() const { return after_from(0); }
  // What comes from `column` on.
  Input after_from(int column) const {
    const int next = 1 - stream->current;
    return {memory.states[next] + column, memory.quantised[next].from(column), own.gatheredHalf};
  }
  Input rectified() const { return {memory.rectified, {}, nullptr}; }
};

// L streams side by side, sample by sample. Of each slab of weights the streams take their turns
// while it is in the first-level cache; what a stream computes does not depend on the others.
template <int L>
struct SamplerRun {
  const PackedNetwork& net;
  const int H, Q;
  Slot slots[L];
  const TeamThread* const thread;
  uint64_t* const ticks;
  uint64_t since = 0;

  // streams, gates and codes: L of each. thread, ticks: or null.
  SamplerRun(const PackedNetwork& n, Stream* const* streams, const float* const* gates,
             uint16_t* const* codes, const TeamThread* m, uint64_t* t)
      : net(n), H(n.hidden), Q(n.classes), thread(m), ticks(t) {
    for (int l = 0; l < L; l++) {
      Slot& slot = slots[l];
      slot.stream = streams[l];
      slot.gate = gates[l];
      slot.codes = codes[l];
      StreamMemory::layout(net, streams[l]->memory, &slot.memory);
      OwnMemory::layout(net, streams[l]->own, &slot.own);
      slot.softmax = {Q, slot.own.masses, slot.own.sums, {}};
    }
  }

  void took(int part) {
    if (!ticks) return;
    const uint64_t now = ticks_now();
    ticks[part] += now - since;
    since = now;
  }

  // Waits until all threads of the stream have come here.
  void barrier() {
    if (!thread) return;
    const uint32_t now =
        __atomic_load_n(&thread->barriers[thread->index].arrivals, __ATOMIC_RELAXED) + 1;
    __atomic_store_n(&thread->barriers[thread->index].arrivals, now, __ATOMIC_RELEASE);
    for (int i = 0; i < thread->size; i++)
      for (int spins = 0;
           (int32_t)(__atomic_load_n(&thread->barriers[i].arrivals, __ATOMIC_ACQUIRE) - now) < 0;
           spins++)
        if (spins > kSpins)
          thread->yield();
        else
          relax();
  }

  // R registers of units of a slot's state from the products of their gates, which lie `apart`
  // floats from gate to gate. The registers take each step together: one alone would wait for the
  // result of the step before.
  template <bool Fine, int R>
  __attribute__((always_inline)) inline void gates(const Slot& slot, int unit, const float* drive,
                                                   int apart) {
    const Input before = slot.before(), after = slot.after();
    const auto gate = [&](int g, int i) INLINE_LAMBDA {
      const int at = g * H + unit + i * kWidth;
      vf v = load(slot.gate + at) + load(net.input + at) * slot.inputs[0] +
             load(net.input + 3 * H + at) * slot.inputs[1];
      if constexpr (Fine) v += load(net.input + 6 * H + at) * slot.inputs[2];
      for (int c = 3; c < net.inputs; c++)
        v += load(net.input + (size_t)3 * c * H + at) * slot.inputs[c];
      return v;
    };
    const auto driven = [&](int g, int i)
                            INLINE_LAMBDA { return load(drive + g * apart + i * kWidth); };
    const auto state = [&](int i) INLINE_LAMBDA { return load(before.values + unit + i * kWidth); };
    vf h[R];
    next_states<R>(gate, driven, state, h);
    UNROLL for (int i = 0; i < R; i++)
        store(const_cast<float*>(after.values) + unit + i * kWidth, h[i]);
    if (net.quantised)
      UNROLL for (int i = 0; i < R; i++)
          quantise(h[i], after.quantised, unit + i * kWidth, net.quantised);
  }

  // Units begin … end-1 of every slot; drive [L][3][kBatch].
  template <bool Fine>
  __attribute__((noinline)) void gates_of(int begin, int end, const float* drive) {
    int unit = begin;
    // Slot by slot while the weights of the input are in the first-level cache.
    for (; unit + kSide * kWidth <= end; unit += kSide * kWidth)
      for (int l = 0; l < L; l++)
        gates<Fine, kSide>(slots[l], unit, drive + 3 * kBatch * l + unit - begin, kBatch);
    for (; unit < end; unit += 16)
      for (int l = 0; l < L; l++)
        gates<Fine, kParts>(slots[l], unit, drive + 3 * kBatch * l + unit - begin, kBatch);
  }

  // Half of the state, coarse or fine: the products of some slabs, then their gates.
  template <bool Fine>
  void recurrent() {
    const PackedMatrix& m = net.sparse[kRecurrent];
    with_kind(m, [&](auto kind) {
      using Kind = decltype(kind);
      Input in[L];
      for (int l = 0; l < L; l++) in[l] = slots[l].before();
      if (!Fine)
        for (const Input& each : in) Kind::prepare(m, each);
      const Slabs units = net.state[Fine];
      int slab = Fine ? 3 * (net.state[0].end - net.state[0].begin) : 0;
      alignas(64) float drive[L][3][kBatch];
      for (int begin = units.begin; begin < units.end; begin += kBatch / 16) {
        const int end = begin + kBatch / 16 < units.end ? begin + kBatch / 16 : units.end;
        for (int at = 0; at < 16 * (end - begin); at += 16, slab += 3)
          UNROLL for (int g = 0; g < 3; g++) {
            vf out[L][kParts];
            slabs_of<Kind, L>(m, slab + g, in, out);
            UNROLL for (int l = 0; l < L; l++) UNROLL for (int p = 0; p < kParts; p++)
                store(drive[l][g] + at + p * kWidth, out[l][p]);
          }
        this->template gates_of<Fine>(16 * begin, 16 * end, drive[0][0]);
      }
    });
    barrier();
    took(kRecurrentTime);
  }

  // From half of the new state, 0 coarse or 1 fine, to the logits.
  void output(int half) {
    const PackedMatrix &hidden = net.sparse[half ? kFineHidden : kCoarseHidden],
                       &logits = net.sparse[half ? kFineLogits : kCoarseLogits];
    with_kind(hidden, [&](auto kind) {
      using Kind = decltype(kind);
      const float* bias = net.bias[2 * half];
      Input in[L];
      for (int l = 0; l < L; l++) in[l] = slots[l].after_from(half * H / 2);
      for (const Input& each : in) Kind::prepare(hidden, each);
      for (int slab = net.hiddenLayer.begin; slab < net.hiddenLayer.end; slab++) {
        const int i = 16 * slab;
        vf y[L][kParts];
        slabs_of<Kind, L>(hidden, slab - net.hiddenLayer.begin, in, y);
        for (int l = 0; l < L; l++)
          UNROLL for (int p = 0; p < kParts; p++)
              store(slots[l].memory.rectified + i + p * kWidth,
                    maximum(y[l][p] + load(bias + i + p * kWidth), vf{}));
      }
    });
    barrier();
    took(kHiddenTime);
    with_float_kind(logits, [&](auto kind) {
      const float* bias = net.bias[2 * half + 1];
      Input in[L];
      for (int l = 0; l < L; l++) in[l] = slots[l].rectified();
      for (int slab = net.logits.begin; slab < net.logits.end; slab++) {
        const int i = 16 * slab;
        vf z[L][kParts];
        slabs_of<decltype(kind), L>(logits, slab - net.logits.begin, in, z);
        for (int l = 0; l < L; l++)
          UNROLL for (int p = 0; p < kParts; p++)
              store(slots[l].memory.logits + i + p * kWidth,
                    (z[l][p] + load(bias + i + p * kWidth)) * slots[l].stream->inverseTemperature);
      }
    });
    barrier();
    took(kLogitsTime);
  }

  // A symbol of each slot, coarse (0) or fine (1): drawn, or `given`; `probabilities` [Q] or null.
  // Threads that share a stream each draw it: that is quicker than to pass it on.
  void symbols(int half, const int* given, float* probabilities) {
    for (Slot& slot : slots) {
      const float all = slot.softmax.exponentials(slot.memory.logits);
      if (probabilities)
        for (int i = 0; i < Q; i++) probabilities[i] = slot.own.masses[i] / all;
      (half ? slot.stream->fine : slot.stream->coarse) =
          given ? given[half]
                : slot.softmax.pick((slot.random[half] >> 8) * (1.f / 16777216.f) * all);
    }
    took(kSoftmaxTime);
  }

  // forced, probabilities: of a single stream, or null
  void run(int count, const uint16_t* forced, float* probabilities) {
    const float step = 2.f / (Q - 1);
    if (ticks) since = ticks_now();
    for (int t = 0; t < count; t++) {
      for (Slot& slot : slots) {
        philox(slot.stream->key, slot.stream->position++, kSamplingStream, slot.random);
        slot.inputs[0] = slot.stream->coarse * step - 1.f;
        slot.inputs[1] = slot.stream->fine * step - 1.f;
        if (slot.stream->listener) listener_cues(slot.stream->listener, slot.inputs + 3);
      }
      const int symbols_[2] = {forced ? forced[t] / Q : 0, forced ? forced[t] % Q : 0};
      const int* given = forced ? symbols_ : nullptr;
      float* p = probabilities ? probabilities + (size_t)t * 2 * Q : nullptr;
      recurrent<false>();
      output(0);
      symbols(0, given, p);
      for (Slot& slot : slots) slot.inputs[2] = slot.stream->coarse * step - 1.f;
      recurrent<true>();
      output(1);
      symbols(1, given, p ? p + Q : nullptr);
      for (Slot& slot : slots) {
        const int code = slot.stream->coarse * Q + slot.stream->fine;
        if (slot.codes) slot.codes[t] = (uint16_t)code;
        if (slot.stream->listener) listener_follow(slot.stream->listener, code);
        slot.stream->current = 1 - slot.stream->current;
      }
    }
  }
};

size_t stream_bytes(const PackedNetwork* net) {
  StreamMemory memory;
  return StreamMemory::layout(*net, nullptr, &memory);
}

size_t own_bytes(const PackedNetwork* net) {
  OwnMemory memory;
  return OwnMemory::layout(*net, nullptr, &memory);
}

void begin(const PackedNetwork* net, Stream* stream) {
  StreamMemory memory;
  StreamMemory::layout(*net, stream->memory, &memory);
  if (net->quantised)
    for (int i = 0; i < net->hidden; i += kWidth)
      quantise(vf{}, memory.quantised[stream->current], i, net->quantised);
}

void sample(const PackedNetwork* net, Stream* stream, const TeamThread* thread, const float* gate,
            int count, uint16_t* codes, const uint16_t* forced, float* probabilities,
            uint64_t* ticks) {
  SamplerRun<1>(*net, &stream, &gate, &codes, thread, ticks).run(count, forced, probabilities);
}

void sample_slots(const PackedNetwork* net, int slots, Stream* const* streams,
                  const float* const* gates, int count, uint16_t* const* codes) {
  int first = 0;
  for (; slots - first >= kSamplerSlots; first += kSamplerSlots)
    SamplerRun<kSamplerSlots>(*net, streams + first, gates + first, codes + first, nullptr, nullptr)
        .run(count, nullptr, nullptr);
  for (; first < slots; first++)
    SamplerRun<1>(*net, streams + first, gates + first, codes + first, nullptr, nullptr)
        .run(count, nullptr, nullptr);
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
    for (int i = 0; i < m->columns; i += kWidth)
      quantise(load(x + i), quantised, i, kBytes | kSpread);
  with_kind(*m, [&](auto kind) {
    using Kind = decltype(kind);
    Kind::prepare(*m, in);
    for (int s = 0; s < m->rows / 16; s++) {
      vf out[1][kParts];
      slabs_apart<Kind, 1>(*m, s, &in, out);
      UNROLL for (int p = 0; p < kParts; p++) store(y + s * 16 + p * kWidth, out[0][p]);
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
    const auto nothing = [](int, int) { return vf{}; };
    vf out[1];
    // A state of 1 and a candidate of 0 leave the update gate; its other end leaves the candidate.
    next_states<1>([&](int g, int) { return g == 0 ? load(x + i) : vf{}; }, nothing,
                   [](int) { return splat(1.f); }, out);
    store(sigmoids + i, out[0]);
    next_states<1>([&](int g, int) { return g == 2 ? load(x + i) : splat(g == 0 ? -1000.f : 0.f); },
                   nothing, [](int) { return vf{}; }, out);
    store(tangents + i, out[0]);
  }
}

}  // namespace

#define SAMPLER_TABLE(name) SAMPLER_TABLE_(name)
#define SAMPLER_TABLE_(name) sampler_##name
extern const SamplerKernels SAMPLER_TABLE(KERNELS_NAME);
const SamplerKernels SAMPLER_TABLE(KERNELS_NAME) = {
    kSamplerSlots, kByteGather,           stream_bytes,    own_bytes, begin,      sample,
    sample_slots,  sampler_product_bytes, sampler_product, read_all,  activations};
