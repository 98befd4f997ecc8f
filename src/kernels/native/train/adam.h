// Adam (Kingma and Ba 2015, algorithm 1) with an exponential moving average of the weights.
#pragma once
#include "simd/simd.h"
#include "targets/kernel_table.h"

namespace {

// `rate` is α/(1-β1^t), `correction2` is 1/(1-β2^t): w -= rate · m / (sqrt(v · correction2) + ε).
void adam(const Adam* a, float* weights, const float* gradient, float* first, float* second,
          float* average, size_t count) {
  const auto update = [&](vf g, vf& w, vf& m, vf& v) {
    g *= a->gradientScale;
    m = m * a->beta1 + g * (1.f - a->beta1);
    v = v * a->beta2 + g * g * (1.f - a->beta2);
    w -= a->rate * m / (square_root(v * a->correction2) + a->epsilon);
  };
  const float keep = a->average;
  size_t i = 0;
  for (; i + kWidth <= count; i += kWidth) {
    vf w = load(weights + i), m = load(first + i), v = load(second + i);
    update(load(gradient + i), w, m, v);
    store(weights + i, w);
    store(first + i, m);
    store(second + i, v);
    if (average) store(average + i, load(average + i) * keep + w * (1.f - keep));
  }
  for (; i < count; i++) {
    vf w = splat(weights[i]), m = splat(first[i]), v = splat(second[i]);
    update(splat(gradient[i]), w, m, v);
    weights[i] = w[0];
    first[i] = m[0];
    second[i] = v[0];
    if (average) average[i] = average[i] * keep + w[0] * (1.f - keep);
  }
}

}  // namespace
