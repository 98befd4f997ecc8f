// The sampler's side of N-API. Arguments are checked before, in src/kernels/interface/guard.ts.
#include <algorithm>
#include <chrono>

#include "bindings/node_values.h"
#include "runtime/pool.h"
#include "runtime/thread_team.h"
#include "sample/pack.h"

namespace {

// Values of any precision, told by the type of the array; see src/kernels/interface/precision.ts.
SourceMatrix source_of(const Napi::Value& v) {
  const Napi::Object o = v.As<Napi::Object>();
  const Napi::Value values = o.Get("values");
  const napi_typedarray_type type = values.As<Napi::TypedArray>().TypedArrayType();
  const Matrix m = matrix_of(v);
  return {m.rows,
          m.columns,
          m.blockRows,
          m.blockColumns,
          m.rowStart,
          m.column,
          type == napi_int8_array     ? kInt8
          : type == napi_uint16_array ? kBf16
                                      : kFloat32,
          m.values,
          data_of<float>(o.Get("scale"))};
}

SourceNetwork source_network_of(const Napi::Value& v) {
  return network_from<SourceNetwork>(v, source_of);
}

struct Memory {
  explicit Memory(size_t bytes) : data(static_cast<float*>(aligned_memory(bytes))) {
    memset(data, 0, bytes);
  }
  ~Memory() { free_aligned(data); }
  float* const data;
};

// The listener of a stream; none where the network hears no cues.
class Ears {
 public:
  Ears() = default;
  explicit Ears(const Napi::Value& v) {
    if (!v.IsObject()) return;
    const Napi::Object o = v.As<Napi::Object>();
    Hearing hearing = hearing_of(o);
    const size_t codes = length_of(o.Get("values"));
    // Arrays of its own.
    tables_ = std::make_shared<std::vector<double>>(hearing.values, hearing.values + codes);
    tables_->insert(tables_->end(), hearing.pitchFilter,
                    hearing.pitchFilter + length_of(o.Get("pitchFilter")));
    hearing.values = tables_->data();
    hearing.pitchFilter = tables_->data() + codes;
    hearing_ = hearing;
    listener = {new_listener(hearing), delete_listener};
  }
  // Another one for the same voice.
  Ears another() const {
    Ears other = *this;
    if (listener) other.listener = {new_listener(hearing_), delete_listener};
    return other;
  }
  std::shared_ptr<Listener> listener;

 private:
  std::shared_ptr<std::vector<double>> tables_;
  Hearing hearing_ = {};
};

// The predictors of some frames, or none.
class FramePredictors {
 public:
  explicit FramePredictors(const Napi::Value& v) {
    if (!v.IsObject()) return;
    const Napi::Object o = v.As<Napi::Object>();
    const Predictors p = predictors_of(o);
    const size_t frames = length_of(o.Get("scales"));
    coefficients_.assign(p.coefficients, p.coefficients + length_of(o.Get("coefficients")));
    scales_.assign(p.scales, p.scales + frames);
    periods_.assign(p.periods, p.periods + frames);
    gains_.assign(p.gains, p.gains + frames);
  }
  // A stream comes to a frame.
  void enter(const Stream& stream, int frame) const {
    if (stream.listener)
      listener_frame(stream.listener,
                     {coefficients_.data(), scales_.data(), periods_.data(), gains_.data()}, frame);
  }

 private:
  std::vector<double> coefficients_, scales_, gains_;
  std::vector<int32_t> periods_;
};

// A stream from its beginning; from argument `at` on: seed low, seed high, inverse temperature,
// first coarse, first fine.
Stream stream_of(const Napi::CallbackInfo& info, size_t at, const Memory& memory, const Memory& own,
                 const Ears& ears) {
  return {
      {info[at].As<Napi::Number>().Uint32Value(), info[at + 1].As<Napi::Number>().Uint32Value()},
      0,
      number(info[at + 2]),
      integer(info[at + 3]),
      integer(info[at + 4]),
      0,
      memory.data,
      own.data,
      ears.listener.get()};
}

// One of the threads that compute a stream, or the only one: its slabs of the network, and its view
// of the stream.
struct Worker {
  Worker(const SourceNetwork& network, const SamplerKernels* kernels, int index, int size,
         Barrier* barriers)
      : packed(pack_network(network, kernels, index, size)),
        own(kernels->own_bytes(&packed->network)),
        thread{index, size, barriers, std::this_thread::yield} {}

  std::unique_ptr<Packed> packed;
  Memory own;
  Ears ears;
  Stream stream;
  TeamThread thread;
};

// A sampler owns copies of the weights, so that its work may run beside the JavaScript thread.
// Where several threads are allowed, it finds out as it goes whether they are faster than one: that
// depends on the network, on how near to each other the cores are, and on what else they do.
class Sampler : public Napi::ObjectWrap<Sampler> {
 public:
  // (kernels, network, threads, seed low, seed high, inverse temperature, first coarse, first fine,
  // hearing or undefined)
  explicit Sampler(const Napi::CallbackInfo& info)
      : Napi::ObjectWrap<Sampler>(info),
        kernels_(table_of(info[0])->sampler),
        places_(integer(info[2]) * sizeof(Barrier)),
        alone_(source_network_of(info[1]), kernels_, 0, 1, nullptr),
        shared_(kernels_->stream_bytes(&network())) {
    const SourceNetwork source = source_network_of(info[1]);
    const int threads = integer(info[2]);
    alone_.ears = Ears(info[8]);
    for (int i = 0; threads > 1 && i < threads; i++) {
      team_.push_back(std::make_unique<Worker>(source, kernels_, i, threads,
                                               reinterpret_cast<Barrier*>(places_.data)));
      team_.back()->ears = alone_.ears.another();
    }
    alone_.stream = stream_of(info, 3, shared_, alone_.own, alone_.ears);
    kernels_->begin(&network(), &alone_.stream);
  }

  static Napi::Function define(Napi::Env env) {
    return DefineClass(
        env, "Sampler",
        {InstanceMethod<&Sampler::run>("run"), InstanceMethod<&Sampler::forced>("forced"),
         InstanceMethod<&Sampler::timed>("timed")});
  }

 private:
  const PackedNetwork& network() const { return alone_.packed->network; }

  // Frames of a call; all but the gates may be null.
  struct Frames {
    const float* gate;
    const FramePredictors* predictors;
    int first;  // of the frames that the predictors are for
    int hop;
    uint16_t* codes;
    const uint16_t* forced;
    float* probabilities;
    uint64_t* ticks;

    Frames from(int frame, int hidden, int classes) const {
      const size_t at = (size_t)frame * hop;
      return {gate + (size_t)frame * 3 * hidden,
              predictors,
              first + frame,
              hop,
              codes ? codes + at : nullptr,
              forced ? forced + at : nullptr,
              probabilities ? probabilities + at * 2 * classes : nullptr,
              ticks};
    }
  };

  void sample(Worker& worker, const TeamThread* thread, const Frames& all, int frames) {
    for (int f = 0; f < frames; f++) {
      const Frames now = all.from(f, network().hidden, network().classes);
      now.predictors->enter(worker.stream, now.first);
      kernels_->sample(&worker.packed->network, &worker.stream, thread, now.gate, now.hop,
                       now.codes, now.forced, now.probabilities, now.ticks);
    }
  }

  // False if there are no threads.
  bool sample_together(const Frames& all, int frames) {
    for (auto& worker : team_) {
      worker->stream = alone_.stream;
      worker->stream.own = worker->own.data;
      hand_over(worker->ears, alone_.ears, worker->stream);
    }
    if (!run_team((int)team_.size(), [&](int i) {
          sample(*team_[i], &team_[i]->thread,
                 i == 0 ? all
                        : Frames{all.gate, all.predictors, all.first, all.hop, nullptr, all.forced,
                                 nullptr, nullptr},
                 frames);
        }))
      return false;
    float* const own = alone_.stream.own;
    alone_.stream = team_[0]->stream;
    alone_.stream.own = own;
    hand_over(alone_.ears, team_[0]->ears, alone_.stream);
    return true;
  }

  // What one listener has heard, another goes on with.
  static void hand_over(const Ears& to, const Ears& from, Stream& stream) {
    stream.listener = to.listener.get();
    if (stream.listener) copy_listener(stream.listener, from.listener.get());
  }

  // Turns of some frames, by one thread or by all, whichever was faster of late; the other way is
  // tried now and then.
  void sample(const Frames& all, int frames) {
    constexpr int kTurn = 8, kTry = 32;
    for (int f = 0; f < frames;) {
      const int faster = seconds_[1] < seconds_[0];
      const bool trial = turn_++ % kTry < 2;
      const int way = team_.empty() ? 0 : trial ? turn_ % 2 : faster;
      const int count = std::min(frames - f, team_.empty() ? frames : trial ? 1 : kTurn);
      const Frames now = all.from(f, network().hidden, network().classes);
      const auto begun = std::chrono::steady_clock::now();
      if (way == 0) {
        sample(alone_, nullptr, now, count);
      } else if (!sample_together(now, count)) {
        team_.clear();
        continue;
      }
      seconds_[way] =
          std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count() / count;
      f += count;
    }
  }

  class Work : public Napi::AsyncWorker {
   public:
    Work(Napi::Env env, Sampler* sampler, const float* gate, int frames, int hop,
         const Napi::Value& predictors)
        : Napi::AsyncWorker(env),
          deferred(Napi::Promise::Deferred::New(env)),
          sampler_(sampler),
          hop_(hop),
          frames_(frames),
          gate_(gate, gate + (size_t)frames * 3 * sampler->network().hidden),
          predictors_(predictors),
          codes_((size_t)frames * hop) {
      sampler->Ref();
    }
    void Execute() override {
      sampler_->sample(
          {gate_.data(), &predictors_, 0, hop_, codes_.data(), nullptr, nullptr, nullptr}, frames_);
    }
    void OnOK() override {
      sampler_->Unref();
      Napi::Uint16Array out = Napi::Uint16Array::New(Env(), codes_.size());
      if (!codes_.empty()) memcpy(out.Data(), codes_.data(), codes_.size() * sizeof(uint16_t));
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
    FramePredictors predictors_;
    std::vector<uint16_t> codes_;
  };

  // (gate [frames,3H], frames, hop, predictors or undefined) → Promise<Uint16Array [frames·hop]>
  Napi::Value run(const Napi::CallbackInfo& info) {
    Work* work = new Work(info.Env(), this, data_of<float>(info[0]), integer(info[1]),
                          integer(info[2]), info[3]);
    const Napi::Promise promise = work->deferred.Promise();
    work->Queue();
    return promise;
  }

  // (gate [frames,3H], frames, hop, codes [frames·hop], probabilities [frames·hop,2Q], predictors
  // or undefined)
  void forced(const Napi::CallbackInfo& info) {
    const int frames = integer(info[1]), hop = integer(info[2]);
    const FramePredictors predictors(info[5]);
    sample({data_of<float>(info[0]), &predictors, 0, hop, nullptr, data_of<uint16_t>(info[3]),
            data_of<float>(info[4]), nullptr},
           frames);
  }

  // (gate [frames,3H], frames, hop, parts, predictors or undefined) → seconds, and if asked the
  // share of each part, in the order of packed.h
  Napi::Value timed(const Napi::CallbackInfo& info) {
    const int frames = integer(info[1]), hop = integer(info[2]);
    const bool parts = info[3].ToBoolean();
    const FramePredictors predictors(info[4]);
    std::vector<uint16_t> codes((size_t)frames * hop);
    uint64_t ticks[kTimes] = {0}, all = 0;
    const auto begun = std::chrono::steady_clock::now();
    sample({data_of<float>(info[0]), &predictors, 0, hop, codes.data(), nullptr, nullptr,
            parts ? ticks : nullptr},
           frames);
    const double seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
    for (uint64_t t : ticks) all += t;
    Napi::Array result = Napi::Array::New(info.Env());
    result[0u] = Napi::Number::New(info.Env(), seconds);
    for (uint32_t i = 0; parts && i < kTimes; i++)
      result[i + 1] = Napi::Number::New(info.Env(), all ? (double)ticks[i] / all : 0);
    return result;
  }

  const SamplerKernels* kernels_;
  const Memory places_;
  Worker alone_;
  std::vector<std::unique_ptr<Worker>> team_;  // empty for one thread
  const Memory shared_;
  double seconds_[2] = {0, 0};  // of a frame, alone and together
  unsigned turn_ = 0;
};

// Seconds of the fastest of several repetitions: nothing else was running then.
template <class F>
double fastest(int repetitions, F work) {
  double best = 1e9;
  for (int i = 0; i < repetitions; i++) {
    const auto begun = std::chrono::steady_clock::now();
    work();
    best = std::min(
        best, std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count());
  }
  return best;
}

// Streams side by side that share their weights. Which thread takes which does not matter to what
// they draw.
class SamplerGroup : public Napi::ObjectWrap<SamplerGroup> {
 public:
  // (kernels, network, slots)
  explicit SamplerGroup(const Napi::CallbackInfo& info)
      : Napi::ObjectWrap<SamplerGroup>(info),
        kernels_(table_of(info[0])->sampler),
        packed_(pack_network(source_network_of(info[1]), kernels_)),
        ears_(integer(info[2])),
        streams_(integer(info[2])) {
    for (size_t i = 0; i < streams_.size(); i++) {
      memories_.push_back(std::make_unique<Memory>(kernels_->stream_bytes(&packed_->network)));
      own_.push_back(std::make_unique<Memory>(kernels_->own_bytes(&packed_->network)));
    }
  }

  static Napi::Function define(Napi::Env env) {
    return DefineClass(
        env, "SamplerGroup",
        {InstanceMethod<&SamplerGroup::begin>("begin"), InstanceMethod<&SamplerGroup::run>("run")});
  }

 private:
  // One slot's part of a call.
  struct Part {
    uint32_t position;  // among the parts of the call
    int slot, frames;
    std::vector<float> gate;
    FramePredictors predictors;
    std::vector<uint16_t> codes;
  };

  // (slot, seed low, seed high, inverse temperature, first coarse, first fine, hearing or
  // undefined)
  void begin(const Napi::CallbackInfo& info) {
    const int slot = integer(info[0]);
    memset(memories_[slot]->data, 0, kernels_->stream_bytes(&packed_->network));
    ears_[slot] = Ears(info[6]);
    streams_[slot] = stream_of(info, 1, *memories_[slot], *own_[slot], ears_[slot]);
    kernels_->begin(&packed_->network, &streams_[slot]);
  }

  // Parts `first` to `end`, those with the most frames first.
  void sample(std::vector<Part>& parts, size_t first, size_t end, int hop) {
    std::vector<Stream*> streams(end - first);
    std::vector<const float*> gates(end - first);
    std::vector<uint16_t*> codes(end - first);
    for (int f = 0; f < parts[first].frames; f++) {
      int active = 0;
      for (size_t i = first; i < end && parts[i].frames > f; i++, active++) {
        streams[active] = &streams_[parts[i].slot];
        parts[i].predictors.enter(*streams[active], f);
        gates[active] = parts[i].gate.data() + (size_t)f * 3 * packed_->network.hidden;
        codes[active] = parts[i].codes.data() + (size_t)f * hop;
      }
      kernels_->sample_slots(&packed_->network, active, streams.data(), gates.data(), hop,
                             codes.data());
    }
  }

  class Work : public Napi::AsyncWorker {
   public:
    Work(Napi::Env env, SamplerGroup* group, std::vector<Part>&& parts, int hop, int threads)
        : Napi::AsyncWorker(env),
          deferred(Napi::Promise::Deferred::New(env)),
          group_(group),
          parts_(std::move(parts)),
          hop_(hop),
          threads_(threads) {
      group->Ref();
    }
    void Execute() override {
      std::sort(parts_.begin(), parts_.end(),
                [](const Part& a, const Part& b) { return a.frames > b.frames; });
      const size_t slots = group_->kernels_->slots;
      pool().run(threads_, (int)((parts_.size() + slots - 1) / slots), [&](int task, int) {
        group_->sample(parts_, task * slots, std::min(parts_.size(), (task + 1) * slots), hop_);
      });
    }
    void OnOK() override {
      group_->Unref();
      Napi::Array all = Napi::Array::New(Env(), parts_.size());
      for (const Part& part : parts_) {
        Napi::Uint16Array out = Napi::Uint16Array::New(Env(), part.codes.size());
        if (!part.codes.empty())
          memcpy(out.Data(), part.codes.data(), part.codes.size() * sizeof(uint16_t));
        all[part.position] = out;
      }
      deferred.Resolve(all);
    }
    void OnError(const Napi::Error& e) override {
      group_->Unref();
      deferred.Reject(e.Value());
    }
    Napi::Promise::Deferred deferred;

   private:
    SamplerGroup* group_;
    std::vector<Part> parts_;
    int hop_, threads_;
  };

  // (parts {slot, gate [frames,3H], frames, predictors or undefined}, hop, threads) →
  // Promise<Uint16Array [frames·hop] of each part>
  Napi::Value run(const Napi::CallbackInfo& info) {
    const Napi::Array given = info[0].As<Napi::Array>();
    const int hop = integer(info[1]);
    std::vector<Part> parts;
    for (uint32_t i = 0; i < given.Length(); i++) {
      const Napi::Object o = given.Get(i).As<Napi::Object>();
      const int frames = integer(o.Get("frames"));
      const float* gate = data_of<float>(o.Get("gate"));
      parts.push_back(
          {i, integer(o.Get("slot")), frames,
           std::vector<float>(gate, gate + (size_t)frames * 3 * packed_->network.hidden),
           FramePredictors(o.Get("predictors")), std::vector<uint16_t>((size_t)frames * hop)});
    }
    Work* work = new Work(info.Env(), this, std::move(parts), hop, integer(info[2]));
    const Napi::Promise promise = work->deferred.Promise();
    work->Queue();
    return promise;
  }

  const SamplerKernels* kernels_;
  const std::unique_ptr<Packed> packed_;
  std::vector<std::unique_ptr<Memory>> memories_, own_;
  std::vector<Ears> ears_;
  std::vector<Stream> streams_;
};

struct PackedAlone {
  PackedAlone(const Napi::Value& matrix, const SamplerKernels* kernels) {
    const SourceMatrix m = source_of(matrix);
    pack_matrix(m, rows_of({0, m.rows / 16}), kernels, &packed, &arena);
    arena.close();
  }
  PackedMatrix packed;
  Arena arena;
};

// (kernels, matrix, x [columns], y [rows], repetitions) → seconds of the fastest
Napi::Value sampler_product(const Napi::CallbackInfo& info) {
  const SamplerKernels* kernels = table_of(info[0])->sampler;
  const PackedAlone matrix(info[1], kernels);
  const Memory memory(kernels->product_bytes(&matrix.packed));
  const float* x = data_of<float>(info[2]);
  float* y = data_of<float>(info[3]);
  const double best =
      fastest(integer(info[4]), [&] { kernels->product(&matrix.packed, x, y, memory.data); });
  return Napi::Number::New(info.Env(), best);
}

// (kernels, floats, repetitions) → seconds of the fastest
Napi::Value read_seconds(const Napi::CallbackInfo& info) {
  const SamplerKernels* kernels = table_of(info[0])->sampler;
  const int count = integer(info[1]), repetitions = integer(info[2]);
  const Memory memory((size_t)count * sizeof(float));
  volatile float result;
  const double best = fastest(repetitions, [&] { result = kernels->read(memory.data, count); });
  (void)result;
  return Napi::Number::New(info.Env(), best);
}

// (kernels, x [count], sigmoids [count], tangents [count])
void activations(const Napi::CallbackInfo& info) {
  table_of(info[0])->sampler->activations(data_of<float>(info[1]),
                                          (int)info[1].As<Napi::TypedArray>().ElementLength(),
                                          data_of<float>(info[2]), data_of<float>(info[3]));
}

}  // namespace

void define_sampler(Napi::Env env, Napi::Object exports) {
  exports.Set("Sampler", Sampler::define(env));
  exports.Set("SamplerGroup", SamplerGroup::define(env));
  exports.Set("samplerProduct", Napi::Function::New(env, sampler_product));
  exports.Set("readSeconds", Napi::Function::New(env, read_seconds));
  exports.Set("activations", Napi::Function::New(env, activations));
}
