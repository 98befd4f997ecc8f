// Dense matrix product for the frame-rate network: panels of A and B are packed, tiles of 6 rows ×
// 2 registers stay in registers.
#pragma once
#include "simd/simd.h"
#include "targets/kernel_table.h"

namespace {

constexpr int kGemmRows = 6;
constexpr int kGemmColumns = 2 * kWidth;
constexpr int kGemmDepth = 256;
constexpr int kGemmRowBlock = 96;

// sums [6][kGemmColumns] = Σ_k a[k][6] b[k][kGemmColumns]
INLINE void gemm_tile(int depth, const float* a, const float* b, vf sums[kGemmRows][2]) {
  UNROLL for (int r = 0; r < kGemmRows; r++) sums[r][0] = sums[r][1] = vf{};
  for (int k = 0; k < depth; k++) {
    const vf b0 = load(b), b1 = load(b + kWidth);
    UNROLL for (int r = 0; r < kGemmRows; r++) {
      sums[r][0] += a[r] * b0;
      sums[r][1] += a[r] * b1;
    }
    a += kGemmRows;
    b += kGemmColumns;
  }
}

// Rows m0 … m0+mb-1 of op(A), columns k0 … k0+kb-1, in tiles of 6 rows: [tile][kb][6], zeros below
// the last row.
INLINE void pack_a(bool transposed, const float* a, int lda, int m, int m0, int mb, int k0, int kb,
                   float* to) {
  static const float zeros[kGemmDepth] = {0};
  for (int i = 0; i < mb; i += kGemmRows, to += (size_t)kb * kGemmRows) {
    const int full = m - m0 - i < kGemmRows ? m - m0 - i : kGemmRows;
    if (transposed) {
      const float* from = a + (size_t)k0 * lda + m0 + i;
      for (int k = 0; k < kb; k++, from += lda)
        for (int r = 0; r < kGemmRows; r++) to[k * kGemmRows + r] = r < full ? from[r] : 0.f;
    } else {
      const float* rows[kGemmRows];
      for (int r = 0; r < kGemmRows; r++)
        rows[r] = r < full ? a + (size_t)(m0 + i + r) * lda + k0 : zeros;
      for (int k = 0; k < kb; k++)
        UNROLL for (int r = 0; r < kGemmRows; r++) to[k * kGemmRows + r] = rows[r][k];
    }
  }
}

// Columns n0 … n0+nb-1 of op(B), rows k0 … k0+kb-1: [kb][kGemmColumns], zeros to the right of the
// last column.
INLINE void pack_b(bool transposed, const float* b, int ldb, int n0, int nb, int k0, int kb,
                   float* to) {
  if (nb < kGemmColumns) memset(to, 0, (size_t)kb * kGemmColumns * sizeof(float));
  if (transposed) {
    for (int j = 0; j < nb; j++) {
      const float* from = b + (size_t)(n0 + j) * ldb + k0;
      for (int k = 0; k < kb; k++) to[k * kGemmColumns + j] = from[k];
    }
  } else if (nb == kGemmColumns) {
    const float* from = b + (size_t)k0 * ldb + n0;
    for (int k = 0; k < kb; k++, from += ldb, to += kGemmColumns)
      store(to, load(from)), store(to + kWidth, load(from + kWidth));
  } else {
    for (int k = 0; k < kb; k++)
      memcpy(to + (size_t)k * kGemmColumns, b + (size_t)(k0 + k) * ldb + n0, nb * sizeof(float));
  }
}

void gemm(int transposeA, int transposeB, int m, int n, int depth, const float* a, int lda,
          const float* b, int ldb, float* c, int ldc, int accumulate) {
  static thread_local float packedA[kGemmRowBlock * kGemmDepth] __attribute__((aligned(64)));
  static thread_local float packedB[kGemmDepth * kGemmColumns] __attribute__((aligned(64)));
  for (int k0 = 0; k0 < depth || k0 == 0; k0 += kGemmDepth) {
    const int kb = depth - k0 < kGemmDepth ? depth - k0 : kGemmDepth;
    const bool add = accumulate || k0 > 0;
    for (int m0 = 0; m0 < m; m0 += kGemmRowBlock) {
      const int mb = m - m0 < kGemmRowBlock ? m - m0 : kGemmRowBlock;
      pack_a(transposeA, a, lda, m, m0, mb, k0, kb, packedA);
      for (int n0 = 0; n0 < n; n0 += kGemmColumns) {
        const int nb = n - n0 < kGemmColumns ? n - n0 : kGemmColumns;
        pack_b(transposeB, b, ldb, n0, nb, k0, kb, packedB);
        for (int i = 0; i < mb; i += kGemmRows) {
          vf sums[kGemmRows][2];
          gemm_tile(kb, packedA + (size_t)i * kb, packedB, sums);
          for (int r = 0; r < kGemmRows && i + r < mb; r++) {
            float* out = c + (size_t)(m0 + i + r) * ldc + n0;
            if (nb == kGemmColumns) {
              store(out, add ? load(out) + sums[r][0] : sums[r][0]);
              store(out + kWidth, add ? load(out + kWidth) + sums[r][1] : sums[r][1]);
            } else {
              for (int j = 0; j < nb; j++)
                out[j] = (add ? out[j] : 0.f) + sums[r][j / kWidth][j % kWidth];
            }
          }
        }
      }
    }
  }
}

}  // namespace
