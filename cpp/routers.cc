// What the routers other than the softmax make of their sums. src/skimrnn/routers/ has them in
// NumPy and says whose each is.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "activations.h"
#include "reading.h"

namespace skimrnn {

// ---- Skip RNN, VCRNN ----------------------------------------------------------------------------

// Skip RNN's u, from its logit and what has been saved up.
void Network::Reading::save_up() {
  const float saved = memory_[0];
  p_[0] = saved + std::min(logistic(p_[1]), 1 - saved);
  p_[1] = 1 - p_[0];
}

// VCRNN's p, from its logit: of each level what is reached of it and not of the larger ones.
void Network::Reading::share_out() {
  const float share = logistic(p_[1]), slope = float(shape_.sharpness);
  const std::vector<int>& levels = shape_.levels;
  const std::size_t last = levels.size() - 1;
  float larger = 0;
  for (std::size_t level = 0; level < last; ++level) {
    const float reached = logistic(slope * (share - float(levels[level + 1]) / float(levels[0])));
    p_[level] = reached - larger;
    larger = reached;
  }
  p_[last] = 1 - larger;
}

// ---- SkipW --------------------------------------------------------------------------------------

// The token's score, which is kept from where its window began.
void Network::Reading::rank() {
  if (memory_[next_] < 0) {
    rank_window();
    next_ = 0;
  }
  p_[0] = memory_[next_];
  p_[1] = 1 - p_[0];
  next_ = next_ < shape_.window ? next_ + 1 : 0;
}

// The memory as a window begins: the scores of its tokens, of which the `reads` largest are kept,
// and where it ends.
void Network::Reading::rank_window() {
  const int window = shape_.window;
  std::vector<std::pair<float, int>>& ranks = work_.ranks;
  for (int i = 0; i < window; ++i) {
    const float logit = score(i);
    ranks[i] = {std::isnan(logit) ? -HUGE_VALF : logit, i};  // no order has room for NaN
  }
  const auto sooner = [](const auto& one, const auto& other) {  // of equal ones the first
    return one.first > other.first || (one.first == other.first && one.second < other.second);
  };
  std::partial_sort(ranks.begin(), ranks.begin() + shape_.reads, ranks.end(), sooner);
  std::fill_n(memory_, window, 0.0f);
  for (int i = 0; i < shape_.reads; ++i) memory_[ranks[i].second] = logistic(ranks[i].first);
  memory_[window] = -1;
}

// The logit of a row that sees the state alone, of which nothing stands from the last time.
float Network::Reading::score(int row) {
  return direction_.router_bias[row] +
         kernels_.router_sum(router_row(row), router_c_, h_, 0, units_, work_.tails, true);
}

// ---- LSTM-Jump ----------------------------------------------------------------------------------

// Whether the token is among those to read; where there are none left, after the next jump.
void Network::Reading::jump() {
  float &to_read = memory_[0], &to_skip = memory_[1];
  if (to_read == 0 && to_skip == 0 && memory_[2] > 0) choose_jump();
  p_[0] = to_skip == 0 && to_read > 0;
  p_[1] = 1 - p_[0];
  if (to_skip > 0)
    --to_skip;
  else if (to_read > 0)
    --to_read;
}

// The memory after the likeliest jump, of equal ones the shortest: tokens to read and, before them,
// to skip, and the jumps left. After one of 0 there is nothing left of any of them.
void Network::Reading::choose_jump() {
  int jump = 0;
  float highest = score(0);
  for (int i = 1; i <= shape_.longest; ++i) {
    const float logit = score(i);
    if (logit > highest) highest = logit, jump = i;
  }
  memory_[0] = jump ? shape_.reads : 0;
  memory_[1] = jump ? jump - 1 : 0;
  memory_[2] = jump ? memory_[2] - 1 : 0;
}

// ---- Leap-LSTM ----------------------------------------------------------------------------------

// What was looked at ahead, joined with the state; the state's part stands until it changes.
void Network::Reading::leap(const Token& token) {
  if (!sums_stand_)
    for (int k = 0; k < router_rows_; ++k) work_.sums[k] = state_sum(k);
  tails_stand_ = sums_stand_ = true;
  float* joined = work_.joined.get() + std::size_t(token.t) * padded(router_rows_);
  for (int k = 0; k < router_rows_; ++k) joined[k] = positive(joined[k] + work_.sums[k]);
  p_[0] = 0;
  p_[1] = direction_.leap.out_bias + kernels_.dot(direction_.leap.out.data(), joined, router_rows_);
  softmax(p_, count_);
}

// From the last token to the first, in reading order, what the router is told of each besides the
// state. So many tokens at a time, for W_f takes them together.
void Network::Reading::look_ahead() {
  const Pass& pass = pass_;
  const Leap& leap = direction_.leap;
  const int units = padded(shape_.units), ahead = shape_.ahead, filters = shape_.filters;
  const int wide = padded(ahead), seen = ahead + 3 * filters, tokens = pass.tokens;
  const Step step = kernels_.step[kLstm];
  Buffer<float> of_lstm(3 * wide), sums(2 * 12 * filters), f(kChunk * seen, Unset());
  Buffer<float> of_ahead(kChunk * units, Unset()), made(kChunk * leap.floats, Unset());
  float *c = of_lstm.get(), *h = c + wide, *h_new = h + wide;
  float *now = sums.get(), *next = now + 12 * filters;
  const auto table_part = [&](int t) {
    return pass.words ? network_.table_row(pass.words[t], pass.d) : nullptr;
  };
  const int back = pass.d ? 1 : -1;

  for (int done = 0; done < tokens; done += kChunk) {
    const int size = std::min(kChunk, tokens - done);
    const int first = pass.d ? done : tokens - done - size;
    if (!pass.words)
      network_.leap_parts(leap, pass.x + std::size_t(first) * pass.inputs, pass.inputs, size,
                          made.get());
    for (int n = 0; n < size; ++n) {
      const int at = pass.d ? n : size - 1 - n, t = first + at;
      if (done + n + kAhead < tokens)
        if (const float* later = table_part(t + kAhead * back)) prefetch(later, leap.floats);
      const float* part = table_part(t);
      if (!part) {
        float* own = made.get() + at * leap.floats;
        if (pass.words)
          network_.leap_parts(leap, network_.vector_of(pass.words[t]), shape_.input_size, 1, own);
        part = own;
      }
      std::memcpy(work_.joined.get() + std::size_t(t) * units, part, units * sizeof(float));
      float* known = f.get() + at * seen;
      std::memcpy(known, h, ahead * sizeof(float));
      for (int i = 0; i < 3 * filters; ++i)
        known[ahead + i] = positive(now[i] + leap.filters_bias[i]);

      step(leap.reverse, part + leap.reverse_at, h, h, c, h_new, nullptr, n % 2);
      std::swap(h, h_new);
      // A window that begins here has its place 1 where one that begins at the next token has its
      // 0: to what this token says at each place comes the sum from the place after it on. Places 0
      // to 2 are of all three widths, 3 of two and 4 of the widest.
      const float* own = part + leap.filters_at;
      for (int i = 0; i < 8 * filters; ++i) next[i] = own[i] + now[i + 3 * filters];
      for (int i = 8 * filters; i < 12 * filters; ++i) next[i] = own[i];
      for (int i = 9 * filters; i < 10 * filters; ++i) next[i] += now[i + 2 * filters];
      std::swap(now, next);
    }
    kernels_.input_parts[kTanh](leap.ahead, f.get(), seen, size, of_ahead.get(), units);
    if (done == 0)
      std::copy(leap.end.begin(), leap.end.end(),
                of_ahead.get() + std::size_t(pass.d ? 0 : size - 1) * units);
    float* joined = work_.joined.get() + std::size_t(first) * units;
    for (int i = 0; i < size * units; ++i) joined[i] += of_ahead.get()[i];
  }
}

}  // namespace skimrnn
