// Where the images and sums of a classifier lie in its workspace, and how its matrices address the
// images.
#pragma once
#include <vector>

#include "classify/network.h"

struct ClassifierLayout {
  std::vector<Image> images;  // layers + 1
  size_t floats;              // of the workspace
};

// Lays out a workspace for `groups` groups and sets what it sets of the layers. Members with equal
// layers have equal layouts.
ClassifierLayout classifier_layout(std::vector<Layer>& layers, int height, int width, int channels,
                                   int groups, bool gradients);

// The block columns of a convolution's matrix, or of one of its size, which count the channels of
// its window, as they count the channels of the padded image. Empty where that is the same.
std::vector<int32_t> image_columns(const Layer& layer, const Matrix& matrix, const Image& in);
