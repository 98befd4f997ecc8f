// The exports of the WebAssembly module: what node.cc is to N-API. src/kernels/compiled/wasm.ts is
// the only caller; arguments are checked before it, in src/kernels/interface/guard.ts. A function
// takes one array of float64 numbers, which holds whole numbers, float32 numbers and addresses
// alike, in order.
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <__verbose_abort>

#include "classify/engine.h"
#include "evolve/engine.h"
#include "excitation/listener.h"
#include "sample/pack.h"
#include "train/engine.h"

#define EXPORT(name) extern "C" __attribute__((export_name(#name)))

namespace {

// One table: generic.cc, which WebAssembly's vectors of four floats fit.
const KernelTable* const table = available_tables()[0];

class Arguments {
 public:
  explicit Arguments(const double* at) : at_(at) {}

  int integer() { return (int)*at_++; }
  uint32_t word() { return (uint32_t)*at_++; }
  float number() { return (float)*at_++; }

  // Address 0 stands for an array that was not given.
  template <class T>
  T* data() {
    return reinterpret_cast<T*>((uintptr_t)*at_++);
  }

  // Braced lists are evaluated from left to right.
  Matrix matrix() {
    return Matrix{integer(),       integer(),       integer(),    integer(),
                  data<int32_t>(), data<int32_t>(), data<float>()};
  }

  Network network() {
    Network n;
    n.hidden = integer();
    n.projection = integer();
    n.classes = integer();
    n.inputs = integer();
    for (Matrix& m : n.sparse) m = matrix();
    for (const float*& d : n.dense) d = data<float>();
    return n;
  }

  SourceMatrix source_matrix() {
    return SourceMatrix{integer(),       integer(), integer(),    integer(),    data<int32_t>(),
                        data<int32_t>(), integer(), data<void>(), data<float>()};
  }

  SourceNetwork source_network() {
    SourceNetwork n;
    n.hidden = integer();
    n.projection = integer();
    n.classes = integer();
    n.inputs = integer();
    for (SourceMatrix& m : n.sparse) m = source_matrix();
    for (const float*& d : n.dense) d = data<float>();
    return n;
  }

  Gradients gradients() {
    Gradients g = {};
    g.gate = data<float>();
    for (float*& s : g.sparse) s = data<float>();
    for (float*& d : g.dense) d = data<float>();
    return g;
  }

  PairNoise noise() {
    return PairNoise{{word(), word()}, word(), (uint64_t)*at_++, (uint64_t)*at_++};
  }

  Layer layer() {
    Layer l = {};
    l.kind = (LayerKind)integer();
    l.kernelHeight = integer();
    l.kernelWidth = integer();
    l.stride = integer();
    l.padding = integer();
    if (l.kind == kDepthwise) l.filters = data<float>();
    if (l.kind != kConvolution) return l;
    l.matrix = matrix();
    l.bias = data<float>();
    l.relu = integer();
    return l;
  }

 private:
  const double* at_;
};

float* zeros(size_t bytes) { return static_cast<float*>(memset(aligned_memory(bytes), 0, bytes)); }

struct Sampler {
  std::unique_ptr<Packed> packed;
  std::vector<double> values, pitchFilter;
  Stream stream;
};

}  // namespace

// The module imports nothing. Time stands still in it: only profiles ask for it, and those are not
// offered.
extern "C" int clock_gettime(clockid_t, timespec* time) {
  *time = {};
  return 0;
}

// Nothing throws; what cannot be helped, such as no memory, is a trap, which JavaScript sees as an
// error. libc++'s own would print.
void std::__libcpp_verbose_abort(const char*, ...) noexcept { __builtin_trap(); }
void* operator new(size_t bytes) { return aligned_memory(bytes); }
void operator delete(void* p) noexcept { free_aligned(p); }
void operator delete(void* p, size_t) noexcept { free_aligned(p); }

// Null where there is no more memory.
EXPORT(allocate) void* allocate(size_t bytes) {
  void* p = nullptr;
  return posix_memalign(&p, 64, bytes ? bytes : 64) == 0 ? p : nullptr;
}
EXPORT(release) void release(void* p) { free_aligned(p); }

// matrix, x [columns,16], y [rows,16]
EXPORT(product) void product(const double* arguments) {
  Arguments a(arguments);
  const Matrix m = a.matrix();
  const float* x = a.data<float>();
  table->product(&m, x, a.data<float>());
}

// matrix, dy [rows,16], dx [columns,16]
EXPORT(productTransposed) void product_transposed(const double* arguments) {
  Arguments a(arguments);
  const Matrix m = a.matrix();
  const float* dy = a.data<float>();
  table->product_transposed(&m, dy, a.data<float>());
}

// matrix, dy [steps,rows,16], x [steps,columns,16], steps, dw
EXPORT(productWeights) void product_weights(const double* arguments) {
  Arguments a(arguments);
  const Matrix m = a.matrix();
  const float *dy = a.data<float>(), *x = a.data<float>();
  const int steps = a.integer();
  table->product_weights(&m, dy, (size_t)m.rows * 16, x, (size_t)m.columns * 16, steps,
                         a.data<float>());
}

// number of members, members, the batch in the order of its struct but for the profile (there is no
// clock), of which weights gradients are wanted (GradientsOf); if of any, those of each member
EXPORT(sequence) void sequence(const double* arguments) {
  Arguments a(arguments);
  std::vector<Network> members(a.integer());
  for (Network& n : members) n = a.network();
  const Batch batch = {
      a.integer(),        a.integer(),        a.integer(),      a.integer(),     a.integer(),
      a.data<uint16_t>(), a.data<uint16_t>(), a.data<float>(),  a.data<float>(), a.data<int32_t>(),
      a.data<float>(),    a.number(),         a.data<double>(), a.data<float>(), nullptr};
  const GradientsOf which = (GradientsOf)a.integer();
  std::vector<Gradients> gradients(which != GradientsOf::kNothing ? members.size() : 0);
  for (Gradients& g : gradients) g = a.gradients();
  run_sequence(table, 1, members, batch, which, gradients.data());
}

// number of members, number of layers, of which weights gradients are wanted (GradientsOf); of each
// member its layers and, if of any, weights and biases of each layer; the batch in the order of its
// struct
EXPORT(classifier) void classifier(const double* arguments) {
  Arguments a(arguments);
  std::vector<ClassifierMember> members(a.integer());
  const int layers = a.integer();
  const GradientsOf which = (GradientsOf)a.integer();
  const bool gradients = which != GradientsOf::kNothing;
  for (ClassifierMember& m : members) {
    for (int l = 0; l < layers; l++) m.layers.push_back(a.layer());
    for (int l = 0; gradients && l < layers; l++) m.weights.push_back(a.data<float>());
    for (int l = 0; gradients && l < layers; l++) m.biases.push_back(a.data<float>());
  }
  const ClassifierBatch batch = {a.integer(),       a.integer(),    a.integer(),
                                 a.integer(),       a.integer(),    a.data<float>(),
                                 a.data<uint8_t>(), a.number(),     a.data<double>(),
                                 a.data<int32_t>(), a.data<float>()};
  run_classifier(table, 1, members, batch, which);
}

// the settings in the order of their struct, weights, gradient, first, second, average, count
EXPORT(adam) void adam(const double* arguments) {
  Arguments a(arguments);
  const Adam settings = {a.number(), a.number(), a.number(), a.number(),
                         a.number(), a.number(), a.number()};
  float* weights = a.data<float>();
  const float* gradient = a.data<float>();
  float *first = a.data<float>(), *second = a.data<float>(), *average = a.data<float>();
  table->adam(&settings, weights, gradient, first, second, average, a.integer());
}

// noise, mean, sigma, scale, number of weights, number of members, members
EXPORT(mirrored) void mirrored(const double* arguments) {
  Arguments a(arguments);
  const PairNoise noise = a.noise();
  const float *mean = a.data<float>(), *sigma = a.data<float>(), scale = a.number();
  const int count = a.integer();
  std::vector<float*> members(a.integer());
  for (float*& member : members) member = a.data<float>();
  run_mirrored(table, 1, noise, mean, sigma, scale, members, count);
}

// noise, number of pairs, their weights, number of sums, sums
EXPORT(noiseSum) void noise_sum(const double* arguments) {
  Arguments a(arguments);
  const PairNoise noise = a.noise();
  const int pairs = a.integer();
  const float* weights = a.data<float>();
  const int count = a.integer();
  run_noise_sum(table, 1, noise, weights, pairs, a.data<float>(), count);
}

// transposeA, transposeB, m, n, k, a, b, c
EXPORT(matmul) void matmul(const double* arguments) {
  Arguments a(arguments);
  const bool transposeA = a.integer(), transposeB = a.integer();
  const int m = a.integer(), n = a.integer(), k = a.integer();
  const float *left = a.data<float>(), *right = a.data<float>();
  run_gemm(table, 1, transposeA, transposeB, m, n, k, left, right, a.data<float>());
}

// matrix, x [columns], y [rows]
EXPORT(samplerProduct) void sampler_product(const double* arguments) {
  Arguments a(arguments);
  PackedMatrix packed;
  Arena arena;
  const SourceMatrix m = a.source_matrix();
  pack_matrix(m, rows_of({0, m.rows / 16}), table->sampler, &packed, &arena);
  arena.close();
  const float* x = a.data<float>();
  float* memory = zeros(table->sampler->product_bytes(&packed));
  table->sampler->product(&packed, x, a.data<float>(), memory);
  free_aligned(memory);
}

// count, x, sigmoids, tangents
EXPORT(activations) void activations(const double* arguments) {
  Arguments a(arguments);
  const int count = a.integer();
  const float* x = a.data<float>();
  float* sigmoids = a.data<float>();
  table->sampler->activations(x, count, sigmoids, a.data<float>());
}

// network, seed low, seed high, inverse temperature, first coarse, first fine, cues, order, number
// of values, values of the codes, length of the pitch filter, pitch filter
EXPORT(samplerCreate) Sampler* sampler_create(const double* arguments) {
  Arguments a(arguments);
  Sampler* s = new Sampler{pack_network(a.source_network(), table->sampler), {}, {}, {}};
  const PackedNetwork& net = s->packed->network;
  s->stream = Stream{{a.word(), a.word()},
                     0,
                     a.number(),
                     a.integer(),
                     a.integer(),
                     0,
                     zeros(table->sampler->stream_bytes(&net)),
                     zeros(table->sampler->own_bytes(&net)),
                     nullptr};
  table->sampler->begin(&net, &s->stream);
  Hearing hearing = {a.integer(), a.integer(), 0, nullptr, nullptr};
  for (std::vector<double>* to : {&s->values, &s->pitchFilter}) {
    const int length = a.integer();
    const double* from = a.data<double>();
    to->assign(from, from + length);
  }
  hearing.taps = (int)s->pitchFilter.size() / 4;
  hearing.values = s->values.data();
  hearing.pitchFilter = s->pitchFilter.data();
  if (hearing.cues) s->stream.listener = new_listener(hearing);
  return s;
}

// sampler, gate [frames,3H], frames, hop, codes [frames·hop] out, codes to be taken or null,
// probabilities [frames·hop,2Q] or null, the arrays of the predictors or null
EXPORT(samplerRun) void sampler_run(const double* arguments) {
  Arguments a(arguments);
  Sampler* s = a.data<Sampler>();
  const PackedNetwork& net = s->packed->network;
  const float* gate = a.data<float>();
  const int frames = a.integer(), hop = a.integer();
  uint16_t* codes = a.data<uint16_t>();
  const uint16_t* forced = a.data<uint16_t>();
  float* probabilities = a.data<float>();
  const Predictors predictors = {a.data<double>(), a.data<double>(), a.data<int32_t>(),
                                 a.data<double>()};
  for (int f = 0; f < frames; f++) {
    const size_t first = (size_t)f * hop;
    if (s->stream.listener) listener_frame(s->stream.listener, predictors, f);
    table->sampler->sample(&net, &s->stream, nullptr, gate + (size_t)f * 3 * net.hidden, hop,
                           codes + first, forced ? forced + first : nullptr,
                           probabilities ? probabilities + first * 2 * net.classes : nullptr,
                           nullptr);
  }
}

EXPORT(samplerRelease) void sampler_release(Sampler* s) {
  free_aligned(s->stream.memory);
  free_aligned(s->stream.own);
  delete_listener(s->stream.listener);
  delete s;
}
