#include "classify/layout.h"

#include "train/structure.h"

namespace {

constexpr int kLanes = 16;

// One row of padding keeps the distance of two groups off the powers of two, where cache sets
// collide.
size_t padded(size_t floats) { return floats + kLanes; }

bool fully_connected(const Layer& layer, const Image& out) {
  return layer.kind == kConvolution && out.height == 1 && out.width == 1;
}

}  // namespace

ClassifierLayout classifier_layout(std::vector<Layer>& layers, int height, int width, int channels,
                                   int groups, bool gradients) {
  ClassifierLayout layout = {{}, 0};
  const auto take = [&](size_t floats) {
    const size_t at = layout.floats;
    layout.floats += floats;
    return at;
  };
  layout.images.push_back({height, width, channels});
  for (const Layer& layer : layers) {
    Image& in = layout.images.back();
    in.padding = layer.padding;
    const int rows = in.height + 2 * in.padding, columns = in.width + 2 * in.padding;
    layout.images.push_back({(rows - layer.kernelHeight) / layer.stride + 1,
                             (columns - layer.kernelWidth) / layer.stride + 1,
                             layer.kind == kConvolution ? layer.matrix.rows : in.channels});
  }
  for (size_t i = 0; i < layout.images.size(); i++) {
    Image& image = layout.images[i];
    const bool keepValues =
        gradients && i < layers.size() && fully_connected(layers[i], layout.images[i + 1]);
    const bool keepGradient = gradients && i > 0 && fully_connected(layers[i - 1], image);
    image.floats = (size_t)(image.height + 2 * image.padding) * (image.width + 2 * image.padding) *
                   image.channels * kLanes;
    image.valuesStep = keepValues ? padded(image.floats) : 0;
    image.values = take(padded(image.floats) * (keepValues ? groups : 1));
    image.gradientStep = keepGradient ? padded(image.floats) : 0;
    if (gradients) image.gradient = take(padded(image.floats) * (keepGradient ? groups : 1));
  }
  for (size_t l = 0; l < layers.size(); l++) {
    Layer& layer = layers[l];
    if (layer.kind == kConvolution) {
      layer.learned = stored(layer.at);
      layer.summed = layer.matrix.rows;
    } else {
      layer.learned = layer.summed =
          layer.kind == kDepthwise
              ? (size_t)layer.kernelHeight * layer.kernelWidth * layout.images[l].channels
              : 0;
    }
    if (gradients) layer.sums = take(layer.summed * kLanes);
  }
  return layout;
}

std::vector<int32_t> image_columns(const Layer& layer, const Matrix& m, const Image& in) {
  const int windowRow = layer.kernelWidth * in.channels,
            imageRow = (in.width + 2 * in.padding) * in.channels;
  std::vector<int32_t> columns;
  if (layer.kernelHeight == 1 || windowRow == imageRow) return columns;
  columns.assign(m.column, m.column + m.rowStart[m.rows / m.blockRows]);
  for (int32_t& block : columns) {
    const int column = block * m.blockColumns;
    block = (column / windowRow * imageRow + column % windowRow) / m.blockColumns;
  }
  return columns;
}
