// The pool, the thread team and what runs on them, for ThreadSanitizer; see
// scripts/test-sanitize.mjs. Prints one line a part; exit status 1 if a result is wrong, and the
// sanitizer's own if there is a race.
#include <stdio.h>
#include <string.h>

#include <atomic>
#include <cmath>
#include <memory>
#include <random>
#include <stdexcept>
#include <thread>

#include "classify/engine.h"
#include "excitation/coder.h"
#include "excitation/listener.h"
#include "runtime/pool.h"
#include "runtime/thread_team.h"
#include "sample/pack.h"
#include "train/engine.h"
#include "train/structure.h"

namespace {

std::mt19937 bits(1);
int failures = 0;

void check(bool good, const char* what) {
  if (good) return;
  printf("wrong: %s\n", what);
  failures++;
}

std::vector<float> normals(size_t count, float scale = 1) {
  std::normal_distribution<float> normal(0, scale);
  std::vector<float> values(count);
  for (float& v : values) v = normal(bits);
  return values;
}

// Full matrices of 16×1 blocks.
struct Full {
  std::vector<int32_t> rowStart, column;
  std::vector<float> values;
  Matrix matrix;
  Full(int rows, int columns) : values(normals((size_t)rows * columns, 1 / sqrtf((float)columns))) {
    for (int i = 0; i <= rows / 16; i++) rowStart.push_back(i * columns);
    for (int i = 0; i < rows / 16; i++)
      for (int c = 0; c < columns; c++) column.push_back(c);
    matrix = {rows, columns, 16, 1, rowStart.data(), column.data(), values.data()};
    check(sound(matrix, rowStart.size(), column.size(), values.size()), "a sound matrix");
  }
  Full(const Full&) = delete;
};

constexpr int kHidden = 64, kProjection = 32, kClasses = 32, kCues = 4;

struct OwnNetwork {
  std::vector<std::unique_ptr<Full>> sparse;
  std::vector<std::vector<float>> dense;
  Network network = {kHidden, kProjection, kClasses, 3 + kCues, {}, {}};
  SourceNetwork source = {kHidden, kProjection, kClasses, 3 + kCues, {}, {}};
  OwnNetwork() {
    const int H = kHidden, P = kProjection, Q = kClasses;
    const int sizes[][2] = {{3 * H, H}, {P, H / 2}, {Q, P}, {P, H / 2}, {Q, P}};
    for (int i = 0; i < kSparseCount; i++) {
      sparse.push_back(std::make_unique<Full>(sizes[i][0], sizes[i][1]));
      const Matrix& m = network.sparse[i] = sparse[i]->matrix;
      source.sparse[i] = {m.rows,   m.columns, m.blockRows, m.blockColumns, m.rowStart,
                          m.column, kFloat32,  m.values,    nullptr};
    }
    dense = {normals(3 * H * (3 + kCues), 0.5f), normals(P), normals(Q), normals(P), normals(Q)};
    for (int i = 0; i < kDenseCount; i++) network.dense[i] = source.dense[i] = dense[i].data();
  }
};

// Several callers at the same time, more and fewer threads than tasks, tasks that throw.
void pools() {
  std::vector<std::thread> callers;
  std::atomic<int> done{0}, caught{0};
  for (int c = 0; c < 3; c++)
    callers.emplace_back([&, c] {
      for (int round = 0; round < 60; round++) {
        const int count = 1 + (round * 7 + c) % 23;
        std::vector<int> results(count, 0);
        pool().run(1 + round % 6, count, [&](int task, int) { results[task] = task + 1; });
        for (int i = 0; i < count; i++) check(results[i] == i + 1, "every task once");
        done += count;
        try {
          pool().run(1 + round % 6, count, [&](int task, int) {
            if (task == count / 2) throw std::runtime_error("of a task");
          });
        } catch (const std::runtime_error&) {
          caught++;
        }
      }
    });
  for (std::thread& t : callers) t.join();
  check(caught == 180, "what a task throws, run throws");
  printf("pool: %d tasks of 3 callers, %d exceptions\n", done.load(), caught.load());
}

void sequences(const KernelTable* table, const OwnNetwork& own) {
  const int lanes = 50, steps = 24, hop = 8, frames = 3;
  const auto gate = normals((size_t)lanes * frames * 3 * kHidden);
  const auto cues = normals((size_t)lanes * steps * kCues, 0.5f);
  std::vector<uint16_t> codes((size_t)lanes * (steps + 1));
  for (uint16_t& c : codes) c = (uint16_t)(bits() % (kClasses * kClasses));
  const auto run = [&](int threads) {
    std::vector<double> loss(lanes);
    std::vector<std::vector<float>> memory{std::vector<float>(gate.size())};
    for (const auto& m : own.sparse) memory.emplace_back(m->values.size());
    for (const auto& d : own.dense) memory.emplace_back(d.size());
    Gradients g = {};
    g.gate = memory[0].data();
    for (int i = 0; i < kSparseCount; i++) g.sparse[i] = memory[1 + i].data();
    for (int i = 0; i < kDenseCount; i++) g.dense[i] = memory[1 + kSparseCount + i].data();
    const Batch batch = {lanes,        steps,   hop,         0,           frames,
                         codes.data(), nullptr, cues.data(), gate.data(), nullptr,
                         nullptr,      1.f,     loss.data(), nullptr,     nullptr};
    run_sequence(table, threads, {own.network}, batch, GradientsOf::kStored, &g);
    return std::make_pair(loss, memory);
  };
  const auto alone = run(1);
  std::vector<std::thread> callers;
  for (int c = 0; c < 2; c++)
    callers.emplace_back([&] { check(run(4) == alone, "a sequence on 4 threads"); });
  for (std::thread& t : callers) t.join();

  const auto a = normals(300 * 40), b = normals(40 * 30);
  std::vector<float> one(300 * 30), four(300 * 30);
  run_gemm(table, 1, false, false, 300, 30, 40, a.data(), b.data(), one.data());
  run_gemm(table, 4, false, false, 300, 30, 40, a.data(), b.data(), four.data());
  check(one == four, "a product on 4 threads");
  printf("sequences and products: 2 callers on 4 threads\n");
}

void coders() {
  const int lanes = 11, length = 600, order = 16, history = 200, hop = 50, frames = 12;
  std::vector<double> values(64), edges(63), coefficients((size_t)lanes * frames * order, 0.01),
      scales(lanes * frames, 0.1), gains(lanes * frames, 0.5), filter(4 * 5, 0.2);
  for (int i = 0; i < 64; i++) values[i] = (i - 31.5) / 32;
  for (int i = 0; i < 63; i++) edges[i] = (values[i] + values[i + 1]) / 2;
  std::vector<int32_t> periods(lanes * frames, 4 * 100 + 1);
  std::vector<int16_t> pcm((size_t)lanes * length);
  for (int16_t& s : pcm) s = (int16_t)(bits() % 2000 - 1000);
  const auto run = [&](int threads) {
    std::vector<uint16_t> codes((size_t)lanes * (1 + length - history)),
        heard((size_t)lanes * (length - history));
    std::vector<float> cues((size_t)lanes * (length - history) * kCues);
    Excitation e = {lanes, length, history, hop, 0, frames, 4, 64};
    e.hearing = {kCues, order, 5, values.data(), filter.data()};
    e.predictors = {coefficients.data(), scales.data(), periods.data(), gains.data()};
    e.pcm = pcm.data();
    e.edges = edges.data();
    e.most = 2;
    e.codes = codes.data();
    e.heard = heard.data();
    e.cues = cues.data();
    code_excitation(e, threads);
    return std::make_pair(codes, heard);
  };
  check(run(1) == run(4), "codes on 4 threads");
  printf("coder: 4 threads\n");
}

struct Zeros {
  explicit Zeros(size_t bytes) : data(static_cast<float*>(aligned_memory(bytes))) {
    memset(data, 0, bytes);
  }
  ~Zeros() { free_aligned(data); }
  float* const data;
};

// A sampler on a team, as bindings/node_sampler.cc runs it.
void teams(const KernelTable* table, const OwnNetwork& own) {
  const SamplerKernels* kernels = table->sampler;
  const int size = 3, hop = 20, frames = 6;
  const auto gate = normals((size_t)frames * 3 * kHidden);
  std::vector<double> values(kClasses * kClasses), filter(4 * 5, 0.2);
  for (size_t i = 0; i < values.size(); i++) values[i] = ((double)i - 511.5) / 512;
  const Hearing hearing = {kCues, 16, 5, values.data(), filter.data()};
  std::vector<double> coefficients((size_t)frames * 16, 0.02), scales(frames, 0.1),
      gains(frames, 0.5);
  std::vector<int32_t> periods(frames, 4 * 90 + 3);
  const Predictors predictors = {coefficients.data(), scales.data(), periods.data(), gains.data()};

  const auto draw = [&](int threads) {
    std::vector<std::unique_ptr<Packed>> packed;
    std::vector<std::unique_ptr<Zeros>> owns;
    std::vector<Listener*> listeners;
    for (int i = 0; i < threads; i++) {
      packed.push_back(pack_network(own.source, kernels, i, threads));
      owns.push_back(std::make_unique<Zeros>(kernels->own_bytes(&packed[i]->network)));
      listeners.push_back(new_listener(hearing));
    }
    Zeros memory(kernels->stream_bytes(&packed[0]->network)), places(size * sizeof(Barrier));
    Stream stream = {{5, 6}, 0, 1.f, 16, 0, 0, memory.data, owns[0]->data, listeners[0]};
    kernels->begin(&packed[0]->network, &stream);
    std::vector<Stream> streams(threads, stream);
    std::vector<uint16_t> codes(frames * hop);
    const auto work = [&](int i) {
      streams[i].own = owns[i]->data;
      streams[i].listener = listeners[i];
      const TeamThread thread = {i, threads, reinterpret_cast<Barrier*>(places.data),
                                 std::this_thread::yield};
      for (int f = 0; f < frames; f++) {
        listener_frame(listeners[i], predictors, f);
        kernels->sample(&packed[i]->network, &streams[i], threads > 1 ? &thread : nullptr,
                        gate.data() + (size_t)f * 3 * kHidden, hop,
                        i ? nullptr : codes.data() + f * hop, nullptr, nullptr, nullptr);
      }
    };
    check(run_team(threads, work), "threads for a team");
    for (Listener* l : listeners) delete_listener(l);
    return codes;
  };
  const auto alone = draw(1);
  for (int round = 0; round < 3; round++) check(draw(size) == alone, "a sampler on a team");

  // Two teams at the same time, as two streams of one process.
  std::thread other([&] { check(draw(2) == alone, "another team"); });
  check(draw(2) == alone, "one team beside another");
  other.join();
  printf("teams: a sampler on %d threads, and two of them side by side\n", size);
}

}  // namespace

int main() {
  const KernelTable* table = available_tables().back();
  const OwnNetwork own;
  pools();
  sequences(table, own);
  coders();
  teams(table, own);
  return failures > 0;
}
