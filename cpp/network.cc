#include "network.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <iterator>
#include <utility>

#include "buffer.h"
#include "denormals.h"

namespace skimrnn {

// ---- packing ------------------------------------------------------------------------------------

namespace {

// Where a gate of a unit lies in a packed matrix: its group's first row, its row within the group,
// and the rows that the group has.
struct Place {
  std::size_t first;
  int within, rows;
};

Place place_of(int gates, int units, int gate, int unit) {
  const std::size_t first = std::size_t(unit / kGroup) * gates * kGroup;
  if (narrow(units, gates) && unit / kGroup == units / kGroup)
    return {first, gate * kNarrow + unit % kGroup, kGroup};
  return {first, gate * kGroup + unit % kGroup, gates * kGroup};
}

// Row-major (gates * units, columns), or a bias with one column, in group layout.
float* pack_rows(Store& store, const float* rows, int gates, int units, int columns) {
  float* packed = store.zeros<float>(packed_rows(units, gates) * columns);
  if (!rows) return packed;
  for (int gate = 0; gate < gates; ++gate)
    for (int unit = 0; unit < units; ++unit) {
      const Place place = place_of(gates, units, gate, unit);
      const float* from = rows + (std::size_t(gate) * units + unit) * columns;
      float* to = packed + place.first * columns + place.within;
      for (int column = 0; column < columns; ++column)
        to[std::size_t(column) * place.rows] = from[column];
    }
  return packed;
}

// The same rows in int8: a row's largest weight becomes 127. What kInt8Offset adds to each sum is
// taken off the bias, in group layout.
Int8Matrix pack_int8(Store& store, const float* rows, int gates, int units, int columns,
                     float* bias) {
  const std::size_t count = packed_rows(units, gates), each = blocks(columns);
  auto* data = store.zeros<std::int8_t>(count * each * kBlock);
  float* scales = store.zeros<float>(count);
  for (int gate = 0; gate < gates; ++gate)
    for (int unit = 0; unit < units; ++unit) {
      const Place place = place_of(gates, units, gate, unit);
      const std::size_t row = place.first + place.within;
      const float* from = rows + (std::size_t(gate) * units + unit) * columns;
      float largest = 0;
      for (int column = 0; column < columns; ++column)
        largest = std::max(largest, std::fabs(from[column]));
      if (largest == 0) continue;
      const float scale = scales[row] = largest / (127.0f * 127.0f);
      int sum = 0;
      for (int column = 0; column < columns; ++column) {
        const int weight = int(std::lround(from[column] / largest * 127.0f));
        const std::size_t at =
            place.first * each + std::size_t(column / kBlock) * place.rows + place.within;
        data[at * kBlock + column % kBlock] = std::int8_t(weight);
        sum += weight;
      }
      bias[row] -= scale * float(kInt8Offset * sum);
    }
  return {data, scales, columns};
}

}  // namespace

Cell Network::pack_cell(const CellParameters& from, CellKind kind, int units, int inputs, int seen,
                        bool int8) {
  const int gates = gates_of(kind);
  Cell cell = {};
  cell.units = units;
  cell.ih = {pack_rows(store_, from.weight_ih, gates, units, inputs), inputs};
  float* bias_ih = pack_rows(store_, from.bias_ih, gates, units, 1);
  float* bias_hh = pack_rows(store_, from.bias_hh, gates, units, 1);
  if (!int8 || seen < kInt8Columns)
    cell.hh = {pack_rows(store_, from.weight_hh, gates, units, seen), seen};
  else
    cell.hh8 = pack_int8(store_, from.weight_hh, gates, units, seen, bias_hh);
  if (kind != kGru)  // the GRU's stays inside of its reset
    for (std::size_t i = 0; i < packed_rows(units, gates); ++i) bias_ih[i] += bias_hh[i];
  cell.bias_ih = bias_ih;
  cell.bias_hh = bias_hh;
  return cell;
}

Network::Leap Network::pack_leap(const std::vector<const float*>& from, int inputs) {
  const int units = shape_.units, ahead = shape_.ahead, filters = shape_.filters;
  const auto rows = [&](int count, const float* weight, const float* bias, int columns) {
    return pack_cell({weight, nullptr, bias, nullptr}, kTanh, count, columns, 0, false);
  };
  Leap leap;
  leap.layer = rows(units, from[0], from[3], inputs);
  leap.reverse =
      pack_cell({from[7], from[8], from[9], nullptr}, kLstm, ahead, inputs, ahead, false);
  leap.filters = rows(12 * filters, from[10], nullptr, inputs);
  leap.ahead = rows(units, from[2], nullptr, ahead + 3 * filters);
  leap.reverse_at = padded(units);
  leap.filters_at = leap.reverse_at + packed_rows(ahead, gates_of(kLstm));
  leap.floats = leap.filters_at + padded(12 * filters);
  leap.end.assign(from[4], from[4] + units);
  leap.filters_bias.assign(from[11], from[11] + 3 * filters);
  for (int i = 0; i < units; ++i) leap.out.push_back(from[5][units + i] - from[5][i]);
  leap.out_bias = from[6][1] - from[6][0];
  return leap;
}

Network::Direction Network::pack(const DirectionParameters& parameters, int inputs) {
  Direction direction;
  const int gates = gates_of(shape_.kind), hidden = shape_.hidden_size;
  const int count = int(shape_.levels.size());
  direction.cells.resize(count);
  direction.offsets.resize(count);
  const bool softmax = shape_.router == kSoftmax, sees_x = router_sees_x();
  std::size_t floats = sees_x && count > 1 ? padded(router_rows()) : 0;
  if (leaps()) {
    direction.leap = pack_leap(parameters.router, inputs);
    floats = direction.leap.floats;
  }
  // In the order of need: the router's part, what is skimmed with, the full cell's.
  for (int level = count - 1; level >= 0; --level) {
    const int units = shape_.levels[level];
    direction.offsets[level] = floats;
    if (!units) continue;
    const int seen = level && !shape_.full_skim_input ? units : hidden;
    direction.cells[level] =
        pack_cell(parameters.cells[level], shape_.kind, units, inputs, seen, int8_);
    floats += packed_rows(units, gates);
  }
  direction.floats = floats;
  if (count > 1) {
    const int of_x = sees_x ? inputs : 0, least = softmax ? 1 : 0, rows = router_rows();
    const int parts = shape_.state_router ? 2 : 1;  // c and h, or h
    const std::size_t columns = of_x + std::size_t(parts) * hidden;
    direction.router_s = store_.zeros<float>(std::size_t(rows) * parts * padded(hidden));
    const float* weight = parameters.router[leaps() ? 1 : 0];
    const float* bias = leaps() ? nullptr : parameters.router[1];
    // Of the softmax less the row of level 0.
    const auto entry = [&](int row, std::size_t column) {
      const float own = weight[row * columns + column];
      return softmax ? own - weight[column] : own;
    };
    for (int k = 0; k < rows; ++k) {
      const int row = k + least;
      for (int i = 0; i < of_x; ++i) direction.router_x.push_back(entry(row, i));
      if (bias) direction.router_bias.push_back(softmax ? bias[row] - bias[0] : bias[row]);
      float* to = direction.router_s + std::size_t(k) * parts * padded(hidden);
      for (int part = 0; part < parts; ++part)
        for (int i = 0; i < hidden; ++i)
          to[part * padded(hidden) + i] = entry(row, of_x + std::size_t(part) * hidden + i);
    }
  }
  return direction;
}

// Rows that are multiplied with the state.
int Network::router_rows() const {
  if (shape_.router == kSkipW) return shape_.window;
  if (shape_.router == kLstmJump) return shape_.longest + 1;
  if (shape_.router == kLeapLstm) return shape_.units;
  return shape_.router == kSoftmax ? int(shape_.levels.size()) - 1 : 1;
}

Network::Network(Shape shape, const std::vector<DirectionParameters>& directions,
                 const Kernels* kernels, bool int8)
    : shape_(std::move(shape)), kernels_(kernels), int8_(int8) {
  for (std::size_t i = 0; i < directions.size(); ++i) {
    const bool first = i < std::size_t(shape_.directions);
    const int inputs = first ? shape_.input_size : shape_.directions * shape_.hidden_size;
    directions_.push_back(pack(directions[i], inputs));
  }
}

void Network::set_words(const float* embedding, int words, std::size_t table_bytes) {
  words_ = words;
  embedding_ = embedding;
  row_floats_ = 0;
  row_offsets_.clear();
  for (int d = 0; d < shape_.directions; ++d) {
    row_offsets_.push_back(row_floats_);
    row_floats_ += directions_[d].floats;
  }
  const std::size_t fit = table_bytes / (row_floats_ * sizeof(float));
  table_rows_ = int(std::min<std::size_t>(fit, words));
  table_ = store_.zeros<float>(table_rows_ * row_floats_);
  const FlushDenormals flush;
  for (int word = 0; word < table_rows_; ++word)
    for (int d = 0; d < shape_.directions; ++d)
      fill_row(directions_[d], embedding_ + std::size_t(word) * shape_.input_size,
               shape_.input_size, table_ + word * row_floats_ + row_offsets_[d]);
}

// ---- reading ------------------------------------------------------------------------------------

// One direction of one layer over one text.
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

// Of vectors, a cell's input parts are made for so many tokens at once, as long as the last ones
// needed enough of them: half, where kernels make several together, for those cost about half.
constexpr int kChunk = 24;

// What a level's cell is needed for.
struct Demand {
  int taken;      // so many of the chunk's tokens took it
  bool together;  // its input parts are made for the whole chunk
};

// The buffers of one call; nothing is allocated per token.
struct Network::Work {
  Buffer<float> made;    // (kChunk, row_floats), or one row: input parts computed on the fly
  Buffer<float> block;   // the others
  float *c, *h[2];       // padded(D) each; h moves from one to the other when a token is read
  float* tails;          // (rows, kGroup): the router's sums over the units that no skim changes
  float* sums;           // (rows,): of kLeapLstm, those over all units
  float* p;              // (K,)
  float* room;           // 2 * padded(D) bytes
  float* memory;         // (R,)
  Buffer<float> joined;  // (T, padded(units)): of kLeapLstm, its layer without the state's part
  Buffer<float> layers[2];  // outputs of the layer before and of this one
  std::vector<Demand> demands;  // (K,)
  std::vector<std::pair<float, int>> ranks;  // (window,): logits and which token's each is

  Work(const Shape& shape, int router_rows, int remembered, std::size_t row_floats, int rows)
      : made(rows * row_floats, Unset()), demands(shape.levels.size()), ranks(shape.window) {
    const std::size_t units = padded(shape.hidden_size), levels = shape.levels.size();
    const std::size_t sizes[] = {units, units, units, std::size_t(router_rows) * kGroup,
                                 std::size_t(router_rows), std::size_t(padded(int(levels))),
                                 units / 2, std::size_t(remembered)};
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

void Network::router_part(const Direction& direction, const float* x, int inputs,
                          float* part) const {
  for (std::size_t k = 0; k < direction.router_bias.size(); ++k)
    part[k] = direction.router_bias[k] +
              kernels_->dot(direction.router_x.data() + k * inputs, x, inputs);
}

void Network::fill_row(const Direction& direction, const float* x, int inputs, float* row) const {
  for (std::size_t level = 0; level < direction.cells.size(); ++level)
    if (direction.cells[level].units)
      kernels_->input_parts[shape_.kind](direction.cells[level], x, 0, 1,
                                         row + direction.offsets[level], 0);
  if (leaps())
    leap_parts(direction.leap, x, inputs, 1, row);
  else if (!direction.router_x.empty())
    router_part(direction, x, inputs, row);
}

namespace {

void softmax(float* p, int count) {
  if (count == 2) {  // what reads most texts: one exponential, at most 1
    const float e = std::exp(-std::fabs(p[1] - p[0])), likely = 1 / (1 + e), other = e * likely;
    const bool second = p[1] > p[0];
    p[0] = second ? other : likely;
    p[1] = second ? likely : other;
    return;
  }
  const float highest = *std::max_element(p, p + count);
  float sum = 0;
  for (int i = 0; i < count; ++i) sum += p[i] = std::exp(p[i] - highest);
  for (int i = 0; i < count; ++i) p[i] /= sum;
}

// The logistic function of each score by itself.
void sigmoids(float* p, int count) {
  for (int i = 0; i < count; ++i) {
    const float e = std::exp(-std::fabs(p[i]));  // at most 1
    p[i] = (p[i] < 0 ? e : 1.0f) / (1 + e);
  }
}

float positive(float x) { return x < 0 ? 0 : x; }  // NaN stays

float logistic(float x) { return 1 / (1 + std::exp(-x)); }

// Skip RNN's u, from its logit and what has been saved up.
float save_up(float logit, float saved) {
  return saved + std::min(logistic(logit), 1 - saved);
}

// VCRNN's p, from its logit: of each level what is reached of it and not of the larger ones.
void schedule(float logit, const std::vector<int>& levels, int sharpness, float* p) {
  const float share = logistic(logit), slope = float(sharpness);
  const std::size_t last = levels.size() - 1;
  float larger = 0;
  for (std::size_t level = 0; level < last; ++level) {
    const float reached = logistic(slope * (share - float(levels[level + 1]) / float(levels[0])));
    p[level] = reached - larger;
    larger = reached;
  }
  p[last] = 1 - larger;
}

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

// Rows are fetched so many tokens before they are needed: longer than memory takes to answer while
// words are skimmed, at some twenty nanoseconds each.
constexpr int kAhead = 4;

void prefetch(const float* p, std::size_t floats) {
  constexpr std::size_t kLine = kAlignment / sizeof(float);
  for (std::size_t i = 0; i < floats; i += kLine) __builtin_prefetch(p + i);
}

}  // namespace

// The logit of a row that sees the state alone.
float Network::score(const Direction& direction, int row, const float* c, const float* h,
                     Work& work) const {
  const int units = padded(shape_.hidden_size);
  const std::size_t row_units = units * (shape_.state_router ? 2 : 1);
  const float* weights = direction.router_s + row * row_units;
  const RouterRow of_state = {weights, weights + row_units - units};
  return direction.router_bias[row] +
         kernels_->router_sum(of_state, c, h, 0, units, work.tails, true);
}

// SkipW's memory as a window begins: the scores of its tokens, of which the `reads` largest are
// kept, and where it ends.
void Network::score_window(const Direction& direction, const float* c, const float* h,
                           Work& work) const {
  const int window = shape_.window;
  std::vector<std::pair<float, int>>& ranks = work.ranks;
  for (int i = 0; i < window; ++i) {
    const float logit = score(direction, i, c, h, work);
    ranks[i] = {std::isnan(logit) ? -HUGE_VALF : logit, i};  // no order has room for NaN
  }
  const auto sooner = [](const auto& one, const auto& other) {  // of equal ones the first
    return one.first > other.first || (one.first == other.first && one.second < other.second);
  };
  std::partial_sort(ranks.begin(), ranks.begin() + shape_.reads, ranks.end(), sooner);
  std::fill_n(work.memory, window, 0.0f);
  for (int i = 0; i < shape_.reads; ++i) work.memory[ranks[i].second] = logistic(ranks[i].first);
  work.memory[window] = -1;
}

// LSTM-Jump's memory after the likeliest jump, of equal ones the shortest: tokens to read and, before
// them, to skip, and the jumps left. After one of 0 there is nothing left of any of them.
void Network::choose_jump(const Direction& direction, const float* c, const float* h,
                          Work& work) const {
  int jump = 0;
  float highest = score(direction, 0, c, h, work);
  for (int i = 1; i <= shape_.longest; ++i) {
    const float logit = score(direction, i, c, h, work);
    if (logit > highest) highest = logit, jump = i;
  }
  work.memory[0] = jump ? shape_.reads : 0;
  work.memory[1] = jump ? jump - 1 : 0;
  work.memory[2] = jump ? work.memory[2] - 1 : 0;
}

// Of so many tokens what each says by itself to kLeapLstm.
void Network::leap_parts(const Leap& leap, const float* x, int inputs, int rows,
                         float* parts) const {
  const InputParts* make = kernels_->input_parts;
  make[kTanh](leap.layer, x, inputs, rows, parts, leap.floats);
  make[kLstm](leap.reverse, x, inputs, rows, parts + leap.reverse_at, leap.floats);
  make[kTanh](leap.filters, x, inputs, rows, parts + leap.filters_at, leap.floats);
}

// From the last token to the first, in reading order, what the router is told of each besides the
// state. So many tokens at a time, for W_f takes them together.
void Network::look_ahead(const Pass& pass, Work& work) const {
  const Leap& leap = pass.direction.leap;
  const int units = padded(shape_.units), ahead = shape_.ahead, filters = shape_.filters;
  const int wide = padded(ahead), seen = ahead + 3 * filters, tokens = pass.tokens;
  const Step step = kernels_->step[kLstm];
  Buffer<float> of_lstm(3 * wide), sums(2 * 12 * filters), f(kChunk * seen, Unset());
  Buffer<float> of_ahead(kChunk * units, Unset()), made(kChunk * leap.floats, Unset());
  float *c = of_lstm.get(), *h = c + wide, *h_new = h + wide;
  float *now = sums.get(), *next = now + 12 * filters;
  const auto table_part = [&](int t) {
    return pass.words ? table_row(pass.words[t], pass.d) : nullptr;
  };
  const int back = pass.d ? 1 : -1;

  for (int done = 0; done < tokens; done += kChunk) {
    const int size = std::min(kChunk, tokens - done);
    const int first = pass.d ? done : tokens - done - size;
    if (!pass.words)
      leap_parts(leap, pass.x + std::size_t(first) * pass.inputs, pass.inputs, size, made.get());
    for (int n = 0; n < size; ++n) {
      const int at = pass.d ? n : size - 1 - n, t = first + at;
      if (done + n + kAhead < tokens)
        if (const float* later = table_part(t + kAhead * back)) prefetch(later, leap.floats);
      const float* part = table_part(t);
      if (!part) {
        float* own = made.get() + at * leap.floats;
        if (pass.words)
          leap_parts(leap, embedding_ + std::size_t(pass.words[t]) * shape_.input_size,
                     shape_.input_size, 1, own);
        part = own;
      }
      std::memcpy(work.joined.get() + std::size_t(t) * units, part, units * sizeof(float));
      float* known = f.get() + at * seen;
      std::memcpy(known, h, ahead * sizeof(float));
      for (int i = 0; i < 3 * filters; ++i)
        known[ahead + i] = positive(now[i] + leap.filters_bias[i]);

      step(leap.reverse, part + leap.reverse_at, h, h, c, h_new, nullptr, n % 2);
      std::swap(h, h_new);
      // A window that begins here has its place 1 where one that begins at the next token has its 0:
      // to what this token says at each place comes the sum from the place after it on. Places 0 to
      // 2 are of all three widths, 3 of two and 4 of the widest.
      const float* own = part + leap.filters_at;
      for (int i = 0; i < 8 * filters; ++i) next[i] = own[i] + now[i + 3 * filters];
      for (int i = 8 * filters; i < 12 * filters; ++i) next[i] = own[i];
      for (int i = 9 * filters; i < 10 * filters; ++i) next[i] += now[i + 2 * filters];
      std::swap(now, next);
    }
    kernels_->input_parts[kTanh](leap.ahead, f.get(), seen, size, of_ahead.get(), units);
    if (done == 0)
      std::copy(leap.end.begin(), leap.end.end(),
                of_ahead.get() + std::size_t(pass.d ? 0 : size - 1) * units);
    float* joined = work.joined.get() + std::size_t(first) * units;
    for (int i = 0; i < size * units; ++i) joined[i] += of_ahead.get()[i];
  }
}

void Network::read_direction(const Pass& pass, Work& work) const {
  const Direction& direction = pass.direction;
  const int hidden = shape_.hidden_size, units = padded(hidden), tokens = pass.tokens;
  const int count = int(shape_.levels.size());
  const int width = shape_.directions * hidden;
  const int index = pass.layer * shape_.directions + pass.d;
  const bool lstm = shape_.kind == kLstm;
  const std::size_t bytes = hidden * sizeof(float);
  const Rule& rule = pass.rule;
  const bool limited = rule.has_budget && !pass.levels;
  const Step *steps = kernels_->step, *steps_int8 = kernels_->step_int8;
  const InputParts input_parts = kernels_->input_parts[shape_.kind];

  float *c = work.c, *h = work.h[0], *h_new = work.h[1], *p = work.p;
  for (float* part : {c, h, h_new}) std::memset(part, 0, units * sizeof(float));
  const Start& start = pass.start;
  if (start.h) std::memcpy(h, start.h + std::size_t(index) * hidden, bytes);
  if (lstm && start.c) std::memcpy(c, start.c + std::size_t(index) * hidden, bytes);
  std::int64_t reads = start.reads ? start.reads[index] : 0;
  // Of kSkipRnn what has been saved up; of kSkipW a ring that turns, `next` is this token's score;
  // of kLstmJump the tokens to read and, before them, to skip until a jump, and the jumps left.
  float* remembered = work.memory;
  const int numbers = memory();
  int next = 0;
  if (start.memory)
    std::copy_n(start.memory + std::size_t(index) * numbers, numbers, remembered);
  else if (shape_.router == kLstmJump && numbers)
    remembered[0] = shape_.reads, remembered[1] = 0, remembered[2] = shape_.jumps;
  else if (numbers)
    remembered[0] = shape_.router == kSkipRnn ? 1 : -1;

  // A skim changes units before `moving` alone, so the router's sum over the others stands until
  // the next token that is read.
  const int moving = count > 1 ? padded(shape_.levels[1]) : 0, rows = router_rows();
  const std::size_t router_units = units * (shape_.state_router ? 2 : 1);
  const float* router_c = shape_.state_router ? c : nullptr;
  bool tails_stand = false, sums_stand = false;
  if (leaps()) look_ahead(pass, work);
  const std::size_t looked_at = leaps() ? direction.leap.floats : 0;  // of a row, before

  const bool in_words = pass.words != nullptr;
  const int forward = pass.d ? -1 : 1;

  // Before the first chunk it is as if one before it had been skimmed.
  std::vector<Demand>& demands = work.demands;
  for (int level = 0; level < count; ++level)
    demands[level] = {level || count == 1 ? kChunk : 0, false};
  const auto make_chunk = [&](int first, int size) {
    for (int level = 0; level < count; ++level) {
      Demand& demand = demands[level];
      demand = {0, demand.taken >= (kernels_->together ? kChunk / 2 : kChunk)};
      if (demand.together && direction.cells[level].units)
        input_parts(direction.cells[level], pass.x + std::size_t(first) * pass.inputs, pass.inputs,
                    size, work.made.get() + direction.offsets[level], direction.floats);
    }
  };

  for (int n = 1; n <= tokens; ++n) {
    const int t = pass.d ? tokens - n : n - 1;
    const float* row = in_words ? table_row(pass.words[t], pass.d) : nullptr;
    const float* x = in_words
                         ? embedding_ + std::size_t(pass.words[t]) * shape_.input_size
                         : pass.x + std::size_t(t) * pass.inputs;
    float* own = work.made.get();
    if (!in_words) {
      const int at = (n - 1) % kChunk, size = std::min(kChunk, tokens - n + 1 + at);
      if (at == 0) make_chunk(pass.d ? t - size + 1 : t, size);
      own += std::size_t(pass.d ? size - 1 - at : at) * direction.floats;
    }
    if (in_words && n + kAhead <= tokens)
      if (const float* ahead = table_row(pass.words[t + kAhead * forward], pass.d))
        prefetch(ahead + looked_at, direction.offsets[0] - looked_at);

    int level = 0;
    p[0] = 1;
    if (count > 1) {
      if (shape_.router == kSkipW) {
        if (remembered[next] < 0) {
          score_window(direction, router_c, h, work);
          next = 0;
        }
        p[0] = remembered[next];
        p[1] = 1 - p[0];
        next = next + 1 < numbers ? next + 1 : 0;
      } else if (shape_.router == kLstmJump) {
        float &to_read = remembered[0], &to_skip = remembered[1];
        if (to_read == 0 && to_skip == 0 && remembered[2] > 0)
          choose_jump(direction, router_c, h, work);
        p[0] = to_skip == 0 && to_read > 0;
        p[1] = 1 - p[0];
        if (to_skip > 0)
          --to_skip;
        else if (to_read > 0)
          --to_read;
      } else if (shape_.router == kLeapLstm) {
        for (int k = 0; k < rows && !sums_stand; ++k) {
          const float* weights = direction.router_s + k * router_units;
          const RouterRow of_state = {weights, weights + router_units - units};
          work.sums[k] = kernels_->router_sum(of_state, router_c, h, moving, units,
                                              work.tails + k * kGroup, !tails_stand);
        }
        tails_stand = sums_stand = true;
        float* joined = work.joined.get() + std::size_t(t) * padded(rows);
        for (int k = 0; k < rows; ++k) joined[k] = positive(joined[k] + work.sums[k]);
        p[0] = 0;
        p[1] = direction.leap.out_bias + kernels_->dot(direction.leap.out.data(), joined, rows);
        softmax(p, count);
      } else {
        const float* part = row;
        if (!router_sees_x()) {
          part = direction.router_bias.data();
        } else if (!part) {
          router_part(direction, x, pass.inputs, own);
          part = own;
        }
        p[0] = 0;
        for (int k = 1; k <= rows; ++k) {
          const float* weights = direction.router_s + (k - 1) * router_units;
          const RouterRow of_state = {weights, weights + router_units - units};
          p[k] = part[k - 1] + kernels_->router_sum(of_state, router_c, h, moving, units,
                                                    work.tails + (k - 1) * kGroup, !tails_stand);
        }
        tails_stand = true;
        if (shape_.router == kSkipRnn) {
          p[0] = save_up(p[1], remembered[0]);
          p[1] = 1 - p[0];
        } else if (shape_.router == kVcrnn) {
          schedule(p[1], shape_.levels, shape_.sharpness, p);
        } else {
          softmax(p, count);
        }
      }
      level = pass.levels ? pass.levels[t] : choose_level(p, count, rule);
      if (level == 0) {
        // Two roundings, as in the reference: this file is compiled without contraction.
        const double ceiling = rule.burst + rule.budget * double(start.tokens + n);
        if (limited && double(reads + 1) > ceiling)
          level = 1;
        else
          ++reads;
      }
      if (shape_.router == kSkipRnn) remembered[0] = level ? p[0] : 0;
    }

    const Cell& cell = direction.cells[level];
    if (cell.units) {
      const float* part = row ? row + direction.offsets[level] : nullptr;
      if (!part) {
        ++demands[level].taken;
        if (in_words || !demands[level].together)
          input_parts(cell, x, 0, 1, own + direction.offsets[level], 0);
        part = own + direction.offsets[level];
      } else if (level == 0) {
        prefetch(part, direction.floats - direction.offsets[0]);
      }
      const Step step = (cell.hh8.data ? steps_int8 : steps)[shape_.kind];
      if (level && cell.units <= kGroup) {
        step(cell, part, h, h, c, h, work.room, false);
      } else {
        step(cell, part, h, h, c, h_new, work.room, n % 2);
        if (level)
          std::memcpy(h, h_new, padded(cell.units) * sizeof(float));
        else
          std::swap(h, h_new);
      }
      if (level == 0) tails_stand = false;
      sums_stand = false;
    }

    if (pass.outputs)
      std::memcpy(pass.outputs + std::size_t(t) * width + std::size_t(pass.d) * hidden, h, bytes);
    const std::size_t at = std::size_t(index) * tokens + t;
    if (pass.output.level) pass.output.level[at] = std::int8_t(level);
    if (pass.output.p) std::memcpy(pass.output.p + at * count, p, count * sizeof(float));
  }
  const Output& output = pass.output;
  if (output.h_n) std::memcpy(output.h_n + std::size_t(index) * hidden, h, bytes);
  if (lstm && output.c_n) std::memcpy(output.c_n + std::size_t(index) * hidden, c, bytes);
  if (output.reads) output.reads[index] = reads;
  if (output.memory)
    std::rotate_copy(remembered, remembered + next, remembered + numbers,
                     output.memory + std::size_t(index) * numbers);
}

void Network::read(const Input& input, int tokens, const Rule& rule, const Start& start,
                   const Output& output) const {
  const FlushDenormals flush;
  const int width = shape_.directions * shape_.hidden_size;
  std::size_t floats = 0;
  for (const Direction& direction : directions_) floats = std::max(floats, direction.floats);
  // Words need a row of their own where the table has none; vectors and later layers a chunk.
  Work work(shape_, router_rows(), memory(), floats, input.words && shape_.num_layers == 1 ? 1 : kChunk);
  const float* x = input.vectors;
  const std::int32_t* words = input.words;
  if (leaps()) work.joined = Buffer<float>(std::size_t(tokens) * padded(shape_.units), Unset());
  int inputs = shape_.input_size;
  for (int layer = 0; layer < shape_.num_layers; ++layer) {
    const bool last = layer + 1 == shape_.num_layers;
    float* outputs = output.output;
    if (!last) {
      work.layers[layer % 2] = Buffer<float>(std::size_t(tokens) * width);
      outputs = work.layers[layer % 2].get();
    }
    for (int d = 0; d < shape_.directions; ++d) {
      const int index = layer * shape_.directions + d;
      const std::int8_t* levels =
          input.levels ? input.levels + std::size_t(index) * tokens : nullptr;
      read_direction({directions_[index], layer, d, inputs, tokens, x, words, levels, rule, start,
                      outputs, output},
                     work);
    }
    x = outputs;
    words = nullptr;
    inputs = width;
  }
}

void Network::apply(const Head& head, const float* h, float* probabilities) const {
  const FlushDenormals flush;
  const int units = shape_.directions * shape_.hidden_size;
  for (int k = 0; k < head.classes; ++k)
    probabilities[k] =
        kernels_->dot(head.weight + std::size_t(k) * units, h, units) + head.bias[k];
  if (head.sigmoid)
    sigmoids(probabilities, head.classes);
  else
    softmax(probabilities, head.classes);
}

void Network::classify(const std::int32_t* words, const std::int8_t* levels, int tokens,
                       const Rule& rule, const Head& head, std::int8_t* level, float* p,
                       float* probabilities) const {
  const int units = shape_.directions * shape_.hidden_size;
  std::vector<float> h_n(std::size_t(shape_.num_layers) * units);
  read({nullptr, words, levels}, tokens, rule, {},
       {nullptr, h_n.data(), nullptr, level, p, nullptr, nullptr});
  apply(head, h_n.data() + h_n.size() - units, probabilities);
}

}  // namespace skimrnn
