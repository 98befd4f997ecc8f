// Follows the codes of an excitation as a decoder does, predicts the next sample, and says to the
// network what is to be expected: cues. Plain data and functions only: samplers for any instruction
// set call them.
#pragma once
#include <stdint.h>

constexpr int kMostCues = 4;

// What the listeners of one voice share; shapes in src/kernels/interface/listener.ts.
struct Hearing {
  int cues, order, taps;
  const double *values, *pitchFilter;
};

// The predictors of frames.
struct Predictors {
  const double *coefficients, *scales;
  const int32_t* periods;
  const double* gains;
};

class Listener;

Listener* new_listener(const Hearing&);
void delete_listener(Listener*);
// `to` goes on where `from` stands.
void copy_listener(Listener* to, const Listener* from);
// A frame begins. The arrays must stay where they are until it ends.
void listener_frame(Listener*, const Predictors&, int index);
// [cues] about the next sample.
void listener_cues(Listener*, float* cues);
// The code of that sample.
void listener_follow(Listener*, int code);
