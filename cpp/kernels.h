// The arithmetic of the reader, once per instruction set.
//
// kernels.cc is compiled several times, each time in a namespace and with compiler flags of its
// own; dispatch.cc picks one table of functions when a network is made. Nothing here knows Python.
//
// Layout. Sixteen units make a group, and a group holds its units' gates side by side, gate after
// gate: an LSTM's group is [i x16 | f x16 | g x16 | o x16]. Sizes are rounded up to whole groups;
// the rows of units that do not exist are zero. So a group's state can be finished as soon as its
// products are summed, and every sum runs over the columns in order, whatever the vector width.
#pragma once

#include <cstddef>

namespace skimrnn {

constexpr int kGroup = 16;
constexpr int kAlignment = 64;  // bytes; of every buffer below

constexpr int groups(int units) { return (units + kGroup - 1) / kGroup; }
constexpr int padded(int units) { return groups(units) * kGroup; }

// A matrix of gates * units rows, packed group by group, column by column within a group:
// data[(group * columns + column) * gates * kGroup + gate * kGroup + unit]. Not owned.
struct Matrix {
  const float* data;
  int columns;
};

// One cell, full or small, of `units` units.
struct Cell {
  int units;
  Matrix ih;             // columns = inputs of the layer
  Matrix hh;             // columns = units of h that it sees
  const float* bias_ih;  // [groups * gates * kGroup], in group layout; zeros without bias
  const float* bias_hh;  // likewise
};

// part[groups * gates * kGroup] = bias_ih + ih x; x has ih.columns entries, part must not alias it.
using InputPart = void (*)(const Cell& cell, const float* x, float* part);

// The state after one token. `part` comes from InputPart; `seen` has hh.columns entries of h.
// h and c hold padded(units) entries of the state before the token and are not written; h_new and
// c_new receive padded(units) entries (those past `units` are meaningless) and alias nothing.
// c and c_new are used by the LSTM alone and may be null otherwise.
using Step = void (*)(const Cell& cell, const float* part, const float* seen, const float* h,
                      const float* c, float* h_new, float* c_new);

// Sum of a[i] * b[i]; n entries, neither aligned nor padded. Sixteen partial sums, added in a fixed
// order, whatever the vector width.
using Dot = float (*)(const float* a, const float* b, int n);

enum CellKind { kLstm = 0, kGru = 1, kTanh = 2, kRelu = 3 };

constexpr int gates_of(CellKind kind) { return kind == kLstm ? 4 : kind == kGru ? 3 : 1; }

struct Kernels {
  const char* name;
  InputPart input_part[4];  // by CellKind
  Step step[4];             // by CellKind
  Dot dot;
};

}  // namespace skimrnn
