#include "network.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "activations.h"
#include "buffer.h"
#include "denormals.h"
#include "reading.h"

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

// ---- what a token says by itself ----------------------------------------------------------------

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
      fill_row(directions_[d], vector_of(word), shape_.input_size,
               table_ + word * row_floats_ + row_offsets_[d]);
}

void Network::router_part(const Direction& direction, const float* x, int inputs,
                          float* part) const {
  for (std::size_t k = 0; k < direction.router_bias.size(); ++k)
    part[k] =
        direction.router_bias[k] + kernels_->dot(direction.router_x.data() + k * inputs, x, inputs);
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

// Of so many tokens what each says by itself to kLeapLstm.
void Network::leap_parts(const Leap& leap, const float* x, int inputs, int rows,
                         float* parts) const {
  const InputParts* make = kernels_->input_parts;
  make[kTanh](leap.layer, x, inputs, rows, parts, leap.floats);
  make[kLstm](leap.reverse, x, inputs, rows, parts + leap.reverse_at, leap.floats);
  make[kTanh](leap.filters, x, inputs, rows, parts + leap.filters_at, leap.floats);
}

// ---- reading ------------------------------------------------------------------------------------

void Network::read(const Input& input, int tokens, const Rule& rule, const Start& start,
                   const Output& output) const {
  const FlushDenormals flush;
  const int width = shape_.directions * shape_.hidden_size;
  std::size_t floats = 0;
  for (const Direction& direction : directions_) floats = std::max(floats, direction.floats);
  // Words need a row of their own where the table has none; vectors and later layers a chunk.
  const int rows = input.words && shape_.num_layers == 1 ? 1 : kChunk;
  Work work(shape_, router_rows(), memory(), floats, rows);
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
      const Pass pass = {.direction = directions_[index],
                         .layer = layer,
                         .d = d,
                         .inputs = inputs,
                         .tokens = tokens,
                         .x = x,
                         .words = words,
                         .levels = levels,
                         .rule = rule,
                         .start = start,
                         .outputs = outputs,
                         .output = output};
      Reading(*this, pass, work).run();
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
    probabilities[k] = kernels_->dot(head.weight + std::size_t(k) * units, h, units) + head.bias[k];
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
