// Dense matrix product for the frame-rate network: panels of A and B are packed, tiles of 6 rows × 2 registers stay in registers.
#pragma once
#include "kernels.h"
#include "simd.h"

namespace {

constexpr int kGemmRows = 6;
constexpr int kGemmColumns = 2 * kWidth;
constexpr int kGemmDepth = 256;
constexpr int kGemmRowBlock = 96;

// c [6][ldc] (+)= Σ_k a[k][6] b[k][kGemmColumns]
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

void gemm(int transposeA, int transposeB, int m, int n, int depth, const float* a, int lda, const float* b, int ldb, float* c, int ldc, int accumulate) {
  static thread_local float packedA[kGemmRowBlock * kGemmDepth] __attribute__((aligned(64)));
  static thread_local float packedB[kGemmDepth * kGemmColumns] __attribute__((aligned(64)));
  for (int k0 = 0; k0 < depth || k0 == 0; k0 += kGemmDepth) {
    const int kb = depth - k0 < kGemmDepth ? depth - k0 : kGemmDepth;
    const bool add = accumulate || k0 > 0;
    for (int m0 = 0; m0 < m; m0 += kGemmRowBlock) {
      const int mb = m - m0 < kGemmRowBlock ? m - m0 : kGemmRowBlock;
      for (int i = 0; i < mb; i += kGemmRows)
        for (int k = 0; k < kb; k++)
          for (int r = 0; r < kGemmRows; r++) {
            const int row = m0 + i + r;
            packedA[i * kb + k * kGemmRows + r] = row >= m ? 0.f : transposeA ? a[(size_t)(k0 + k) * lda + row] : a[(size_t)row * lda + k0 + k];
          }
      for (int n0 = 0; n0 < n; n0 += kGemmColumns) {
        const int nb = n - n0 < kGemmColumns ? n - n0 : kGemmColumns;
        for (int k = 0; k < kb; k++)
          for (int j = 0; j < kGemmColumns; j++)
            packedB[k * kGemmColumns + j] = j >= nb ? 0.f : transposeB ? b[(size_t)(n0 + j) * ldb + k0 + k] : b[(size_t)(k0 + k) * ldb + n0 + j];
        for (int i = 0; i < mb; i += kGemmRows) {
          vf sums[kGemmRows][2];
          gemm_tile(kb, packedA + i * kb, packedB, sums);
          for (int r = 0; r < kGemmRows && i + r < mb; r++) {
            float* out = c + (size_t)(m0 + i + r) * ldc + n0;
            if (nb == kGemmColumns) {
              store(out, add ? load(out) + sums[r][0] : sums[r][0]);
              store(out + kWidth, add ? load(out + kWidth) + sums[r][1] : sums[r][1]);
            } else {
              for (int j = 0; j < nb; j++) out[j] = (add ? out[j] : 0.f) + sums[r][j / kWidth][j % kWidth];
            }
          }
        }
      }
    }
  }
}

}  // namespace
