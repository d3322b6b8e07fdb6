#include "training.h"

#if __has_include(<dlfcn.h>)
#include <dlfcn.h>
#endif

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <system_error>
#include <thread>

#include "buffer.h"
#include "denormals.h"

namespace skimrnn {

namespace {

using Buffers = std::vector<Buffer<float>>;

std::vector<float*> pointers(const Buffers& buffers) {
  std::vector<float*> list;
  for (const Buffer<float>& buffer : buffers) list.push_back(buffer.get());
  return list;
}

// ---- threads ------------------------------------------------------------------------------------

// OpenMP's entry point, in the copy that torch has loaded, or null if it has none. Its threads keep
// spinning for a while after torch's own work: threads of ours would compete with them for the CPU.
using OpenMP = void (*)(void (*work)(void*), void* data, unsigned threads, unsigned flags);
OpenMP open_mp() {
#if __has_include(<dlfcn.h>)
  return reinterpret_cast<OpenMP>(dlsym(RTLD_DEFAULT, "GOMP_parallel"));
#else
  return nullptr;
#endif
}

// Threads that are waited for, whatever happens.
struct Threads {
  std::vector<std::thread> started;

  ~Threads() {
    for (std::thread& thread : started) thread.join();
  }
};

// Calls f(0) ... f(count - 1), each once, on as many threads if there are as many.
void at_once(unsigned count, const std::function<void(unsigned)>& f) {
  struct Work {
    unsigned count;
    const std::function<void(unsigned)>& f;
    std::atomic<unsigned> next{0};
  } work{count, f};
  const auto take = [](void* data) {
    const FlushDenormals flush;
    Work& work = *static_cast<Work*>(data);
    for (unsigned i; (i = work.next++) < work.count;) work.f(i);
  };
  if (count < 2) return take(&work);
  if (const OpenMP parallel = open_mp()) return parallel(take, &work, count, 0);
  Threads others;
  try {
    for (unsigned i = 1; i < count; ++i) others.started.emplace_back(take, &work);
  } catch (const std::system_error&) {  // no more threads are to be had: those there do the work
  }
  take(&work);
}

// Where the rows of a batch are divided: each part gets about as many tokens.
std::vector<std::size_t> row_ranges(const Sequence& s, std::size_t parts) {
  const std::size_t batch = s.sizes.empty() ? 0 : s.sizes[0];
  std::vector<std::size_t> ends{0};
  std::size_t seen = 0, step = s.sizes.size();
  for (std::size_t row = 0; row < batch; ++row) {
    while (step && std::size_t(s.sizes[step - 1]) <= row) --step;  // the row's tokens
    seen += step;
    if (ends.size() < parts && seen * parts >= s.tokens * ends.size()) ends.push_back(row + 1);
  }
  if (ends.back() != batch) ends.push_back(batch);
  return ends;
}

// ---- packing ------------------------------------------------------------------------------------

// A matrix (rows, columns), `stride` entries from row to row.
struct Dense {
  const float* data;
  int rows, columns;
  std::size_t stride;

  float at(int row, int column) const { return data[row * stride + column]; }
};

Dense dense(const float* data, int rows, int columns) {
  return {data, rows, columns, std::size_t(columns)};
}

// Panels of the matrix itself: for products with rows that have an entry for each of its rows.
Buffer<float> pack(const Dense& matrix) {
  const int wide = padded(matrix.columns);
  Buffer<float> packed(std::size_t(matrix.rows) * wide);
  for (int at = 0; at < matrix.columns; at += kPanel) {
    const int width = std::min(kPanel, wide - at), real = std::min(kPanel, matrix.columns - at);
    float* to = packed.get() + std::size_t(at) * matrix.rows;
    for (int row = 0; row < matrix.rows; ++row, to += width)
      std::copy_n(matrix.data + row * matrix.stride + at, real, to);
  }
  return packed;
}

// Panels of its transpose.
Buffer<float> pack_transposed(const Dense& matrix) {
  const int wide = padded(matrix.rows);
  Buffer<float> packed(std::size_t(matrix.columns) * wide);
  for (int at = 0; at < matrix.rows; at += kPanel) {
    const int width = std::min(kPanel, wide - at);
    float* panel = packed.get() + std::size_t(at) * matrix.columns;
    for (int row = at; row < std::min(at + kPanel, matrix.rows); ++row)
      for (int column = 0; column < matrix.columns; ++column)
        panel[std::size_t(column) * width + row - at] = matrix.at(row, column);
  }
  return packed;
}

// A recurrent matrix group by group of units, column by column, a unit's gates side by side: what a
// step streams.
Buffer<float> pack_recurrent(const TrainedCell& cell, int gates) {
  const std::size_t wide = std::size_t(gates) * kGroup;
  Buffer<float> packed(groups(cell.units) * wide * cell.seen);
  for (int gate = 0; gate < gates; ++gate)
    for (int unit = 0; unit < cell.units; ++unit) {
      const float* row = cell.weight_hh + (std::size_t(gate) * cell.units + unit) * cell.seen;
      float* to = packed.get() + unit / kGroup * wide * cell.seen + gate * kGroup + unit % kGroup;
      for (int k = 0; k < cell.seen; ++k) to[k * wide] = row[k];
    }
  return packed;
}

// The router's rows over c, zeros if it does not see it, and h, each of whole groups.
Buffer<float> pack_router_of_state(const Sequence& s) {
  const int units = padded(s.hidden_size);
  Buffer<float> packed(std::size_t(s.count) * 2 * units);
  for (int k = 0; k < s.count; ++k) {
    const float* from = s.router_weight + std::size_t(k) * s.router_inputs() + s.input_size;
    float* to = packed.get() + std::size_t(k) * 2 * units;
    if (s.state_router) std::copy_n(from, s.hidden_size, to), from += s.hidden_size;
    std::copy_n(from, s.hidden_size, to + units);
  }
  return packed;
}

// A packed matrix of the input side: panels, what its product is added to, and columns.
struct Panels {
  Buffer<float> data, start;
  int columns = 0;
};

// For input parts: the transpose, and the bias, or the sum of two.
Panels pack_input(const Dense& weight, const float* bias, const float* more) {
  Panels panels{pack_transposed(weight), Buffer<float>(padded(weight.rows)), weight.rows};
  for (int row = 0; row < weight.rows; ++row)
    panels.start.get()[row] = (bias ? bias[row] : 0) + (more ? more[row] : 0);
  return panels;
}

// All matrices of a pass; by level, and the router's last.
struct Packed {
  std::vector<Panels> input;
  Buffers recurrent;

  Packed(const Sequence& s, bool gradient) {
    const int gates = gates_of(s.kind);
    const auto add = [&](const Dense& weight, const float* bias, const float* more) {
      input.push_back(gradient ? Panels{pack(weight), Buffer<float>(), weight.columns}
                               : pack_input(weight, bias, more));
    };
    for (const TrainedCell& cell : s.cells) {
      add(dense(cell.weight_ih, gates * cell.units, s.input_size), cell.bias_ih,
          s.kind == kLstm ? cell.bias_hh : nullptr);
      recurrent.push_back(gradient ? pack(dense(cell.weight_hh, gates * cell.units, cell.seen))
                                   : pack_recurrent(cell, gates));
    }
    add({s.router_weight, s.count, s.input_size, std::size_t(s.router_inputs())}, s.router_bias,
        nullptr);
    recurrent.push_back(pack_router_of_state(s));
  }
};

// ---- a thread's rows ----------------------------------------------------------------------------

// Tokens of a chunk, unless one step has more.
constexpr std::size_t kChunkTokens = 256;

// Gradients of weights as one thread sums them up: a level's four, or the router's two.
struct Sums {
  Buffer<float> weight_ih, weight_hh, bias_ih, bias_hh;
};

class Part {
 public:
  Part(const Sequence& s, const Packed& packed, const Kernels* kernels, std::size_t begin,
       std::size_t end, std::size_t own, bool gradient)
      : s_(s),
        packed_(packed),
        kernels_(kernels),
        units_(padded(s.hidden_size)),
        matrices_(pointers(packed.recurrent)) {
    const std::size_t rows = end - begin;
    for (std::int64_t size : s.sizes) {
      own_.push_back(own);
      if (std::size_t(size) <= begin) break;
      own += std::min(std::size_t(size), end) - begin;
    }
    if (own_.size() == s.sizes.size()) own_.push_back(own);
    std::size_t most = 0;  // tokens in a chunk
    for (int first = 0; first < steps(); first = chunk_end(first))
      most = std::max(most, std::size_t(own_[chunk_end(first)] - own_[first]));
    const auto make = [](std::size_t count) { return Buffer<float>(count, Unset()); };
    h_ = Buffer<float>(rows * units_), c_ = Buffer<float>(rows * units_);
    row_ = make(4 * units_), shares_ = make(rows * s.count), logits_ = make(3 * s.count);
    x_ = make(most * s.input_size), prepared_ = make(most * s.count);
    const std::size_t gates = gates_of(s.kind);
    for (const TrainedCell& cell : s.cells) {
      small_.push_back(make(small_.empty() ? 0 : 2 * rows * padded(cell.units)));
      if (!gradient) continue;
      gates_grad_.push_back(make(most * gates * cell.units));
      of_new_grad_.push_back(make(s.kind == kGru ? most * cell.units : 0));
      sums_.push_back({Buffer<float>(gates * cell.units * s.input_size),
                       Buffer<float>(gates * cell.units * cell.seen),
                       Buffer<float>(gates * cell.units), Buffer<float>(gates * cell.units)});
    }
    if (gradient) {
      h_before_ = make(most * s.hidden_size), x_grad_ = make(most * s.input_size);
      room_ = make(std::size_t(kSumRows) * padded(std::max(s.hidden_size, s.input_size)));
      sums_.push_back({Buffer<float>(std::size_t(s.count) * s.router_inputs()), Buffer<float>(),
                       Buffer<float>(s.count), Buffer<float>()});
    }
    small_at_ = pointers(small_), gates_grad_at_ = pointers(gates_grad_),
    of_new_grad_at_ = pointers(of_new_grad_);
    now_ = {.sequence = &s,
            .cells = s.cells.data(),
            .packed = matrices_.data(),
            .sizes = s.sizes.data(),
            .offsets = s.offsets.data(),
            .own = own_.data(),
            .all_steps = int(s.sizes.size()),
            .begin = int(begin),
            .end = int(end),
            .first = 0,
            .last = 0,
            .h = h_.get(),
            .c = c_.get(),
            .prepared = prepared_.get(),
            .h_before = h_before_.get(),
            .gates_grad = gates_grad_at_.data(),
            .of_new_grad = of_new_grad_at_.data(),
            .row = row_.get(),
            .shares = shares_.get(),
            .logits = logits_.get(),
            .small = small_at_.data()};
  }

  void forward() {
    take_state(s_.h_0, s_.c_0);
    each_chunk(s_.backwards, [&] {
      gather(s_.x, s_.input_size, x_.get());
      for (int level = 0; level < s_.count; ++level) {
        const std::size_t wide = packed_.input[level].columns;
        input_part(packed_.input[level], s_.cells[level].gates + own_[now_.first] * wide);
      }
      input_part(packed_.input[s_.count], prepared_.get());
      kernels_->train_forward[s_.kind](now_);
    });
    leave_state(s_.h_n, s_.c_n);
  }

  void backward() {
    take_state(s_.h_n_grad, s_.c_n_grad);
    each_chunk(!s_.backwards, [&] {
      kernels_->train_backward[s_.kind](now_);
      gather(s_.x, s_.input_size, x_.get());
      sum_weight_gradients();
      if (s_.x_grad) input_gradient();
    });
    leave_state(s_.h_0_grad, s_.c_0_grad);
  }

  // Where this part's tokens end in what is left for the gradient.
  std::size_t own_end() const { return own_.back(); }

  const std::vector<Sums>& sums() const { return sums_; }

 private:
  int steps() const { return int(own_.size()) - 1; }

  int chunk_end(int first) const {
    int end = first + 1;
    while (end < steps() && std::size_t(own_[end + 1] - own_[first]) <= kChunkTokens) ++end;
    return end;
  }

  template <class F>
  void each_chunk(bool last_first, F f) {
    std::vector<int> ends{0};
    while (ends.back() < steps()) ends.push_back(chunk_end(ends.back()));
    for (std::size_t n = 0; n + 1 < ends.size(); ++n) {
      const std::size_t i = last_first ? ends.size() - 2 - n : n;
      now_.first = ends[i], now_.last = ends[i + 1];
      f();
    }
  }

  std::size_t chunk_tokens() const { return own_[now_.last] - own_[now_.first]; }

  // The state of the rows from one of torch's, zeros if it is null, and back.
  void take_state(const float* h, const float* c) {
    const std::size_t D = s_.hidden_size;
    for (int row = now_.begin; row < now_.end; ++row) {
      const std::size_t to = (row - now_.begin) * units_;
      if (h) std::copy_n(h + row * D, D, h_.get() + to);
      if (c) std::copy_n(c + row * D, D, c_.get() + to);
    }
  }

  void leave_state(float* h, float* c) const {
    const std::size_t D = s_.hidden_size;
    for (int row = now_.begin; row < now_.end; ++row) {
      const std::size_t from = (row - now_.begin) * units_;
      std::copy_n(h_.get() + from, D, h + row * D);
      if (c) std::copy_n(c_.get() + from, D, c + row * D);
    }
  }

  // The chunk's tokens of torch's (N, width).
  template <class F>
  void each_step(std::size_t width, F f) const {
    for (int t = now_.first; t < now_.last; ++t)
      f((s_.offsets[t] + now_.begin) * width, (own_[t] - own_[now_.first]) * width,
        (own_[t + 1] - own_[t]) * width);
  }

  void gather(const float* all, std::size_t width, float* chunk) const {
    each_step(width, [&](std::size_t from, std::size_t to, std::size_t count) {
      std::copy_n(all + from, count, chunk + to);
    });
  }

  void input_part(const Panels& weight, float* out) const {
    if (weight.columns)
      kernels_->rows_product(x_.get(), chunk_tokens(), s_.input_size, weight.data.get(),
                             weight.columns, s_.input_size, weight.start.get(), out,
                             weight.columns);
  }

  void input_gradient() const {
    const int E = s_.input_size, gates = gates_of(s_.kind);
    std::fill_n(x_grad_.get(), chunk_tokens() * E, 0.0f);
    const auto add = [&](const float* grad, const Panels& weight, int count) {
      kernels_->rows_product(grad, chunk_tokens(), count, weight.data.get(), E, count, nullptr,
                             x_grad_.get(), E);
    };
    add(prepared_.get(), packed_.input[s_.count], s_.count);
    for (int level = 0; level < s_.count; ++level)
      if (s_.cells[level].units)
        add(gates_grad_at_[level], packed_.input[level], gates * s_.cells[level].units);
    each_step(E, [&](std::size_t to, std::size_t from, std::size_t count) {
      std::copy_n(x_grad_.get() + from, count, s_.x_grad + to);
    });
  }

  void sum_weight_gradients() const {
    const int D = s_.hidden_size, E = s_.input_size, gates = gates_of(s_.kind);
    // Adds the products of `wanted` gradients a token with x, D or E numbers a token.
    const auto add = [&](const float* grad, int wanted, int stride, const float* x, int columns,
                         int x_stride, float* weight, int weight_stride, float* bias) {
      kernels_->sums_product(grad, wanted, stride, x, columns, x_stride, chunk_tokens(), weight,
                             weight_stride, bias, room_.get());
    };
    for (int level = 0; level < s_.count; ++level) {
      const TrainedCell& cell = s_.cells[level];
      if (!cell.units) continue;
      const Sums& sums = sums_[level];
      const int rows = gates * cell.units, seen = cell.seen;
      add(gates_grad_at_[level], rows, rows, x_.get(), E, E, sums.weight_ih.get(), E,
          sums.bias_ih.get());
      // The GRU's last gate has a recurrent part of its own.
      const int apart = s_.kind == kGru ? cell.units : 0, shared = rows - apart;
      add(gates_grad_at_[level], shared, rows, h_before_.get(), seen, D, sums.weight_hh.get(), seen,
          sums.bias_hh.get());
      if (apart)
        add(of_new_grad_at_[level], apart, apart, h_before_.get(), seen, D,
            sums.weight_hh.get() + std::size_t(shared) * seen, seen, sums.bias_hh.get() + shared);
    }
    const int K = s_.count, wide = s_.router_inputs();
    float* weight = sums_[K].weight_ih.get();
    add(prepared_.get(), K, K, x_.get(), E, E, weight, wide, sums_[K].bias_ih.get());
    if (s_.state_router)
      add(prepared_.get(), K, K, s_.c_before + own_[now_.first] * D, D, D, weight + E, wide,
          nullptr);
    add(prepared_.get(), K, K, h_before_.get(), D, D, weight + wide - D, wide, nullptr);
  }

  const Sequence& s_;
  const Packed& packed_;
  const Kernels* kernels_;
  const std::size_t units_;
  const std::vector<float*> matrices_;
  std::vector<std::int64_t> own_;  // of each step with a token of these rows, and their end
  Buffer<float> h_, c_, row_, shares_, logits_, x_, prepared_, h_before_, x_grad_, room_;
  Buffers small_, gates_grad_, of_new_grad_;
  std::vector<float*> small_at_, gates_grad_at_, of_new_grad_at_;
  std::vector<Sums> sums_;
  Steps now_;
};

std::vector<std::unique_ptr<Part>> make_parts(const Sequence& s, const Packed& packed,
                                              const Kernels* kernels, int threads, bool gradient) {
  const std::vector<std::size_t> ends = row_ranges(s, threads);
  std::vector<std::unique_ptr<Part>> parts;
  std::size_t own = 0;
  for (std::size_t i = 0; i + 1 < ends.size(); ++i) {
    parts.push_back(
        std::make_unique<Part>(s, packed, kernels, ends[i], ends[i + 1], own, gradient));
    own = parts.back()->own_end();
  }
  return parts;
}

void add(const Buffer<float>& sums, std::size_t count, float* to) {
  if (to)
    for (std::size_t i = 0; i < count; ++i) to[i] += sums.get()[i];
}

}  // namespace

void train_forward(const Sequence& s, const Kernels* kernels, int threads) {
  const Packed packed(s, false);
  const auto parts = make_parts(s, packed, kernels, threads, false);
  at_once(unsigned(parts.size()), [&](unsigned i) { parts[i]->forward(); });
}

void train_backward(const Sequence& s, const Kernels* kernels, int threads) {
  const Packed packed(s, true);
  const auto parts = make_parts(s, packed, kernels, threads, true);
  at_once(unsigned(parts.size()), [&](unsigned i) { parts[i]->backward(); });
  for (const auto& part : parts) {
    for (int level = 0; level < s.count; ++level) {
      const TrainedCell& cell = s.cells[level];
      const std::size_t rows = std::size_t(gates_of(s.kind)) * cell.units;
      add(part->sums()[level].weight_ih, rows * s.input_size, cell.weight_ih_grad);
      add(part->sums()[level].weight_hh, rows * cell.seen, cell.weight_hh_grad);
      add(part->sums()[level].bias_ih, rows, cell.bias_ih_grad);
      add(part->sums()[level].bias_hh, rows, cell.bias_hh_grad);
    }
    const Sums& of_router = part->sums()[s.count];
    add(of_router.weight_ih, std::size_t(s.count) * s.router_inputs(), s.router_weight_grad);
    add(of_router.bias_ih, s.count, s.router_bias_grad);
  }
}

}  // namespace skimrnn
