// Products with a block-sparse matrix on a group of 16 lanes.
//
// An entry is one column of a block: `BR` contiguous weights fed by one input. A tile keeps some
// rows × 16 lanes in registers; the weights are broadcast from memory, so the forward and
// transposed products need (rows + parts) loads for rows · parts multiply-adds. The sums of a row
// run over its entries in ascending column order in every instruction set.
#pragma once
#include "simd/simd.h"
#include "targets/kernel_table.h"

namespace {

// What fits into the registers: rows of sums beside one input and one weight in the forward
// product, rows of output gradients beside the sums of some entries and one weight in the
// transposed one, rows × columns of sums for the weights by lanes, entries beside some lanes by
// rows.
#if KERNELS_WIDTH == 16
constexpr int kProductRows = 16, kTransposedRows = 16, kTransposedEntries = 4;
constexpr int kWeightRows = 8, kWeightColumns = 2, kWeightEntries = 16, kTileLanes = 4;
#elif KERNELS_WIDTH == 8
constexpr int kProductRows = 6, kTransposedRows = 6, kTransposedEntries = 2;
constexpr int kWeightRows = 4, kWeightColumns = 3, kWeightEntries = 6, kTileLanes = 1;
#elif defined(__aarch64__)
constexpr int kProductRows = 6, kTransposedRows = 6, kTransposedEntries = 1;
constexpr int kWeightRows = 4, kWeightColumns = 3, kWeightEntries = 4, kTileLanes = 2;
#else
constexpr int kProductRows = 2, kTransposedRows = 2, kTransposedEntries = 1;
constexpr int kWeightRows = 4, kWeightColumns = 2, kWeightEntries = 2, kTileLanes = 1;
#endif

template <int BR, int BC>
struct Shape {
  static constexpr int rows = BR, columns = BC;
  static constexpr int weightRows = BR < kWeightRows ? BR : kWeightRows;
};

// Calls f(first row, rows of the tile) for tiles of nearly equal height, at most `Most`: 16 rows in
// tiles of at most 6 are 6 + 5 + 5. Both are constants, so that the sums of a tile stay in
// registers.
template <int R>
struct Constant {
  static constexpr int value = R;
};

template <int Most, int First, int End, class F>
INLINE void for_tiles(F f) {
  if constexpr (First < End) {
    constexpr int left = End - First, tiles = (left + Most - 1) / Most,
                  height = (left + tiles - 1) / tiles;
    f(Constant<First>(), Constant<height>());
    for_tiles<Most, First + height, End>(f);
  }
}

// The input of entry `e` of a matrix, in x [columns][16].
template <class S, class Float>
INLINE Float* input_of(const Matrix& m, int e, Float* x) {
  return x + ((size_t)m.column[e / S::columns] * S::columns + e % S::columns) * kLanes;
}

// y [BR][16] = block row `i` of M x
template <class S>
INLINE void product_block_row(const Matrix& m, int i, const float* __restrict x,
                              float* __restrict y) {
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
        UNROLL for (int r = 0; r < R; r++) UNROLL for (int p = 0; p < kParts; p++) sums[r][p] +=
            w[r] * in[p];
      }
    }
    UNROLL for (int r = 0; r < R; r++) UNROLL for (int p = 0; p < kParts; p++)
        store(y + (r0 + r) * kLanes + p * kWidth, sums[r][p]);
  });
}

// dx [columns][16] += (block row `i` of M)ᵀ dy [BR][16]
template <class S>
INLINE void transposed_block_row(const Matrix& m, int i, const float* __restrict dy,
                                 float* __restrict dx) {
  const int begin = m.rowStart[i], end = m.rowStart[i + 1];
  for_tiles<kTransposedRows, 0, S::rows>([&](auto first, auto height) {
    constexpr int r0 = decltype(first)::value, R = decltype(height)::value;
    vf out[R][kParts];
    UNROLL for (int r = 0; r < R; r++) UNROLL for (int p = 0; p < kParts; p++) out[r][p] =
        load(dy + (r0 + r) * kLanes + p * kWidth);
    const float* w = m.values + (size_t)begin * S::rows * S::columns + r0;
    // N entries side by side, so that one's sums fill the wait for another's.
    const auto entries = [&](auto number, float* const* inputs) INLINE_LAMBDA {
      constexpr int N = decltype(number)::value;
      vf sums[N][kParts];
      UNROLL for (int n = 0; n < N; n++) UNROLL for (int p = 0; p < kParts; p++) sums[n][p] =
          load(inputs[n] + p * kWidth);
      UNROLL for (int r = 0; r < R; r++) UNROLL for (int n = 0; n < N; n++)
          UNROLL for (int p = 0; p < kParts; p++) sums[n][p] += w[n * S::rows + r] * out[r][p];
      UNROLL for (int n = 0; n < N; n++) UNROLL for (int p = 0; p < kParts; p++)
          store(inputs[n] + p * kWidth, sums[n][p]);
      w += N * S::rows;
    };
    const int last = end * S::columns;
    int e = begin * S::columns;
    for (; e + kTransposedEntries <= last; e += kTransposedEntries) {
      float* inputs[kTransposedEntries];
      UNROLL for (int n = 0; n < kTransposedEntries; n++) inputs[n] = input_of<S>(m, e + n, dx);
      entries(Constant<kTransposedEntries>(), inputs);
    }
    for (; e < last; e++) {
      float* const input = input_of<S>(m, e, dx);
      entries(Constant<1>(), &input);
    }
  });
}

// Gradients of the weights, dw += Σ dy xᵀ over steps and lanes, are formed in one of two ways.
//
// By rows, where a block is as high as a register: the gradients of a block row are transposed once
// so that its 16 rows are the fastest index; then one register holds the sums of a whole entry, and
// each input is a broadcast. By lanes, for lower blocks: a register holds the partial sums of one
// weight, to be summed across at the end.

// A tile [16 rows][16 lanes] becomes [16 lanes][16 rows].
INLINE void transpose_tile(const float* tile, float* tiles) {
#if KERNELS_WIDTH == 16
  // Four times, register i is interleaved with register i + 8: an instruction each.
  vf a[16], b[16];
  UNROLL for (int i = 0; i < 16; i++) a[i] = load(tile + i * kLanes);
  UNROLL for (int half = 1; half < 16; half *= 2) {
    UNROLL for (int i = 0; i < 8; i++) {
      b[2 * i] = interleave_low(a[i], a[i + 8]);
      b[2 * i + 1] = interleave_high(a[i], a[i + 8]);
    }
    UNROLL for (int i = 0; i < 16; i++) a[i] = b[i];
  }
  UNROLL for (int i = 0; i < 16; i++) store(tiles + i * kLanes, a[i]);
#else
  // Four lanes of kWidth rows at a time: in each four of a register a 4 × 4 transpose.
  UNROLL for (int r = 0; r < kLanes; r += kWidth) UNROLL for (int l = 0; l < kLanes; l += 4) {
    vf a[4];
    UNROLL for (int i = 0; i < 4; i++) a[i] = load_fours(tile + (r + i) * kLanes + l, 4 * kLanes);
    const vf a01 = SHUFFLE_FOURS(a[0], a[1], 0, 4, 1, 5),
             a23 = SHUFFLE_FOURS(a[2], a[3], 0, 4, 1, 5),
             b01 = SHUFFLE_FOURS(a[0], a[1], 2, 6, 3, 7),
             b23 = SHUFFLE_FOURS(a[2], a[3], 2, 6, 3, 7);
    float* const to = tiles + l * kLanes + r;
    store(to, SHUFFLE_FOURS(a01, a23, 0, 1, 4, 5));
    store(to + kLanes, SHUFFLE_FOURS(a01, a23, 2, 3, 6, 7));
    store(to + 2 * kLanes, SHUFFLE_FOURS(b01, b23, 0, 1, 4, 5));
    store(to + 3 * kLanes, SHUFFLE_FOURS(b01, b23, 2, 3, 6, 7));
  }
#endif
}

// dw [N entries][16] += Σ over steps and lanes of the transposed tiles of a block row and the
// inputs of N consecutive entries. Shapes of blocks share it.
template <int N>
__attribute__((noinline)) void weights_by_rows(const float* tiles, const float* const* x,
                                               size_t xStride, int steps, float* dw) {
  vf sums[N][kParts];
  UNROLL for (int n = 0; n < N; n++) UNROLL for (int p = 0; p < kParts; p++) sums[n][p] =
      load(dw + n * kLanes + p * kWidth);
  for (size_t at = 0; steps > 0; steps--, at += xStride) {
    if (steps > 1) UNROLL for (int n = 0; n < N; n++) prefetch(x[n] + at + xStride);
    for (int l = 0; l < kLanes; l += kTileLanes, tiles += kTileLanes * kLanes) {
      vf rows[kTileLanes][kParts];
      UNROLL for (int k = 0; k < kTileLanes; k++) UNROLL for (int p = 0; p < kParts; p++)
          rows[k][p] = load(tiles + k * kLanes + p * kWidth);
      UNROLL for (int n = 0; n < N; n++) {
        const float* in = x[n] + at + l;
        UNROLL for (int k = 0; k < kTileLanes; k++) UNROLL for (int p = 0; p < kParts; p++)
            sums[n][p] += in[k] * rows[k][p];
      }
    }
  }
  UNROLL for (int n = 0; n < N; n++) UNROLL for (int p = 0; p < kParts; p++)
      store(dw + n * kLanes + p * kWidth, sums[n][p]);
}

template <int N>
INLINE void weights_of_tile(int entries, const float* tiles, const float* const* x, size_t xStride,
                            int steps, float* dw) {
  if (entries == N) return weights_by_rows<N>(tiles, x, xStride, steps, dw);
  if constexpr (N > 1) weights_of_tile<N - 1>(entries, tiles, x, xStride, steps, dw);
}

// The same for any number of entries, in tiles as equal as can be: a short one has too few sums to
// fill the wait for each of them. `input(e)` is where the input of entry `e` is.
template <class Input>
INLINE void weights_of_entries(int entries, const Input& input, const float* tiles, size_t xStride,
                               int steps, float* dw) {
  for (int e = 0, left = (entries + kWeightEntries - 1) / kWeightEntries; left > 0; left--) {
    const int some = (entries - e + left - 1) / left;
    const float* in[kWeightEntries];
    for (int n = 0; n < some; n++) in[n] = input(e + n);
    weights_of_tile<kWeightEntries>(some, tiles, in, xStride, steps, dw + (size_t)e * kLanes);
    e += some;
  }
}

// dw += Σ of the transposed tiles [steps][16][16] of block row `i`
template <class S>
INLINE void weights_of_block_row(const Matrix& m, int i, const float* tiles, const float* x,
                                 size_t xStride, int steps, float* dw) {
  const int begin = m.rowStart[i] * S::columns, end = m.rowStart[i + 1] * S::columns;
  weights_of_entries(
      end - begin, [&](int e) { return input_of<S>(m, begin + e, x); }, tiles, xStride, steps,
      dw + (size_t)begin * kLanes);
}

// dw [entries][BR] += Σ dy xᵀ for `N` entries (given by their x) of one block row, over `steps`
// steps and the 16 lanes
template <class S, int N>
INLINE void weights_by_lanes(const float* const* x, size_t xStride, const float* dy,
                             size_t dyStride, int steps, float* dw) {
  constexpr int R = S::weightRows;
  for (int r0 = 0; r0 < S::rows; r0 += R) {
    vf sums[N][R];
    UNROLL for (int n = 0; n < N; n++) UNROLL for (int r = 0; r < R; r++) sums[n][r] = vf{};
    for (int t = 0; t < steps; t++) UNROLL for (int p = 0; p < kParts; p++) {
        vf a[N];
        UNROLL for (int n = 0; n < N; n++) a[n] = load(x[n] + t * xStride + p * kWidth);
        UNROLL for (int r = 0; r < R; r++) {
          const vf b = load(dy + t * dyStride + (r0 + r) * kLanes + p * kWidth);
          UNROLL for (int n = 0; n < N; n++) sums[n][r] += a[n] * b;
        }
      }
    UNROLL for (int n = 0; n < N; n++) {
      float* out = dw + n * S::rows + r0;
      if constexpr (R % 4 == 0) {
        UNROLL for (int r = 0; r < R; r += 4) {
          const v4 s = sum4(sums[n][r], sums[n][r + 1], sums[n][r + 2], sums[n][r + 3]);
          UNROLL for (int q = 0; q < 4; q++) out[r + q] += s[q];
        }
      } else {
        UNROLL for (int r = 0; r < R; r++) out[r] += sum(sums[n][r]);
      }
    }
  }
}

// dw += Σ of block row `i`, by lanes
template <class S>
INLINE void weights_lanes(const Matrix& m, int i, const float* dy, size_t dyStride, const float* x,
                          size_t xStride, int steps, float* dw) {
  const int end = m.rowStart[i + 1] * S::columns;
  int e = m.rowStart[i] * S::columns;
  for (; e + kWeightColumns <= end; e += kWeightColumns) {
    const float* in[kWeightColumns];
    UNROLL for (int n = 0; n < kWeightColumns; n++) in[n] = input_of<S>(m, e + n, x);
    weights_by_lanes<S, kWeightColumns>(in, xStride, dy, dyStride, steps, dw + (size_t)e * S::rows);
  }
  for (; e < end; e++) {
    const float* in = input_of<S>(m, e, x);
    weights_by_lanes<S, 1>(&in, xStride, dy, dyStride, steps, dw + (size_t)e * S::rows);
  }
}

template <class S>
void product_all(const Matrix& m, const float* x, float* y) {
  for (int i = 0; i < m.rows / S::rows; i++)
    product_block_row<S>(m, i, x, y + (size_t)i * S::rows * kLanes);
}

template <class S>
void transposed_all(const Matrix& m, const float* dy, float* dx) {
  for (int i = 0; i < m.rows / S::rows; i++)
    transposed_block_row<S>(m, i, dy + (size_t)i * S::rows * kLanes, dx);
}

// dw += Σ over steps and lanes of dy [steps, dyStride apart][rows][16] and x [steps, xStride
// apart][columns][16]
template <class S>
void weights_all(const Matrix& m, const float* dy, size_t dyStride, const float* x, size_t xStride,
                 int steps, float* dw) {
  constexpr int most = 8;
  for (int i = 0; i < m.rows / S::rows; i++) {
    const float* row = dy + (size_t)i * S::rows * kLanes;
    if constexpr (S::rows == kLanes) {
      alignas(64) float tiles[most][kLanes * kLanes];
      for (int t = 0; t < steps; t += most) {
        const int some = steps - t < most ? steps - t : most;
        for (int k = 0; k < some; k++) transpose_tile(row + (t + k) * dyStride, tiles[k]);
        weights_of_block_row<S>(m, i, tiles[0], x + t * xStride, xStride, some, dw);
      }
    } else {
      weights_lanes<S>(m, i, row, dyStride, x, xStride, steps, dw);
    }
  }
}

// Calls f with the Shape of the matrix. src/kernels/interface/check.ts has refused shapes that are
// not here.
template <class F>
INLINE auto with_shape(const Matrix& m, F f) {
  if (m.blockRows == 16) return m.blockColumns == 1 ? f(Shape<16, 1>()) : f(Shape<16, 4>());
  if (m.blockRows == 8) return f(Shape<8, 4>());
  if (m.blockRows == 4) return f(Shape<4, 4>());
  return f(Shape<1, 1>());
}

}  // namespace
