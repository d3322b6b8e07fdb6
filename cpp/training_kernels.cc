// The training passes of training.h. Compiled once per instruction set.

#include <cmath>

#include "training.h"
#include "vec.h"

namespace skimrnn {
namespace SKIMRNN_ISA {
namespace {

constexpr int kParts = kGroup / kWidth;  // vectors per sixteen units

// ---- products of rows and a packed matrix -------------------------------------------------------

// As many sums as registers hold beside the factors.
constexpr int kTileRows = 6;
constexpr int kTileVectors = kWidth == 16 ? 4 : 2;

// What R rows of a left factor are to a product: row after row, or across, when the left factor is
// transposed.
struct Left {
  const float* entries;
  std::size_t row, step;  // from a row to the next, and from an entry to the next
};

// A product's columns: `start` is added to.
struct Right {
  const float* entries;
  std::size_t step;
};

struct Out {
  const float* start;
  std::size_t start_row;
  float* entries;
  std::size_t row;
};

template <int R, int V>
void tile(Left a, Right b, int count, Out out) {
  Vec sums[R][V];
  for (int r = 0; r < R; ++r)
    for (int v = 0; v < V; ++v) sums[r][v] = load(out.start + r * out.start_row + v * kWidth);
  for (int k = 0; k < count; ++k, b.entries += b.step, a.entries += a.step) {
    Vec columns[V];
    for (int v = 0; v < V; ++v) columns[v] = load(b.entries + v * kWidth);
    for (int r = 0; r < R; ++r) {
      const Vec factor = all(a.entries[r * a.row]);
      for (int v = 0; v < V; ++v) sums[r][v] += columns[v] * factor;
    }
  }
  for (int r = 0; r < R; ++r)
    for (int v = 0; v < V; ++v) store(out.entries + r * out.row + v * kWidth, sums[r][v]);
}

template <int V>
void tile_of(int rows, Left a, Right b, int count, Out out) {
  static_assert(kTileRows == 6);
  switch (rows) {
    case 1: return tile<1, V>(a, b, count, out);
    case 2: return tile<2, V>(a, b, count, out);
    case 3: return tile<3, V>(a, b, count, out);
    case 4: return tile<4, V>(a, b, count, out);
    case 5: return tile<5, V>(a, b, count, out);
    default: return tile<6, V>(a, b, count, out);
  }
}

// At most kTileRows rows, and columns that are whole vectors.
void product(int rows, Left a, Right b, int width, int count, Out out) {
  const auto move = [&](int by) { b.entries += by, out.start += by, out.entries += by; };
  for (; width >= kTileVectors * kWidth; width -= kTileVectors * kWidth) {
    tile_of<kTileVectors>(rows, a, b, count, out);
    move(kTileVectors * kWidth);
  }
  switch (width / kWidth) {
    case 3: return tile_of<3>(rows, a, b, count, out);
    case 2: return tile_of<2>(rows, a, b, count, out);
    case 1: return tile_of<1>(rows, a, b, count, out);
  }
}

// The same for columns that may end within a vector: `columns` of them.
void ragged_product(int rows, Left a, Right b, int width, int columns, int count, Out out) {
  if (columns >= width) return product(rows, a, b, width, count, out);
  alignas(kAlignment) float whole[kTileRows * kPanel] = {};
  for (int r = 0; r < rows; ++r)
    std::memcpy(whole + r * kPanel, out.start + r * out.start_row, columns * sizeof(float));
  product(rows, a, b, width, count, {whole, kPanel, whole, kPanel});
  for (int r = 0; r < rows; ++r)
    std::memcpy(out.entries + r * out.row, whole + r * kPanel, columns * sizeof(float));
}

// Rows that go through all panels together, so that they stay in the first-level cache.
constexpr int kRowsTogether = 16 * kTileRows;

}  // namespace

void rows_product(const float* a, std::size_t rows, std::size_t a_stride, const float* panels,
                  int columns, int count, const float* start, float* out, std::size_t out_stride) {
  const int wide = padded(columns);
  for (std::size_t chunk = 0; chunk < rows; chunk += kRowsTogether) {
    const std::size_t end = chunk + kRowsTogether < rows ? chunk + kRowsTogether : rows;
    const float* panel = panels;
    for (int at = 0; at < wide; at += kPanel, panel += std::size_t(count) * kPanel) {
      const int width = wide - at < kPanel ? wide - at : kPanel;
      for (std::size_t row = chunk; row < end; row += kTileRows) {
        float* to = out + row * out_stride + at;
        const Out of_tile =
            start ? Out{start + at, 0, to, out_stride} : Out{to, out_stride, to, out_stride};
        ragged_product(end - row < kTileRows ? int(end - row) : kTileRows,
                       {a + row * a_stride, a_stride, 1}, {panel, std::size_t(width)}, width,
                       columns - at, count, of_tile);
      }
    }
  }
}

void sums_product(const float* a, int wanted, std::size_t a_stride, const float* b, int columns,
                  std::size_t b_stride, std::size_t count, float* out, std::size_t out_stride,
                  float* a_sums, float* room) {
  const int wide = padded(columns);
  for (std::size_t first = 0; first < count; first += kSumRows) {
    const int some = count - first < kSumRows ? int(count - first) : kSumRows;
    for (int at = 0; at < wide; at += kPanel) {  // the chunk's rows of b, in panels
      const int width = wide - at < kPanel ? wide - at : kPanel;
      const int real = columns - at < width ? columns - at : width;
      float* to = room + at * some;
      for (int n = 0; n < some; ++n, to += width) {
        std::memcpy(to, b + (first + n) * b_stride + at, real * sizeof(float));
        std::memset(to + real, 0, (width - real) * sizeof(float));
      }
    }
    if (a_sums)
      for (int n = 0; n < some; ++n)
        for (int i = 0; i < wanted; i += kWidth) {
          const Vec entries = load_some(a + (first + n) * a_stride + i, wanted - i);
          store_some(a_sums + i, load_some(a_sums + i, wanted - i) + entries, wanted - i);
        }
    for (int row = 0; row < wanted; row += kTileRows)
      for (int at = 0; at < wide; at += kPanel) {
        const int width = wide - at < kPanel ? wide - at : kPanel;
        float* to = out + row * out_stride + at;
        ragged_product(wanted - row < kTileRows ? wanted - row : kTileRows,
                       {a + first * a_stride + row, 1, a_stride},
                       {room + at * some, std::size_t(width)}, width, columns - at, some,
                       {to, out_stride, to, out_stride});
      }
  }
}

namespace {

// ---- what both passes share ---------------------------------------------------------------------

float total(Vec v) {
  float sum = 0;
  for (int i = 0; i < kWidth; ++i) sum += v[i];
  return sum;
}

// shares = softmax((log_p + noise) / temperature), and the likeliest level.
int mix(const Sequence& s, const float* log_p, const float* noise, float* shares) {
  int best = 0;
  for (int k = 0; k < s.count; ++k) {
    shares[k] = (log_p[k] + noise[k]) / s.temperature;
    if (shares[k] > shares[best]) best = k;
  }
  const float top = shares[best];
  float sum = 0;
  for (int k = 0; k < s.count; ++k) sum += shares[k] = std::exp(shares[k] - top);
  for (int k = 0; k < s.count; ++k) shares[k] /= sum;
  return best;
}

void log_softmax(const float* logits, int count, float* log_p) {
  float top = logits[0], sum = 0;
  for (int k = 1; k < count; ++k) top = logits[k] > top ? logits[k] : top;
  for (int k = 0; k < count; ++k) sum += std::exp(logits[k] - top);
  const float shift = top + std::log(sum);
  for (int k = 0; k < count; ++k) log_p[k] = logits[k] - shift;
}

// How many of the rows are alive at a step.
int alive_at(const Steps& steps, int t) {
  const std::int64_t alive = steps.sizes[t] < steps.end ? steps.sizes[t] : steps.end;
  return int(alive) - steps.begin;
}

// A row's h before step t: that after the step before, or the first state's.
const float* h_before(const Steps& steps, int t, int row) {
  const Sequence& s = *steps.sequence;
  const int before = s.backwards ? t + 1 : t - 1;
  if (before < 0 || before >= steps.all_steps || row >= steps.sizes[before])
    return s.h_0 + std::size_t(row) * s.hidden_size;
  return s.outputs + (steps.offsets[before] + row) * s.hidden_size;
}

// A step's tokens of these rows: their number, and where they begin in what is torch's, in what is
// left for the gradient, and in the chunk.
struct Tokens {
  int alive;
  std::size_t all, own, chunk;

  Tokens(const Steps& steps, int t)
      : alive(alive_at(steps, t)),
        all(steps.offsets[t] + steps.begin),
        own(steps.own[t]),
        chunk(steps.own[t] - steps.own[steps.first]) {}
};

// Units [at, at + kWidth) of a cell: how many there are of them, and which lanes they have.
struct Lanes {
  int count;
  Ints exist;

  Lanes(int units, int at) : count(units - at), exist(lane_numbers() < all_ints(units - at)) {}
};

// What the LSTM has none of is null.
float* entry(float* p, std::size_t i) { return p ? p + i : p; }

template <class F>
void each_vector(int width, F f) {
  for (int at = 0; at < width; at += kWidth) f(at);
}

// ---- the cells ----------------------------------------------------------------------------------

// What a cell makes of its units: new h and c, and how a gradient comes back through them. `sums`
// has the recurrent product, gate after gate, kGroup apart; `gates` and the others point at this
// vector's first unit in what training.h says of TrainedCell.
struct Lstm {
  static constexpr int kGates = 4;

  static void forward(const TrainedCell& cell, const Lanes& lanes, const float* sums, float* gates,
                      float*, int, Vec, Vec c, Vec& new_h, Vec& new_c) {
    const int n = lanes.count, units = cell.units;
    const auto gate = [&](int g) {
      return load_some(gates + g * units, n) + load(sums + g * kGroup);
    };
    const Vec i = sigmoid(gate(0)), f = sigmoid(gate(1)), g = tanh(gate(2)), o = sigmoid(gate(3));
    store_some(gates, i, n);
    store_some(gates + units, f, n);
    store_some(gates + 2 * units, g, n);
    store_some(gates + 3 * units, o, n);
    new_c = f * c + i * g;
    new_h = o * tanh(new_c);
  }

  // With the gradients dh and dc of the new state times this level's share: those of the old state
  // as far as the cell itself hands them on, and of its gates.
  struct Back {
    Vec new_h, new_c, old_h_grad, old_c_grad;
  };

  static Back backward(const TrainedCell& cell, const Lanes& lanes, const float* gates,
                       const float*, float* gates_grad, float*, Vec, Vec c, Vec dh, Vec dc) {
    const int n = lanes.count, units = cell.units;
    const Vec i = load_some(gates, n), f = load_some(gates + units, n),
              g = load_some(gates + 2 * units, n), o = load_some(gates + 3 * units, n);
    const Vec new_c = f * c + i * g, squashed = tanh(new_c), one = all(1.0f);
    dc += dh * o * (one - squashed * squashed);
    store_some(gates_grad, dc * g * i * (one - i), n);
    store_some(gates_grad + units, dc * c * f * (one - f), n);
    store_some(gates_grad + 2 * units, dc * i * (one - g * g), n);
    store_some(gates_grad + 3 * units, dh * squashed * o * (one - o), n);
    return {o * squashed, new_c, Vec{}, dc * f};
  }
};

struct Gru {
  static constexpr int kGates = 3;

  static void forward(const TrainedCell& cell, const Lanes& lanes, const float* sums, float* gates,
                      float* of_new, int at, Vec h, Vec, Vec& new_h, Vec&) {
    const int n = lanes.count, units = cell.units;
    const auto recurrent = [&](int g) {
      const Vec sum = load(sums + g * kGroup);
      return cell.bias_hh ? sum + load_some(cell.bias_hh + g * units + at, n) : sum;
    };
    const Vec r = sigmoid(load_some(gates, n) + recurrent(0));
    const Vec z = sigmoid(load_some(gates + units, n) + recurrent(1));
    const Vec inside = recurrent(2);
    const Vec new_part = tanh(load_some(gates + 2 * units, n) + r * inside);
    store_some(gates, r, n);
    store_some(gates + units, z, n);
    store_some(gates + 2 * units, new_part, n);
    store_some(of_new, inside, n);
    new_h = (all(1.0f) - z) * new_part + z * h;
  }

  struct Back {
    Vec new_h, new_c, old_h_grad, old_c_grad;
  };

  static Back backward(const TrainedCell& cell, const Lanes& lanes, const float* gates,
                       const float* of_new, float* gates_grad, float* of_new_grad, Vec h, Vec,
                       Vec dh, Vec) {
    const int n = lanes.count, units = cell.units;
    const Vec r = load_some(gates, n), z = load_some(gates + units, n),
              new_part = load_some(gates + 2 * units, n), inside = load_some(of_new, n),
              one = all(1.0f);
    const Vec d_new = dh * (one - z) * (one - new_part * new_part);
    store_some(gates_grad, d_new * inside * r * (one - r), n);
    store_some(gates_grad + units, dh * (h - new_part) * z * (one - z), n);
    store_some(gates_grad + 2 * units, d_new, n);
    store_some(of_new_grad, d_new * r, n);
    return {(one - z) * new_part + z * h, Vec{}, dh * z, Vec{}};
  }
};

// ---- forward ------------------------------------------------------------------------------------

template <class Kind>
struct Forward {
  const Steps& steps;
  const Sequence& s = *steps.sequence;
  const bool lstm = s.kind == kLstm;
  const int hidden = s.hidden_size, units = padded(hidden), rows = steps.end - steps.begin;
  float *h = steps.h, *c = steps.c;

  void run() const {
    for (int n = steps.first; n < steps.last; ++n)
      step(Tokens(steps, s.backwards ? steps.first + steps.last - 1 - n : n));
  }

  void step(const Tokens& tokens) const {
    for (int row = 0; row < tokens.alive; ++row) route(tokens, row);
    for (int level = 1; level < s.count; ++level)
      if (steps.cells[level].units) small(level, tokens);
    full(tokens);
    for (int row = 0; row < tokens.alive; ++row)
      std::memcpy(h + row * units, s.outputs + (tokens.all + row) * hidden, hidden * sizeof(float));
  }

  void route(const Tokens& tokens, int row) const {
    const float *own_h = h + row * units, *own_c = c + row * units;
    const float* weight = steps.packed[s.count];
    const std::size_t token = tokens.all + row;
    for (int k = 0; k < s.count; ++k, weight += 2 * units) {
      Vec sum = {};
      each_vector(units, [&](int at) {
        if (s.state_router) sum += load(weight + at) * load(own_c + at);
        sum += load(weight + units + at) * load(own_h + at);
      });
      steps.logits[k] = steps.prepared[(tokens.chunk + row) * s.count + k] + total(sum);
    }
    float *log_p = s.log_p + token * s.count, *shares = steps.shares + row * s.count;
    log_softmax(steps.logits, s.count, log_p);
    const int best = mix(s, log_p, s.noise + token * s.count, shares);
    s.level[token] = best;
    if (s.hard)
      for (int k = 0; k < s.count; ++k) shares[k] = k == best;
    if (lstm) std::memcpy(s.c_before + (tokens.own + row) * hidden, own_c, hidden * sizeof(float));
  }

  // A level's cell: `take(row, at, lanes, new_h, new_c)` gets each vector of units.
  template <class Take>
  void cell(int level, const Tokens& tokens, Take take) const {
    const TrainedCell& cell = steps.cells[level];
    const int alive = tokens.alive;
    constexpr int kWide = Kind::kGates * kGroup;
    alignas(kAlignment) float sums[kTileRows * kWide], zeros[kWide] = {};
    const float* matrix = steps.packed[level];
    for (int group = 0; group < groups(cell.units); ++group, matrix += cell.seen * kWide)
      for (int first = 0; first < alive; first += kTileRows) {
        const int some = alive - first < kTileRows ? alive - first : kTileRows;
        product(some, {h + first * units, std::size_t(units), 1}, {matrix, kWide}, kWide, cell.seen,
                {zeros, 0, sums, kWide});
        for (int row = first; row < first + some; ++row)
          for (int i = 0; i < kParts; ++i) {
            const int at = group * kGroup + i * kWidth;
            if (at >= cell.units) break;
            const Lanes lanes(cell.units, at);
            const std::size_t of_token = (tokens.own + row) * cell.units;
            Vec new_h = {}, new_c = {};
            Kind::forward(cell, lanes, sums + (row - first) * kWide + i * kWidth,
                          cell.gates + of_token * Kind::kGates + at,
                          entry(cell.of_new, of_token + at), at, load(h + row * units + at),
                          load(c + row * units + at), new_h, new_c);
            take(row, at, lanes, new_h, new_c);
          }
      }
  }

  void small(int level, const Tokens& tokens) const {
    const int wide = padded(steps.cells[level].units);
    float *small_h = steps.small[level], *small_c = small_h + std::size_t(rows) * wide;
    cell(level, tokens, [&](int row, int at, const Lanes& lanes, Vec new_h, Vec new_c) {
      store(small_h + row * wide + at, lanes.exist ? new_h : load(h + row * units + at));
      if (lstm) store(small_c + row * wide + at, lanes.exist ? new_c : load(c + row * units + at));
    });
  }

  // The full cell, and the mixture of all levels.
  void full(const Tokens& tokens) const {
    cell(0, tokens, [&](int row, int at, const Lanes& lanes, Vec new_h, Vec new_c) {
      const float* shares = steps.shares + row * s.count;
      const Vec old_h = load(h + row * units + at), old_c = load(c + row * units + at);
      Vec mixed_h = all(shares[0]) * new_h, mixed_c = all(shares[0]) * new_c;
      for (int level = 1; level < s.count; ++level) {
        const int size = steps.cells[level].units, wide = padded(size);
        const Vec share = all(shares[level]);
        const float* own = steps.small[level] + row * wide + at;
        const bool updates = at < size;
        mixed_h += share * (updates ? load(own) : old_h);
        if (lstm) mixed_c += share * (updates ? load(own + std::size_t(rows) * wide) : old_c);
      }
      store_some(s.outputs + (tokens.all + row) * hidden + at, mixed_h, lanes.count);
      if (lstm) store(c + row * units + at, lanes.exist ? mixed_c : Vec{});
    });
  }
};

// ---- backward -----------------------------------------------------------------------------------

template <class Kind>
struct Backward {
  const Steps& steps;
  const Sequence& s = *steps.sequence;
  const bool lstm = s.kind == kLstm;
  const int hidden = s.hidden_size, units = padded(hidden);
  float *dh = steps.h, *dc = steps.c;
  float *old_h = steps.row, *old_c = old_h + units;  // of one row
  float *old_h_grad = old_c + units, *old_c_grad = old_h_grad + units;

  void run() const {
    for (int n = steps.first; n < steps.last; ++n) {
      const int t = s.backwards ? n : steps.first + steps.last - 1 - n;
      const Tokens tokens(steps, t);
      for (int row = 0; row < tokens.alive; ++row) back(t, tokens, row);
      for (int level = 0; level < s.count; ++level)
        if (steps.cells[level].units) through_matrix(steps.cells[level], level, tokens);
    }
  }

  // D entries, and zeros up to whole groups; all zeros if there is nothing to fetch.
  void fetch(float* to, const float* from) const {
    std::memset(to, 0, units * sizeof(float));
    if (from) std::memcpy(to, from, hidden * sizeof(float));
  }

  // One row's token, but for what comes back through the recurrent matrices.
  void back(int t, const Tokens& tokens, int row) const {
    const std::size_t token = tokens.all + row, own = tokens.own + row, chunk = tokens.chunk + row;
    float *grad_h = dh + row * units, *grad_c = dc + row * units;
    if (s.outputs_grad)
      for (int u = 0; u < hidden; ++u) grad_h[u] += s.outputs_grad[token * hidden + u];
    const float* before = h_before(steps, t, steps.begin + row);
    std::memcpy(steps.h_before + chunk * hidden, before, hidden * sizeof(float));
    fetch(old_h, before);
    fetch(old_c, lstm ? s.c_before + own * hidden : nullptr);
    std::memset(old_h_grad, 0, 2 * units * sizeof(float));

    const float* log_p = s.log_p + token * s.count;
    float *soft = steps.shares, *of_share = steps.logits, *of_logit = of_share + s.count;
    const int best = mix(s, log_p, s.noise + token * s.count, soft);
    for (int level = 0; level < s.count; ++level)
      of_share[level] = through_level(level, own, chunk,
                                      s.hard ? float(level == best) : soft[level], grad_h, grad_c);

    float mean = 0, sum = 0;
    for (int k = 0; k < s.count; ++k) mean += soft[k] * of_share[k];
    for (int k = 0; k < s.count; ++k) {
      of_logit[k] = soft[k] * (of_share[k] - mean) / s.temperature;
      if (s.log_p_grad) of_logit[k] += s.log_p_grad[token * s.count + k];
      sum += of_logit[k];
    }
    for (int k = 0; k < s.count; ++k) {
      of_logit[k] -= std::exp(log_p[k]) * sum;
      steps.prepared[chunk * s.count + k] = of_logit[k];
    }
    each_vector(units, [&](int at) {
      const float* weight = steps.packed[s.count] + at;
      Vec of_h = load(old_h_grad + at), of_c = load(old_c_grad + at);
      for (int k = 0; k < s.count; ++k, weight += 2 * units) {
        if (s.state_router) of_c += all(of_logit[k]) * load(weight);
        of_h += all(of_logit[k]) * load(weight + units);
      }
      store(grad_h + at, of_h);
      store(grad_c + at, of_c);
    });
  }

  // Adds what a level hands on to the old state's gradient; returns that of its share.
  float through_level(int level, std::size_t own, std::size_t chunk, float share,
                      const float* grad_h, const float* grad_c) const {
    const TrainedCell& cell = steps.cells[level];
    Vec of_share = {};
    each_vector(units, [&](int at) {
      const Vec h = load(old_h + at), c = load(old_c + at);
      const Vec gh = load(grad_h + at), gc = load(grad_c + at);
      const Vec own_h = all(share) * gh, own_c = all(share) * gc;
      Vec new_h = h, new_c = c, of_h = own_h, of_c = own_c;
      if (at < cell.units) {
        const Lanes lanes(cell.units, at);
        const std::size_t left = own * cell.units, made = chunk * cell.units;
        const auto through = Kind::backward(
            cell, lanes, cell.gates + left * Kind::kGates + at, entry(cell.of_new, left + at),
            steps.gates_grad[level] + made * Kind::kGates + at,
            entry(steps.of_new_grad[level], made + at), h, c, own_h, own_c);
        new_h = lanes.exist ? through.new_h : h;
        new_c = lanes.exist ? through.new_c : c;
        of_h = lanes.exist ? through.old_h_grad : own_h;
        of_c = lanes.exist ? through.old_c_grad : own_c;
      }
      of_share += gh * new_h + gc * new_c;
      store(old_h_grad + at, load(old_h_grad + at) + of_h);
      store(old_c_grad + at, load(old_c_grad + at) + of_c);
    });
    return total(of_share);
  }

  // The gates' gradients times the recurrent matrix, for all rows.
  void through_matrix(const TrainedCell& cell, int level, const Tokens& tokens) const {
    const float* panel = steps.packed[level];
    const int wide = padded(cell.seen), gate_rows = Kind::kGates * cell.units;
    // The GRU's last gate has a recurrent part of its own.
    const int together = lstm ? gate_rows : gate_rows - cell.units;
    for (int at = 0; at < wide; at += kPanel, panel += gate_rows * kPanel) {
      const int width = wide - at < kPanel ? wide - at : kPanel;
      for (int first = 0; first < tokens.alive; first += kTileRows) {
        const int left = tokens.alive - first, some = left < kTileRows ? left : kTileRows;
        float* to = dh + first * units + at;
        const Out out{to, std::size_t(units), to, std::size_t(units)};
        const std::size_t row = tokens.chunk + first, stride = gate_rows, step = width;
        product(some, {steps.gates_grad[level] + row * stride, stride, 1}, {panel, step}, width,
                together, out);
        if (!lstm)
          product(some, {steps.of_new_grad[level] + row * cell.units, std::size_t(cell.units), 1},
                  {panel + together * step, step}, width, cell.units, out);
      }
    }
  }
};

}  // namespace

// kernels.cc
void train_forward_lstm(const Steps& steps) { Forward<Lstm>{steps}.run(); }
void train_forward_gru(const Steps& steps) { Forward<Gru>{steps}.run(); }
void train_backward_lstm(const Steps& steps) { Backward<Lstm>{steps}.run(); }
void train_backward_gru(const Steps& steps) { Backward<Gru>{steps}.run(); }

}  // namespace SKIMRNN_ISA
}  // namespace skimrnn
