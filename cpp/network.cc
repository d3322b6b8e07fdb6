#include "network.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <new>

#if defined(__SSE2__)
#include <immintrin.h>
#endif

namespace skimrnn {

Buffer::Buffer(std::size_t count) {
  const std::size_t bytes = (count * sizeof(float) + kAlignment - 1) / kAlignment * kAlignment;
  data_.reset(static_cast<float*>(
      ::operator new[](std::max<std::size_t>(bytes, kAlignment), std::align_val_t(kAlignment))));
  std::memset(data_.get(), 0, bytes);
}

void Buffer::Free::operator()(float* p) const {
  ::operator delete[](p, std::align_val_t(kAlignment));
}

// ---- packing ------------------------------------------------------------------------------------

namespace {

// Row-major (gates * units, columns), or a bias with one column, in group layout.
Buffer pack_rows(const float* rows, int gates, int units, int columns) {
  Buffer packed(std::size_t(groups(units)) * gates * kGroup * columns);
  if (!rows) return packed;
  for (int gate = 0; gate < gates; ++gate)
    for (int unit = 0; unit < units; ++unit)
      for (int column = 0; column < columns; ++column) {
        const std::size_t group = unit / kGroup;
        const std::size_t at =
            ((group * columns + column) * gates + gate) * kGroup + unit % kGroup;
        packed.get()[at] = rows[(std::size_t(gate) * units + unit) * columns + column];
      }
  return packed;
}

}  // namespace

Network::Direction Network::pack(const DirectionParameters& parameters, int inputs) const {
  Direction direction;
  const int gates = gates_of(shape_.kind);
  const int count = int(shape_.levels.size());
  std::size_t floats = 0;
  for (int level = 0; level < count; ++level) {
    const CellParameters& from = parameters.cells[level];
    const int units = shape_.levels[level];
    direction.offsets.push_back(floats);
    if (!units) {
      direction.cells.push_back({0, {nullptr, 0}, {nullptr, 0}, nullptr, nullptr});
      continue;
    }
    const int seen = level && !shape_.full_skim_input ? units : shape_.hidden_size;
    const float* data[4];
    const struct {
      const float* rows;
      int columns;
    } parts[4] = {{from.weight_ih, inputs}, {from.weight_hh, seen}, {from.bias_ih, 1},
                  {from.bias_hh, 1}};
    for (int i = 0; i < 4; ++i) {
      direction.owned.push_back(pack_rows(parts[i].rows, gates, units, parts[i].columns));
      data[i] = direction.owned.back().get();
    }
    direction.cells.push_back({units, {data[0], inputs}, {data[1], seen}, data[2], data[3]});
    floats += std::size_t(padded(units)) * gates;
  }
  direction.offsets.push_back(floats);
  if (count > 1) {
    const int state = shape_.hidden_size * (shape_.state_router ? 2 : 1);
    for (int level = 0; level < count; ++level) {
      const float* row = parameters.router_weight + std::size_t(level) * (inputs + state);
      direction.router_x.insert(direction.router_x.end(), row, row + inputs);
      direction.router_s.insert(direction.router_s.end(), row + inputs, row + inputs + state);
    }
    direction.router_bias.assign(parameters.router_bias, parameters.router_bias + count);
    floats += padded(count);
  }
  direction.floats = floats;
  return direction;
}

Network::Network(Shape shape, const std::vector<DirectionParameters>& directions,
                 const Kernels* kernels)
    : shape_(std::move(shape)), kernels_(kernels) {
  for (std::size_t i = 0; i < directions.size(); ++i) {
    const bool first = i < std::size_t(shape_.directions);
    const int inputs = first ? shape_.input_size : shape_.directions * shape_.hidden_size;
    directions_.push_back(pack(directions[i], inputs));
  }
}

void Network::set_words(const float* embedding, int words, std::size_t table_bytes) {
  words_ = words;
  const std::size_t size = shape_.input_size;
  embedding_ = Buffer(std::size_t(words) * size);
  std::memcpy(embedding_.get(), embedding, std::size_t(words) * size * sizeof(float));
  row_floats_ = 0;
  row_offsets_.clear();
  for (int d = 0; d < shape_.directions; ++d) {
    row_offsets_.push_back(row_floats_);
    row_floats_ += directions_[d].floats;
  }
  const std::size_t fit = table_bytes / (row_floats_ * sizeof(float));
  table_rows_ = int(std::min<std::size_t>(fit, words));
  table_ = Buffer(table_rows_ * row_floats_);
  const FlushDenormals flush;
  for (int word = 0; word < table_rows_; ++word)
    for (int d = 0; d < shape_.directions; ++d)
      fill_row(directions_[d], embedding_.get() + word * size, shape_.input_size,
               table_.get() + word * row_floats_ + row_offsets_[d]);
}

// ---- reading ------------------------------------------------------------------------------------

// The buffers of one call; nothing is allocated per token.
struct Network::Work {
  Buffer row;                // input parts computed on the fly
  Buffer state;              // [c ; h], as the router sees it: D entries each, and room past them
  Buffer h_new, c_new;       // padded(D) each
  Buffer layers[2];          // outputs of the layer before and of this one
  std::vector<float> p;
};

void Network::router_part(const Direction& direction, const float* x, int inputs,
                          float* part) const {
  const int count = int(shape_.levels.size());
  if (count < 2) return;
  for (int level = 0; level < count; ++level)
    part[level] = direction.router_bias[level] +
                  kernels_->dot(direction.router_x.data() + std::size_t(level) * inputs, x, inputs);
}

void Network::fill_row(const Direction& direction, const float* x, int inputs, float* row) const {
  for (std::size_t level = 0; level < direction.cells.size(); ++level)
    if (direction.cells[level].units)
      kernels_->input_part[shape_.kind](direction.cells[level], x, row + direction.offsets[level]);
  router_part(direction, x, inputs, row + direction.offsets.back());
}

namespace {

void softmax(float* p, int count) {
  const float highest = *std::max_element(p, p + count);
  float sum = 0;
  for (int i = 0; i < count; ++i) sum += p[i] = std::exp(p[i] - highest);
  for (int i = 0; i < count; ++i) p[i] /= sum;
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

}  // namespace

void Network::read_direction(const Direction& direction, int layer, int d, int inputs,
                             const float* x, const std::int32_t* words, int tokens,
                             const Rule& rule, const float* h_0, const float* c_0, float* outputs,
                             const Output& output, Work& work) const {
  const int hidden = shape_.hidden_size, count = int(shape_.levels.size());
  const int width = shape_.directions * hidden;
  const int index = layer * shape_.directions + d;
  const bool lstm = shape_.kind == kLstm;
  const std::size_t bytes = hidden * sizeof(float);
  // The step may load whole groups: past the end of c it finds h, which no existing unit uses.
  float *c = work.state.get(), *h = c + hidden;
  float *h_new = work.h_new.get(), *c_new = work.c_new.get();
  std::memset(c, 0, 2 * bytes);
  if (h_0) std::memcpy(h, h_0 + std::size_t(index) * hidden, bytes);
  if (lstm && c_0) std::memcpy(c, c_0 + std::size_t(index) * hidden, bytes);
  std::int64_t reads = 0;
  for (int n = 1; n <= tokens; ++n) {
    const int t = d ? tokens - n : n - 1;
    const int word = words ? words[t] : 0;
    const float* vector = words ? embedding_.get() + std::size_t(word) * shape_.input_size
                                : x + std::size_t(t) * inputs;
    const bool in_table = words && word < table_rows_;
    const float* row = in_table ? table_.get() + word * row_floats_ + row_offsets_[d] : nullptr;
    if (words && n < tokens) {
      const int next = words[d ? t - 1 : t + 1];
      if (next < table_rows_) __builtin_prefetch(table_.get() + next * row_floats_ + row_offsets_[d]);
    }
    int level = 0;
    float* p = work.p.data();
    p[0] = 1;
    if (count > 1) {
      const float* part = row ? row + direction.offsets.back() : nullptr;
      if (!part) {
        float* own = work.row.get() + direction.offsets.back();
        router_part(direction, vector, inputs, own);
        part = own;
      }
      const float* state = shape_.state_router ? c : h;
      const int seen = shape_.state_router ? 2 * hidden : hidden;
      for (int k = 0; k < count; ++k)
        p[k] = part[k] +
               kernels_->dot(direction.router_s.data() + std::size_t(k) * seen, state, seen);
      softmax(p, count);
      level = choose_level(p, count, rule);
      if (level == 0 && rule.has_budget) {
        // Two roundings, as in the reference: this file is compiled without contraction.
        if (double(reads + 1) <= rule.burst + rule.budget * double(n))
          ++reads;
        else
          level = 1;
      }
    }
    const Cell& cell = direction.cells[level];
    if (cell.units) {
      const float* part = row ? row + direction.offsets[level] : nullptr;
      if (!part) {
        float* own = work.row.get() + direction.offsets[level];
        kernels_->input_part[shape_.kind](cell, vector, own);
        part = own;
      }
      kernels_->step[shape_.kind](cell, part, h, h, c, h_new, c_new);
      std::memcpy(h, h_new, cell.units * sizeof(float));
      if (lstm) std::memcpy(c, c_new, cell.units * sizeof(float));
    }
    if (outputs) std::memcpy(outputs + std::size_t(t) * width + std::size_t(d) * hidden, h, bytes);
    const std::size_t at = std::size_t(index) * tokens + t;
    if (output.level) output.level[at] = std::int8_t(level);
    if (output.p) std::memcpy(output.p + at * count, p, count * sizeof(float));
  }
  if (output.h_n) std::memcpy(output.h_n + std::size_t(index) * hidden, h, bytes);
  if (lstm && output.c_n) std::memcpy(output.c_n + std::size_t(index) * hidden, c, bytes);
}

void Network::read(const Input& input, int tokens, const Rule& rule, const float* h_0,
                   const float* c_0, const Output& output) const {
  const FlushDenormals flush;
  const int hidden = shape_.hidden_size, width = shape_.directions * hidden;
  std::size_t floats = 0;
  for (const Direction& direction : directions_) floats = std::max(floats, direction.floats);
  Work work;
  work.row = Buffer(floats);
  work.state = Buffer(std::size_t(hidden) + padded(hidden));
  work.h_new = Buffer(padded(hidden));
  work.c_new = Buffer(padded(hidden));
  work.p.resize(shape_.levels.size());
  const float* x = input.vectors;
  const std::int32_t* words = input.words;
  int inputs = shape_.input_size;
  for (int layer = 0; layer < shape_.num_layers; ++layer) {
    const bool last = layer + 1 == shape_.num_layers;
    float* outputs = output.output;
    if (!last) {
      work.layers[layer % 2] = Buffer(std::size_t(tokens) * width);
      outputs = work.layers[layer % 2].get();
    }
    for (int d = 0; d < shape_.directions; ++d)
      read_direction(directions_[layer * shape_.directions + d], layer, d, inputs, x, words, tokens,
                     rule, h_0, c_0, outputs, output, work);
    x = outputs;
    words = nullptr;
    inputs = width;
  }
}

void Network::classify(const std::int32_t* words, int tokens, const Rule& rule,
                       const float* weight, const float* bias, int classes, std::int8_t* level,
                       float* p, float* probabilities) const {
  const int units = shape_.directions * shape_.hidden_size;
  std::vector<float> h_n(std::size_t(shape_.num_layers) * units);
  read({nullptr, words}, tokens, rule, nullptr, nullptr,
       {nullptr, h_n.data(), nullptr, level, p});
  const float* last = h_n.data() + h_n.size() - units;
  for (int k = 0; k < classes; ++k)
    probabilities[k] = kernels_->dot(weight + std::size_t(k) * units, last, units) + bias[k];
  softmax(probabilities, classes);
}

// ---- denormals ----------------------------------------------------------------------------------

#if defined(__SSE2__)
FlushDenormals::FlushDenormals() : before_(_mm_getcsr()) {
  _mm_setcsr(unsigned(before_) | 0x8040u);  // flush to zero, denormals are zero
}
FlushDenormals::~FlushDenormals() { _mm_setcsr(unsigned(before_)); }
#elif defined(__aarch64__)
FlushDenormals::FlushDenormals() {
  asm volatile("mrs %0, fpcr" : "=r"(before_));
  asm volatile("msr fpcr, %0" ::"r"(before_ | (std::uint64_t(1) << 24)));
}
FlushDenormals::~FlushDenormals() { asm volatile("msr fpcr, %0" ::"r"(before_)); }
#else
FlushDenormals::FlushDenormals() : before_(0) {}
FlushDenormals::~FlushDenormals() { (void)before_; }
#endif

}  // namespace skimrnn
