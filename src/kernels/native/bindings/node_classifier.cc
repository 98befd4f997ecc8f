#include <string>

#include "bindings/node_values.h"
#include "classify/engine.h"

namespace {

Layer layer_of(const Napi::Object& o) {
  Layer layer = {};
  const std::string kind = o.Get("kind").As<Napi::String>();
  if (kind == "pool") {
    layer.kind = o.Get("how").As<Napi::String>().Utf8Value() == "max" ? kMaxPool : kMeanPool;
    layer.kernelHeight = layer.kernelWidth = layer.stride = integer(o.Get("size"));
    return layer;
  }
  const Napi::Array kernel = o.Get("kernel").As<Napi::Array>();
  layer.kernelHeight = integer(kernel[0u]);
  layer.kernelWidth = integer(kernel[1u]);
  layer.stride = integer(o.Get("stride"));
  layer.padding = integer(o.Get("padding"));
  if (kind == "depthwise") {
    layer.kind = kDepthwise;
    layer.filters = data_of<float>(o.Get("weights"));
  } else {
    layer.kind = kConvolution;
    layer.matrix = matrix_of(o.Get("matrix"));
    layer.bias = data_of<float>(o.Get("bias"));
    layer.relu = o.Get("relu").ToBoolean();
  }
  return layer;
}

std::vector<float*> arrays_of(const Napi::Value& v) {
  const Napi::Array a = v.As<Napi::Array>();
  std::vector<float*> arrays;
  for (uint32_t i = 0; i < a.Length(); i++) arrays.push_back(data_of<float>(a[i]));
  return arrays;
}

}  // namespace

// (kernels, threads, members, batch, scale, gradients or null, whether of all blocks, loss
// Float64Array, correct Int32Array)
void classifier(const Napi::CallbackInfo& info) {
  const Napi::Array networks = info[2].As<Napi::Array>();
  const GradientsOf which = gradients_wanted(info[5], info[6]);
  std::vector<ClassifierMember> members(networks.Length());
  for (uint32_t m = 0; m < members.size(); m++) {
    const Napi::Array layers = networks.Get(m).As<Napi::Object>().Get("layers").As<Napi::Array>();
    for (uint32_t l = 0; l < layers.Length(); l++)
      members[m].layers.push_back(layer_of(layers.Get(l).As<Napi::Object>()));
    if (which == GradientsOf::kNothing) continue;
    const Napi::Object gradients = info[5].As<Napi::Object>().Get(m).As<Napi::Object>();
    members[m].weights = arrays_of(gradients.Get("weights"));
    members[m].biases = arrays_of(gradients.Get("biases"));
  }
  const Napi::Array input = networks.Get(0u).As<Napi::Object>().Get("input").As<Napi::Array>();
  const Napi::Object b = info[3].As<Napi::Object>();
  const ClassifierBatch batch = {integer(input[0u]),
                                 integer(input[1u]),
                                 integer(input[2u]),
                                 integer(b.Get("examples")),
                                 b.Get("shared").IsNumber() ? integer(b.Get("shared")) : 1,
                                 data_of<float>(b.Get("images")),
                                 data_of<uint8_t>(b.Get("labels")),
                                 number(info[4]),
                                 data_of<double>(info[7]),
                                 data_of<int32_t>(info[8]),
                                 data_of<float>(b.Get("nll"))};
  run_classifier(table_of(info[0]), integer(info[1]), members, batch, which);
}
