// Products with a packed matrix, a slab of 16 rows at a time. The sums of a row run over its
// columns in ascending order, in four or two interleaved parts, in the same way whatever comes
// after.
#pragma once
#include "sample/quantise.h"

namespace {

// A vector as long as a tile, or as a register where that is shorter.
template <int N>
struct Vector;
template <>
struct Vector<4> {
  typedef float floats __attribute__((vector_size(16)));
  typedef uint32_t words __attribute__((vector_size(16)));
  typedef uint16_t halves __attribute__((vector_size(8)));
  typedef int32_t integers __attribute__((vector_size(16)));
};
template <>
struct Vector<8> {
  typedef float floats __attribute__((vector_size(32)));
  typedef uint32_t words __attribute__((vector_size(32)));
  typedef uint16_t halves __attribute__((vector_size(16)));
  typedef int32_t integers __attribute__((vector_size(32)));
};
template <>
struct Vector<16> {
  typedef float floats __attribute__((vector_size(64)));
  typedef uint32_t words __attribute__((vector_size(64)));
  typedef uint16_t halves __attribute__((vector_size(32)));
  typedef int32_t integers __attribute__((vector_size(64)));
};

// Halves of registers to registers: rows of two or four tiles side by side.
#if KERNELS_WIDTH == 16
template <class V, class W>
INLINE V join(W a, W b) {
  return __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
}
#endif
#if KERNELS_WIDTH >= 8
template <class V, class W>
INLINE V join4(W a, W b) {
  return __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7);
}
#endif

// What a product reads: the state, or the rectified layer; in int8 the state only.
struct Input {
  const float* values;
  Quantised quantised;
  uint32_t* gathered;  // [vectors]
};

// Slab `s` for several inputs: one after the other, while its weights are in the first-level cache.
template <class Kind, int L>
INLINE void slabs_in_turn(const PackedMatrix& m, int s, const Input* in, vf out[L][kParts]) {
  UNROLL for (int l = 0; l < L; l++) Kind::slab(m, s, in[l], out[l]);
}

// float32 or bf16 weights in tiles of T rows.
template <int T, bool Bf16>
struct Columns {
  static constexpr bool rare = T < 16;
  static constexpr int N = T < kWidth ? T : kWidth, parts = T / N;
  typedef typename Vector<N>::floats V;

  INLINE V weights(const void* values, size_t at) {
    if constexpr (Bf16) {
      typename Vector<N>::halves bits;
      memcpy(&bits, static_cast<const uint16_t*>(values) + at, sizeof bits);
      return (V)(__builtin_convertvector(bits, typename Vector<N>::words) << 16);
    } else {
      V w;
      memcpy(&w, static_cast<const float*>(values) + at, sizeof w);
      return w;
    }
  }

  INLINE void tile(const PackedMatrix& m, int t, const float* __restrict x, V out[parts]) {
    const int end = m.start[t + 1];
    // Four sums in flight hide the latency of the multiply-add.
    V sums[4][parts];
    UNROLL for (int c = 0; c < 4; c++) UNROLL for (int p = 0; p < parts; p++) sums[c][p] = V{};
    int k = m.start[t];
    for (; k + 4 <= end; k += 4)
      UNROLL for (int c = 0; c < 4; c++) UNROLL for (int p = 0; p < parts; p++) sums[c][p] +=
          weights(m.values, (size_t)(k + c) * T + p * N) * x[m.index[k + c]];
    for (; k < end; k++)
      UNROLL for (int p = 0; p < parts; p++) sums[0][p] +=
          weights(m.values, (size_t)k * T + p * N) * x[m.index[k]];
    UNROLL for (int p = 0; p < parts; p++) out[p] =
        (sums[0][p] + sums[1][p]) + (sums[2][p] + sums[3][p]);
  }

  INLINE void prepare(const PackedMatrix&, const Input&) {}

  template <int L>
  INLINE void slabs(const PackedMatrix& m, int s, const Input* in, vf out[L][kParts]) {
    if constexpr (T != 16 || parts > 1 || L == 1) {
      slabs_in_turn<Columns, L>(m, s, in, out);
    } else {
      // Each vector of weights is loaded once, where there are registers for all sums; these are
      // formed in the order of `tile`.
      const int end = m.start[s + 1];
      vf sums[L][4];
      UNROLL for (int l = 0; l < L; l++) UNROLL for (int c = 0; c < 4; c++) sums[l][c] = vf{};
      int k = m.start[s];
      for (; k + 4 <= end; k += 4) UNROLL for (int c = 0; c < 4; c++) {
          const V w = weights(m.values, (size_t)(k + c) * 16);
          const int column = m.index[k + c];
          UNROLL for (int l = 0; l < L; l++) sums[l][c] += w * in[l].values[column];
        }
      for (; k < end; k++) {
        const V w = weights(m.values, (size_t)k * 16);
        UNROLL for (int l = 0; l < L; l++) sums[l][0] += w * in[l].values[m.index[k]];
      }
      UNROLL for (int l = 0; l < L; l++) out[l][0] =
          (sums[l][0] + sums[l][1]) + (sums[l][2] + sums[l][3]);
    }
  }

  INLINE void slab(const PackedMatrix& m, int s, const Input& in, vf out[kParts]) {
    if constexpr (T == 16) {
      tile(m, s, in.values, out);
    } else {
      V all[16 / T][parts];
      UNROLL for (int i = 0; i < 16 / T; i++) tile(m, s * (16 / T) + i, in.values, all[i]);
#if KERNELS_WIDTH == 16
      if constexpr (T == 8) out[0] = join<vf>(all[0][0], all[1][0]);
      if constexpr (T == 4)
        out[0] = join<vf>(join4<Vector<8>::floats>(all[0][0], all[1][0]),
                          join4<Vector<8>::floats>(all[2][0], all[3][0]));
#elif KERNELS_WIDTH == 8
      if constexpr (T == 8) UNROLL for (int p = 0; p < kParts; p++) out[p] = all[p][0];
      if constexpr (T == 4)
        UNROLL for (int p = 0; p < kParts; p++) out[p] =
            join4<vf>(all[2 * p][0], all[2 * p + 1][0]);
#else
      UNROLL for (int p = 0; p < kParts; p++) out[p] = all[p * 4 / T][p % (T / 4)];
#endif
    }
  }
};

INLINE vi load_integers(const int32_t* p) {
  vi v;
  memcpy(&v, p, sizeof v);
  return v;
}

INLINE vi splat_integer(uint32_t s) { return (int32_t)s - vi{}; }

// bf16 weights in tiles of 16 rows, two columns to a word: no widening.
struct Pairs {
  static constexpr bool rare = false;

  INLINE void prepare(const PackedMatrix&, const Input&) {}

  // Adds the columns k and k + 1.
  INLINE void add(const PackedMatrix& m, int k, const float* x, vf even[kParts], vf odd[kParts]) {
    UNROLL for (int p = 0; p < kParts; p++) {
      const vi pair =
          load_integers(static_cast<const int32_t*>(m.values) + (size_t)k * 8 + p * kWidth);
      even[p] += (vf)(pair << 16) * x[m.index[k]];
      odd[p] += (vf)(pair & (int32_t)0xffff0000) * x[m.index[k + 1]];
    }
  }

  INLINE void slab(const PackedMatrix& m, int s, const Input& in, vf out[kParts]) {
    const int end = m.start[s + 1];
    vf sums[4][kParts];
    UNROLL for (int c = 0; c < 4; c++) UNROLL for (int p = 0; p < kParts; p++) sums[c][p] = vf{};
    int k = m.start[s];
    for (; k + 4 <= end; k += 4) {
      add(m, k, in.values, sums[0], sums[1]);
      add(m, k + 2, in.values, sums[2], sums[3]);
    }
    if (k < end) add(m, k, in.values, sums[0], sums[1]);
    UNROLL for (int p = 0; p < kParts; p++) out[p] =
        (sums[0][p] + sums[1][p]) + (sums[2][p] + sums[3][p]);
  }

  // The same for several inputs, each vector of weights loaded once where there are registers for
  // all sums.
  template <int L>
  INLINE void slabs(const PackedMatrix& m, int s, const Input* in, vf out[L][kParts]) {
    if constexpr (kParts > 1 || L == 1) return slabs_in_turn<Pairs, L>(m, s, in, out);
    const int end = m.start[s + 1];
    vf sums[L][4];
    UNROLL for (int l = 0; l < L; l++) UNROLL for (int c = 0; c < 4; c++) sums[l][c] = vf{};
    const auto add = [&](int k, int c) INLINE_LAMBDA {
      const vi pair = load_integers(static_cast<const int32_t*>(m.values) + (size_t)k * 8);
      const vf even = (vf)(pair << 16), odd = (vf)(pair & (int32_t)0xffff0000);
      UNROLL for (int l = 0; l < L; l++) sums[l][c] += even * in[l].values[m.index[k]],
          sums[l][c + 1] += odd * in[l].values[m.index[k + 1]];
    };
    int k = m.start[s];
    for (; k + 4 <= end; k += 4) add(k, 0), add(k + 2, 2);
    if (k < end) add(k, 0);
    UNROLL for (int l = 0; l < L; l++) out[l][0] =
        (sums[l][0] + sums[l][1]) + (sums[l][2] + sums[l][3]);
  }
};

// Sums of integers to floats: the correction of the row added, times its scale.
INLINE void finish(const PackedMatrix& m, int s, const vi sums[kParts], vf out[kParts]) {
  UNROLL for (int p = 0; p < kParts; p++) {
    vi all = sums[p];
    if constexpr (kActivationOffset != 0) all += load_integers(m.correction + s * 16 + p * kWidth);
    out[p] = __builtin_convertvector(all, vf) * load(m.scale + s * 16 + p * kWidth);
  }
}

// Where the activations of a group are: gathered, in the order of the groups or by position; or
// neighbours in the state, for blocks four columns wide.
enum Where { kInOrder, kByPosition, kNeighbours };

// int8 weights in groups of 16 rows × 4 columns.
template <Where where>
struct Groups {
  static constexpr bool rare = false;

  INLINE void prepare(const PackedMatrix& m, const Input& in) {
    if constexpr (where != kNeighbours) gather(m, in.quantised, in.gathered);
  }

  // Each vector of weights is loaded once for all inputs. Sums of integers are exact in any order.
  template <int L>
  INLINE void slabs(const PackedMatrix& m, int s, const Input* in, vf out[L][kParts]) {
    const int begin = m.start[s], end = m.start[s + 1];
    const int32_t* w = static_cast<const int32_t*>(m.values) + (size_t)begin * 16;
    const int32_t* const last = static_cast<const int32_t*>(m.values) + (size_t)(end - 1) * 16;
    // The one that the kind has.
    const uint32_t* position = where == kByPosition ? m.position + begin : nullptr;
    const uint16_t* index = where == kNeighbours ? m.index + begin : nullptr;
    const uint32_t* gathered[L];
    UNROLL for (int l = 0; l < L; l++) gathered[l] =
        in[l].gathered + (where == kInOrder ? begin : 0);
    const auto activations = [&](int l, int c) INLINE_LAMBDA {
      if constexpr (where == kInOrder) return splat_integer(gathered[l][c]);
      if constexpr (where == kByPosition) return splat_integer(gathered[l][position[c]]);
      if constexpr (where == kNeighbours)
        return splat_integer(four_bytes(in[l].quantised.bytes + 4 * (size_t)index[c]));
    };
    vi sums[L][2][kParts];
    UNROLL for (int l = 0; l < L; l++) UNROLL for (int c = 0; c < 2; c++)
        UNROLL for (int p = 0; p < kParts; p++) sums[l][c][p] = vi{};
    const auto add = [&](int c) INLINE_LAMBDA {
      vi weights[kParts];
      UNROLL for (int p = 0; p < kParts; p++) weights[p] = load_integers(w + c * 16 + p * kWidth);
      UNROLL for (int l = 0; l < L; l++) {
        const vi a = activations(l, c);
        UNROLL for (int p = 0; p < kParts; p++) sums[l][c][p] = dot(sums[l][c][p], weights[p], a);
      }
    };
    for (; w < last; w += 32) {
      add(0), add(1);
      if constexpr (where == kInOrder) UNROLL for (int l = 0; l < L; l++) gathered[l] += 2;
      if constexpr (where == kByPosition) position += 2;
      if constexpr (where == kNeighbours) index += 2;
    }
    if (w == last) add(0);
    UNROLL for (int l = 0; l < L; l++) {
      UNROLL for (int p = 0; p < kParts; p++) sums[l][0][p] += sums[l][1][p];
      finish(m, s, sums[l][0], out[l]);
    }
  }

  INLINE void slab(const PackedMatrix& m, int s, const Input& in, vf out[kParts]) {
    slabs<1>(m, s, &in, reinterpret_cast<vf(*)[kParts]>(out));
  }
};

// int8 weights of blocks T×4, T below 16. A vector of 64 weights holds 16/T blocks of one tile side
// by side; their sums are added at the end.
template <int T>
struct Blocks {
  static constexpr bool rare = true;
  static constexpr int count = 16 / T;

  template <int L>
  INLINE void slabs(const PackedMatrix& m, int s, const Input* in, vf out[L][kParts]) {
    slabs_in_turn<Blocks, L>(m, s, in, out);
  }

  INLINE void prepare(const PackedMatrix&, const Input&) {}

  // Part p of the activations of a vector: element l belongs to block (p·kWidth + l) / T.
  INLINE vi activations(const uint8_t* bytes, const uint16_t* at, int p) {
    const auto block = [&](int b)
                           INLINE_LAMBDA { return splat_integer(four_bytes(bytes + 4 * at[b])); };
    if constexpr (T >= kWidth) {
      return block(p * kWidth / T);
    } else {
#if KERNELS_WIDTH == 16
      // Not `splat`: a masked broadcast from memory needs no other register.
      const auto four = [&](int b) INLINE_LAMBDA { return _mm_loadu_si32(bytes + 4 * at[b]); };
      __m512i a = _mm512_broadcastd_epi32(four(0));
      if constexpr (T == 8) a = _mm512_mask_broadcastd_epi32(a, 0xff00, four(1));
      if constexpr (T == 4) {
        a = _mm512_mask_broadcastd_epi32(a, 0x00f0, four(1));
        a = _mm512_mask_broadcastd_epi32(a, 0x0f00, four(2));
        a = _mm512_mask_broadcastd_epi32(a, 0xf000, four(3));
      }
      return (vi)a;
#elif KERNELS_WIDTH == 8
      const vi a = block(2 * p), b = block(2 * p + 1);
      return __builtin_shufflevector(a, b, 0, 1, 2, 3, 12, 13, 14, 15);
#endif
    }
  }

  // The sums of tile t, those of blocks side by side not yet added.
  INLINE void tile(const PackedMatrix& m, int t, const uint8_t* bytes, vi sums[kParts]) {
    const int end = m.start[t + 1];
    const int32_t* w = static_cast<const int32_t*>(m.values);
    vi odd[kParts];
    UNROLL for (int p = 0; p < kParts; p++) sums[p] = odd[p] = vi{};
    const auto add = [&](int k, vi* to) INLINE_LAMBDA {
      UNROLL for (int p = 0; p < kParts; p++) to[p] =
          dot(to[p], load_integers(w + (size_t)k * 16 + p * kWidth),
              activations(bytes, m.index + (size_t)k * count, p));
    };
    int k = m.start[t];
    for (; k + 2 <= end; k += 2) add(k, sums), add(k + 1, odd);
    if (k < end) add(k, sums);
    UNROLL for (int p = 0; p < kParts; p++) sums[p] += odd[p];
  }

  INLINE void slab(const PackedMatrix& m, int s, const Input& in, vf out[kParts]) {
    vi tiles[count][kParts], all[kParts];
    UNROLL for (int i = 0; i < count; i++) tile(m, s * count + i, in.quantised.bytes, tiles[i]);
#if KERNELS_WIDTH == 16
    const auto halves = [](vi a, vi b) {
      return __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23) +
             __builtin_shufflevector(a, b, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30,
                                     31);
    };
    if constexpr (T == 8) all[0] = halves(tiles[0][0], tiles[1][0]);
    if constexpr (T == 4) {
      const vi a = halves(tiles[0][0], tiles[1][0]), b = halves(tiles[2][0], tiles[3][0]);
      all[0] =
          __builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27) +
          __builtin_shufflevector(a, b, 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31);
    }
#elif KERNELS_WIDTH == 8
    UNROLL for (int p = 0; p < kParts; p++) {
      if constexpr (T == 8) all[p] = tiles[p][0] + tiles[p][1];
      if constexpr (T == 4) {
        const vi a = tiles[2 * p][0] + tiles[2 * p][1],
                 b = tiles[2 * p + 1][0] + tiles[2 * p + 1][1];
        all[p] = __builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11) +
                 __builtin_shufflevector(a, b, 4, 5, 6, 7, 12, 13, 14, 15);
      }
    }
#else
    UNROLL for (int p = 0; p < kParts; p++) {
      if constexpr (T == 8) all[p] = tiles[p / 2][p % 2] + tiles[p / 2][p % 2 + 2];
      if constexpr (T == 4) all[p] = (tiles[p][0] + tiles[p][1]) + (tiles[p][2] + tiles[p][3]);
    }
#endif
    finish(m, s, all, out);
  }
};

// Inline everywhere, the products would take most of the time of a build. Functions of their own
// are kinds of blocks that are rare, and several slots where nothing is fast anyway.
#if defined(__FMA__) || defined(__ARM_NEON)
constexpr bool kFast = true;
#else
constexpr bool kFast = false;
#endif
template <class Kind, int L>
constexpr bool kSlabsApart = Kind::rare || (L > 1 && !kFast);

template <class Kind, int L>
__attribute__((noinline)) void slabs_apart(const PackedMatrix& m, int s, const Input* in,
                                           vf out[L][kParts]) {
  Kind::template slabs<L>(m, s, in, out);
}

// Slab `s` for L inputs.
template <class Kind, int L>
INLINE void slabs_of(const PackedMatrix& m, int s, const Input* in, vf out[L][kParts]) {
  if constexpr (kSlabsApart<Kind, L>)
    slabs_apart<Kind, L>(m, s, in, out);
  else
    Kind::template slabs<L>(m, s, in, out);
}

// Calls f with the kind of product that a matrix of floats needs.
template <class F>
INLINE void with_float_kind(const PackedMatrix& m, F f) {
  if (m.precision == kBf16) {
    if (m.tile == 16) return f(Pairs());
    if (m.tile == 8) return f(Columns<8, true>());
    return f(Columns<4, true>());
  }
  if (m.tile == 16) return f(Columns<16, false>());
  if (m.tile == 8) return f(Columns<8, false>());
  return f(Columns<4, false>());
}

// The same of any matrix.
template <class F>
INLINE void with_kind(const PackedMatrix& m, F f) {
  if (m.precision != kInt8) return with_float_kind(m, f);
  if (!m.blocks) return m.position ? f(Groups<kByPosition>()) : f(Groups<kInOrder>());
  if (m.tile == 16) return f(Groups<kNeighbours>());
  if (m.tile == 8) return f(Blocks<8>());
  return f(Blocks<4>());
}

}  // namespace
