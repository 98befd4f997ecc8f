#include "evolve/engine.h"

#include <string.h>

#include "runtime/pool.h"

namespace {

// Weights that a thread sums up at once: they stay in the cache from pair to pair.
constexpr size_t kSummed = 2048;
constexpr int kNumbersOfIndex = 4;

Noise noise_of(const PairNoise& all, int pair, size_t from) {
  return {
      {all.key[0], all.key[1]}, all.stream, all.first + pair * all.stride + from / kNumbersOfIndex};
}

}  // namespace

void run_mirrored(const KernelTable* table, int threads, const PairNoise& noise, const float* mean,
                  const float* sigma, float scale, const std::vector<float*>& members,
                  size_t count) {
  pool().run(threads, (int)members.size() / 2, [&](int pair, int) {
    const Noise own = noise_of(noise, pair, 0);
    table->mirrored(&own, mean, sigma, scale, members[2 * pair], members[2 * pair + 1], count);
  });
}

void run_noise_sum(const KernelTable* table, int threads, const PairNoise& noise,
                   const float* weights, int pairs, float* sum, size_t count) {
  pool().run(threads, (int)((count + kSummed - 1) / kSummed), [&](int part, int) {
    const size_t from = part * kSummed, left = count - from,
                 numbers = left < kSummed ? left : kSummed;
    memset(sum + from, 0, numbers * sizeof(float));
    for (int pair = 0; pair < pairs; pair++) {
      const Noise own = noise_of(noise, pair, from);
      table->add_noise(&own, weights[pair], sum + from, numbers);
    }
  });
}
