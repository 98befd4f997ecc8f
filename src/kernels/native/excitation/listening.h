// The class behind listener.h, for those who are compiled without contraction of products and sums:
// it gives what the reference, src/kernels/interface/listener.ts, gives, to the bit.
#pragma once
#include <math.h>
#include <string.h>

#include <algorithm>

#include "excitation/listener.h"

// A period is given in so many parts of a sample.
constexpr int kPeriodParts = 4;

// An excitation of 1 is so many standard deviations of the frame; see codec_excitation.ts.
constexpr double kDeviations = 16;

class Listener {
 public:
  explicit Listener(const Hearing& hearing) : hearing_(hearing) {}

  void frame(const Predictors& p, int index) {
    coefficients_ = p.coefficients + (size_t)index * hearing_.order;
    scale_ = p.scales[index];
    gain_ = hearing_.taps ? p.gains[index] : 0;
    period_ = p.periods[index] / kPeriodParts;
    filter_ = hearing_.pitchFilter + p.periods[index] % kPeriodParts * hearing_.taps;
  }

  // A sample from before the first code.
  void know(double sample) { keep(sample, 0); }

  // The prediction of the next sample. Order: that of the predictors, or 0 for any.
  template <int Order = 0>
  double predict() {
    const int order = Order ? Order : hearing_.order;
    const double* last = samples_ + end_ - 1;
    double prediction = 0;
    // The newest sample last: what is known earlier can be added up earlier.
    for (int k = order - 1; k >= 0; k--) prediction += coefficients_[k] * last[-k];
    double again = 0;
    if (gain_ > 0) {
      const double* then = excitation_ + end_ - period_ + hearing_.taps / 2;
      for (int k = 0; k < hearing_.taps; k++) again += filter_[k] * then[-k];
      again *= gain_;
    }
    pitch_ = again;
    return prediction_ = prediction + again;
  }

  // After `predict`.
  void cues(float* out) const {
    if (hearing_.cues == 0) return;
    const double deviation = scale_ / kDeviations, last = samples_[end_ - 1];
    out[0] = (float)softened(prediction_ / (4 * deviation));
    out[1] = (float)softened(prediction_ / (32 * deviation));
    out[2] = (float)softened(last / (4 * deviation));
    out[3] = (float)softened(last / (32 * deviation));
  }

  void follow(int code) {
    const double excitation = scale_ * hearing_.values[code];
    keep(std::max(-1.0, std::min(1.0, prediction_ + excitation)), pitch_ + excitation);
  }

 private:
  // Samples that are remembered at least: the longest period and half a filter.
  static constexpr int kMemory = 1024, kRoom = 4 * kMemory;

  // Any number becomes one within ±1; small ones hardly change.
  static double softened(double x) { return x / (1 + fabs(x)); }

  void keep(double sample, double excitation) {
    if (end_ == kRoom) {
      memcpy(samples_, samples_ + kRoom - kMemory, kMemory * sizeof(double));
      memcpy(excitation_, excitation_ + kRoom - kMemory, kMemory * sizeof(double));
      end_ = kMemory;
    }
    samples_[end_] = sample;
    excitation_[end_++] = excitation;
  }

  Hearing hearing_;
  const double *coefficients_ = nullptr, *filter_ = nullptr;
  double scale_ = 1, gain_ = 0, prediction_ = 0, pitch_ = 0;
  int period_ = 0;
  // Of what is known. What comes before the first sample is silence.
  int end_ = kMemory;
  double samples_[kRoom] = {}, excitation_[kRoom] = {};
};
