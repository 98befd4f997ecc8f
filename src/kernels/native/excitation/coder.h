// Coding of excitation; see src/kernels/interface/excitation.ts for the shapes. Compiled without
// contraction of products and sums, so that it gives what the reference there gives, to the bit.
#pragma once
#include <stdint.h>

#include "excitation/listener.h"

struct Excitation {
  int lanes, length, history, hop, phase, frames, lead, levels;
  Hearing hearing;
  const int16_t* pcm;
  Predictors predictors;
  const double* edges;
  // Noise: heard == null for none.
  uint32_t key[2] = {0, 0};
  uint64_t index = 0;
  double most = 0;
  uint16_t *codes = nullptr, *heard = nullptr;
  float* cues = nullptr;
};

void code_excitation(const Excitation&, int threads);
