// What the network hears of its own voice besides the last symbols: cues. A listener follows the
// codes of an excitation as a decoder does, and says what linear prediction and the pitch let
// expect of the next sample. Plain data and functions only: samplers for any instruction set call
// them.
#pragma once

enum { kSignalCues = 4, kPitchCues = 6, kMostCues = kSignalCues + kPitchCues };

// What the listeners of one voice share.
struct Hearing {
  int cues;               // 0, kSignalCues or kMostCues
  int order;              // coefficients of a predictor
  int shortest, longest;  // samples of a period: the pitch is looked for among these
  const double* values;   // excitation of each code; full scale of a frame is 1
};

class Listener;

Listener* new_listener(const Hearing&);
void delete_listener(Listener*);
// `to` goes on where `from` stands.
void copy_listener(Listener* to, const Listener* from);
// The predictor [order] of a frame that begins, and what an excitation of 1 stands for. The
// coefficients must stay where they are.
void listener_frame(Listener*, const double* coefficients, double scale);
// [cues] about the next sample, whose place in its frame is `position`.
void listener_cues(Listener*, int position, float* cues);
// The code of that sample.
void listener_follow(Listener*, int code);
