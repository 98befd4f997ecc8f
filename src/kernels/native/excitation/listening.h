// The class behind listener.h, for those who are compiled without contraction of products and sums:
// it gives what the reference, src/kernels/interface/listener.ts, gives, to the bit.
#pragma once
#include <math.h>
#include <string.h>

#include <algorithm>

#include "excitation/listener.h"

// Samples between two looks for the pitch, counted from the beginning of a frame.
constexpr int kPitchInterval = 64;

// The pitch is looked for in the last samples; first of all in means of four.
constexpr int kPitchWindow = 320, kThinning = 4;

// The power of a step of 16 bits: below it there is no pitch.
constexpr double kSilence = 1e-9;

// An excitation of 1 is so many standard deviations of the frame; see codec_excitation.ts.
constexpr double kDeviations = 16;

class Listener {
 public:
  explicit Listener(const Hearing& hearing) : hearing_(hearing) {}

  void frame(const double* coefficients, double scale) {
    coefficients_ = coefficients;
    scale_ = scale;
  }

  // A sample from before the first code.
  void know(double sample) { keep(sample, 0); }

  // Order: that of the predictors, or 0 for any.
  template <int Order = 0>
  double predict(int position) {
    if (hearing_.cues > kSignalCues && position % kPitchInterval == 0) find_pitch();
    const int order = Order ? Order : hearing_.order;
    const double* last = samples_ + end_ - 1;
    double prediction = 0;
    // The newest sample last: what is known earlier can be added up earlier.
    for (int k = order - 1; k >= 0; k--) prediction += coefficients_[k] * last[-k];
    return prediction_ = prediction;
  }

  // After `predict`.
  void cues(float* out) const {
    if (hearing_.cues == 0) return;
    const double deviation = scale_ / kDeviations, last = samples_[end_ - 1];
    out[0] = (float)softened(prediction_ / (4 * deviation));
    out[1] = (float)softened(prediction_ / (32 * deviation));
    out[2] = (float)softened(last / (4 * deviation));
    out[3] = (float)softened(last / (32 * deviation));
    if (hearing_.cues == kSignalCues) return;
    const double* period = excitation_ + end_ - lag_;
    for (int k = -2; k <= 2; k++)
      out[6 + k] = lag_ > 0 ? (float)softened(period[k] / (2 * deviation)) : 0.f;
    out[9] = (float)periodicity_;
  }

  void follow(int code) {
    const double excitation = scale_ * hearing_.values[code];
    keep(std::max(-1.0, std::min(1.0, prediction_ + excitation)), excitation);
  }

 private:
  // Samples that are remembered at least: a window and the longest period before it.
  static constexpr int kMemory = 1024, kRoom = 4 * kMemory;

  // Any number becomes one within ±1; small ones hardly change.
  static double softened(double x) { return x / (1 + fabs(x)); }

  // Σ a[i]·b[i], in four sums side by side. count: a multiple of 4
  static double dot(const double* a, const double* b, int count) {
    double sums[4] = {0, 0, 0, 0};
    for (int i = 0; i < count; i += 4)
      for (int k = 0; k < 4; k++) sums[k] += a[i + k] * b[i + k];
    return (sums[0] + sums[1]) + (sums[2] + sums[3]);
  }

  void keep(double sample, double excitation) {
    if (end_ == kRoom) {
      memcpy(samples_, samples_ + kRoom - kMemory, kMemory * sizeof(double));
      memcpy(excitation_, excitation_ + kRoom - kMemory, kMemory * sizeof(double));
      end_ = kMemory;
    }
    samples_[end_] = sample;
    excitation_[end_++] = excitation;
  }

  // The period after which the last samples are most like those before: first by means of four
  // samples, then sample by sample around the best.
  void find_pitch() {
    constexpr int window = kPitchWindow / kThinning;
    const int first = hearing_.shortest / kThinning, last = hearing_.longest / kThinning;
    double thin[kMemory / kThinning];
    const double* from = samples_ + end_ - (window + last) * kThinning;
    for (int i = 0; i < window + last; i++, from += kThinning)
      thin[i] = (from[0] + from[1]) + (from[2] + from[3]);
    const double* now = thin + last;
    const double power = dot(now, now, window) + kSilence;
    double most = 0;
    int best = 0;
    for (int lag = first; lag <= last; lag++) {
      const double* then = now - lag;
      const double product = std::max(0.0, dot(now, then, window));
      // A little in favour of short periods: after two of them speech is as much alike.
      const double likeness = product * product / ((dot(then, then, window) + kSilence) * power) *
                              (1 - 0.001 * lag);
      if (likeness > most) most = likeness, best = lag;
    }
    lag_ = 0;
    periodicity_ = 0;
    if (best == 0) return;
    const double* end = samples_ + end_ - kPitchWindow;
    const double all = dot(end, end, kPitchWindow) + kSilence;
    for (int lag = std::max(hearing_.shortest, kThinning * best - 3);
         lag <= std::min(hearing_.longest, kThinning * best + 3); lag++) {
      const double* then = end - lag;
      const double likeness = dot(end, then, kPitchWindow) /
                              sqrt((dot(then, then, kPitchWindow) + kSilence) * all);
      if (likeness > periodicity_) periodicity_ = likeness, lag_ = lag;
    }
  }

  Hearing hearing_;
  const double* coefficients_ = nullptr;
  double scale_ = 1, prediction_ = 0, periodicity_ = 0;
  int lag_ = 0;
  // Of what is known. What comes before the first sample is silence.
  int end_ = kMemory;
  double samples_[kRoom] = {}, excitation_[kRoom] = {};
};
