// N-API. src/kernels/compiled/compiled_kernels.ts is the only caller; arguments are checked before
// it, in src/kernels/interface/guard.ts.
#include "bindings/node_values.h"
#include "evolve/engine.h"
#include "excitation/coder.h"

namespace {

Network network_of(const Napi::Value& v) { return network_from<Network>(v, matrix_of); }

Napi::Value available(const Napi::CallbackInfo& info) {
  const auto tables = available_tables();
  Napi::Array names = Napi::Array::New(info.Env(), tables.size());
  for (uint32_t i = 0; i < tables.size(); i++)
    names[i] = Napi::String::New(info.Env(), tables[i]->name);
  return names;
}

// (kernels, matrix, x [columns,16], y [rows,16])
void product(const Napi::CallbackInfo& info) {
  const Matrix m = matrix_of(info[1]);
  table_of(info[0])->product(&m, data_of<float>(info[2]), data_of<float>(info[3]));
}

void product_transposed(const Napi::CallbackInfo& info) {
  const Matrix m = matrix_of(info[1]);
  table_of(info[0])->product_transposed(&m, data_of<float>(info[2]), data_of<float>(info[3]));
}

// (kernels, matrix, dy [steps,rows,16], x [steps,columns,16], steps, dw)
void product_weights(const Napi::CallbackInfo& info) {
  const Matrix m = matrix_of(info[1]);
  table_of(info[0])->product_weights(&m, data_of<float>(info[2]), (size_t)m.rows * 16,
                                     data_of<float>(info[3]), (size_t)m.columns * 16,
                                     integer(info[4]), data_of<float>(info[5]));
}

Gradients gradients_of(const Napi::Value& v) {
  const Napi::Object o = v.As<Napi::Object>();
  Gradients g = {};
  g.gate = data_of<float>(o.Get("gate"));
  const Napi::Array sparse = o.Get("sparse").As<Napi::Array>(),
                    dense = o.Get("dense").As<Napi::Array>();
  for (uint32_t i = 0; i < kSparseCount; i++) g.sparse[i] = data_of<float>(sparse[i]);
  for (uint32_t i = 0; i < kDenseCount; i++) g.dense[i] = data_of<float>(dense[i]);
  return g;
}

// (kernels, threads, members, batch, gradients of each member or null, whether of all blocks, loss
// Float64Array)
void sequence(const Napi::CallbackInfo& info) {
  const Napi::Array networks = info[2].As<Napi::Array>();
  std::vector<Network> members;
  for (uint32_t i = 0; i < networks.Length(); i++) members.push_back(network_of(networks[i]));
  const Napi::Object b = info[3].As<Napi::Object>();
  const Batch batch = {integer(b.Get("lanes")),
                       integer(b.Get("steps")),
                       integer(b.Get("hop")),
                       integer(b.Get("phase")),
                       integer(b.Get("frames")),
                       data_of<uint16_t>(b.Get("codes")),
                       data_of<uint16_t>(b.Get("heard")),
                       data_of<float>(b.Get("cues")),
                       data_of<float>(b.Get("gate")),
                       data_of<int32_t>(b.Get("lengths")),
                       data_of<float>(b.Get("state")),
                       b.Get("scale").IsNumber() ? number(b.Get("scale")) : 1.f,
                       data_of<double>(info[6]),
                       data_of<float>(b.Get("nll")),
                       data_of<double>(b.Get("profile"))};
  const GradientsOf which = gradients_wanted(info[4], info[5]);
  std::vector<Gradients> gradients;
  for (uint32_t i = 0; which != GradientsOf::kNothing && i < members.size(); i++)
    gradients.push_back(gradients_of(info[4].As<Napi::Array>()[i]));
  run_sequence(table_of(info[0]), integer(info[1]), members, batch, which, gradients.data());
}

// (kernels, settings, weights, gradient, first, second, average or null)
void adam(const Napi::CallbackInfo& info) {
  const Napi::Object o = info[1].As<Napi::Object>();
  const Adam a = {number(o.Get("rate")),          number(o.Get("beta1")),
                  number(o.Get("beta2")),         number(o.Get("epsilon")),
                  number(o.Get("gradientScale")), number(o.Get("correction2")),
                  number(o.Get("average"))};
  table_of(info[0])->adam(&a, data_of<float>(info[2]), data_of<float>(info[3]),
                          data_of<float>(info[4]), data_of<float>(info[5]), data_of<float>(info[6]),
                          info[2].As<Napi::TypedArray>().ElementLength());
}

// [seed low, seed high, stream, first, stride]
PairNoise noise_of(const Napi::Value& v) {
  const double* n = data_of<double>(v);
  return {{(uint32_t)n[0], (uint32_t)n[1]}, (uint32_t)n[2], (uint64_t)n[3], (uint64_t)n[4]};
}

// (kernels, threads, noise, mean, sigma, scale, members)
void mirrored(const Napi::CallbackInfo& info) {
  const Napi::Array arrays = info[6].As<Napi::Array>();
  std::vector<float*> members;
  for (uint32_t i = 0; i < arrays.Length(); i++) members.push_back(data_of<float>(arrays[i]));
  run_mirrored(table_of(info[0]), integer(info[1]), noise_of(info[2]), data_of<float>(info[3]),
               data_of<float>(info[4]), number(info[5]), members, length_of(info[3]));
}

// (kernels, threads, noise, weights of the pairs, sum)
void noise_sum(const Napi::CallbackInfo& info) {
  run_noise_sum(table_of(info[0]), integer(info[1]), noise_of(info[2]), data_of<float>(info[3]),
                (int)length_of(info[3]), data_of<float>(info[4]), length_of(info[4]));
}

// (kernels, threads, transposeA, transposeB, m, n, k, a, b, c)
void matmul(const Napi::CallbackInfo& info) {
  run_gemm(table_of(info[0]), integer(info[1]), info[2].ToBoolean(), info[3].ToBoolean(),
           integer(info[4]), integer(info[5]), integer(info[6]), data_of<float>(info[7]),
           data_of<float>(info[8]), data_of<float>(info[9]));
}

// (threads, batch, seed low, seed high, codes, heard or null, cues or null)
void code_excitation(const Napi::CallbackInfo& info) {
  const Napi::Object b = info[1].As<Napi::Object>();
  Excitation e = {integer(b.Get("lanes")),   integer(b.Get("length")),
                  integer(b.Get("history")), integer(b.Get("hop")),
                  integer(b.Get("phase")),   integer(b.Get("frames")),
                  integer(b.Get("lead")),    (int)length_of(b.Get("values"))};
  e.hearing = hearing_of(b);
  e.predictors = predictors_of(b);
  e.pcm = data_of<int16_t>(b.Get("pcm"));
  e.edges = data_of<double>(b.Get("edges"));
  if (info[5].IsTypedArray()) {
    const Napi::Object noise = b.Get("noise").As<Napi::Object>();
    e.key[0] = info[2].As<Napi::Number>().Uint32Value();
    e.key[1] = info[3].As<Napi::Number>().Uint32Value();
    e.index = (uint64_t)noise.Get("index").As<Napi::Number>().DoubleValue();
    e.most = noise.Get("most").As<Napi::Number>().DoubleValue();
    e.heard = data_of<uint16_t>(info[5]);
  }
  e.codes = data_of<uint16_t>(info[4]);
  e.cues = data_of<float>(info[6]);
  code_excitation(e, integer(info[0]));
}

Napi::Object initialise(Napi::Env env, Napi::Object exports) {
  exports.Set("available", Napi::Function::New(env, available));
  exports.Set("product", Napi::Function::New(env, product));
  exports.Set("productTransposed", Napi::Function::New(env, product_transposed));
  exports.Set("productWeights", Napi::Function::New(env, product_weights));
  exports.Set("sequence", Napi::Function::New(env, sequence));
  exports.Set("adam", Napi::Function::New(env, adam));
  exports.Set("mirrored", Napi::Function::New(env, mirrored));
  exports.Set("noiseSum", Napi::Function::New(env, noise_sum));
  exports.Set("matmul", Napi::Function::New(env, matmul));
  exports.Set("codeExcitation", Napi::Function::New(env, code_excitation));
  exports.Set("classifier", Napi::Function::New(env, classifier));
  define_sampler(env, exports);
  return exports;
}

}  // namespace

NODE_API_MODULE(kernels, initialise)
