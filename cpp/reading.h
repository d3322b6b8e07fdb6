// One direction of one layer over one text: of each token route, choose, update.
//
// The same algorithm and names as reference.py.
#pragma once

#include <cstdint>
#include <iterator>
#include <utility>
#include <vector>

#include "buffer.h"
#include "network.h"

namespace skimrnn {

// Of vectors, a cell's input parts are made for so many tokens at once, as long as the last ones
// needed enough of them: half, where kernels make several together, for those cost about half.
constexpr int kChunk = 24;

// Rows are fetched so many tokens before they are needed: longer than memory takes to answer while
// words are skimmed, at some twenty nanoseconds each.
constexpr int kAhead = 4;

inline void prefetch(const float* p, std::size_t floats) {
  constexpr std::size_t kLine = kAlignment / sizeof(float);
  for (std::size_t i = 0; i < floats; i += kLine) __builtin_prefetch(p + i);
}

// What is read, from where, and where to.
struct Network::Pass {
  const Direction& direction;
  int layer, d, inputs, tokens;
  const float* x;             // (T, inputs), or null
  const std::int32_t* words;  // (T,), or null
  const std::int8_t* levels;  // (T,), to take; null: the rule chooses
  const Rule& rule;
  const Start& start;
  float* outputs;  // (T, directions * D), or null
  const Output& output;
};

// What a level's cell is needed for.
struct Demand {
  int taken;      // so many of the chunk's tokens took it
  bool together;  // its input parts are made for the whole chunk
};

// The buffers of one call; nothing is allocated per token.
struct Network::Work {
  Buffer<float> made;       // (kChunk, row_floats), or one row: input parts computed on the fly
  Buffer<float> block;      // the others
  float *c, *h[2];          // padded(D) each; h moves from one to the other when a token is read
  float* tails;             // (rows, kGroup): the router's sums over the units that no skim changes
  float* sums;              // (rows,): of kLeapLstm, those over all units
  float* p;                 // (K,)
  float* room;              // 2 * padded(D) bytes
  float* memory;            // (R,)
  Buffer<float> joined;     // (T, padded(units)): of kLeapLstm, its layer without the state's part
  Buffer<float> layers[2];  // outputs of the layer before and of this one
  std::vector<Demand> demands;               // (K,)
  std::vector<std::pair<float, int>> ranks;  // (window,): logits and which token's each is

  Work(const Shape& shape, int router_rows, int remembered, std::size_t row_floats, int rows)
      : made(rows * row_floats, Unset()), demands(shape.levels.size()), ranks(shape.window) {
    const std::size_t units = padded(shape.hidden_size), levels = shape.levels.size();
    const std::size_t sizes[] = {units,
                                 units,
                                 units,
                                 std::size_t(router_rows) * kGroup,
                                 std::size_t(router_rows),
                                 std::size_t(padded(int(levels))),
                                 units / 2,
                                 std::size_t(remembered)};
    std::size_t total = 0;
    for (std::size_t size : sizes) total += padded(int(size));
    block = Buffer<float>(total);
    float* next = block.get();
    float** parts[] = {&c, &h[0], &h[1], &tails, &sums, &p, &room, &memory};
    for (std::size_t i = 0; i < std::size(parts); ++i) {
      *parts[i] = next;
      next += padded(int(sizes[i]));
    }
  }
};

class Network::Reading {
 public:
  Reading(const Network& network, const Pass& pass, Work& work);

  void run();

 private:
  struct Token {
    int n, t;          // its place in reading order, from 1, and in the text, from 0
    const float* row;  // of the table; null if it has none
    const float* x;    // (inputs,)
    float* own;        // a row to make what the table lacks
  };

  void begin();
  void finish();
  Token take(int n);
  void make_chunk(int first, int size);
  void route(const Token& token);
  int choose(const Token& token);
  void update(const Token& token, int level);
  void put(const Token& token, int level);

  void logits(const Token& token);

  // What a row of the router makes of the state.
  float state_sum(int row) {
    return kernels_.router_sum(router_row(row), router_c_, h_, moving_, units_,
                               work_.tails + row * kGroup, !tails_stand_);
  }
  RouterRow router_row(int row) const {
    const float* weights = direction_.router_s + row * router_units_;
    return {weights, weights + router_units_ - units_};
  }

  // In routers.cc, what the routers other than the softmax make of their sums.
  float score(int row);
  void save_up();
  void share_out();
  void rank();
  void rank_window();
  void jump();
  void choose_jump();
  void look_ahead();
  void leap(const Token& token);

  const Network& network_;
  const Shape& shape_;
  const Kernels& kernels_;
  const Pass& pass_;
  const Direction& direction_;
  Work& work_;
  const int index_;  // of the direction, among those of all layers
  const int count_;  // K
  const int units_;  // padded(D)
  const int router_rows_;
  const std::size_t router_units_;  // of one of its rows
  // A skim changes units before `moving_` alone, so the router's sum over the others stands until
  // the next token that is read.
  const int moving_;
  const bool limits_;  // whether a budget does
  float *c_, *h_, *h_new_, *p_;
  const float* router_c_;  // null where the router does not see c
  // Of kSkipRnn what has been saved up; of kSkipW a ring that turns, `next_` is this token's score;
  // of kLstmJump the tokens to read and, before them, to skip until a jump, and the jumps left.
  float* memory_;
  int next_ = 0;
  std::int64_t reads_;
  bool tails_stand_ = false, sums_stand_ = false;
};

}  // namespace skimrnn
