#include "classify/engine.h"

#include "classify/layout.h"
#include "runtime/buffer.h"
#include "runtime/pool.h"

namespace {

constexpr int kLanes = 16;

// Groups of a slice, at most. More groups make the gradients of fully connected layers cheaper and
// leave fewer tasks for the threads.
constexpr int kSliceGroups = 4;

// Slices of nearly equal size: 6 groups are 3 + 3. They depend on nothing but the number of
// examples.
struct Slices {
  int examples, groups, count;
  explicit Slices(int n)
      : examples(n),
        groups((n + kLanes - 1) / kLanes),
        count((groups + kSliceGroups - 1) / kSliceGroups) {}
  int first(int slice) const { return slice == count ? examples : slice * groups / count * kLanes; }
};

// Where a slice writes its gradients: the first to where the sums will be, the others to buffers of
// their own.
struct SliceGradients {
  std::vector<float*> weights, biases;
};

SliceGradients in_buffer(const std::vector<Layer>& layers, Buffer& buffer) {
  size_t floats = 0;
  for (const Layer& layer : layers) floats += layer.learned + layer.summed;
  float* at = buffer.need(floats);
  SliceGradients part;
  for (const Layer& layer : layers) {
    part.weights.push_back(at), at += layer.learned;
    part.biases.push_back(at), at += layer.summed;
  }
  return part;
}

// Layers at the beginning that all of some members have in common, with the same arrays: what they
// give for the same examples is worked out once.
int common_layers(const ClassifierMember* members, int count) {
  const auto same = [&](const Layer& a, const Layer& b) {
    const Matrix &m = a.matrix, &n = b.matrix;
    return a.kind == b.kind && a.bias == b.bias && a.filters == b.filters && a.relu == b.relu &&
           m.values == n.values && m.column == n.column && m.rowStart == n.rowStart;
  };
  const int layers = (int)members[0].layers.size();
  for (int l = 0; l < layers; l++)
    for (int m = 1; m < count; m++)
      if (!same(members[0].layers[l], members[m].layers[l])) return l;
  return layers;
}

void add(const float* from, size_t floats, float* to) {
  for (size_t i = 0; i < floats; i++) to[i] += from[i];
}

}  // namespace

void run_classifier(const KernelTable* table, int threads, std::vector<ClassifierMember>& members,
                    const ClassifierBatch& batch, GradientsOf which) {
  const bool gradients = which != GradientsOf::kNothing, all = which == GradientsOf::kAll;
  // The buffers are shared by all JavaScript threads of the process.
  static std::mutex one;
  const std::lock_guard<std::mutex> lock(one);
  static std::vector<Buffer> workspaces, sliceBuffers;
  const Slices slices(batch.examples);
  const int count = (int)members.size(), layers = (int)members[0].layers.size();
  const size_t pixels = (size_t)batch.height * batch.width * batch.channels;
  if ((int)workspaces.size() < threads) workspaces.resize(threads);
  if ((int)sliceBuffers.size() < count * slices.count) sliceBuffers.resize(count * slices.count);

  // Members that share their work.
  const int together = gradients ? 1 : batch.shared, sets = count / together;
  std::vector<int> common;
  for (int s = 0; s < sets; s++)
    common.push_back(gradients ? 0 : common_layers(&members[s * together], together));

  std::vector<AllBlocks> everywhere;
  for (const Layer& layer : members[0].layers)
    if (all && layer.kind == kConvolution) everywhere.emplace_back(layer.matrix);
  for (ClassifierMember& member : members) {
    auto next = everywhere.begin();
    for (Layer& layer : member.layers)
      if (layer.kind == kConvolution) layer.at = all ? (next++)->matrix() : layer.matrix;
  }

  ClassifierLayout layout;
  for (ClassifierMember& member : members)
    layout = classifier_layout(member.layers, batch.height, batch.width, batch.channels,
                               kSliceGroups, gradients);
  std::vector<std::vector<int32_t>> columns;
  for (ClassifierMember& member : members)
    for (int l = 0; l < layers; l++) {
      Layer& layer = member.layers[l];
      if (layer.kind != kConvolution) continue;
      const auto address = [&](Matrix& matrix) {
        columns.push_back(image_columns(layer, matrix, layout.images[l]));
        if (!columns.back().empty()) matrix.column = columns.back().data();
      };
      address(layer.matrix);
      if (all)
        address(layer.at);
      else
        layer.at = layer.matrix;
    }

  std::vector<double> loss(count * slices.count);
  std::vector<int> correct(count * slices.count);
  std::vector<SliceGradients> parts(count * slices.count);
  pool().run(threads, sets * slices.count, [&](int task, int worker) {
    const int set = task / slices.count, s = task % slices.count, first = slices.first(s);
    std::vector<Classifier> nets;
    std::vector<ClassifierSlice> own;
    for (int m = set * together; m < (set + 1) * together; m++) {
      const size_t from = (size_t)(m / batch.shared) * batch.examples + first;
      nets.push_back({layers, members[m].layers.data(), layout.images.data()});
      own.push_back({slices.first(s + 1) - first, batch.images + from * pixels, batch.labels + from,
                     batch.scale,
                     batch.nll ? batch.nll + (size_t)m * batch.examples + first : nullptr, 0, 0});
    }
    SliceGradients& part = parts[task];
    if (gradients)
      part = s == 0 ? SliceGradients{members[set].weights, members[set].biases}
                    : in_buffer(members[set].layers, sliceBuffers[task]);
    const ClassifierGradients grad = {part.weights.data(), part.biases.data()};
    table->classifier(nets.data(), together, common[set], own.data(), gradients ? &grad : nullptr,
                      workspaces[worker].need(layout.floats));
    for (int j = 0; j < together; j++) {
      loss[(set * together + j) * slices.count + s] = own[j].loss;
      correct[(set * together + j) * slices.count + s] = own[j].correct;
    }
  });

  for (int m = 0; m < count; m++) {
    batch.loss[m] = 0;
    batch.correct[m] = 0;
    for (int s = 0; s < slices.count; s++) {
      batch.loss[m] += loss[m * slices.count + s];
      batch.correct[m] += correct[m * slices.count + s];
    }
  }
  if (!gradients || slices.count == 1) return;
  pool().run(threads, count * layers, [&](int task, int) {
    const int m = task / layers, l = task % layers;
    const Layer& layer = members[m].layers[l];
    for (int s = 1; s < slices.count; s++) {
      const SliceGradients& part = parts[m * slices.count + s];
      add(part.weights[l], layer.learned, members[m].weights[l]);
      if (layer.kind == kConvolution) add(part.biases[l], layer.summed, members[m].biases[l]);
    }
  });
}
