// Members and slices of their examples, spread over threads; sums are formed in the order of the
// slices, so the number of threads does not change a bit of the result, nor do the other members.
#pragma once
#include <vector>

#include "classify/network.h"
#include "train/structure.h"

struct ClassifierMember {
  std::vector<Layer> layers;            // matrices as packed; `at` and `sums` are not set
  std::vector<float*> weights, biases;  // receive the gradients, one array a layer
};

struct ClassifierBatch {
  int height, width, channels, examples;
  int shared;             // members in a row that see the same examples
  const float* images;    // [members / shared, examples, height, width, channels]
  const uint8_t* labels;  // [members / shared, examples]
  float scale;
  double* loss;      // [members] out
  int32_t* correct;  // [members] out
  float* nll;        // [members, examples] out, or null: nats of each example
};

void run_classifier(const KernelTable*, int threads, std::vector<ClassifierMember>& members,
                    const ClassifierBatch&, GradientsOf);
