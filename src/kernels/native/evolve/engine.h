// A generation of an evolution strategy, spread over threads: pairs of members, and the sum of
// their noise. The number of threads changes no bit of either.
#pragma once
#include <vector>

#include "targets/kernel_table.h"

// The noise of pair p begins at index first + p · stride of the stream.
struct PairNoise {
  uint32_t key[2], stream;
  uint64_t first, stride;
};

// Members 2p and 2p + 1 [count] become mean ± scale · sigma · noise of pair p.
void run_mirrored(const KernelTable*, int threads, const PairNoise&, const float* mean,
                  const float* sigma, float scale, const std::vector<float*>& members,
                  size_t count);

// sum [count] = Σ weights[p] · noise of pair p.
void run_noise_sum(const KernelTable*, int threads, const PairNoise&, const float* weights,
                   int pairs, float* sum, size_t count);
