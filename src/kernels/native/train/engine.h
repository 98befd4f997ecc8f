// From batches of any number of lanes to groups of 16, spread over threads; sums are formed in the
// order of the groups, so the number of threads does not change a bit of the result. The lanes are
// shared out equally, in order, to the members of a population: networks of one size with weights
// and masks of their own.
#pragma once
#include <string>
#include <vector>

#include "targets/kernel_table.h"
#include "train/structure.h"

// The instruction sets that this processor has, best first.
std::vector<const KernelTable*> available_tables();

struct Batch {
  int lanes, steps, hop, phase, frames;
  const uint16_t* codes;   // [lanes, steps + 1], symbol pairs coarse · Q + fine
  const uint16_t* heard;   // [lanes, steps] or null: what each step hears as the sample before it
  const float* cues;       // [lanes, steps, inputs - 3], or null where there are none
  const float* gate;       // [lanes, frames, 3H]
  const int32_t* lengths;  // [lanes] or null: all steps
  float* state;            // [lanes, H] in and out, or null: zeros in
  float scale;
  double* loss;     // [lanes] out
  float* nll;       // [lanes, steps] out, or null
  double* profile;  // [kPartCount] or null: seconds of all threads are added
};

// Gradients go to `out`, one for each member, whose `gate` is [lanes of the member, frames, 3H] and
// whose `at` is not looked at.
void run_sequence(const KernelTable*, int threads, const std::vector<Network>& members,
                  const Batch&, GradientsOf, const Gradients* out);

// c = a·b in slices of rows, one slice a task
void run_gemm(const KernelTable*, int threads, bool transposeA, bool transposeB, int m, int n,
              int k, const float* a, const float* b, float* c);

void* aligned_memory(size_t bytes);
void free_aligned(void*);
