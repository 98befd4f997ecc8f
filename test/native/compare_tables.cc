// Every table of kernels of this processor against plain loops in double, and against the generic
// table where the loops would be a second implementation of the network. For machines on which the
// tests in TypeScript cannot run; see scripts/test-neon.mjs. Prints one line a table; exit status 1
// if anything differs.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <random>
#include <thread>

#include "classify/engine.h"
#include "evolve/engine.h"
#include "excitation/listener.h"
#include "runtime/philox.h"
#include "sample/pack.h"
#include "train/engine.h"

namespace {

constexpr int kLanes = 16;
// As src/kernels/testing.ts.
constexpr double kProduct = 5e-6, kLoss = 1e-6, kGradient = 5e-6, kProbability = 1e-4;

std::mt19937 random_bits(1);
int failures = 0, checks = 0;

int below(int n) { return (int)(random_bits() % (uint32_t)n); }

std::vector<float> normals(size_t count, float scale = 1) {
  std::normal_distribution<float> normal(0, scale);
  std::vector<float> values(count);
  for (float& v : values) v = normal(random_bits);
  return values;
}

template <class A, class B>
void close(const char* what, const A& actual, const B& expected, double tolerance) {
  double largest = 0;
  for (const auto& e : expected) largest = std::max(largest, fabs((double)e));
  checks++;
  for (size_t i = 0; i < expected.size(); i++)
    if (!(fabs((double)actual[i] - (double)expected[i]) <= tolerance * largest)) {
      printf("%s[%zu] is %.9g, expected %.9g\n", what, i, (double)actual[i], (double)expected[i]);
      failures++;
      return;
    }
}

// A block matrix that owns its arrays: block rows hold from none to two thirds of all blocks.
struct OwnMatrix {
  std::vector<int32_t> rowStart, column;
  std::vector<float> values;
  Matrix matrix;

  OwnMatrix(int rows, int columns, int blockRows, int blockColumns, float scale) : rowStart{0} {
    const int blocks = columns / blockColumns;
    for (int i = 0; i < rows / blockRows; i++) {
      for (int c = 0, most = i == 0 ? blocks / 2 : below(2 * blocks / 3 + 1);
           c < blocks && most > 0; c++)
        if (below(blocks - c) < most) column.push_back(c), most--;
      rowStart.push_back((int)column.size());
    }
    values = normals(column.size() * blockRows * blockColumns, scale);
    matrix = {rows,          columns,      blockRows, blockColumns, rowStart.data(),
              column.data(), values.data()};
  }
  OwnMatrix(const OwnMatrix&) = delete;

  // f(row, column, index of the value)
  void each(const std::function<void(int, int, size_t)>& f) const {
    size_t index = 0;
    for (int i = 0; i + 1 < (int)rowStart.size(); i++)
      for (int k = rowStart[i]; k < rowStart[i + 1]; k++)
        for (int c = 0; c < matrix.blockColumns; c++)
          for (int r = 0; r < matrix.blockRows; r++)
            f(i * matrix.blockRows + r, column[k] * matrix.blockColumns + c, index++);
  }
};

const int shapes[][2] = {{16, 1}, {4, 4}, {1, 1}};

void products(const KernelTable* table) {
  for (const auto& shape : shapes)
    for (const auto& size : {std::pair<int, int>{16, 4}, {48, 20}, {96, 64}, {32, 132}}) {
      const OwnMatrix m(size.first, size.second, shape[0], shape[1], 1);
      const int rows = size.first, columns = size.second, steps = 11;
      const auto x = normals((size_t)steps * columns * kLanes),
                 dy = normals((size_t)steps * rows * kLanes);
      auto dx = normals(columns * kLanes), dw = normals(m.values.size());
      std::vector<float> y(rows * kLanes, NAN);
      std::vector<double> plainY(y.size()), plainDx(dx.begin(), dx.end()),
          plainDw(dw.begin(), dw.end());
      m.each([&](int row, int column, size_t i) {
        for (int l = 0; l < kLanes; l++) {
          plainY[row * kLanes + l] += (double)m.values[i] * x[column * kLanes + l];
          plainDx[column * kLanes + l] += (double)m.values[i] * dy[row * kLanes + l];
          for (int t = 0; t < steps; t++)
            plainDw[i] += (double)dy[((size_t)t * rows + row) * kLanes + l] *
                          x[((size_t)t * columns + column) * kLanes + l];
        }
      });
      table->product(&m.matrix, x.data(), y.data());
      table->product_transposed(&m.matrix, dy.data(), dx.data());
      table->product_weights(&m.matrix, dy.data(), (size_t)rows * kLanes, x.data(),
                             (size_t)columns * kLanes, steps, dw.data());
      close("product", y, plainY, kProduct);
      close("product_transposed", dx, plainDx, kProduct);
      close("product_weights", dw, plainDw, kProduct);
    }
}

void gemm(const KernelTable* table) {
  const int sizes[][3] = {{1, 1, 1}, {7, 33, 5}, {97, 17, 300}, {13, 64, 257}};
  for (const auto& [m, n, k] : sizes)
    for (int transposed = 0; transposed < 4; transposed++) {
      const bool ta = transposed & 1, tb = transposed & 2;
      const auto a = normals((size_t)m * k), b = normals((size_t)k * n);
      std::vector<float> c((size_t)m * n, NAN);
      std::vector<double> plain(c.size());
      for (int i = 0; i < m; i++)
        for (int j = 0; j < n; j++)
          for (int l = 0; l < k; l++)
            plain[(size_t)i * n + j] +=
                (double)a[ta ? l * m + i : i * k + l] * b[tb ? j * k + l : l * n + j];
      run_gemm(table, 2, ta, tb, m, n, k, a.data(), b.data(), c.data());
      close("gemm", c, plain, kProduct);
    }
}

void adam(const KernelTable* table) {
  for (const int count : {1, 3, 4, 17, 100}) {
    const Adam s = {1e-3f, 0.9f, 0.99f, 1e-8f, 0.5f, 100.f, 0.999f};
    auto weights = normals(count), gradient = normals(count), first = normals(count, 0.1f),
         second = normals(count, 0.1f), average = normals(count);
    for (float& v : second) v *= v;
    std::vector<double> plain(weights.begin(), weights.end()),
        plainAverage(average.begin(), average.end());
    for (int i = 0; i < count; i++) {
      const double g = gradient[i] * s.gradientScale, m = s.beta1 * first[i] + (1 - s.beta1) * g,
                   v = s.beta2 * second[i] + (1 - s.beta2) * g * g;
      plain[i] -= s.rate * m / (sqrt(v * s.correction2) + s.epsilon);
      plainAverage[i] = s.average * plainAverage[i] + (1 - s.average) * plain[i];
    }
    table->adam(&s, weights.data(), gradient.data(), first.data(), second.data(), average.data(),
                count);
    close("adam", weights, plain, kProduct);
    close("adam, average", average, plainAverage, kProduct);
  }
}

// What a pair of an evolution strategy is made of: normal numbers by the transform of Box and
// Muller.
std::vector<double> noise_of(const PairNoise& noise, int pair, int count) {
  std::vector<double> numbers;
  for (uint64_t i = noise.first + pair * noise.stride; (int)numbers.size() < count; i++) {
    uint32_t words[4];
    philox(noise.key, i, noise.stream, words);
    for (int half = 0; half < 4; half += 2) {
      const double radius = sqrt(-2 * log(1 - (words[half] >> 8) * 0x1p-24)),
                   angle = 2 * M_PI * ((words[half + 1] >> 8) * 0x1p-24);
      numbers.push_back(radius * cos(angle));
      numbers.push_back(radius * sin(angle));
    }
  }
  numbers.resize(count);
  return numbers;
}

void evolution(const KernelTable* table) {
  const PairNoise noise = {{1, 2}, 3, (5ull << 32) - 2, 1 << 20};
  for (const int count : {1, 4, 7, 33, 5000}) {
    const auto mean = normals(count), sigma = normals(count), weights = normals(2);
    std::vector<std::vector<float>> members(4, std::vector<float>(count, NAN));
    std::vector<float*> places;
    for (auto& member : members) places.push_back(member.data());
    std::vector<float> sum(count, NAN);
    std::vector<double> plainSum(count);
    run_mirrored(table, 2, noise, mean.data(), sigma.data(), 0.5f, places, count);
    run_noise_sum(table, 2, noise, weights.data(), 2, sum.data(), count);
    for (int pair = 0; pair < 2; pair++) {
      const auto numbers = noise_of(noise, pair, count);
      // Of both members together: in one of them mean and noise may cancel.
      std::vector<float> actual = members[2 * pair];
      actual.insert(actual.end(), members[2 * pair + 1].begin(), members[2 * pair + 1].end());
      std::vector<double> expected(2 * count);
      for (int i = 0; i < count; i++) {
        expected[i] = mean[i] + 0.5 * sigma[i] * numbers[i];
        expected[count + i] = mean[i] - 0.5 * sigma[i] * numbers[i];
        plainSum[i] += weights[pair] * numbers[i];
      }
      close("mirrored", actual, expected, kProduct);
    }
    close("sum of noise", sum, plainSum, kProduct);
  }
}

struct OwnNetwork {
  std::vector<std::unique_ptr<OwnMatrix>> sparse;
  std::vector<std::vector<float>> dense;
  Network network;

  OwnNetwork(int H, int P, int Q, const int* shape, int cues = 0) {
    const auto add = [&](int rows, int columns, float gain) {
      sparse.push_back(std::make_unique<OwnMatrix>(rows, columns, shape[0], shape[1],
                                                   gain / sqrtf(columns / 3.f)));
    };
    add(3 * H, H, 1.5f), add(P, H / 2, 4), add(Q, P, 2), add(P, H / 2, 4), add(Q, P, 2);
    dense = {normals(3 * (3 + cues) * H, 0.7f), normals(P, 0.5f), normals(Q, 0.5f),
             normals(P, 0.5f), normals(Q, 0.5f)};
    network = {H, P, Q, 3 + cues, {}, {}};
    for (int i = 0; i < kSparseCount; i++) network.sparse[i] = sparse[i]->matrix;
    for (int i = 0; i < kDenseCount; i++) network.dense[i] = dense[i].data();
  }
};

// How many gradients the weights of a matrix have.
size_t learned(const OwnMatrix& m, GradientsOf which) {
  return which == GradientsOf::kAll ? (size_t)m.matrix.rows * m.matrix.columns : m.values.size();
}

// What run_sequence gives, in one row of numbers each.
struct SequenceResult {
  std::vector<double> loss;
  std::vector<float> state, nll;
  std::vector<std::vector<float>> gradients;
};

struct SequenceCase {
  int hidden, projection, classes, shape, lanes, steps, hop, phase;
};

void sequence(const KernelTable* table, const KernelTable* other) {
  // The sizes of sequenceCases in src/kernels/testing.ts.
  const SequenceCase cases[] = {{32, 16, 32, 0, 1, 1, 1, 0},    {32, 16, 32, 2, 15, 37, 5, 3},
                                {64, 48, 32, 1, 33, 18, 1, 0},  {64, 32, 256, 0, 16, 32, 100, 99},
                                {96, 48, 256, 0, 17, 21, 7, 6}, {96, 16, 256, 1, 3, 50, 20, 11},
                                {64, 32, 32, 2, 18, 30, 16, 0}};
  for (const auto& s : cases) {
    // Every other case hears cues.
    const int cueCount = (&s - cases) % 2 ? kMostCues : 0;
    const OwnNetwork own(s.hidden, s.projection, s.classes, shapes[s.shape], cueCount);
    const auto cues = normals((size_t)s.lanes * s.steps * cueCount, 0.5f);
    const int frames = (s.phase + s.steps + s.hop - 1) / s.hop;
    const auto gate = normals((size_t)s.lanes * frames * 3 * s.hidden),
               state = normals((size_t)s.lanes * s.hidden, 0.5f);
    std::vector<uint16_t> codes((size_t)s.lanes * (s.steps + 1));
    for (uint16_t& c : codes) c = (uint16_t)below(s.classes * s.classes);
    std::vector<int32_t> lengths(s.lanes);
    for (int32_t& l : lengths) l = below(s.steps + 1);
    const auto run = [&](const KernelTable* t, GradientsOf which) {
      SequenceResult r = {std::vector<double>(s.lanes, NAN),
                          state,
                          std::vector<float>((size_t)s.lanes * s.steps, NAN),
                          {}};
      r.gradients.emplace_back(gate.size(), NAN);
      for (const auto& m : own.sparse) r.gradients.emplace_back(learned(*m, which), NAN);
      for (const auto& d : own.dense) r.gradients.emplace_back(d.size(), NAN);
      Gradients g = {};
      g.gate = r.gradients[0].data();
      for (int i = 0; i < kSparseCount; i++) g.sparse[i] = r.gradients[1 + i].data();
      for (int i = 0; i < kDenseCount; i++) g.dense[i] = r.gradients[1 + kSparseCount + i].data();
      const Batch batch = {s.lanes,        s.steps, s.hop,         s.phase,      frames,
                           codes.data(),   nullptr, cues.data(),   gate.data(),  lengths.data(),
                           r.state.data(), 0.25f,   r.loss.data(), r.nll.data(), nullptr};
      run_sequence(t, 2, {own.network}, batch, which, &g);
      return r;
    };
    for (const GradientsOf which : {GradientsOf::kStored, GradientsOf::kAll}) {
      const SequenceResult actual = run(table, which), expected = run(other, which);
      close("sequence, loss", actual.loss, expected.loss, kLoss);
      close("sequence, nll", actual.nll, expected.nll, kProduct);
      close("sequence, state", actual.state, expected.state, kProduct);
      for (size_t i = 0; i < actual.gradients.size(); i++)
        close("sequence, gradients", actual.gradients[i], expected.gradients[i], kGradient);
    }
  }
}

// Weights as a sampler may store them: float32, the upper halves of float32, or bytes with a scale
// per row.
struct Stored {
  std::vector<uint16_t> halves;
  std::vector<int8_t> bytes;
  std::vector<float> scale;
  SourceMatrix source;

  Stored(const OwnMatrix& own, int precision) {
    const Matrix& m = own.matrix;
    const void* values = own.values.data();
    if (precision == kBf16) {
      for (const float v : own.values) {
        uint32_t bits;
        memcpy(&bits, &v, 4);
        halves.push_back((uint16_t)(bits >> 16));
      }
      values = halves.data();
    } else if (precision == kInt8) {
      for (size_t i = 0; i < own.values.size(); i++) bytes.push_back((int8_t)(below(255) - 127));
      for (int row = 0; row < m.rows; row++) scale.push_back(0.004f / 127 * (1 + below(8)));
      values = bytes.data();
    }
    source = {m.rows,   m.columns, m.blockRows, m.blockColumns, m.rowStart,
              m.column, precision, values,      scale.data()};
  }
};

// Zeros that begin on a cache line.
struct Zeros {
  std::vector<float> data;
  explicit Zeros(size_t bytes) : data(bytes / sizeof(float) + 32, 0.f) {}
  float* get() {
    return reinterpret_cast<float*>((reinterpret_cast<uintptr_t>(data.data()) + 63) / 64 * 64);
  }
};

// One utterance in the memory of its own.
struct OwnStream {
  Zeros memory, own;
  Stream stream;

  OwnStream(const SamplerKernels* kernels, const PackedNetwork* net, uint32_t seed)
      : memory(kernels->stream_bytes(net)), own(kernels->own_bytes(net)) {
    stream = {{seed, 1}, 0, 1.f, 0, 0, 0, memory.get(), own.get(), nullptr};
    kernels->begin(net, &stream);
  }
};

void sampler(const KernelTable* table, const KernelTable* other) {
  for (const auto& shape : shapes)
    for (const int Q : {32, 256})
      for (const int precision : {kFloat32, kBf16, kInt8}) {
        const OwnNetwork own(96, 48, Q, shape);
        const int H = 96, hop = 50, frames = 4;
        const auto gate = normals((size_t)frames * 3 * H);
        std::vector<std::unique_ptr<Stored>> stored;
        SourceNetwork source = {H, 48, Q, 3, {}, {}};
        for (int m = 0; m < kSparseCount; m++) {
          // What follows a ReLU stays bf16 where the state is int8.
          const bool logits = m == kCoarseLogits || m == kFineLogits;
          stored.push_back(std::make_unique<Stored>(
              *own.sparse[m], precision == kInt8 && logits ? (int)kBf16 : precision));
          source.sparse[m] = stored.back()->source;
        }
        for (int d = 0; d < kDenseCount; d++) source.dense[d] = own.dense[d].data();
        std::vector<uint16_t> forced(frames * hop);
        for (uint16_t& c : forced) c = (uint16_t)below(Q * Q);
        const auto run = [&](const KernelTable* t, uint32_t seed, const uint16_t* taken,
                             std::vector<float>* probabilities) {
          const auto packed = pack_network(source, t->sampler);
          OwnStream one(t->sampler, &packed->network, seed);
          std::vector<uint16_t> codes(frames * hop);
          for (int f = 0; f < frames; f++)
            t->sampler->sample(
                &packed->network, &one.stream, nullptr, gate.data() + (size_t)f * 3 * H, hop,
                codes.data() + f * hop, taken ? taken + f * hop : nullptr,
                probabilities ? probabilities->data() + (size_t)f * hop * 2 * Q : nullptr, nullptr);
          return codes;
        };
        std::vector<float> actual((size_t)frames * hop * 2 * Q), expected(actual.size());
        close("sampler, forced", run(table, 7, forced.data(), &actual), forced, 0);
        run(other, 7, forced.data(), &expected);
        // A state on the other side of a boundary between two steps of int8 changes by a whole
        // step.
        close("sampler, probabilities", actual, expected, precision == kInt8 ? 3e-2 : kProbability);

        // With several threads as with one; more threads than there are slabs of a hidden layer.
        const int size = 4;
        std::vector<std::unique_ptr<Packed>> shares;
        for (int i = 0; i < size; i++)
          shares.push_back(pack_network(source, table->sampler, i, size));
        OwnStream shared(table->sampler, &shares[0]->network, 9);
        std::vector<std::unique_ptr<Zeros>> owns;
        Zeros barriers(size * sizeof(Barrier));
        std::vector<uint16_t> together(frames * hop);
        std::vector<std::thread> threads;
        for (int i = 0; i < size; i++) {
          owns.push_back(std::make_unique<Zeros>(table->sampler->own_bytes(&shares[i]->network)));
          threads.emplace_back([&, i, own = owns[i]->get()] {
            Stream stream = shared.stream;
            stream.own = own;
            const TeamThread thread = {i, size, reinterpret_cast<Barrier*>(barriers.get()),
                                       std::this_thread::yield};
            for (int f = 0; f < frames; f++)
              table->sampler->sample(
                  &shares[i]->network, &stream, &thread, gate.data() + (size_t)f * 3 * H, hop,
                  i ? nullptr : together.data() + f * hop, nullptr, nullptr, nullptr);
          });
        }
        for (std::thread& t : threads) t.join();
        close("sampler, several threads", together, run(table, 9, nullptr, nullptr), 0);

        // Side by side as alone.
        const int slots = 6;
        const auto packed = pack_network(source, table->sampler);
        std::vector<std::unique_ptr<OwnStream>> streams;
        std::vector<std::vector<uint16_t>> codes(slots, std::vector<uint16_t>(frames * hop));
        for (int l = 0; l < slots; l++)
          streams.push_back(std::make_unique<OwnStream>(table->sampler, &packed->network, l));
        for (int f = 0; f < frames; f++) {
          std::vector<Stream*> each;
          std::vector<const float*> gates(slots, gate.data() + (size_t)f * 3 * H);
          std::vector<uint16_t*> out;
          for (int l = 0; l < slots; l++)
            each.push_back(&streams[l]->stream), out.push_back(codes[l].data() + f * hop);
          table->sampler->sample_slots(&packed->network, slots, each.data(), gates.data(), hop,
                                       out.data());
        }
        for (int l = 0; l < slots; l++)
          close("sampler, side by side", codes[l], run(table, l, nullptr, nullptr), 0);
      }
}

void classifier(const KernelTable* table, const KernelTable* other) {
  const int side = 9, channels = 4, classes = 10;
  const OwnMatrix first(32, 3 * 3 * channels, 16, 1, 0.3f), point(16, 32, 4, 4, 0.3f),
      last(classes, 2 * 2 * 16, 1, 1, 0.3f);
  const auto bias1 = normals(32), bias2 = normals(16), bias3 = normals(classes),
             filters = normals(9 * 16, 0.3f);
  const auto convolution = [](const OwnMatrix& m, const std::vector<float>& bias, int kernel,
                              int padding, int relu) {
    Layer l = {};
    l.kind = kConvolution, l.kernelHeight = l.kernelWidth = kernel, l.stride = 1,
    l.padding = padding, l.relu = relu, l.matrix = m.matrix, l.bias = bias.data();
    return l;
  };
  const auto other_layer = [](LayerKind kind, int kernel, int stride, int padding,
                              const float* weights) {
    Layer l = {};
    l.kind = kind, l.kernelHeight = l.kernelWidth = kernel, l.stride = stride, l.padding = padding,
    l.filters = weights;
    return l;
  };
  // 9×9×4 → 9×9×32 → 9×9×16 → 5×5×16 → 2×2×16 → classes
  const std::vector<Layer> layers = {
      convolution(first, bias1, 3, 1, 1), convolution(point, bias2, 1, 0, 1),
      other_layer(kDepthwise, 3, 2, 1, filters.data()), other_layer(kMaxPool, 2, 2, 0, nullptr),
      convolution(last, bias3, 2, 0, 0)};
  for (const int examples : {1, 17, 70})
    for (const GradientsOf of : {GradientsOf::kStored, GradientsOf::kAll}) {
      const auto images = normals((size_t)examples * side * side * channels);
      std::vector<uint8_t> labels(examples);
      for (uint8_t& l : labels) l = (uint8_t)below(classes);
      std::vector<std::vector<float>> gradients[2];
      double loss[2];
      int32_t correct[2];
      std::vector<float> nll[2] = {std::vector<float>(examples, NAN),
                                   std::vector<float>(examples, NAN)};
      for (int which = 0; which < 2; which++) {
        std::vector<ClassifierMember> members(1);
        members[0].layers = layers;
        auto& g = gradients[which];
        for (const size_t size :
             {learned(first, of), learned(point, of), filters.size(), (size_t)0, learned(last, of),
              bias1.size(), bias2.size(), (size_t)0, (size_t)0, bias3.size()})
          g.emplace_back(size, NAN);
        for (int l = 0; l < 5; l++)
          members[0].weights.push_back(g[l].data()), members[0].biases.push_back(g[5 + l].data());
        const ClassifierBatch batch = {
            side, side,         channels,        examples,         1, images.data(), labels.data(),
            0.5f, &loss[which], &correct[which], nll[which].data()};
        run_classifier(which ? other : table, 2, members, batch, of);
      }
      close("classifier, loss", std::vector<double>{loss[0]}, std::vector<double>{loss[1]}, kLoss);
      close("classifier, nats of each example", nll[0], nll[1], kLoss);
      close("classifier, correct", std::vector<int>{correct[0]}, std::vector<int>{correct[1]}, 0);
      for (size_t i = 0; i < gradients[0].size(); i++)
        close("classifier, gradients", gradients[0][i], gradients[1][i], kGradient);
    }
}

}  // namespace

int main() {
  const auto tables = available_tables();
  for (const KernelTable* table : tables) {
    checks = 0;
    const int before = failures;
    products(table);
    gemm(table);
    adam(table);
    evolution(table);
    sequence(table, tables.back());
    sampler(table, tables.back());
    classifier(table, tables.back());
    printf("%s: %d comparisons, %d differ\n", table->name, checks, failures - before);
  }
  return failures > 0;
}
