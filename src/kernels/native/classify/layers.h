// The parts of a classifier that are no product with a sparse matrix, on one group of 16 examples:
// images to lanes, depthwise convolution, pools, and the loss.
#pragma once
#include "classify/network.h"
#include "simd/simd.h"

namespace {

// Floats before the pixel (y, x) of the padded image.
INLINE size_t pixel_at(const Image& image, int y, int x) {
  return ((size_t)y * (image.width + 2 * image.padding) + x) * image.channels * kLanes;
}

// Calls f(window, pixel) for every output position of a layer: where its window begins in the
// input, where its pixel lies in the output.
template <class F>
INLINE void for_windows(const Layer& layer, const Image& in, const Image& out, F f) {
  for (int y = 0; y < out.height; y++)
    for (int x = 0; x < out.width; x++)
      f(pixel_at(in, y * layer.stride, x * layer.stride),
        pixel_at(out, y + out.padding, x + out.padding));
}

// Calls f(values of the window, weight) for every tap of a window; both are offsets.
template <class F>
INLINE void for_taps(const Layer& layer, const Image& in, F f) {
  for (int ky = 0; ky < layer.kernelHeight; ky++)
    for (int kx = 0; kx < layer.kernelWidth; kx++)
      f(pixel_at(in, ky, kx), (size_t)(ky * layer.kernelWidth + kx) * in.channels);
}

INLINE v4 load4(const float* p) {
  v4 v;
  memcpy(&v, p, sizeof v);
  return v;
}

// to [count][16] = from [lanes][count]; rows of `from` are `stride` apart, lanes that are missing
// become zeros.
INLINE void transpose_to_lanes(const float* from, size_t stride, int lanes, int count, float* to) {
  int i = 0;
  if (lanes == kLanes)
    for (; i + 4 <= count; i += 4) UNROLL for (int l = 0; l < kLanes; l += 4) {
        const float* p = from + l * stride + i;
        const v4 a = load4(p), b = load4(p + stride), c = load4(p + 2 * stride),
                 d = load4(p + 3 * stride);
        const v4 ab01 = SHUFFLE4(a, b, 0, 4, 1, 5), ab23 = SHUFFLE4(a, b, 2, 6, 3, 7);
        const v4 cd01 = SHUFFLE4(c, d, 0, 4, 1, 5), cd23 = SHUFFLE4(c, d, 2, 6, 3, 7);
        const v4 rows[4] = {SHUFFLE4(ab01, cd01, 0, 1, 4, 5), SHUFFLE4(ab01, cd01, 2, 3, 6, 7),
                            SHUFFLE4(ab23, cd23, 0, 1, 4, 5), SHUFFLE4(ab23, cd23, 2, 3, 6, 7)};
        UNROLL for (int r = 0; r < 4; r++)
            memcpy(to + (i + r) * kLanes + l, &rows[r], sizeof rows[r]);
      }
  for (; i < count; i++)
    for (int l = 0; l < kLanes; l++) to[i * kLanes + l] = l < lanes ? from[l * stride + i] : 0.f;
}

// Up to 16 images [lanes][height][width][channels] into the inside of a padded group.
void images_to_lanes(const Image& image, const float* from, int lanes, float* to) {
  const int row = image.width * image.channels;
  for (int y = 0; y < image.height; y++)
    transpose_to_lanes(from + (size_t)y * row, (size_t)image.height * row, lanes, row,
                       to + pixel_at(image, y + image.padding, image.padding));
}

void depthwise(const Layer& layer, const Image& in, const Image& out, const float* x, float* y) {
  for_windows(layer, in, out, [&](size_t window, size_t pixel) {
    for (int c = 0; c < in.channels; c++) {
      vf sums[kParts] = {};
      for_taps(layer, in, [&](size_t tap, size_t weight) {
        const float* p = x + window + tap + c * kLanes;
        UNROLL for (int q = 0; q < kParts; q++) sums[q] +=
            layer.filters[weight + c] * load(p + q * kWidth);
      });
      UNROLL for (int q = 0; q < kParts; q++) store(y + pixel + c * kLanes + q * kWidth, sums[q]);
    }
  });
}

// sums [taps][channels][16] += dy x over positions; dx += w dy, unless it is null
void depthwise_backward(const Layer& layer, const Image& in, const Image& out, const float* x,
                        const float* dy, float* sums, float* dx) {
  const int row = in.channels * kLanes;
  for_windows(layer, in, out, [&](size_t window, size_t pixel) {
    for_taps(layer, in, [&](size_t tap, size_t weight) {
      const float *p = x + window + tap, *d = dy + pixel;
      float* s = sums + weight * kLanes;
      for (int i = 0; i < row; i += kWidth) store(s + i, load(s + i) + load(d + i) * load(p + i));
      if (!dx) return;
      float* q = dx + window + tap;
      for (int i = 0; i < row; i += kWidth)
        store(q + i, load(q + i) + layer.filters[weight + i / kLanes] * load(d + i));
    });
  });
}

void pool_windows(const Layer& layer, const Image& in, const Image& out, const float* x, float* y) {
  const vf share = splat(1.f / (layer.kernelHeight * layer.kernelWidth));
  for_windows(layer, in, out, [&](size_t window, size_t pixel) {
    for (int i = 0; i < in.channels * kLanes; i += kWidth) {
      const float* p = x + window + i;
      vf all = layer.kind == kMaxPool ? load(p) : vf{};
      for_taps(layer, in, [&](size_t tap, size_t) {
        all = layer.kind == kMaxPool ? maximum(all, load(p + tap)) : all + load(p + tap);
      });
      store(y + pixel + i, layer.kind == kMaxPool ? all : all * share);
    }
  });
}

// dx = dy at the first maximum of each window, or its share everywhere; dx is zero outside all
// windows already.
void pool_windows_backward(const Layer& layer, const Image& in, const Image& out, const float* x,
                           const float* y, const float* dy, float* dx) {
  const vf share = splat(1.f / (layer.kernelHeight * layer.kernelWidth));
  for_windows(layer, in, out, [&](size_t window, size_t pixel) {
    for (int i = 0; i < in.channels * kLanes; i += kWidth) {
      const vf top = load(y + pixel + i);
      // What is still to be given away: nothing after the first maximum.
      vf left = load(dy + pixel + i);
      for_taps(layer, in, [&](size_t tap, size_t) {
        const size_t at = window + tap + i;
        if (layer.kind == kMeanPool) {
          store(dx + at, left * share);
        } else {
          const vi here = load(x + at) == top;
          store(dx + at, here ? left : vf{});
          left = here ? vf{} : left;
        }
      });
    }
  });
}

// Adds nats and correct answers of the first `lanes` lanes of a group to the slice; `z`
// [classes][16] holds the logits. With `dz`, the gradient of scale · nats.
void classify(const Image& logits, const float* z, int group, int lanes, ClassifierSlice* slice,
              float* dz) {
  const uint8_t* const labels = slice->labels + group * kLanes;
  float* const nll = slice->nll ? slice->nll + group * kLanes : nullptr;
  vf top[kParts], total[kParts];
  UNROLL for (int p = 0; p < kParts; p++) top[p] = load(z + p * kWidth), total[p] = vf{};
  for (int i = 1; i < logits.channels; i++)
    UNROLL for (int p = 0; p < kParts; p++) top[p] =
        maximum(top[p], load(z + i * kLanes + p * kWidth));
  for (int i = 0; i < logits.channels; i++) UNROLL for (int p = 0; p < kParts; p++) {
      const vf e = exponential(load(z + i * kLanes + p * kWidth) - top[p]);
      total[p] += e;
      if (dz) store(dz + i * kLanes + p * kWidth, e);
    }
  alignas(64) float tops[kLanes], totals[kLanes], scales[kLanes];
  UNROLL for (int p = 0; p < kParts; p++) store(tops + p * kWidth, top[p]),
      store(totals + p * kWidth, total[p]);
  for (int l = 0; l < kLanes; l++) scales[l] = l < lanes ? slice->scale : 0.f;
  for (int l = 0; l < lanes; l++) {
    const float nats = __builtin_logf(totals[l]) + tops[l] - z[labels[l] * kLanes + l];
    slice->loss += nats;
    if (nll) nll[l] = nats;
    int first = 0;
    while (first < logits.channels - 1 && z[first * kLanes + l] != tops[l]) first++;
    slice->correct += first == labels[l];
  }
  if (!dz) return;
  UNROLL for (int p = 0; p < kParts; p++) {
    const vf factor = load(scales + p * kWidth) / total[p];
    for (int i = 0; i < logits.channels; i++)
      store(dz + i * kLanes + p * kWidth, load(dz + i * kLanes + p * kWidth) * factor);
  }
  for (int l = 0; l < lanes; l++) dz[labels[l] * kLanes + l] -= scales[l];
}

}  // namespace
