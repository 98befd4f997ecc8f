// Products with a block-sparse matrix on a group of 16 lanes.
//
// An entry is one column of a block: `BR` contiguous weights fed by one input. A tile keeps some rows × 16 lanes in
// registers; the weights are broadcast from memory, so the forward and transposed products need (rows + parts) loads for rows · parts
// multiply-adds. The sums of a row run over its entries in ascending column order in every instruction set.
#pragma once
#include "kernels.h"
#include "simd.h"

namespace {

// What fits into the registers: rows of sums beside one input and one weight in the forward product, rows of output gradients beside one sum
// and one weight in the transposed one (where four were faster than six on a Zen 3), rows × columns of sums for the weights.
#if KERNELS_WIDTH == 16
constexpr int kProductRows = 16, kTransposedRows = 16;
constexpr int kWeightRows = 8, kWeightColumns = 2;
#elif KERNELS_WIDTH == 8
constexpr int kProductRows = 6, kTransposedRows = 4;
constexpr int kWeightRows = 4, kWeightColumns = 3;
#elif defined(__aarch64__)
constexpr int kProductRows = 6, kTransposedRows = 6;
constexpr int kWeightRows = 4, kWeightColumns = 3;
#else
constexpr int kProductRows = 2, kTransposedRows = 2;
constexpr int kWeightRows = 4, kWeightColumns = 2;
#endif

template <int BR, int BC>
struct Shape {
  static constexpr int rows = BR, columns = BC;
  static constexpr int weightRows = BR < kWeightRows ? BR : kWeightRows;
};

// Calls f(first row, rows of the tile) for tiles of nearly equal height, at most `Most`: 16 rows in tiles of at most 6 are 6 + 5 + 5. Both
// are constants, so that the sums of a tile stay in registers.
template <int R>
struct Constant {
  static constexpr int value = R;
};

template <int Most, int First, int End, class F>
INLINE void for_tiles(F f) {
  if constexpr (First < End) {
    constexpr int left = End - First, tiles = (left + Most - 1) / Most, height = (left + tiles - 1) / tiles;
    f(Constant<First>(), Constant<height>());
    for_tiles<Most, First + height, End>(f);
  }
}

// y [BR][16] = block row `i` of M x
template <class S>
INLINE void product_block_row(const Matrix& m, int i, const float* __restrict x, float* __restrict y) {
  const int begin = m.rowStart[i], end = m.rowStart[i + 1];
  for_tiles<kProductRows, 0, S::rows>([&](auto first, auto height) {
    constexpr int r0 = decltype(first)::value, R = decltype(height)::value;
    vf sums[R][kParts];
    UNROLL for (int r = 0; r < R; r++) UNROLL for (int p = 0; p < kParts; p++) sums[r][p] = vf{};
    const float* w = m.values + (size_t)begin * S::rows * S::columns + r0;
    for (int k = begin; k < end; k++) {
      const float* input = x + (size_t)m.column[k] * S::columns * kLanes;
      UNROLL for (int c = 0; c < S::columns; c++, w += S::rows, input += kLanes) {
        vf in[kParts];
        UNROLL for (int p = 0; p < kParts; p++) in[p] = load(input + p * kWidth);
        UNROLL for (int r = 0; r < R; r++) UNROLL for (int p = 0; p < kParts; p++) sums[r][p] += w[r] * in[p];
      }
    }
    UNROLL for (int r = 0; r < R; r++) UNROLL for (int p = 0; p < kParts; p++) store(y + (r0 + r) * kLanes + p * kWidth, sums[r][p]);
  });
}

// dx [columns][16] += (block row `i` of M)ᵀ dy [BR][16]
template <class S>
INLINE void transposed_block_row(const Matrix& m, int i, const float* __restrict dy, float* __restrict dx) {
  const int begin = m.rowStart[i], end = m.rowStart[i + 1];
  for_tiles<kTransposedRows, 0, S::rows>([&](auto first, auto height) {
    constexpr int r0 = decltype(first)::value, R = decltype(height)::value;
    vf out[R][kParts];
    UNROLL for (int r = 0; r < R; r++) UNROLL for (int p = 0; p < kParts; p++) out[r][p] = load(dy + (r0 + r) * kLanes + p * kWidth);
    const float* w = m.values + (size_t)begin * S::rows * S::columns + r0;
    for (int k = begin; k < end; k++) {
      float* input = dx + (size_t)m.column[k] * S::columns * kLanes;
      UNROLL for (int c = 0; c < S::columns; c++, w += S::rows, input += kLanes) {
        vf sums[kParts];
        UNROLL for (int p = 0; p < kParts; p++) sums[p] = load(input + p * kWidth);
        UNROLL for (int r = 0; r < R; r++) UNROLL for (int p = 0; p < kParts; p++) sums[p] += w[r] * out[r][p];
        UNROLL for (int p = 0; p < kParts; p++) store(input + p * kWidth, sums[p]);
      }
    }
  });
}

// dw [entries][BR] += Σ dy xᵀ for `N` entries (given by their x) of one block row, over `steps` steps and the 16 lanes
template <class S, int N>
INLINE void weights_of_entries(const float* const* x, size_t xStride, const float* dy, size_t dyStride, int steps, float* const* dw) {
  constexpr int R = S::weightRows;
  for (int r0 = 0; r0 < S::rows; r0 += R) {
    vf sums[N][R];
    UNROLL for (int n = 0; n < N; n++) UNROLL for (int r = 0; r < R; r++) sums[n][r] = vf{};
    const float* in[N];
    UNROLL for (int n = 0; n < N; n++) in[n] = x[n];
    const float* out = dy + r0 * kLanes;
    for (int t = 0; t < steps; t++) {
      UNROLL for (int p = 0; p < kParts; p++) {
        vf a[N];
        UNROLL for (int n = 0; n < N; n++) a[n] = load(in[n] + p * kWidth);
        UNROLL for (int r = 0; r < R; r++) {
          const vf b = load(out + r * kLanes + p * kWidth);
          UNROLL for (int n = 0; n < N; n++) sums[n][r] += a[n] * b;
        }
      }
      UNROLL for (int n = 0; n < N; n++) in[n] += xStride;
      out += dyStride;
    }
    UNROLL for (int n = 0; n < N; n++) {
      if constexpr (R % 4 == 0) {
        UNROLL for (int r = 0; r < R; r += 4) {
          const v4 s = sum4(sums[n][r], sums[n][r + 1], sums[n][r + 2], sums[n][r + 3]);
          UNROLL for (int q = 0; q < 4; q++) dw[n][r0 + r + q] += s[q];
        }
      } else {
        UNROLL for (int r = 0; r < R; r++) dw[n][r0 + r] += sum(sums[n][r]);
      }
    }
  }
}

template <class S>
INLINE void weights_block_row(const Matrix& m, int i, const float* dy, size_t dyStride, const float* x, size_t xStride, int steps, float* dw) {
  const int begin = m.rowStart[i] * S::columns, end = m.rowStart[i + 1] * S::columns;
  const auto input = [&](int e) { return x + ((size_t)m.column[e / S::columns] * S::columns + e % S::columns) * kLanes; };
  int e = begin;
  for (; e + kWeightColumns <= end; e += kWeightColumns) {
    const float* in[kWeightColumns];
    float* out[kWeightColumns];
    UNROLL for (int n = 0; n < kWeightColumns; n++) {
      in[n] = input(e + n);
      out[n] = dw + (size_t)(e + n) * S::rows;
    }
    weights_of_entries<S, kWeightColumns>(in, xStride, dy, dyStride, steps, out);
  }
  for (; e < end; e++) {
    const float* in = input(e);
    float* out = dw + (size_t)e * S::rows;
    weights_of_entries<S, 1>(&in, xStride, dy, dyStride, steps, &out);
  }
}

template <class S>
void product_all(const Matrix& m, const float* x, float* y) {
  for (int i = 0; i < m.rows / S::rows; i++) product_block_row<S>(m, i, x, y + (size_t)i * S::rows * kLanes);
}

template <class S>
void transposed_all(const Matrix& m, const float* dy, float* dx) {
  for (int i = 0; i < m.rows / S::rows; i++) transposed_block_row<S>(m, i, dy + (size_t)i * S::rows * kLanes, dx);
}

template <class S>
void weights_all(const Matrix& m, const float* dy, size_t dyStride, const float* x, size_t xStride, int steps, float* dw) {
  for (int i = 0; i < m.rows / S::rows; i++) weights_block_row<S>(m, i, dy + (size_t)i * S::rows * kLanes, dyStride, x, xStride, steps, dw);
}

// Calls f with the Shape of the matrix. The block shapes of the toolkit are 16×1, 4×4 and 1×1; the dispatcher has refused others.
template <class F>
INLINE auto with_shape(const Matrix& m, F f) {
  if (m.blockRows == 16) return f(Shape<16, 1>());
  if (m.blockRows == 4) return f(Shape<4, 4>());
  return f(Shape<1, 1>());
}

}  // namespace
