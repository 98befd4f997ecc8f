#include "excitation/coder.h"

#include <math.h>
#include <string.h>

#include <algorithm>
#include <vector>

#include "excitation/listening.h"
#include "runtime/philox.h"
#include "runtime/pool.h"

namespace {

constexpr uint32_t kHeardNoiseStream = 9;

// The words of a stream from any of them on.
class Words {
 public:
  Words(const uint32_t key[2], uint64_t index, uint64_t word)
      : key_(key), index_(index + word / 4), used_((int)(word % 4)) {
    philox(key_, index_, kHeardNoiseStream, block_);
  }

  uint32_t next() {
    if (used_ == 4) {
      philox(key_, ++index_, kHeardNoiseStream, block_);
      used_ = 0;
    }
    return block_[used_++];
  }

 private:
  const uint32_t* key_;
  uint64_t index_;
  int used_;
  uint32_t block_[4];
};

// Finds the cell of a value. 1 + |value|·1023 is cut into its octaves and each into 64 parts: a
// part of the µ-law has at most one edge. Any other edges give the same, slower.
class Cells {
 public:
  Cells(const double* edges, int levels) : padded_(levels + 1), first_(2 * kParts) {
    // No value is below the first edge; none, not even an infinite one, is above NaN.
    padded_.front() = -INFINITY;
    padded_.back() = NAN;
    std::copy(edges, edges + levels - 1, padded_.begin() + 1);
    for (int part = 0; part < 2 * kParts; part++) {
      const uint32_t bits = kOne + ((uint32_t)(part % kParts) << kShift);
      // The least value of the part; of negative ones the float is rounded, or the part's end is
      // its least.
      const double least = part < kParts ? magnitude(bits) : -magnitude(bits + (1u << kShift));
      first_[part] = (int)(std::upper_bound(edges, edges + levels - 1, least) - edges);
    }
  }

  int operator()(double value) const {
    const float scaled = (float)(1 + 1023 * std::min(fabs(value), 1.0));
    uint32_t bits;
    memcpy(&bits, &scaled, 4);
    const int part = std::min((int)((bits - kOne) >> kShift), kParts - 1);
    // edges[c] and edges[c + 1] bound the cell c.
    const double* edges = padded_.data();
    int code = first_[(value < 0 ? kParts : 0) + part];
    // Without a branch, which could not be predicted.
    code += edges[code + 1] <= value;
    while (edges[code + 1] <= value) code++;
    while (edges[code] > value) code--;
    return code;
  }

 private:
  static constexpr uint32_t kOne = 0x3f800000;
  static constexpr int kShift = 17, kParts = (10 << 6) + 1;

  static double magnitude(uint32_t bits) {
    float f;
    memcpy(&f, &bits, 4);
    return ((double)f - 1) / 1023;
  }

  std::vector<double> padded_;
  std::vector<int> first_;
};

// To the nearest whole number, halves up, as Math.round.
double rounded(double x) {
  const double below = floor(x);
  return x - below >= 0.5 ? below + 1 : below;
}

// L lanes from `first` on, sample by sample: each waits for its own last sample, and they wait at
// the same time. Order: that of the predictors, or 0 for any.
template <int L, int Order>
void code_lanes(const Excitation& e, const Cells& cells, int first) {
  const Hearing& hearing = e.hearing;
  const int order = hearing.order, samples = e.length - e.history;
  const double spread = sqrt((256.0 * 256 - 1) / 3);
  std::vector<Listener> listeners(L, Listener(hearing));
  std::vector<Words> words;
  double deviation[L];
  for (int l = 0; l < L; l++) {
    words.emplace_back(e.key, e.index, (uint64_t)(first + l) * (1 + e.length - order));
    deviation[l] = e.heard ? e.most * ((words[l].next() >> 8) * (1.0 / 16777216)) : 0;
    for (int i = 0; i < order; i++)
      listeners[l].know(e.pcm[(size_t)(first + l) * e.length + i] / 32768.0);
  }
  // Sample `history` lies in frame `lead`; the first frame stands for those before it too.
  for (int i = order, frame = 0; i < e.length; frame++) {
    const int start = e.history - e.phase + (frame - e.lead) * e.hop;
    if (start + e.hop <= i) continue;
    for (int l = 0; l < L; l++) listeners[l].frame(e.predictors, (first + l) * e.frames + frame);
    for (const int end = std::min(e.length, start + e.hop); i < end; i++)
      for (int l = 0; l < L; l++) {
        const size_t lane = first + l;
        Listener& listener = listeners[l];
        const double prediction = listener.predict<Order>();
        const double scale = e.predictors.scales[lane * e.frames + frame];
        const int code = cells((e.pcm[lane * e.length + i] / 32768.0 - prediction) / scale);
        const int at = i - e.history;
        if (e.cues && at >= 0) listener.cues(e.cues + (lane * samples + at) * hearing.cues);
        int followed = code;
        if (e.heard) {
          const uint32_t word = words[l].next();
          const double sum =
              (double)((word & 255) + (word >> 8 & 255) + (word >> 16 & 255) + (word >> 24));
          followed = std::max(
              0,
              std::min(e.levels - 1, code + (int)rounded(deviation[l] * ((sum - 510) / spread))));
        }
        listener.follow(followed);
        if (at >= -1) e.codes[lane * (1 + samples) + at + 1] = (uint16_t)code;
        if (e.heard && at >= -1 && i + 1 < e.length)
          e.heard[lane * samples + at + 1] = (uint16_t)followed;
      }
  }
}

}  // namespace

void code_excitation(const Excitation& e, int threads) {
  const Cells cells(e.edges, e.levels);
  constexpr int kTogether = 4;
  pool().run(threads, (e.lanes + kTogether - 1) / kTogether, [&](int task, int) {
    const int first = task * kTogether;
    if (e.hearing.order == 16 && first + kTogether <= e.lanes)
      return code_lanes<kTogether, 16>(e, cells, first);
    for (int lane = first; lane < std::min(e.lanes, first + kTogether); lane++)
      code_lanes<1, 0>(e, cells, lane);
  });
}
