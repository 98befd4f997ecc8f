// What the dispatcher and the kernels say to each other about classifiers. Plain data only, as in
// kernel_table.h.
//
// 16 examples side by side are the lanes of a group: an image is [height][width][channels][16]. It
// is stored with the border of zeros that the layer which reads it wants, so a window that sticks
// out of the image needs no care, and every window begins at a whole distance from the last.
#pragma once
#include "targets/kernel_table.h"

enum LayerKind { kConvolution, kDepthwise, kMaxPool, kMeanPool };

struct Layer {
  LayerKind kind;
  int kernelHeight, kernelWidth, stride, padding;  // of a pool: size, size, size, 0
  int relu;                                        // convolution
  Matrix matrix;  // convolution; its columns count the channels of the padded image from the first
                  // of the window on, row by row
  Matrix at;      // the blocks of the matrix that have gradients: those stored, or all
  const float* bias;     // convolution [outputs]
  const float* filters;  // depthwise [kernelHeight · kernelWidth][channels]
  // Set by classifier_layout: the number of weights that have gradients, and of gradients that are
  // summed over positions lane by lane (biases of a convolution, filters of a depthwise one), with
  // the place of the sums [summed][16] in the workspace.
  size_t learned, summed, sums;
};

// What goes into a layer, or the logits. The groups of a slice share the place of an image, unless
// a fully connected layer keeps them all to form the gradient of its matrix at once: then
// `valuesStep` or `gradientStep` is the distance between them, else 0.
struct Image {
  int height, width, channels, padding;
  size_t floats;
  size_t values, valuesStep, gradient, gradientStep;
};

struct Classifier {
  int layers;
  const Layer* layer;  // [layers]
  const Image* image;  // [layers + 1]
};

// Some groups of examples of one member, one after the other. Loss and correct answers are added
// to.
struct ClassifierSlice {
  int examples;
  const float* images;    // [examples][height · width · channels]
  const uint8_t* labels;  // [examples]
  float scale;            // gradients are those of scale · (sum of nats)
  float* nll;             // [examples] out, or null: nats of each
  double loss;            // sum of nats
  int correct;
};

// An array per layer, overwritten; not looked at where a layer has none. Those of matrices are in
// the order of the blocks of `at`.
struct ClassifierGradients {
  float* const* weights;
  float* const* biases;
};
