// The arithmetic of the reader, once per instruction set.
//
// kernels.cc is compiled several times, each time in a namespace and with compiler flags of its
// own; dispatch.cc picks one table of functions when a network is made. Nothing here knows Python.
//
// Layout. Sixteen units make a group, and a group holds its units' gates side by side, gate after
// gate: an LSTM's group is [i x16 | f x16 | g x16 | o x16]. Sizes are rounded up to whole groups;
// the rows of units that do not exist are zero. So a group's state can be finished as soon as its
// products are summed, and every sum runs over the columns in order, whatever the vector width.
// A last group of at most four units is narrow: its gates share sixteen rows, [i x4 | f x4 | ...].
#pragma once

#include <cstddef>
#include <cstdint>

namespace skimrnn {

constexpr int kGroup = 16;
constexpr int kBlock = 4;       // columns that lie side by side in an int8 matrix
constexpr int kAlignment = 64;  // bytes; of every buffer below

constexpr int kNarrow = 4;  // units of a narrow group at most

constexpr int groups(int units) { return (units + kGroup - 1) / kGroup; }
constexpr int padded(int units) { return groups(units) * kGroup; }
constexpr int blocks(int columns) { return (columns + kBlock - 1) / kBlock; }

// Whether the last group of a cell is narrow.
constexpr bool narrow(int units, int gates) {
  return gates > 1 && units % kGroup && units % kGroup <= kNarrow;
}

// Rows of a packed matrix.
constexpr std::size_t packed_rows(int units, int gates) {
  const std::size_t whole = std::size_t(units / kGroup) * gates * kGroup;
  return whole + (units % kGroup ? (narrow(units, gates) ? kGroup : gates * kGroup) : 0);
}

// A matrix of gates * units rows, packed group by group, column by column within a group:
// data[(group * columns + column) * gates * kGroup + gate * kGroup + unit], and in a narrow group
// data[group * columns * gates * kGroup + column * kGroup + gate * kNarrow + unit]. Not owned.
struct Matrix {
  const float* data;
  int columns;
};

// The same in int8, with blocks of four columns, side by side in each row, in the place of columns.
// A row's weights are data * scale * 127, and the vector that it is multiplied with is given in
// 127ths, so a product of the two is an exact integer sum times scale. To each of those 127ths
// kInt8Offset is added, for instructions that take bytes without a sign; the cell's bias makes up
// for it.
struct Int8Matrix {
  const std::int8_t* data;
  const float* scale;  // [packed_rows], in group layout
  int columns;
};

constexpr int kInt8Offset = 128;

// One cell, full or small, of `units` units. Of the recurrent matrix there is one form: int8 if
// hh8.data is not null.
struct Cell {
  int units;
  Matrix ih;             // columns = inputs of the layer
  Matrix hh;             // columns = units of h that it sees
  Int8Matrix hh8;        // likewise
  const float* bias_ih;  // [packed_rows], in group layout; both biases but for the GRU
  const float* bias_hh;  // likewise; the GRU's alone
};

// Of `rows` vectors x, each ih.columns entries and `x_stride` after the one before: the input part
// bias_ih + ih x, packed_rows entries, `part_stride` after the one before. Parts must not alias x.
// A vector's part is the same to the bit however many there are.
using InputParts = void (*)(const Cell& cell, const float* x, std::size_t x_stride, int rows,
                            float* parts, std::size_t part_stride);

// The state after one token. `part` comes from InputParts; `seen` holds the entries of h that the
// recurrent matrix has columns for. h and c hold padded(units) entries of the state before the
// token; h_new receives as many, and c is changed in place, both keeping the entries past `units`.
// h_new may be h if the cell has one group, else it must not alias `seen`. c is the LSTM's alone
// and may be null otherwise. `room` has 2 * padded(columns) bytes to work in, for int8 alone.
// `backwards` takes the groups from the last to the first, to the same bits: in turns with forwards
// a step finds in the nearest cache what the one before used last.
using Step = void (*)(const Cell& cell, const float* part, const float* seen, const float* h,
                      float* c, float* h_new, void* room, bool backwards);

// Sum of a[i] * b[i]; n entries, neither aligned nor padded. Sixteen partial sums, added in a fixed
// order, whatever the vector width.
using Dot = float (*)(const float* a, const float* b, int n);

// One row of the router over the state: its weights on c, which may be null with c, and on h.
struct RouterRow {
  const float *of_c, *of_h;
};

// The row's product with c and h, each `units` entries; `moving` and `units` are multiples of
// kGroup. tail, kGroup floats, holds the sums over the entries from `moving` on; with `anew` it is
// made before it is used. The sum is the same to the bit either way.
using RouterSum = float (*)(const RouterRow& row, const float* c, const float* h, int moving,
                            int units, float* tail, bool anew);

enum CellKind { kLstm = 0, kGru = 1, kTanh = 2, kRelu = 3 };

constexpr int gates_of(CellKind kind) { return kind == kLstm ? 4 : kind == kGru ? 3 : 1; }

// For training, see training.h. Some steps of a pass, ...
struct Steps;
using TrainSteps = void (*)(const Steps& steps);

// ... out (rows, columns) = a (rows, count) times a matrix packed in panels, added to `start`
// (padded(columns) entries, for every row), or to what is there if that is null, ...
using RowsProduct = void (*)(const float* a, std::size_t rows, std::size_t a_stride,
                             const float* panels, int columns, int count, const float* start,
                             float* out, std::size_t out_stride);

// ... and the sum over n of a[n][i] * b[n][k], added to out (wanted, columns), and of a[n][i],
// added to a_sums (wanted) unless that is null; `room` holds kSumRows * padded(columns) floats.
using SumsProduct = void (*)(const float* a, int wanted, std::size_t a_stride, const float* b,
                             int columns, std::size_t b_stride, std::size_t count, float* out,
                             std::size_t out_stride, float* a_sums, float* room);
constexpr int kSumRows = 256;

struct Kernels {
  const char* name;
  InputParts input_parts[4];  // by CellKind
  bool together;              // whether those of several vectors are made faster than one by one
  Step step[4];               // by CellKind
  Step step_int8[4];          // likewise; null for relu, whose h has no bound
  Dot dot;
  RouterSum router_sum;
  TrainSteps train_forward[2], train_backward[2];  // by CellKind; LSTM and GRU
  RowsProduct rows_product;
  SumsProduct sums_product;
};

}  // namespace skimrnn
