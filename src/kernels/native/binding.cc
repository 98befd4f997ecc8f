// N-API. src/kernels/native.ts is the only caller and has checked types and lengths.
#include <memory>

#include "binding_values.h"

namespace {

Network network_of(const Napi::Value& v) {
  const Napi::Object o = v.As<Napi::Object>();
  Network n;
  n.hidden = integer(o.Get("hidden"));
  n.projection = integer(o.Get("projection"));
  n.levels = integer(o.Get("levels"));
  const Napi::Array sparse = o.Get("sparse").As<Napi::Array>(), dense = o.Get("dense").As<Napi::Array>();
  for (uint32_t i = 0; i < kSparseCount; i++) n.sparse[i] = matrix_of(sparse[i]);
  for (uint32_t i = 0; i < kDenseCount; i++) n.dense[i] = data_of<float>(dense[i]);
  return n;
}

Napi::Value available(const Napi::CallbackInfo& info) {
  const auto tables = available_tables();
  Napi::Array names = Napi::Array::New(info.Env(), tables.size());
  for (uint32_t i = 0; i < tables.size(); i++) names[i] = Napi::String::New(info.Env(), tables[i]->name);
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
  table_of(info[0])->product_weights(&m, data_of<float>(info[2]), (size_t)m.rows * 16, data_of<float>(info[3]), (size_t)m.columns * 16, integer(info[4]),
                                     data_of<float>(info[5]));
}

Gradients gradients_of(const Napi::Value& v) {
  const Napi::Object o = v.As<Napi::Object>();
  Gradients g;
  g.gate = data_of<float>(o.Get("gate"));
  const Napi::Array sparse = o.Get("sparse").As<Napi::Array>(), dense = o.Get("dense").As<Napi::Array>();
  for (uint32_t i = 0; i < kSparseCount; i++) g.sparse[i] = data_of<float>(sparse[i]);
  for (uint32_t i = 0; i < kDenseCount; i++) g.dense[i] = data_of<float>(dense[i]);
  return g;
}

// (kernels, threads, members, batch, gradients of each member or null, loss Float64Array)
void sequence(const Napi::CallbackInfo& info) {
  const Napi::Array networks = info[2].As<Napi::Array>();
  std::vector<Network> members;
  for (uint32_t i = 0; i < networks.Length(); i++) members.push_back(network_of(networks[i]));
  const Napi::Object b = info[3].As<Napi::Object>();
  const Batch batch = {integer(b.Get("lanes")),          integer(b.Get("steps")),
                       integer(b.Get("hop")),            integer(b.Get("phase")),
                       integer(b.Get("frames")),         data_of<uint16_t>(b.Get("codes")),
                       data_of<uint16_t>(b.Get("heard")),
                       data_of<float>(b.Get("gate")),    data_of<int32_t>(b.Get("lengths")),
                       data_of<float>(b.Get("state")),   b.Get("scale").IsNumber() ? number(b.Get("scale")) : 1.f,
                       data_of<double>(info[5]),         data_of<float>(b.Get("nll")),
                       data_of<double>(b.Get("profile"))};
  std::vector<Gradients> gradients;
  if (info[4].IsObject())
    for (uint32_t i = 0; i < members.size(); i++) gradients.push_back(gradients_of(info[4].As<Napi::Array>()[i]));
  run_sequence(table_of(info[0]), integer(info[1]), members, batch, gradients.empty() ? nullptr : gradients.data());
}

// (kernels, settings, weights, gradient, first, second, average or null)
void adam(const Napi::CallbackInfo& info) {
  const Napi::Object o = info[1].As<Napi::Object>();
  const Adam a = {number(o.Get("rate")),    number(o.Get("beta1")),         number(o.Get("beta2")),      number(o.Get("epsilon")),
                  number(o.Get("gradientScale")), number(o.Get("correction2")), number(o.Get("average"))};
  table_of(info[0])->adam(&a, data_of<float>(info[2]), data_of<float>(info[3]), data_of<float>(info[4]), data_of<float>(info[5]), data_of<float>(info[6]),
                          info[2].As<Napi::TypedArray>().ElementLength());
}

// (kernels, threads, transposeA, transposeB, m, n, k, a, b, c)
void matmul(const Napi::CallbackInfo& info) {
  run_gemm(table_of(info[0]), integer(info[1]), info[2].ToBoolean(), info[3].ToBoolean(), integer(info[4]), integer(info[5]), integer(info[6]),
           data_of<float>(info[7]), data_of<float>(info[8]), data_of<float>(info[9]));
}

// A sampler owns copies of the weights, so that its work may run beside the JavaScript thread.
class Sampler : public Napi::ObjectWrap<Sampler> {
 public:
  // (kernels, network, seed low, seed high, inverse temperature, first coarse, first fine)
  explicit Sampler(const Napi::CallbackInfo& info) : Napi::ObjectWrap<Sampler>(info), table_(table_of(info[0])) {
    Network net = network_of(info[1]);
    const int H = net.hidden;
    for (Matrix& m : net.sparse) {
      const size_t blockRows = m.rows / m.blockRows, blocks = m.rowStart[blockRows];
      m.rowStart = keep(m.rowStart, blockRows + 1);
      m.column = keep(m.column, blocks);
      m.values = keep(m.values, blocks * m.blockRows * m.blockColumns);
    }
    const size_t sizes[kDenseCount] = {(size_t)9 * H, (size_t)net.projection, (size_t)net.levels, (size_t)net.projection, (size_t)net.levels};
    for (int d = 0; d < kDenseCount; d++) net.dense[d] = keep(net.dense[d], sizes[d]);
    float* columns = keep(net.dense[kInput], sizes[kInput]);
    for (int row = 0; row < 3 * H; row++)
      for (int c = 0; c < 3; c++) columns[c * 3 * H + row] = net.dense[kInput][row * 3 + c];
    const size_t scratch = table_->sampler_scratch(&net);
    state_ = {net, columns, {info[2].As<Napi::Number>().Uint32Value(), info[3].As<Napi::Number>().Uint32Value()}, 0, number(info[4]), integer(info[5]), integer(info[6]),
              keep<float>(nullptr, H), keep<float>(nullptr, scratch)};
  }

  ~Sampler() override {
    for (void* p : owned_) free_aligned(p);
  }

  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "Sampler", {InstanceMethod<&Sampler::run>("run"), InstanceMethod<&Sampler::forced>("forced")});
  }

 private:
  class Work : public Napi::AsyncWorker {
   public:
    Work(Napi::Env env, Sampler* sampler, const float* gate, int frames, int hop)
        : Napi::AsyncWorker(env), deferred(Napi::Promise::Deferred::New(env)), sampler_(sampler), hop_(hop), frames_(frames),
          gate_(gate, gate + (size_t)frames * 3 * sampler->state_.network.hidden), codes_((size_t)frames * hop) {
      sampler->Ref();
    }
    void Execute() override {
      for (int f = 0; f < frames_; f++)
        sampler_->table_->sample(&sampler_->state_, gate_.data() + (size_t)f * 3 * sampler_->state_.network.hidden, hop_, codes_.data() + (size_t)f * hop_, nullptr, nullptr);
    }
    void OnOK() override {
      sampler_->Unref();
      Napi::Uint16Array out = Napi::Uint16Array::New(Env(), codes_.size());
      memcpy(out.Data(), codes_.data(), codes_.size() * sizeof(uint16_t));
      deferred.Resolve(out);
    }
    void OnError(const Napi::Error& e) override {
      sampler_->Unref();
      deferred.Reject(e.Value());
    }
    Napi::Promise::Deferred deferred;

   private:
    Sampler* sampler_;
    int hop_, frames_;
    std::vector<float> gate_;
    std::vector<uint16_t> codes_;
  };

  // (gate [frames,3H], frames, hop) → Promise<Uint16Array [frames·hop]>
  Napi::Value run(const Napi::CallbackInfo& info) {
    Work* work = new Work(info.Env(), this, data_of<float>(info[0]), integer(info[1]), integer(info[2]));
    const Napi::Promise promise = work->deferred.Promise();
    work->Queue();
    return promise;
  }

  // (gate [frames,3H], frames, hop, codes [frames·hop], probabilities [frames·hop,2Q])
  void forced(const Napi::CallbackInfo& info) {
    const float* gate = data_of<float>(info[0]);
    const int frames = integer(info[1]), hop = integer(info[2]);
    const uint16_t* codes = data_of<uint16_t>(info[3]);
    float* probabilities = data_of<float>(info[4]);
    std::vector<uint16_t> ignored(hop);
    for (int f = 0; f < frames; f++)
      table_->sample(&state_, gate + (size_t)f * 3 * state_.network.hidden, hop, ignored.data(), codes + (size_t)f * hop,
                     probabilities + (size_t)f * hop * 2 * state_.network.levels);
  }

  template <class T>
  T* keep(const T* from, size_t count) {
    T* copy = static_cast<T*>(aligned_memory(count * sizeof(T)));
    owned_.push_back(copy);
    if (from)
      memcpy(copy, from, count * sizeof(T));
    else
      memset(copy, 0, count * sizeof(T));
    return copy;
  }

  const KernelTable* table_;
  SamplerState state_;
  std::vector<void*> owned_;
};

Napi::Object initialise(Napi::Env env, Napi::Object exports) {
  exports.Set("available", Napi::Function::New(env, available));
  exports.Set("product", Napi::Function::New(env, product));
  exports.Set("productTransposed", Napi::Function::New(env, product_transposed));
  exports.Set("productWeights", Napi::Function::New(env, product_weights));
  exports.Set("sequence", Napi::Function::New(env, sequence));
  exports.Set("adam", Napi::Function::New(env, adam));
  exports.Set("matmul", Napi::Function::New(env, matmul));
  exports.Set("classifier", Napi::Function::New(env, classifier));
  exports.Set("Sampler", Sampler::define(env));
  return exports;
}

}  // namespace

NODE_API_MODULE(kernels, initialise)
