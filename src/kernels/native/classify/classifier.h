// A classifier on a slice of examples: loss, and gradients by back-propagation.
//
// A convolution at one output position is a product with the window that begins there. The matrix
// counts the channels of the padded image, so the window is multiplied where it lies and is never
// copied. The positions of a row are the steps of the gradient of the matrix; a fully connected
// layer has one position, and the groups of the slice are its steps.
#pragma once
#include "classify/layers.h"
#include "train/products.h"

namespace {

struct ClassifierRun {
  const Classifier& net;  // the first member's, for what all have in common
  const ClassifierGradients* grad;
  float* workspace;
  int examples;

  float* values(int image, int group) const {
    return workspace + net.image[image].values + group * net.image[image].valuesStep;
  }
  float* gradient(int image, int group) const {
    return workspace + net.image[image].gradient + group * net.image[image].gradientStep;
  }
  int groups() const { return (examples + kLanes - 1) / kLanes; }
  int lanes(int group) const {
    return examples - group * kLanes < kLanes ? examples - group * kLanes : kLanes;
  }
  bool one_position(int l) const {
    return net.image[l + 1].height == 1 && net.image[l + 1].width == 1;
  }

  void convolution(const Layer& layer, int l, const float* x, float* y) const {
    const vf least = splat(layer.relu ? 0.f : -__builtin_inff());
    with_shape(layer.matrix, [&](auto shape) {
      for_windows(layer, net.image[l], net.image[l + 1], [&](size_t window, size_t pixel) {
        product_all<decltype(shape)>(layer.matrix, x + window, y + pixel);
        for (int i = 0; i < layer.matrix.rows * kLanes; i += kWidth)
          store(y + pixel + i, maximum(least, load(y + pixel + i) + layer.bias[i / kLanes]));
      });
    });
  }

  // dy becomes the gradient before the ReLU; dx += Mᵀ dy, unless it is null. Row by row, so that a
  // row is still in the cache for all three.
  void convolution_backward(int l, const float* x, const float* y, float* dy, float* dx) const {
    const Layer& layer = net.layer[l];
    const Image &in = net.image[l], &out = net.image[l + 1];
    float* const sums = workspace + layer.sums;
    const size_t pixel = (size_t)out.channels * kLanes,
                 window = (size_t)layer.stride * in.channels * kLanes;
    with_shape(layer.matrix, [&](auto shape) {
      using S = decltype(shape);
      for (int row = 0; row < out.height; row++) {
        const size_t to = pixel_at(out, row + out.padding, out.padding),
                     from = pixel_at(in, row * layer.stride, 0);
        for (int at = 0; at < out.width; at++)
          rectified(layer, y + to + at * pixel, dy + to + at * pixel, sums);
        if (!one_position(l))
          weights_all<S>(layer.at, dy + to, pixel, x + from, window, out.width, grad->weights[l]);
        for (int at = 0; dx && at < out.width; at++)
          transposed_all<S>(layer.matrix, dy + to + at * pixel, dx + from + at * window);
      }
    });
  }

  // Of one pixel: dy is 0 where the ReLU was; sums += dy.
  void rectified(const Layer& layer, const float* y, float* dy, float* sums) const {
    for (int i = 0; i < layer.matrix.rows * kLanes; i += kWidth) {
      vf d = load(dy + i);
      if (layer.relu) store(dy + i, d = load(y + i) > vf{} ? d : vf{});
      store(sums + i, load(sums + i) + d);
    }
  }

  // The gradient of the matrix of a fully connected layer, once all groups are through.
  void fully_connected_weights(int l) const {
    const Layer& layer = net.layer[l];
    const Image& out = net.image[l + 1];
    with_shape(layer.matrix, [&](auto shape) {
      weights_all<decltype(shape)>(
          layer.at, gradient(l + 1, 0) + pixel_at(out, out.padding, out.padding), out.gradientStep,
          values(l, 0), net.image[l].valuesStep, groups(), grad->weights[l]);
    });
  }

  void read_images(const float* images, int group) const {
    const Image& first = net.image[0];
    images_to_lanes(first,
                    images + (size_t)group * kLanes * first.height * first.width * first.channels,
                    lanes(group), values(0, group));
  }

  // Layers from … to - 1 of a member.
  void forward(const Classifier& member, int from, int to, int group) const {
    for (int l = from; l < to; l++) {
      const float* x = values(l, group);
      float* y = values(l + 1, group);
      const Layer& layer = member.layer[l];
      if (layer.kind == kConvolution)
        convolution(layer, l, x, y);
      else if (layer.kind == kDepthwise)
        depthwise(layer, net.image[l], net.image[l + 1], x, y);
      else
        pool_windows(layer, net.image[l], net.image[l + 1], x, y);
    }
  }

  void backward(int group) const {
    for (int l = net.layers - 1; l >= 0; l--) {
      const Image &in = net.image[l], &out = net.image[l + 1];
      const Layer& layer = net.layer[l];
      // The gradient of the examples is not needed.
      float* const dx = l > 0 ? gradient(l, group) : nullptr;
      if (dx) memset(dx, 0, in.floats * sizeof(float));
      float* const dy = gradient(l + 1, group);
      const float *x = values(l, group), *y = values(l + 1, group);
      if (layer.kind == kConvolution)
        convolution_backward(l, x, y, dy, dx);
      else if (layer.kind == kDepthwise)
        depthwise_backward(layer, in, out, x, dy, workspace + layer.sums, dx);
      else if (dx)
        pool_windows_backward(layer, in, out, x, y, dy, dx);
    }
  }

  void clear() const {
    for (int i = 0; i <= net.layers; i++)
      if (net.image[i].padding > 0)
        for (int g = 0; g < (net.image[i].valuesStep ? groups() : 1); g++)
          memset(values(i, g), 0, net.image[i].floats * sizeof(float));
    for (int l = 0; grad && l < net.layers; l++) {
      if (net.layer[l].kind == kConvolution && net.layer[l].learned > 0)
        memset(grad->weights[l], 0, net.layer[l].learned * sizeof(float));
      memset(workspace + net.layer[l].sums, 0, net.layer[l].summed * kLanes * sizeof(float));
    }
  }

  // Members begin with `common` layers that are the same. With gradients there is one.
  void run(const Classifier* nets, int members, int common, ClassifierSlice* slices) const {
    clear();
    for (int g = 0; g < groups(); g++) {
      read_images(slices[0].images, g);
      forward(net, 0, common, g);
      for (int m = 0; m < members; m++) {
        forward(nets[m], common, net.layers, g);
        classify(net.image[net.layers], values(net.layers, g), g, lanes(g), &slices[m],
                 grad ? gradient(net.layers, g) : nullptr);
        if (grad) backward(g);
      }
    }
    for (int l = 0; grad && l < net.layers; l++) {
      if (net.layer[l].kind == kConvolution && one_position(l)) fully_connected_weights(l);
      float* const totals = net.layer[l].kind == kConvolution ? grad->biases[l] : grad->weights[l];
      for (size_t i = 0; i < net.layer[l].summed; i++) {
        const float* sums = workspace + net.layer[l].sums + i * kLanes;
        vf all = load(sums);
        UNROLL for (int p = 1; p < kParts; p++) all += load(sums + p * kWidth);
        totals[i] = sum(all);
      }
    }
  }
};

void classifier(const Classifier* nets, int members, int common, ClassifierSlice* slices,
                const ClassifierGradients* grad, float* workspace) {
  ClassifierRun{nets[0], grad, workspace, slices[0].examples}.run(nets, members, common, slices);
}

}  // namespace
