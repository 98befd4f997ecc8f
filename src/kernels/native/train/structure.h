// Where the blocks of a matrix are.
#pragma once
#include <stddef.h>

#include <vector>

#include "targets/kernel_table.h"

// Which weights of matrices get gradients.
enum class GradientsOf { kNothing, kStored, kAll };

// Weights that a matrix stores.
inline size_t stored(const Matrix& m) {
  return (size_t)m.rowStart[m.rows / m.blockRows] * m.blockRows * m.blockColumns;
}

// The structure of a matrix of the same size that stores all blocks. `allBlocks` in
// src/kernels/interface/blocks.ts.
class AllBlocks {
 public:
  explicit AllBlocks(const Matrix& m) : all_(m) {
    const int blockRows = m.rows / m.blockRows, blockColumns = m.columns / m.blockColumns;
    for (int i = 0; i <= blockRows; i++) rowStart_.push_back(i * blockColumns);
    for (int i = 0; i < blockRows; i++)
      for (int j = 0; j < blockColumns; j++) column_.push_back(j);
  }
  Matrix matrix() const {
    Matrix m = all_;
    m.rowStart = rowStart_.data();
    m.column = column_.data();
    m.values = nullptr;
    return m;
  }

 private:
  Matrix all_;
  std::vector<int32_t> rowStart_, column_;
};

// Whether the indices of a block matrix may be followed: the kernels read and write through them
// without looking. The rules of checkBlockMatrix in src/kernels/interface/check.ts. `rowStarts`,
// `blocks` and `values` are the lengths of the arrays. Some microseconds for a hundred thousand
// blocks.
inline bool sound(const Matrix& m, size_t rowStarts, size_t blocks, size_t values) {
  if (m.rows <= 0 || m.columns <= 0 || m.blockRows <= 0 || m.blockColumns <= 0) return false;
  if (m.rows % m.blockRows || m.columns % m.blockColumns) return false;
  const int blockRows = m.rows / m.blockRows, blockColumns = m.columns / m.blockColumns;
  if (rowStarts != (size_t)blockRows + 1 || m.rowStart[0] != 0) return false;
  for (int i = 0; i < blockRows; i++)
    if (m.rowStart[i + 1] < m.rowStart[i]) return false;
  if ((size_t)m.rowStart[blockRows] != blocks) return false;
  if (values != blocks * m.blockRows * m.blockColumns) return false;
  for (int i = 0; i < blockRows; i++) {
    const int begin = m.rowStart[i], end = m.rowStart[i + 1];
    if (begin == end) continue;
    // Ascending, so the first and the last bound the others; without a branch, for vectors.
    int falls = 0;
    for (int k = begin + 1; k < end; k++) falls |= m.column[k] <= m.column[k - 1];
    if (falls || m.column[begin] < 0 || m.column[end - 1] >= blockColumns) return false;
  }
  return true;
}
