// The state in int8, q = round(128·x), to the nearest even and at most 127; |x| ≤ 1. Multiplying by
// a power of two is exact, so every kernel rounds alike. Two copies, made where a matrix reads
// them: bytes, for groups of neighbouring columns and for byte permutations, and spread, one
// activation in the lowest byte of four, for gathering.
//
// Gathering puts the activations of four columns into four bytes. A 4-byte load at 4·column - c
// from spread bytes has the activation in its byte c and zeros elsewhere, so that four loads joined
// by OR make a group.
#pragma once
#include "sample/packed.h"
#include "simd/dot.h"

namespace {

// Bytes before the first spread activation: loads may begin three bytes early; the index counts
// from there.
constexpr int kSpreadMargin = 64;

// Readers of a matrix with `columns` columns may read this many bytes past `bytes`.
constexpr int kBytesMargin = 128;

#if defined(__AVX512VBMI__) && KERNELS_WIDTH == 16
constexpr bool kByteGather = true;
#else
constexpr bool kByteGather = false;
#endif

struct Quantised {
  uint8_t* bytes;   // [columns + kBytesMargin]
  uint8_t* spread;  // kSpreadMargin bytes into [kSpreadMargin + 4 columns]

  Quantised from(int column) const { return {bytes + column, spread + 4 * column}; }
};

// The 16, 8 or 4 elements at `i`, in the copies that are asked for.
INLINE void quantise(vf x, Quantised q, int i, int copies) {
  // Adding 1.5·2^23 rounds to the nearest even and leaves the integer in the low bits.
  const vf rounded = minimum(x, splat(127.f / 128)) * 128.f + 12582912.f;
  const vi value = ((vi)rounded + kActivationOffset) & 255;
  if (copies & kSpread) memcpy(q.spread + 4 * i, &value, sizeof value);
  if (!(copies & kBytes)) return;
#if KERNELS_WIDTH == 16
  _mm_storeu_si128(reinterpret_cast<__m128i*>(q.bytes + i), _mm512_cvtepi32_epi8((__m512i)value));
#elif KERNELS_WIDTH == 8
  const __m256i lowest = _mm256_set1_epi32(0x0c080400);
  const __m256i packed = _mm256_shuffle_epi8((__m256i)value, lowest);
  _mm_storeu_si64(q.bytes + i, _mm_unpacklo_epi32(_mm256_castsi256_si128(packed),
                                                  _mm256_extracti128_si256(packed, 1)));
#else
  for (int l = 0; l < kWidth; l++) q.bytes[i + l] = (uint8_t)value[l];
#endif
}

INLINE uint32_t four_bytes(const uint8_t* p) {
  uint32_t v;
  memcpy(&v, p, 4);
  return v;
}

// The activations of all groups of a matrix, four bytes each.
INLINE void gather(const PackedMatrix& m, Quantised q, uint32_t* gathered) {
#if defined(__AVX512VBMI__) && KERNELS_WIDTH == 16
  // What is not in a table keeps its column, until its table comes.
  const uint64_t* masks = m.masks;
  for (int tables = 1; tables <= m.tables; tables++)
    for (int v = m.vectors[tables - 1]; v < m.vectors[tables]; v++) {
      const uint8_t* table = q.bytes + m.base[v];
      __m512i picked = _mm512_loadu_si512(m.tableColumn + 64 * (size_t)v);
      for (int t = 0; t < tables; t++, table += 128)
        picked = _mm512_mask2_permutex2var_epi8(_mm512_loadu_si512(table), picked, *masks++,
                                                _mm512_loadu_si512(table + 64));
      _mm512_storeu_si512(gathered + 16 * (size_t)v, picked);
    }
#else
  const int groups = m.start[m.rows / 16];
  const uint16_t* at = m.index;
  const uint8_t* base = q.spread - 3;
  for (int g = 0; g < groups; g++, at += 4)
    gathered[g] = four_bytes(base + at[0]) | four_bytes(base + at[1]) | four_bytes(base + at[2]) |
                  four_bytes(base + at[3]);
#endif
}

}  // namespace
