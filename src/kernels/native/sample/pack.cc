#include "sample/pack.h"

#include <string.h>
#include <algorithm>
#include <array>
#include <map>
#include <numeric>
#include <tuple>

Arena::~Arena() { free_aligned(memory_); }

void Arena::add(const void** where, const void* data, size_t bytes) {
  places_.push_back({where, bytes_.size()});
  bytes_.resize((bytes_.size() + bytes + 63) / 64 * 64);
  if (bytes) memcpy(bytes_.data() + places_.back().second, data, bytes);
}

void Arena::close() {
  // A step may read, not use, up to 128 bytes past an array.
  memory_ = aligned_memory(bytes_.size() + 128);
  memcpy(memory_, bytes_.data(), bytes_.size());
  for (const auto& [where, offset] : places_) *where = static_cast<char*>(memory_) + offset;
  bytes_ = {};
}

namespace {

constexpr int kSlab = 16, kGroup = 4;

// The columns of a tile in ascending order, each with its weights. Rows of single weights share
// tiles of 16: a column of such a tile holds zeros too.
template <class W>
using Tile = std::map<int, std::array<W, kSlab>>;

template <class W>
Tile<W> tile_at(const SourceMatrix& m, int firstRow, int rows) {
  Tile<W> tile;
  const W* values = static_cast<const W*>(m.values);
  for (int row = firstRow; row < firstRow + rows; row += m.blockRows)
    for (int k = m.rowStart[row / m.blockRows]; k < m.rowStart[row / m.blockRows + 1]; k++)
      for (int c = 0; c < m.blockColumns; c++)
        for (int r = 0; r < m.blockRows; r++)
          tile[m.column[k] * m.blockColumns + c][row - firstRow + r] =
              values[((size_t)k * m.blockColumns + c) * m.blockRows + r];
  return tile;
}

struct Arrays {
  std::vector<int32_t> start{0}, correction;
  std::vector<uint16_t> index;
  std::vector<float> scale;
};

// Rows of pairs of columns, as pack_columns has made them one by one.
std::vector<uint16_t> in_pairs(const std::vector<uint16_t>& columns) {
  std::vector<uint16_t> pairs(columns.size());
  for (size_t i = 0; i < columns.size(); i++)
    pairs[i / 32 * 32 + i % 16 * 2 + i / 16 % 2] = columns[i];
  return pairs;
}

template <class W>
std::vector<W> pack_columns(const SourceMatrix& m, const std::vector<int>& tiles, int height,
                            Arrays& out) {
  std::vector<W> values;
  for (int firstRow : tiles) {
    for (const auto& [column, weights] : tile_at<W>(m, firstRow, height)) {
      out.index.push_back((uint16_t)column);
      values.insert(values.end(), weights.begin(), weights.begin() + height);
    }
    if (sizeof(W) == sizeof(uint16_t) && out.index.size() % 2) {
      out.index.push_back(out.index.back());
      values.insert(values.end(), height, W());
    }
    out.start.push_back((int32_t)out.index.size());
  }
  return values;
}

// `columns` receives the column of every activation, four to a group; filled up with zero weights.
std::vector<int8_t> pack_groups(const SourceMatrix& m, const std::vector<int>& tiles, int height,
                                Arrays& out, std::vector<int>& columns) {
  std::vector<int8_t> values;
  const size_t columnsOfVector = (size_t)kGroup * kSlab / height;
  for (int firstRow : tiles) {
    const Tile<int8_t> tile = tile_at<int8_t>(m, firstRow, height);
    std::vector<std::pair<int, std::array<int8_t, kSlab>>> entries(tile.begin(), tile.end());
    while (entries.size() % columnsOfVector)
      entries.push_back(
          {m.blockColumns == kGroup ? (int)(entries.size() % kGroup) : entries.back().first, {}});
    for (size_t g = 0; g < entries.size(); g += kGroup)
      for (int r = 0; r < height; r++)
        for (int c = 0; c < kGroup; c++) values.push_back(entries[g + c].second[r]);
    for (const auto& entry : entries) columns.push_back(entry.first);
    out.start.push_back((int32_t)(columns.size() / columnsOfVector));
    for (int r = 0; r < height; r++) {
      int sum = 0;
      for (const auto& entry : entries) sum += entry.second[r];
      out.correction.push_back(-128 * sum);
      // Activations are integers of 1/128.
      out.scale.push_back(m.scale[firstRow + r] * (1.f / 128));
    }
  }
  return values;
}

// 64 activations that are gathered at once; see packed.h.
struct GatheredVector {
  std::vector<int> groups;
  int base, tables;
};

// Where the activations of groups come from, `columns` as pack_groups left them.
void place_gathering(const std::vector<int>& columns, PackedMatrix* out, Arena* arena) {
  constexpr int kTable = 128, kGroups = 16;
  // Of few tables, to look in all of them is faster than to look up where each group lies.
  const bool ordered = out->columns <= 4 * kTable;
  const auto first = [&](int g) { return columns[(size_t)g * kGroup]; };
  const auto last = [&](int g) { return columns[(size_t)g * kGroup + kGroup - 1]; };

  std::vector<int> groups(columns.size() / kGroup);
  std::iota(groups.begin(), groups.end(), 0);
  if (!ordered) {
    // Wide groups apart, so that their neighbours need no more tables than they would without them.
    const auto width = [&](int g) { return (last(g) - first(g) + kGroups) / kTable; };
    std::sort(groups.begin(), groups.end(), [&](int a, int b) {
      return std::make_tuple(width(a), first(a), a) < std::make_tuple(width(b), first(b), b);
    });
  }
  std::vector<GatheredVector> vectors;
  for (size_t at = 0; at < groups.size(); at += kGroups) {
    GatheredVector v = {
        {groups.begin() + at, groups.begin() + std::min(at + kGroups, groups.size())},
        0,
        (out->columns + kTable - 1) / kTable};
    if (!ordered) {
      v.base = first(*std::min_element(v.groups.begin(), v.groups.end(),
                                       [&](int a, int b) { return first(a) < first(b); }));
      v.tables = (last(*std::max_element(v.groups.begin(), v.groups.end(),
                                         [&](int a, int b) { return last(a) < last(b); })) -
                  v.base) /
                     kTable +
                 1;
    }
    vectors.push_back(std::move(v));
  }
  std::stable_sort(
      vectors.begin(), vectors.end(),
      [](const GatheredVector& a, const GatheredVector& b) { return a.tables < b.tables; });

  std::vector<int32_t> ends(1);
  std::vector<uint16_t> bases;
  std::vector<uint8_t> tableColumn(vectors.size() * kGroups * kGroup);
  std::vector<uint64_t> masks;
  std::vector<uint32_t> positions(groups.size());
  for (const GatheredVector& v : vectors) {
    const size_t position = bases.size() * kGroups, mask = masks.size();
    bases.push_back((uint16_t)v.base);
    masks.resize(mask + v.tables);
    for (size_t i = 0; i < v.groups.size(); i++) {
      positions[v.groups[i]] = (uint32_t)(position + i);
      for (size_t c = 0; c < kGroup; c++) {
        const int column = columns[(size_t)v.groups[i] * kGroup + c] - v.base;
        tableColumn[(position + i) * kGroup + c] = (uint8_t)(column % kTable);
        masks[mask + column / kTable] |= (uint64_t)1 << (i * kGroup + c);
      }
    }
    ends.resize(v.tables + 1, ends.back());
    ends.back()++;
  }
  out->tables = (int)ends.size() - 1;
  arena->place(&out->vectors, ends);
  arena->place(&out->base, bases);
  arena->place(&out->tableColumn, tableColumn);
  arena->place(&out->masks, masks);
  if (!ordered) arena->place(&out->position, positions);
}

}  // namespace

std::vector<int> rows_of(Slabs slabs) {
  std::vector<int> rows;
  for (int s = slabs.begin; s < slabs.end; s++) rows.push_back(s * kSlab);
  return rows;
}

void pack_matrix(const SourceMatrix& m, const std::vector<int>& slabs,
                 const SamplerKernels* kernels, PackedMatrix* out, Arena* arena) {
  *out = {};
  out->rows = (int)slabs.size() * kSlab;
  out->columns = m.columns;
  out->precision = m.precision;
  out->tile = m.blockRows == 1 ? kSlab : m.blockRows;
  out->blocks = m.precision == kInt8 && m.blockColumns == kGroup;
  std::vector<int> tiles;
  for (int first : slabs)
    for (int row = 0; row < kSlab; row += out->tile) tiles.push_back(first + row);

  Arrays arrays;
  if (m.precision == kFloat32)
    arena->place(reinterpret_cast<const float**>(&out->values),
                 pack_columns<float>(m, tiles, out->tile, arrays));
  if (m.precision == kBf16) {
    const auto values = pack_columns<uint16_t>(m, tiles, out->tile, arrays);
    arena->place(reinterpret_cast<const uint16_t**>(&out->values),
                 out->tile == kSlab ? in_pairs(values) : values);
  }
  if (m.precision == kInt8) {
    std::vector<int> columns;
    arena->place(reinterpret_cast<const int8_t**>(&out->values),
                 pack_groups(m, tiles, out->tile, arrays, columns));
    if (out->blocks) {
      for (size_t g = 0; g < columns.size(); g += kGroup)
        arrays.index.push_back((uint16_t)(columns[g] / kGroup));
    } else if (kernels->byteGather) {
      place_gathering(columns, out, arena);
    } else {
      for (size_t i = 0; i < columns.size(); i++)
        arrays.index.push_back((uint16_t)(4 * columns[i] + 3 - i % kGroup));
    }
    arena->place(&out->scale, arrays.scale);
    arena->place(&out->correction, arrays.correction);
  }
  arena->place(&out->index, arrays.index);
  arena->place(&out->start, arrays.start);
}

std::unique_ptr<Packed> pack_network(const SourceNetwork& from, const SamplerKernels* kernels,
                                     int index, int size) {
  auto packed = std::make_unique<Packed>();
  PackedNetwork& net = packed->network;
  const int H = from.hidden;
  net = {};
  net.hidden = H;
  net.projection = from.projection;
  net.classes = from.classes;
  net.inputs = from.inputs;
  const auto share = [&](int begin, int end) {
    const int slabs = (end - begin) / kSlab;
    return Slabs{begin / kSlab + slabs * index / size, begin / kSlab + slabs * (index + 1) / size};
  };
  net.state[0] = share(0, H / 2);
  net.state[1] = share(H / 2, H);
  net.hiddenLayer = share(0, from.projection);
  net.logits = share(0, from.classes);
  std::vector<int> recurrent;
  for (const Slabs& half : net.state)
    for (int unit : rows_of(half))
      recurrent.insert(recurrent.end(), {unit, H + unit, 2 * H + unit});
  const std::vector<int> hidden = rows_of(net.hiddenLayer), logits = rows_of(net.logits);
  for (int m = 0; m < kSparseCount; m++) {
    pack_matrix(from.sparse[m],
                m == kRecurrent                          ? recurrent
                : m == kCoarseHidden || m == kFineHidden ? hidden
                                                         : logits,
                kernels, &net.sparse[m], &packed->arena);
    if (net.sparse[m].precision == kInt8)
      net.quantised |= net.sparse[m].blocks || kernels->byteGather ? kBytes : kSpread;
  }
  std::vector<float> columns((size_t)from.inputs * 3 * H);
  for (int row = 0; row < 3 * H; row++)
    for (int c = 0; c < from.inputs; c++)
      columns[(size_t)c * 3 * H + row] = from.dense[kInput][(size_t)row * from.inputs + c];
  packed->arena.place(&net.input, columns);
  for (int b = 0; b < 4; b++) {
    const int size = b % 2 ? from.classes : from.projection;
    packed->arena.place(&net.bias[b],
                        std::vector<float>(from.dense[1 + b], from.dense[1 + b] + size));
  }
  packed->arena.close();
  return packed;
}
