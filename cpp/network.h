// A stack of skimming layers, packed for reading; immutable once made, shared by threads.
//
// The same algorithm and names as reference.py: route, then update at the level chosen.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels.h"
#include "store.h"

namespace skimrnn {

// routers/ has a file for each.
enum RouterKind { kSoftmax, kSkipRnn, kSkipW, kVcrnn, kLstmJump, kLeapLstm };

struct Shape {
  CellKind kind;
  int input_size;   // E of the first layer
  int hidden_size;  // D
  int num_layers;
  int directions;
  std::vector<int> levels;  // (D, S_1, ...)
  bool full_skim_input;     // a small cell sees all of h
  bool state_router;        // the router sees [c ; h]
  RouterKind router = kSoftmax;
  int window = 0, reads = 0;   // of kSkipW: tokens of a window, and how many are read at most
  int sharpness = 0;           // of kVcrnn: λ
  int longest = 0, jumps = 0;  // of kLstmJump: the longest jump, and how many; `reads` before each
  int units = 0, ahead = 0, filters = 0;  // of kLeapLstm: its layer, its LSTM, filters of a width
};

// The parameters that a router of this kind has for each direction.
constexpr int router_parameters(RouterKind kind) { return kind == kLeapLstm ? 12 : 2; }

// How levels are chosen; decision.py says what each means.
struct Rule {
  bool argmax;
  double threshold;
  bool has_budget;
  double budget;
  double burst;
};

// One cell's parameters as torch lays them out, row-major: (G*size, inputs), (G*size, seen) and
// biases (G*size,), which may be null.
struct CellParameters {
  const float *weight_ih, *weight_hh, *bias_ih, *bias_hh;
};

// What one direction of one layer learned; a cell where S = 0, and the router of the plain RNN, are
// null. The router's are (K, E + |s|) and (K,); of kSkipRnn (1, |s|) and (1,), of kSkipW
// (window, |s|) and (window,), of kVcrnn (1, E + |s|) and (1,), of kLstmJump (longest + 1, |s|) and
// (longest + 1,), of kLeapLstm those of routers/leap_lstm.py in their order.
struct DirectionParameters {
  std::vector<CellParameters> cells;
  std::vector<const float*> router;
};

class Network {
 public:
  // Copies the parameters; `directions` are layer by layer, forward then reverse. With int8 the
  // recurrent matrices that see kInt8Columns units or more are kept in int8; |h| <= 1 is then
  // needed of the cell and of every state that is given.
  Network(Shape shape, const std::vector<DirectionParameters>& directions, const Kernels* kernels,
          bool int8);

  static constexpr int kInt8Columns = 32;

  const Shape& shape() const { return shape_; }
  const Kernels& kernels() const { return *kernels_; }

  // Where a sequence's tokens come from: vectors, or words whose input part may be in a table; and
  // the levels to take them at, each from 0 to K-1.
  struct Input {
    const float* vectors;       // (T, E); null if words are given
    const std::int32_t* words;  // (T,), rows of the embedding given to set_words
    const std::int8_t* levels;  // (layers, directions, T); null: the rule chooses
  };

  // What a reading starts from; a null pointer stands for zeros.
  struct Start {
    const float* h;             // (layers * directions, D)
    const float* c;             // likewise, LSTM alone
    const std::int64_t* reads;  // (layers * directions,): tokens at level 0 before this one
    std::int64_t tokens;        // tokens before this one
    const float* memory;        // (layers * directions, R); null: as before the first token
  };

  // What is wanted of a reading; any pointer may be null. Axes as in reference.SequenceReading.
  struct Output {
    float* output;        // (T, directions * D)
    float* h_n;           // (layers * directions, D)
    float* c_n;           // likewise, LSTM alone
    std::int8_t* level;   // (layers, directions, T)
    float* p;             // (layers, directions, T, K)
    std::int64_t* reads;  // (layers * directions,): tokens at level 0 until the end
    float* memory;        // (layers * directions, R): what the routers remember in the end
  };

  // R, the numbers that each direction's router remembers.
  int memory() const {
    if (shape_.levels.size() == 1) return 0;
    switch (shape_.router) {
      case kSkipRnn: return 1;
      case kSkipW: return shape_.window + 1;
      case kLstmJump: return 3;
      default: return 0;
    }
  }

  void read(const Input& input, int tokens, const Rule& rule, const Start& start,
            const Output& output) const;

  // What turns final hidden states into class probabilities: weight (C, directions * D), bias (C,).
  struct Head {
    const float *weight, *bias;
    int classes;
    bool sigmoid;  // each class by itself; else a softmax over all
  };

  // The head's probabilities (C,), of the last layer's final hidden states h (directions * D).
  void apply(const Head& head, const float* h, float* probabilities) const;

  // Read a text given as words and apply the head. levels as in Input; level and p as in Output,
  // both may be null.
  void classify(const std::int32_t* words, const std::int8_t* levels, int tokens, const Rule& rule,
                const Head& head, std::int8_t* level, float* p, float* probabilities) const;

  // Make the table of input parts: embedding (V, E), not copied, must live as long as this; the
  // first rows that fit into table_bytes get a table row, the others are computed when read, to the
  // same bits.
  void set_words(const float* embedding, int words, std::size_t table_bytes);

  int table_rows() const { return table_rows_; }
  std::size_t table_bytes() const { return std::size_t(table_rows_) * row_floats_ * sizeof(float); }
  int words() const { return words_; }

 private:
  // Of kLeapLstm, whose router_s is W_s. What a token says by itself is a cell's input part, one
  // after the other in a row: to the layer, to the LSTM's gates, to the filters by their places.
  struct Leap {
    Cell layer, reverse, filters;
    std::size_t reverse_at, filters_at, floats;  // where the parts begin and end
    Cell ahead;                                  // W_f, as a cell whose inputs are f
    std::vector<float> end, filters_bias;        // e and the filters' biases
    std::vector<float> out;                      // of the skip's output less the read's
    float out_bias;
  };
  struct Direction {
    std::vector<Cell> cells;           // units = 0 where the level copies
    std::vector<std::size_t> offsets;  // of each cell's part in a row; the router's comes first
    std::size_t floats;                // of a row: all cells' parts and the router's
    // The router's rows less that of level 0: a softmax is of differences, so level 0's logit is 0
    // and K - 1 products are enough. (K-1, E), (K-1,) and (K-1, c | h), whole groups of each. The
    // other routers' rows are as they were given, of kSkipRnn and kSkipW with nothing for x.
    std::vector<float> router_x, router_bias;
    float* router_s;
    Leap leap;
  };
  // reading.h
  struct Pass;
  struct Work;
  class Reading;

  Direction pack(const DirectionParameters& parameters, int inputs);
  Cell pack_cell(const CellParameters& from, CellKind kind, int units, int inputs, int seen,
                 bool int8);
  Leap pack_leap(const std::vector<const float*>& from, int inputs);
  void router_part(const Direction& direction, const float* x, int inputs, float* part) const;
  void fill_row(const Direction& direction, const float* x, int inputs, float* row) const;
  int router_rows() const;
  bool leaps() const { return shape_.router == kLeapLstm && shape_.levels.size() > 1; }
  bool router_sees_x() const { return shape_.router == kSoftmax || shape_.router == kVcrnn; }
  const float* table_row(std::int32_t word, int d) const {
    return word < table_rows_ ? table_ + word * row_floats_ + row_offsets_[d] : nullptr;
  }
  const float* vector_of(std::int32_t word) const {
    return embedding_ + std::size_t(word) * shape_.input_size;
  }
  void leap_parts(const Leap& leap, const float* x, int inputs, int rows, float* parts) const;

  Shape shape_;
  const Kernels* kernels_;
  bool int8_;
  std::vector<Direction> directions_;
  int words_ = 0, table_rows_ = 0;
  std::size_t row_floats_ = 0;
  std::vector<std::size_t> row_offsets_;  // of each direction of the first layer in a table row
  const float* embedding_ = nullptr;
  float* table_ = nullptr;
  Store store_;  // weights and the table
};

}  // namespace skimrnn
