#include "reading.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "activations.h"

namespace skimrnn {

Network::Reading::Reading(const Network& network, const Pass& pass, Work& work)
    : network_(network),
      shape_(network.shape_),
      kernels_(*network.kernels_),
      pass_(pass),
      direction_(pass.direction),
      work_(work),
      index_(pass.layer * shape_.directions + pass.d),
      count_(int(shape_.levels.size())),
      units_(padded(shape_.hidden_size)),
      router_rows_(network.router_rows()),
      router_units_(std::size_t(units_) * (shape_.state_router ? 2 : 1)),
      moving_(count_ > 1 ? padded(shape_.levels[1]) : 0),
      limits_(pass.rule.has_budget && !pass.levels),
      c_(work.c),
      h_(work.h[0]),
      h_new_(work.h[1]),
      p_(work.p),
      router_c_(shape_.state_router ? c_ : nullptr),
      memory_(work.memory),
      reads_(pass.start.reads ? pass.start.reads[index_] : 0) {}

void Network::Reading::run() {
  begin();
  for (int n = 1; n <= pass_.tokens; ++n) {
    const Token token = take(n);
    int level = 0;
    if (count_ > 1) {
      route(token);
      level = choose(token);
    }
    update(token, level);
    put(token, level);
  }
  finish();
}

void Network::Reading::begin() {
  const Start& start = pass_.start;
  const std::size_t hidden = shape_.hidden_size;
  for (float* part : {c_, h_, h_new_}) std::memset(part, 0, units_ * sizeof(float));
  if (start.h) std::memcpy(h_, start.h + index_ * hidden, hidden * sizeof(float));
  if (shape_.kind == kLstm && start.c)
    std::memcpy(c_, start.c + index_ * hidden, hidden * sizeof(float));
  const int numbers = network_.memory();
  if (start.memory)
    std::copy_n(start.memory + std::size_t(index_) * numbers, numbers, memory_);
  else if (shape_.router == kLstmJump && numbers)
    memory_[0] = shape_.reads, memory_[1] = 0, memory_[2] = shape_.jumps;
  else if (numbers)
    memory_[0] = shape_.router == kSkipRnn ? 1 : -1;
  p_[0] = 1;  // and stays so of a plain RNN
  // Before the first chunk it is as if one before it had been skimmed.
  for (int level = 0; level < count_; ++level)
    work_.demands[level] = {level || count_ == 1 ? kChunk : 0, false};
  if (network_.leaps()) look_ahead();
}

void Network::Reading::finish() {
  const Output& output = pass_.output;
  const std::size_t hidden = shape_.hidden_size;
  if (output.h_n) std::memcpy(output.h_n + index_ * hidden, h_, hidden * sizeof(float));
  if (shape_.kind == kLstm && output.c_n)
    std::memcpy(output.c_n + index_ * hidden, c_, hidden * sizeof(float));
  if (output.reads) output.reads[index_] = reads_;
  const int numbers = network_.memory();
  if (output.memory)
    std::rotate_copy(memory_, memory_ + next_, memory_ + numbers,
                     output.memory + std::size_t(index_) * numbers);
}

// The n-th token in reading order; the row of a later one is on its way by then.
inline Network::Reading::Token Network::Reading::take(int n) {
  const int t = pass_.d ? pass_.tokens - n : n - 1;
  float* own = work_.made.get();
  if (!pass_.words) {
    const int at = (n - 1) % kChunk, size = std::min(kChunk, pass_.tokens - n + 1 + at);
    if (at == 0) make_chunk(pass_.d ? t - size + 1 : t, size);
    own += std::size_t(pass_.d ? size - 1 - at : at) * direction_.floats;
    return {n, t, nullptr, pass_.x + std::size_t(t) * pass_.inputs, own};
  }
  if (n + kAhead <= pass_.tokens) {
    const std::int32_t later = pass_.words[t + (pass_.d ? -kAhead : kAhead)];
    const std::size_t looked_at = network_.leaps() ? direction_.leap.floats : 0;  // before
    if (const float* row = network_.table_row(later, pass_.d))
      prefetch(row + looked_at, direction_.offsets[0] - looked_at);
  }
  const std::int32_t word = pass_.words[t];
  return {n, t, network_.table_row(word, pass_.d), network_.vector_of(word), own};
}

// The input parts of so many vectors, of each cell that enough of the last ones were taken at.
void Network::Reading::make_chunk(int first, int size) {
  const InputParts input_parts = kernels_.input_parts[shape_.kind];
  for (int level = 0; level < count_; ++level) {
    Demand& demand = work_.demands[level];
    demand = {0, demand.taken >= (kernels_.together ? kChunk / 2 : kChunk)};
    if (demand.together && direction_.cells[level].units)
      input_parts(direction_.cells[level], pass_.x + std::size_t(first) * pass_.inputs,
                  pass_.inputs, size, work_.made.get() + direction_.offsets[level],
                  direction_.floats);
  }
}

inline void Network::Reading::route(const Token& token) {
  switch (shape_.router) {
    case kSoftmax:
      logits(token);
      softmax(p_, count_);
      break;
    case kSkipRnn:
      logits(token);
      save_up();
      break;
    case kVcrnn:
      logits(token);
      share_out();
      break;
    case kSkipW: rank(); break;
    case kLstmJump: jump(); break;
    case kLeapLstm: leap(token); break;
  }
}

// Each level's logit, into p: of level 0 nothing, for the rows have its own taken off.
inline void Network::Reading::logits(const Token& token) {
  const float* part = token.row;
  if (!network_.router_sees_x()) {
    part = direction_.router_bias.data();
  } else if (!part) {
    network_.router_part(direction_, token.x, pass_.inputs, token.own);
    part = token.own;
  }
  p_[0] = 0;
  for (int k = 0; k < router_rows_; ++k) p_[k + 1] = part[k] + state_sum(k);
  tails_stand_ = true;
}

namespace {

int choose_level(const float* p, int count, const Rule& rule) {
  const int last = count - 1;
  if (rule.argmax) {
    int best = last;
    for (int level = last; level >= 0; --level)
      if (p[level] > p[best]) best = level;
    return best;
  }
  if (rule.threshold >= 1) return 0;
  if (rule.threshold < 0) return last;
  const float limit = float(rule.threshold);
  float total = 0;
  for (int level = last; level > 0; --level) {
    total += p[level];
    if (total > limit) return level;
  }
  return 0;
}

}  // namespace

// The level to take the token at, which is counted and remembered.
inline int Network::Reading::choose(const Token& token) {
  int level = pass_.levels ? pass_.levels[token.t] : choose_level(p_, count_, pass_.rule);
  if (level == 0) {
    // Two roundings, as in the reference: this file is compiled without contraction.
    const double ceiling =
        pass_.rule.burst + pass_.rule.budget * double(pass_.start.tokens + token.n);
    if (limits_ && double(reads_ + 1) > ceiling)
      level = 1;
    else
      ++reads_;
  }
  if (shape_.router == kSkipRnn) memory_[0] = level ? p_[0] : 0;
  return level;
}

// The state after the token; a level without units leaves it as it is.
inline void Network::Reading::update(const Token& token, int level) {
  const Cell& cell = direction_.cells[level];
  if (!cell.units) return;
  const std::size_t offset = direction_.offsets[level];
  const float* part = token.row ? token.row + offset : token.own + offset;
  if (token.row) {
    if (level == 0) prefetch(part, direction_.floats - offset);
  } else {
    ++work_.demands[level].taken;
    if (pass_.words || !work_.demands[level].together)
      kernels_.input_parts[shape_.kind](cell, token.x, 0, 1, token.own + offset, 0);
  }
  const Step step = (cell.hh8.data ? kernels_.step_int8 : kernels_.step)[shape_.kind];
  if (level && cell.units <= kGroup) {
    step(cell, part, h_, h_, c_, h_, work_.room, false);
  } else {
    step(cell, part, h_, h_, c_, h_new_, work_.room, token.n % 2);
    if (level)
      std::memcpy(h_, h_new_, padded(cell.units) * sizeof(float));
    else
      std::swap(h_, h_new_);
  }
  if (level == 0) tails_stand_ = false;
  sums_stand_ = false;
}

// What is wanted of the token.
inline void Network::Reading::put(const Token& token, int level) {
  const std::size_t hidden = shape_.hidden_size, width = shape_.directions * hidden;
  if (pass_.outputs)
    std::memcpy(pass_.outputs + token.t * width + pass_.d * hidden, h_, hidden * sizeof(float));
  const std::size_t at = std::size_t(index_) * pass_.tokens + token.t;
  if (pass_.output.level) pass_.output.level[at] = std::int8_t(level);
  if (pass_.output.p) std::memcpy(pass_.output.p + at * count_, p_, count_ * sizeof(float));
}

}  // namespace skimrnn
