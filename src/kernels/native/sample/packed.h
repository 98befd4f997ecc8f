// The sampler's network in the order and the form in which a step reads it, made once by pack.cc.
// Plain data only, like kernel_table.h.
//
// A slab is 16 rows of results, a tile the rows that share their columns: 16, or 8 or 4 for blocks
// of that height. R's slabs are interleaved, 16 rows of the update gate, the same 16 units of the
// reset gate, of the candidate, and so on, so that the gates can follow their products.
//
// float32 and bf16: for each column of a tile its index and `tile` weights. bf16 in tiles of 16:
// columns in pairs, the second one's weights in the upper halves of words. int8: vectors of 64
// weights. One holds 16/tile groups of `tile` rows × 4 columns, row by row; a dot-product
// instruction adds up four columns. Blocks four columns wide are a group each. Of blocks one column
// wide any four columns of a tile make a group; their activations are gathered into
// `Input::gathered` ahead of the product, by byte permutations where there are any: 64 at once, in
// a wide matrix of 16 groups of any tiles that lie close together.
#pragma once
#include <stddef.h>
#include <stdint.h>

enum Precision { kFloat32, kBf16, kInt8 };

// Copies of the state in int8.
enum Copies { kBytes = 1, kSpread = 2 };

struct PackedMatrix {
  int rows, columns, precision, tile;
  int blocks;  // int8: whether the four columns of a group are neighbours, 4·index …
  const int32_t*
      start;  // [tiles + 1]: first column of each tile (float32, bf16) or first vector (int8)
  const void* values;
  const uint16_t* index;  // float32, bf16: column; int8 blocks: column / 4; int8 gathered: where
                          // the activation is, see quantise.h
  const float* scale;     // int8: [rows], slab by slab: what a sum of products of integers is to be
                          // multiplied with
  const int32_t* correction;  // int8: [rows], slab by slab: -128 times the sum of the row's weights
  // int8 gathered by byte permutations. A vector takes its 64 activations from tables of 128 that
  // follow each other; vectors that need equally many are together.
  int tables;                  // most that a vector needs
  const int32_t* vectors;      // [tables + 1]: end of the vectors that need 0, 1, … tables
  const uint16_t* base;        // [vectors]: first column of the first table
  const uint8_t* tableColumn;  // [vectors][64]: column of each activation within its table
  const uint64_t* masks;     // of each vector, for each of its tables: which activations are there
  const uint32_t* position;  // [groups]: where the activations of a group are among the gathered;
                             // null: in order
};

// Slabs begin … end-1.
struct Slabs {
  int begin, end;
};

// What one thread reads: where several share a stream, each has a network of its own, whose
// matrices hold only the slabs that it computes, in ascending order.
struct PackedNetwork {
  int hidden, projection, classes;
  int inputs;  // columns of I*
  Slabs state[2], hiddenLayer,
      logits;  // what this thread computes: units of the coarse and of the fine half of the state,
               // of both hidden layers, of both layers of logits
  PackedMatrix sparse[5];
  const float* input;    // I* column by column, [inputs][3H]
  const float* bias[4];  // coarse hidden, coarse logits, fine hidden, fine logits
  int quantised;         // copies of the state in int8 that the matrices read, see quantise.h
};

class Listener;  // excitation/listener.h

// One utterance: all that changes from sample to sample. Threads that share it have one each; of
// these only `own` and `listener` differ.
struct Stream {
  uint32_t key[2];
  uint64_t position;  // index of the next sample
  float inverseTemperature;
  int coarse, fine;    // last symbols
  int current;         // which of the two states in `memory` is the last one
  float* memory;       // stream_bytes(network) bytes
  float* own;          // own_bytes(network) bytes that no other thread sees
  Listener* listener;  // it gives the cues; null where the network hears none
};

// Threads that compute a stream together wait at a barrier where one needs what another has
// computed: each counts its arrivals, and waits for the counts of the others. One cache line each.
struct alignas(64) Barrier {
  uint32_t arrivals;
};
struct TeamThread {
  int index, size;
  Barrier* barriers;  // [size]
  void (*yield)();    // gives the processor to whoever else wants it
};

// The parts of a step whose times are taken.
enum { kRecurrentTime, kHiddenTime, kLogitsTime, kSoftmaxTime, kTimes };

struct SamplerKernels {
  int slots;       // streams side by side
  int byteGather;  // whether the kernels gather by `tableColumn` and `masks` instead of `index`
  size_t (*stream_bytes)(const PackedNetwork*);
  size_t (*own_bytes)(const PackedNetwork*);
  // Makes `memory`, so far zeros, that of a state of zeros.
  void (*begin)(const PackedNetwork*, Stream*);
  // A frame, of which the stream's listener knows the predictor. thread == null: the stream has one
  // thread, else all of a team call at about the same time. gate
  // [3H] of the frame; codes [count] out, or null; forced != null: the symbols are taken from it,
  // nothing is drawn; probabilities [count][2Q] or null; ticks [kTimes] or null: time of each part
  // is added
  void (*sample)(const PackedNetwork*, Stream*, const TeamThread*, const float* gate, int count,
                 uint16_t* codes, const uint16_t* forced, float* probabilities, uint64_t* ticks);
  // The same, drawn only, of several streams side by side: arrays of one pointer per slot
  void (*sample_slots)(const PackedNetwork*, int slots, Stream* const* streams,
                       const float* const* gates, int count, uint16_t* const* codes);
  // y [rows] = M x [columns], as a step does it; slabs in their packed order
  size_t (*product_bytes)(const PackedMatrix*);
  void (*product)(const PackedMatrix*, const float* x, float* y, float* memory);
  // Reads and adds up: a step cannot be faster than this.
  float (*read)(const float* from, size_t count);
  // sigmoid(x) and tanh(x), count a multiple of 16
  void (*activations)(const float* x, int count, float* sigmoids, float* tangents);
};
