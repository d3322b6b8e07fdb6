// The cells of reference.py, sixteen units at a time. Compiled once per instruction set.

#include "kernels.h"

#include <type_traits>

#include "vec.h"

namespace skimrnn {
namespace SKIMRNN_ISA {
namespace {

constexpr int kParts = kGroup / kWidth;  // vectors per sixteen units

// The gates of one group: products accumulate here, in registers.
template <int Gates>
struct Sums {
  Vec v[Gates][kParts];

  void load_from(const float* p) {
    for (int g = 0; g < Gates; ++g)
      for (int i = 0; i < kParts; ++i) v[g][i] = load(p + g * kGroup + i * kWidth);
  }

  void add_products(const float* column, int count, const float* x) {
    for (int k = 0; k < count; ++k, column += Gates * kGroup) {
      const Vec factor = all(x[k]);
      for (int g = 0; g < Gates; ++g)
        for (int i = 0; i < kParts; ++i) v[g][i] += load(column + g * kGroup + i * kWidth) * factor;
    }
  }

  void store_to(float* p) const {
    for (int g = 0; g < Gates; ++g)
      for (int i = 0; i < kParts; ++i) store(p + g * kGroup + i * kWidth, v[g][i]);
  }
};

// Where the rows of a cell's group begin in what has one entry a row.
template <int Gates>
std::size_t first_row(int group) {
  return std::size_t(group) * Gates * kGroup;
}

// The sums of a narrow group as those of a whole one, lanes of no unit zero.
template <int Gates>
Sums<Gates> spread(const Sums<1>& packed) {
  static_assert(kNarrow == 4);
  Sums<Gates> sums = {};
  for (int g = 0; g < Gates; ++g) {
#if defined(__AVX512F__)
    sums.v[g][0] = Vec(_mm512_maskz_compress_ps(__mmask16(0xF << g * kNarrow), packed.v[0][0]));
#elif defined(__AVX__)
    const __m256 two = __m256(packed.v[0][g / 2]);
    sums.v[g][0] = Vec(_mm256_zextps128_ps256(g % 2 ? _mm256_extractf128_ps(two, 1)
                                                    : _mm256_castps256_ps128(two)));
#else
    sums.v[g][0] = packed.v[0][g];
#endif
  }
  return sums;
}

// The sums of a cell's group that start from `start`, in group layout, and are then changed by
// `add(sums)`, which is given those of a narrow group as one gate's.
template <int Gates, class Add>
Sums<Gates> group_sums(const Cell& cell, int group, const float* start, Add add) {
  start += first_row<Gates>(group);
  if (narrow(cell.units, Gates) && group == cell.units / kGroup) {
    Sums<1> packed;
    packed.load_from(start);
    add(packed);
    return spread<Gates>(packed);
  }
  Sums<Gates> sums;
  sums.load_from(start);
  add(sums);
  return sums;
}

// ---- the recurrent product, in float and in int8 ------------------------------------------------

// h as the recurrent matrix takes it; `add_products` adds those of one group to its sums, which are
// one gate's if the group is narrow.
struct FloatSeen {
  const float* h;

  FloatSeen(const Cell&, const float* seen, void*) : h(seen) {}

  template <int Gates, int Summed>
  void add_products(const Cell& cell, int group, Sums<Summed>& sums) const {
    const std::size_t first = first_row<Gates>(group) * cell.hh.columns;
    sums.add_products(cell.hh.data + first, cell.hh.columns, h);
  }
};

// h in 127ths, rounded, |h| <= 1, and kInt8Offset. The integers, and so the sums, are the same on
// every instruction set: bytes for vpdpbusd, elsewhere sixteen bits, whose products cannot
// overflow.
struct Int8Seen {
#if defined(__AVX512VNNI__)
  using Entry = std::uint8_t;
#else
  using Entry = std::int16_t;
#endif
  const Entry* h;

  Int8Seen(const Cell& cell, const float* seen, void* room) : h(static_cast<Entry*>(room)) {
    Entry* to = static_cast<Entry*>(room);
    const int columns = cell.hh8.columns;
    int i = 0;
    for (; i + kWidth <= columns; i += kWidth) quantise(load(seen + i), to + i);
    if (i < columns) {
      float rest[kWidth] = {};
      for (int lane = 0; i + lane < columns; ++lane) rest[lane] = seen[i + lane];
      quantise(load(rest), to + i);
    }
  }

  static void quantise(Vec x, Entry* to) {
    const Vec rounder = all(12582912.0f);  // 1.5 * 2^23: adding it rounds to a whole number
    const Vec whole = (x * all(127.0f) + rounder) - rounder;
    const Ints integers = __builtin_convertvector(whole, Ints) + kInt8Offset;
    using Entries = Entry __attribute__((vector_size(kWidth * sizeof(Entry))));
    const Entries entries = __builtin_convertvector(integers, Entries);
    std::memcpy(to, &entries, sizeof entries);
  }

  template <int Gates, int Summed>
  void add_products(const Cell& cell, int group, Sums<Summed>& sums) const {
    const Int8Matrix& matrix = cell.hh8;
    const std::size_t row = first_row<Gates>(group);
    Ints totals[Summed][kParts];
    products(matrix.data + row * blocks(matrix.columns) * kBlock, blocks(matrix.columns), totals);
    for (int g = 0; g < Summed; ++g)
      for (int i = 0; i < kParts; ++i) {
        const std::size_t at = row + g * kGroup + i * kWidth;
        sums.v[g][i] += __builtin_convertvector(totals[g][i], Vec) * load(matrix.scale + at);
      }
  }

 private:
#if defined(__AVX512VNNI__)
  template <int Gates>
  void products(const std::int8_t* data, int count, Ints (&totals)[Gates][kParts]) const {
    constexpr int kStride = Gates * kGroup * kBlock;
    // Two blocks side by side, for more sums in flight; integers add in any order.
    __m512i even[Gates], odd[Gates];
    for (int g = 0; g < Gates; ++g) even[g] = odd[g] = _mm512_setzero_si512();
    const auto add = [&](__m512i* sums, int block) {
      const __m512i four = broadcast(block);
      for (int g = 0; g < Gates; ++g) {
        const std::int8_t* bytes = data + std::size_t(block) * kStride + g * kGroup * kBlock;
        sums[g] = _mm512_dpbusd_epi32(sums[g], four, _mm512_load_si512(bytes));
      }
    };
    int block = 0;
    for (; block + 2 <= count; block += 2) {
      add(even, block);
      add(odd, block + 1);
    }
    if (block < count) add(even, block);
    for (int g = 0; g < Gates; ++g) totals[g][0] = Ints(_mm512_add_epi32(even[g], odd[g]));
  }

  __m512i broadcast(int block) const {
    std::int32_t four;
    std::memcpy(&four, h + block * kBlock, sizeof four);
    return _mm512_set1_epi32(four);
  }
#elif defined(__AVX2__)
  template <int Gates>
  void products(const std::int8_t* data, int count, Ints (&totals)[Gates][kParts]) const {
    constexpr int kStride = Gates * kGroup * kBlock, kTogether = Gates % 2 ? 1 : 2;
    for (int g = 0; g < Gates; g += kTogether) {
      __m256i pairs[kTogether][4] = {};  // of four units each: two sums of two columns
      for (int block = 0; block < count; ++block) {
        std::int64_t four;
        std::memcpy(&four, h + block * kBlock, sizeof four);
        const __m256i factors = _mm256_set1_epi64x(four);
        const std::int8_t* bytes = data + std::size_t(block) * kStride + g * kGroup * kBlock;
        for (int k = 0; k < kTogether; ++k)
          for (int i = 0; i < 4; ++i, bytes += 16) {
            const __m128i weights = _mm_load_si128(reinterpret_cast<const __m128i*>(bytes));
            pairs[k][i] = _mm256_add_epi32(
                pairs[k][i], _mm256_madd_epi16(_mm256_cvtepi8_epi16(weights), factors));
          }
      }
      for (int k = 0; k < kTogether; ++k)
        for (int i = 0; i < kParts; ++i)
          totals[g + k][i] = Ints(_mm256_permute4x64_epi64(
              _mm256_hadd_epi32(pairs[k][2 * i], pairs[k][2 * i + 1]), 0b11011000));
    }
  }
#else
  template <int Gates>
  void products(const std::int8_t* data, int count, Ints (&totals)[Gates][kParts]) const {
    std::int32_t sums[Gates * kGroup] = {};
    for (int block = 0; block < count; ++block, data += Gates * kGroup * kBlock)
      for (int row = 0; row < Gates * kGroup; ++row)
        for (int column = 0; column < kBlock; ++column)
          sums[row] += data[row * kBlock + column] * h[block * kBlock + column];
    for (int g = 0; g < Gates; ++g)
      for (int i = 0; i < kParts; ++i) totals[g][i] = load_ints(sums + g * kGroup + i * kWidth);
  }
#endif
};

// ---- the cells ----------------------------------------------------------------------------------

// Vectors whose input parts are made together: a weight is loaded once for all of them.
#if defined(__AVX512F__)
constexpr int kTogether = 6;
#else
constexpr int kTogether = 1;  // the sums of more would not fit into sixteen registers
#endif

// The input parts of so many vectors in one group of a cell.
template <int Gates, int Rows>
void group_parts(const float* bias, const float* column, int columns, const float* x,
                 std::size_t x_stride, float* parts, std::size_t part_stride) {
  Sums<Gates> sums[Rows];
  for (int row = 0; row < Rows; ++row) sums[row].load_from(bias);
  for (int k = 0; k < columns; ++k, column += Gates * kGroup)
    for (int g = 0; g < Gates; ++g)
      for (int i = 0; i < kParts; ++i) {
        const Vec weights = load(column + g * kGroup + i * kWidth);
        for (int row = 0; row < Rows; ++row)
          sums[row].v[g][i] += weights * all(x[row * x_stride + k]);
      }
  for (int row = 0; row < Rows; ++row) sums[row].store_to(parts + row * part_stride);
}

template <int Gates>
void input_parts(const Cell& cell, const float* x, std::size_t x_stride, int rows, float* parts,
                 std::size_t part_stride) {
  const int columns = cell.ih.columns;
  for (int group = 0; group < groups(cell.units); ++group) {
    const std::size_t first = first_row<Gates>(group);
    const float *bias = cell.bias_ih + first, *column = cell.ih.data + first * columns;
    const bool of_one = narrow(cell.units, Gates) && group == cell.units / kGroup;
    int row = 0;
    const auto make = [&](auto together) {
      constexpr int kRows = decltype(together)::value;
      for (; row + kRows <= rows; row += kRows)
        (of_one ? group_parts<1, kRows>
                : group_parts<Gates, kRows>)(bias, column, columns, x + row * x_stride, x_stride,
                                             parts + row * part_stride + first, part_stride);
    };
    make(std::integral_constant<int, kTogether>());
    make(std::integral_constant<int, 1>());
  }
}

// `f(i, at, exists)` for each vector of a group, which begins with unit `at`; exists is all ones in
// the lanes of units that are there.
template <class F>
void each_vector(const Cell& cell, int group, F f) {
  for (int i = 0; i < kParts; ++i) {
    const int at = group * kGroup + i * kWidth;
    f(i, at, lane_numbers() < all_ints(cell.units - at));
  }
}

struct Lstm {
  template <class Seen>
  static void update(const Cell& cell, int group, const float* part, const Seen& seen,
                     const float* h, float* c, float* h_new) {
    const Sums<4> sums = group_sums<4>(cell, group, part, [&](auto& of_group) {
      seen.template add_products<4>(cell, group, of_group);
    });
    each_vector(cell, group, [&](int i, int at, Ints exists) {
      const Vec input = over_logistic(tanh_ratio(sums.v[2][i]), sums.v[0][i]);
      const Vec new_c = sigmoid(sums.v[1][i]) * load(c + at) + input;
      const Vec new_h = over_logistic(tanh_ratio(new_c), sums.v[3][i]);
      store(c + at, exists ? new_c : load(c + at));
      store(h_new + at, exists ? new_h : load(h + at));
    });
  }

  // sigmoid(gate) times a ratio: one division for both.
  static Vec over_logistic(Ratio ratio, Vec gate) {
    return ratio.over / (ratio.under * (all(1.0f) + exponential(-gate)));
  }
};

struct Gru {
  template <class Seen>
  static void update(const Cell& cell, int group, const float* part, const Seen& seen,
                     const float* h, float*, float* h_new) {
    const Sums<3> input = group_sums<3>(cell, group, part, [](auto&) {});
    const Sums<3> sums = group_sums<3>(cell, group, cell.bias_hh, [&](auto& of_group) {
      seen.template add_products<3>(cell, group, of_group);
    });
    each_vector(cell, group, [&](int i, int at, Ints exists) {
      const Vec old = load(h + at);
      const Vec r = sigmoid(input.v[0][i] + sums.v[0][i]);
      const Vec z = sigmoid(input.v[1][i] + sums.v[1][i]);
      const Vec n = tanh(input.v[2][i] + r * sums.v[2][i]);
      store(h_new + at, exists ? (all(1.0f) - z) * n + z * old : old);
    });
  }
};

template <bool Relu>
struct Elman {
  template <class Seen>
  static void update(const Cell& cell, int group, const float* part, const Seen& seen,
                     const float* h, float*, float* h_new) {
    const Sums<1> sums = group_sums<1>(cell, group, part, [&](auto& of_group) {
      seen.template add_products<1>(cell, group, of_group);
    });
    each_vector(cell, group, [&](int i, int at, Ints exists) {
      const Vec x = sums.v[0][i];
      const Vec positive = x < all(0.0f) ? all(0.0f) : x;  // NaN stays, as in NumPy and torch
      store(h_new + at, exists ? (Relu ? positive : tanh(x)) : load(h + at));
    });
  }
};

template <class Kind, class Seen>
void step(const Cell& cell, const float* part, const float* seen, const float* h, float* c,
          float* h_new, void* room, bool backwards) {
  const Seen taken(cell, seen, room);
  const int count = groups(cell.units);
  for (int n = 0; n < count; ++n)
    Kind::update(cell, backwards ? count - 1 - n : n, part, taken, h, c, h_new);
}

// ---- the router ---------------------------------------------------------------------------------

struct Lanes {
  Vec v[kParts];

  void load_from(const float* p) {
    for (int i = 0; i < kParts; ++i) v[i] = load(p + i * kWidth);
  }

  void add_products(const float* a, const float* b, int n) {
    for (int at = 0; at < n; at += kGroup)
      for (int i = 0; i < kParts; ++i)
        v[i] += load(a + at + i * kWidth) * load(b + at + i * kWidth);
  }

  // Lane i with i + 8, the result's with i + 4, ...: the same pairs whatever the vector width.
  float sum() const {
    alignas(kAlignment) float lanes[kGroup];
    for (int i = 0; i < kParts; ++i) store(lanes + i * kWidth, v[i]);
    using Four = float __attribute__((vector_size(16)));
    Four quarter[4];
    std::memcpy(quarter, lanes, sizeof quarter);
    const Four four = (quarter[0] + quarter[2]) + (quarter[1] + quarter[3]);
    return (four[0] + four[2]) + (four[1] + four[3]);
  }
};

float dot(const float* a, const float* b, int n) {
  Lanes sums = {};
  const int whole = n / kGroup * kGroup;
  sums.add_products(a, b, whole);
  if (whole < n) {
    float rest[2][kGroup] = {};
    for (int i = whole; i < n; ++i) rest[0][i - whole] = a[i], rest[1][i - whole] = b[i];
    sums.add_products(rest[0], rest[1], kGroup);
  }
  return sums.sum();
}

float router_sum(const RouterRow& row, const float* c, const float* h, int moving, int units,
                 float* tail, bool anew) {
  Lanes sums = {};
  if (anew) {
    if (c) sums.add_products(row.of_c + moving, c + moving, units - moving);
    sums.add_products(row.of_h + moving, h + moving, units - moving);
    for (int i = 0; i < kParts; ++i) store(tail + i * kWidth, sums.v[i]);
  } else {
    sums.load_from(tail);
  }
  if (c) sums.add_products(row.of_c, c, moving);
  sums.add_products(row.of_h, h, moving);
  return sums.sum();
}

#define SKIMRNN_NAME_(isa) #isa
#define SKIMRNN_NAME(isa) SKIMRNN_NAME_(isa)

}  // namespace

// training_kernels.cc
std::remove_pointer_t<TrainSteps> train_forward_lstm, train_forward_gru, train_backward_lstm,
    train_backward_gru;
std::remove_pointer_t<RowsProduct> rows_product;
std::remove_pointer_t<SumsProduct> sums_product;

// Made by the linker: code that runs when the library is loaded would be this instruction set's, on
// any CPU.
extern const Kernels kernels;
constinit const Kernels kernels = {
    SKIMRNN_NAME(SKIMRNN_ISA),
    {input_parts<4>, input_parts<3>, input_parts<1>, input_parts<1>},
    kTogether > 1,
    {step<Lstm, FloatSeen>, step<Gru, FloatSeen>, step<Elman<false>, FloatSeen>,
     step<Elman<true>, FloatSeen>},
    {step<Lstm, Int8Seen>, step<Gru, Int8Seen>, step<Elman<false>, Int8Seen>, nullptr},
    dot,
    router_sum,
    {train_forward_lstm, train_forward_gru},
    {train_backward_lstm, train_backward_gru},
    rows_product,
    sums_product,
};

}  // namespace SKIMRNN_ISA
}  // namespace skimrnn
