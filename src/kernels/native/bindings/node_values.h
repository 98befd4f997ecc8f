// From JavaScript values to what the engine takes. Types and lengths were checked before, in
// src/kernels/interface/guard.ts.
#pragma once
// Whatever C++ throws, no memory above all, becomes an error in JavaScript and no end of the
// process.
#define NAPI_CPP_EXCEPTIONS
#define NODE_ADDON_API_CPP_EXCEPTIONS_ALL
#include <napi.h>

#include <stdexcept>

#include "excitation/listener.h"
#include "train/engine.h"
#include "train/structure.h"

inline const KernelTable* table_of(const Napi::Value& name) {
  for (const KernelTable* t : available_tables())
    if (name.As<Napi::String>().Utf8Value() == t->name) return t;
  throw Napi::Error::New(name.Env(), "no such instruction set");
}

template <class T>
T* data_of(const Napi::Value& v) {
  if (v.IsUndefined() || v.IsNull()) return nullptr;
  const Napi::TypedArray a = v.As<Napi::TypedArray>();
  return reinterpret_cast<T*>(static_cast<char*>(a.ArrayBuffer().Data()) + a.ByteOffset());
}

inline int integer(const Napi::Value& v) { return v.As<Napi::Number>().Int32Value(); }
inline float number(const Napi::Value& v) { return v.As<Napi::Number>().FloatValue(); }

inline size_t length_of(const Napi::Value& v) {
  return v.IsTypedArray() ? v.As<Napi::TypedArray>().ElementLength() : 0;
}

inline Hearing hearing_of(const Napi::Object& o) {
  return {integer(o.Get("cues")), integer(o.Get("order")), (int)length_of(o.Get("pitchFilter")) / 4,
          data_of<double>(o.Get("values")), data_of<double>(o.Get("pitchFilter"))};
}

inline Predictors predictors_of(const Napi::Object& o) {
  return {data_of<double>(o.Get("coefficients")), data_of<double>(o.Get("scales")),
          data_of<int32_t>(o.Get("periods")), data_of<double>(o.Get("gains"))};
}

inline Matrix matrix_of(const Napi::Value& v) {
  const Napi::Object o = v.As<Napi::Object>();
  const Napi::Value rowStart = o.Get("rowStart"), column = o.Get("column"),
                    values = o.Get("values");
  const Matrix m = {integer(o.Get("rows")),      integer(o.Get("columns")),
                    integer(o.Get("blockRows")), integer(o.Get("blockColumns")),
                    data_of<int32_t>(rowStart),  data_of<int32_t>(column),
                    data_of<float>(values)};
  // Checked at every call: JavaScript checks a matrix once, and its arrays may have changed since.
  if (!sound(m, length_of(rowStart), length_of(column), length_of(values)))
    throw std::invalid_argument(
        "a block matrix changed after it was checked: its rows of blocks or columns are out of "
        "range");
  return m;
}

// `gradients` is an array, or null where none are wanted; `all` says whether of all blocks.
inline GradientsOf gradients_wanted(const Napi::Value& gradients, const Napi::Value& all) {
  if (!gradients.IsArray()) return GradientsOf::kNothing;
  return all.ToBoolean() ? GradientsOf::kAll : GradientsOf::kStored;
}

// node_sampler.cc
void define_sampler(Napi::Env, Napi::Object exports);

// Any struct of the network's shape; `matrix` makes one of its matrices.
template <class N, class F>
N network_from(const Napi::Value& v, F matrix) {
  const Napi::Object o = v.As<Napi::Object>();
  N n;
  n.hidden = integer(o.Get("hidden"));
  n.projection = integer(o.Get("projection"));
  n.classes = integer(o.Get("classes"));
  const Napi::Array sparse = o.Get("sparse").As<Napi::Array>(),
                    dense = o.Get("dense").As<Napi::Array>();
  for (uint32_t i = 0; i < kSparseCount; i++) n.sparse[i] = matrix(sparse[i]);
  for (uint32_t i = 0; i < kDenseCount; i++) n.dense[i] = data_of<float>(dense[i]);
  n.inputs = (int)dense.Get(0u).As<Napi::TypedArray>().ElementLength() / (3 * n.hidden);
  return n;
}

// node_classifier.cc
void classifier(const Napi::CallbackInfo& info);
