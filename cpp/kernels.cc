// The cells of reference.py, sixteen units at a time. Compiled once per instruction set.

#include "kernels.h"
#include "vec.h"

namespace skimrnn {
namespace SKIMRNN_ISA {
namespace {

constexpr int kParts = kGroup / kWidth;  // vectors per sixteen units

// The gates of one group: products of `Gates` gates accumulate here, in registers.
template <int Gates>
struct Sums {
  Vec v[Gates][kParts];

  void load_from(const float* p) {
    for (int g = 0; g < Gates; ++g)
      for (int i = 0; i < kParts; ++i) v[g][i] = load(p + g * kGroup + i * kWidth);
  }

  void add(const float* p) {
    for (int g = 0; g < Gates; ++g)
      for (int i = 0; i < kParts; ++i) v[g][i] += load(p + g * kGroup + i * kWidth);
  }

  void add_products(const float* columns, int count, const float* x) {
    for (int column = 0; column < count; ++column, columns += Gates * kGroup) {
      const Vec factor = all(x[column]);
      for (int g = 0; g < Gates; ++g)
        for (int i = 0; i < kParts; ++i)
          v[g][i] += load(columns + g * kGroup + i * kWidth) * factor;
    }
  }

  void store_to(float* p) const {
    for (int g = 0; g < Gates; ++g)
      for (int i = 0; i < kParts; ++i) store(p + g * kGroup + i * kWidth, v[g][i]);
  }
};

template <int Gates>
void input_part(const Cell& cell, const float* x, float* part) {
  constexpr int kRows = Gates * kGroup;
  for (int group = 0; group < groups(cell.units); ++group) {
    Sums<Gates> sums;
    sums.load_from(cell.bias_ih + group * kRows);
    sums.add_products(cell.ih.data + std::size_t(group) * cell.ih.columns * kRows,
                      cell.ih.columns, x);
    sums.store_to(part + group * kRows);
  }
}

void lstm_step(const Cell& cell, const float* part, const float* seen, const float*,
               const float* c, float* h_new, float* c_new) {
  constexpr int kRows = 4 * kGroup;
  for (int group = 0; group < groups(cell.units); ++group) {
    Sums<4> sums;
    sums.load_from(part + group * kRows);
    sums.add(cell.bias_hh + group * kRows);
    sums.add_products(cell.hh.data + std::size_t(group) * cell.hh.columns * kRows,
                      cell.hh.columns, seen);
    for (int i = 0; i < kParts; ++i) {
      const int at = group * kGroup + i * kWidth;
      const Vec kept = sigmoid(sums.v[1][i]) * load(c + at);
      const Vec new_c = kept + sigmoid(sums.v[0][i]) * tanh(sums.v[2][i]);
      store(c_new + at, new_c);
      store(h_new + at, sigmoid(sums.v[3][i]) * tanh(new_c));
    }
  }
}

void gru_step(const Cell& cell, const float* part, const float* seen, const float* h,
              const float*, float* h_new, float*) {
  constexpr int kRows = 3 * kGroup;
  for (int group = 0; group < groups(cell.units); ++group) {
    Sums<3> input, sums;
    input.load_from(part + group * kRows);
    sums.load_from(cell.bias_hh + group * kRows);
    sums.add_products(cell.hh.data + std::size_t(group) * cell.hh.columns * kRows,
                      cell.hh.columns, seen);
    for (int i = 0; i < kParts; ++i) {
      const int at = group * kGroup + i * kWidth;
      const Vec r = sigmoid(input.v[0][i] + sums.v[0][i]);
      const Vec z = sigmoid(input.v[1][i] + sums.v[1][i]);
      const Vec n = tanh(input.v[2][i] + r * sums.v[2][i]);
      store(h_new + at, (all(1.0f) - z) * n + z * load(h + at));
    }
  }
}

template <bool Relu>
void elman_step(const Cell& cell, const float* part, const float* seen, const float*,
                const float*, float* h_new, float*) {
  for (int group = 0; group < groups(cell.units); ++group) {
    Sums<1> sums;
    sums.load_from(part + group * kGroup);
    sums.add(cell.bias_hh + group * kGroup);
    sums.add_products(cell.hh.data + std::size_t(group) * cell.hh.columns * kGroup,
                      cell.hh.columns, seen);
    for (int i = 0; i < kParts; ++i) {
      const Vec x = sums.v[0][i];
      const Vec positive = x < all(0.0f) ? all(0.0f) : x;  // NaN stays, as in NumPy and torch
      store(h_new + group * kGroup + i * kWidth, Relu ? positive : tanh(x));
    }
  }
}

float dot(const float* a, const float* b, int n) {
  float lanes[kGroup] = {};
  Vec sums[kParts] = {};
  int i = 0;
  for (; i + kGroup <= n; i += kGroup)
    for (int part = 0; part < kParts; ++part)
      sums[part] += load(a + i + part * kWidth) * load(b + i + part * kWidth);
  for (int part = 0; part < kParts; ++part) store(lanes + part * kWidth, sums[part]);
  for (int lane = 0; i < n; ++i, ++lane) lanes[lane] += a[i] * b[i];
  for (int half = kGroup / 2; half; half /= 2)
    for (int lane = 0; lane < half; ++lane) lanes[lane] += lanes[lane + half];
  return lanes[0];
}

#define SKIMRNN_NAME_(isa) #isa
#define SKIMRNN_NAME(isa) SKIMRNN_NAME_(isa)

}  // namespace

extern const Kernels kernels;
const Kernels kernels = {
    SKIMRNN_NAME(SKIMRNN_ISA),
    {input_part<4>, input_part<3>, input_part<1>, input_part<1>},
    {lstm_step, gru_step, elman_step<false>, elman_step<true>},
    dot,
};

}  // namespace SKIMRNN_ISA
}  // namespace skimrnn
