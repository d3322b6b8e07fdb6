// Python's side of the training passes: argument contracts only, no arithmetic.

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <optional>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

#include "binding.h"
#include "dispatch.h"
#include "training.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace {

template <typename T>
using Given = nb::ndarray<const T, nb::c_contig, nb::device::cpu>;
template <typename T>
using Filled = nb::ndarray<T, nb::c_contig, nb::device::cpu>;

// The data of an array that has as many entries as it must; null for one that may be absent.
template <class Array>
auto data(const char* name, const std::optional<Array>& array, std::size_t size, bool optional)
    -> decltype(array->data()) {
  if (!array && optional) return nullptr;
  if (!array || array->size() != size)
    throw std::invalid_argument(std::string(name) + " must have " + std::to_string(size) +
                                " entries; got " +
                                (array ? std::to_string(array->size()) : "none"));
  return array->data();
}

template <class Array>
auto data(const char* name, const Array& array, std::size_t size) {
  return data(name, std::optional<Array>(array), size, false);
}

// A level's cell: weight_ih, weight_hh, bias_ih, bias_hh, gates, of_new; None for a level without
// units. And what the gradient makes of it: those of the first four.
using MaybeGiven = std::optional<Given<float>>;
using MaybeFilled = std::optional<Filled<float>>;
using CellArrays = std::optional<
    std::tuple<Given<float>, Given<float>, MaybeGiven, MaybeGiven, Filled<float>, MaybeFilled>>;
using CellGradients =
    std::optional<std::tuple<Filled<float>, Filled<float>, MaybeFilled, MaybeFilled>>;

struct Options {
  std::string isa, cell;
  std::vector<int> levels;
  bool full_skim_input, state_router, backwards, hard;
  float temperature;
  int threads;
};

struct Arrays {
  std::vector<std::int64_t> sizes;
  std::vector<CellArrays> cells;
  nb::ndarray<const float, nb::ndim<2>, nb::c_contig, nb::device::cpu> x;
  Given<float> router_weight, router_bias, noise, h_0;
  MaybeGiven c_0;
  Filled<float> outputs;
  MaybeFilled c_before;
  Filled<float> log_p;
};

// What both passes take, checked.
skimrnn::Sequence sequence(const Options& options, const Arrays& arrays) {
  skimrnn::Sequence s{};
  s.kind = skimrnn::kind_of(options.cell);
  if (s.kind != skimrnn::kLstm && s.kind != skimrnn::kGru)
    throw std::invalid_argument("there is no training kernel for the cell " + options.cell);
  const bool lstm = s.kind == skimrnn::kLstm;
  if (options.state_router && !lstm)
    throw std::invalid_argument("only an LSTM has a c for the router to see");
  const std::size_t gates = skimrnn::gates_of(s.kind), K = options.levels.size();
  if (!K || arrays.cells.size() != K) throw std::invalid_argument("cells must be one per level");
  if (options.threads < 1) throw std::invalid_argument("threads must be at least 1");
  if (!(options.temperature > 0)) throw std::invalid_argument("temperature must be above 0");
  const std::size_t D = options.levels[0], E = arrays.x.shape(1);
  s.input_size = int(E), s.hidden_size = int(D), s.count = int(K);
  s.backwards = options.backwards, s.hard = options.hard;
  s.state_router = options.state_router, s.temperature = options.temperature;
  s.sizes = arrays.sizes;
  for (std::int64_t size : s.sizes) {
    if (size < 0 || (!s.offsets.empty() && size > s.sizes[s.offsets.size() - 1]))
      throw std::invalid_argument("sizes must not be negative, and never rise");
    s.offsets.push_back(s.tokens);
    s.tokens += size;
  }
  const std::size_t B = s.sizes.empty() ? 0 : s.sizes[0], N = s.tokens;
  for (std::size_t level = 0; level < K; ++level) {
    const int units = options.levels[level];
    if (units < 0 || (level && units >= options.levels[level - 1]))
      throw std::invalid_argument("levels must fall");
    if (bool(units) != bool(arrays.cells[level]))
      throw std::invalid_argument("a level must have a cell if it has units");
    skimrnn::TrainedCell cell{};
    cell.units = units;
    cell.seen = level && !options.full_skim_input ? units : int(D);
    if (units) {
      const auto& [weight_ih, weight_hh, bias_ih, bias_hh, gates_made, of_new] =
          *arrays.cells[level];
      const std::size_t rows = gates * units;
      cell.weight_ih = data("weight_ih", weight_ih, rows * E);
      cell.weight_hh = data("weight_hh", weight_hh, rows * cell.seen);
      cell.bias_ih = data("bias_ih", bias_ih, rows, true);
      cell.bias_hh = data("bias_hh", bias_hh, rows, true);
      cell.gates = data("gates", gates_made, N * rows);
      cell.of_new = data("of_new", of_new, N * units, lstm);
    }
    s.cells.push_back(cell);
  }
  s.x = data("x", Given<float>(arrays.x), N * E);
  s.router_weight = data("router_weight", arrays.router_weight, K * s.router_inputs());
  s.router_bias = data("router_bias", arrays.router_bias, K);
  s.noise = data("noise", arrays.noise, N * K);
  s.h_0 = data("h_0", arrays.h_0, B * D);
  s.c_0 = data("c_0", arrays.c_0, B * D, !lstm);
  s.outputs = data("outputs", arrays.outputs, N * D);
  s.c_before = data("c_before", arrays.c_before, N * D, !lstm);
  s.log_p = data("log_p", arrays.log_p, N * K);
  return s;
}

const skimrnn::Kernels* kernels_of(const Options& options) {
  const skimrnn::Kernels* kernels = skimrnn::find_kernels(options.isa);
  if (!kernels) throw std::invalid_argument("this CPU cannot run " + options.isa);
  return kernels;
}

void forward(const Options& options, const Arrays& arrays, Filled<std::int64_t> level,
             Filled<float> h_n, MaybeFilled c_n) {
  skimrnn::Sequence s = sequence(options, arrays);
  s.level = data("level", level, s.tokens);
  s.h_n = data("h_n", h_n, arrays.h_0.size());
  s.c_n = data("c_n", c_n, arrays.h_0.size(), s.kind != skimrnn::kLstm);
  const skimrnn::Kernels* kernels = kernels_of(options);
  nb::gil_scoped_release released;
  skimrnn::train_forward(s, kernels, options.threads);
}

void backward(const Options& options, const Arrays& arrays,
              const std::vector<CellGradients>& cell_grads, MaybeGiven outputs_grad,
              MaybeGiven log_p_grad, MaybeGiven h_n_grad, MaybeGiven c_n_grad, MaybeFilled x_grad,
              Filled<float> router_weight_grad, Filled<float> router_bias_grad,
              Filled<float> h_0_grad, MaybeFilled c_0_grad) {
  skimrnn::Sequence s = sequence(options, arrays);
  const std::size_t outputs = arrays.outputs.size(), state = arrays.h_0.size();
  const bool lstm = s.kind == skimrnn::kLstm;
  if (cell_grads.size() != s.cells.size())
    throw std::invalid_argument("cell_grads must be one per level");
  for (int level = 0; level < s.count; ++level) {
    skimrnn::TrainedCell& cell = s.cells[level];
    if (!cell.units) continue;
    if (!cell_grads[level])
      throw std::invalid_argument("a level must have gradients if it has units");
    const auto& [weight_ih, weight_hh, bias_ih, bias_hh] = *cell_grads[level];
    const std::size_t rows = std::size_t(skimrnn::gates_of(s.kind)) * cell.units;
    cell.weight_ih_grad = data("weight_ih_grad", weight_ih, rows * s.input_size);
    cell.weight_hh_grad = data("weight_hh_grad", weight_hh, rows * cell.seen);
    cell.bias_ih_grad = data("bias_ih_grad", bias_ih, rows, true);
    cell.bias_hh_grad = data("bias_hh_grad", bias_hh, rows, true);
    if (lstm && cell.bias_hh_grad)
      throw std::invalid_argument("an LSTM's biases have one gradient, of bias_ih");
  }
  s.outputs_grad = data("outputs_grad", outputs_grad, outputs, true);
  s.log_p_grad = data("log_p_grad", log_p_grad, arrays.log_p.size(), true);
  s.h_n_grad = data("h_n_grad", h_n_grad, state, true);
  s.c_n_grad = data("c_n_grad", c_n_grad, state, true);
  s.x_grad = data("x_grad", x_grad, arrays.x.size(), true);
  s.router_weight_grad =
      data("router_weight_grad", router_weight_grad, arrays.router_weight.size());
  s.router_bias_grad = data("router_bias_grad", router_bias_grad, arrays.router_bias.size());
  s.h_0_grad = data("h_0_grad", h_0_grad, state);
  s.c_0_grad = data("c_0_grad", c_0_grad, state, !lstm);
  const skimrnn::Kernels* kernels = kernels_of(options);
  nb::gil_scoped_release released;
  skimrnn::train_backward(s, kernels, options.threads);
}

}  // namespace

void bind_training(nb::module_& m) {
  using Matrix2 = nb::ndarray<const float, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
  nb::class_<Options>(m, "TrainingOptions", "How a sequence is trained on: the layer's options.")
      .def(nb::init<std::string, std::string, std::vector<int>, bool, bool, bool, bool, float,
                    int>(),
           "isa"_a, "cell"_a, "levels"_a, "full_skim_input"_a, "state_router"_a, "backwards"_a,
           "hard"_a, "temperature"_a, "threads"_a);
  // Nothing is converted: what a kernel fills must be the caller's own array, not a copy of it.
  const auto as_is = [](const char* name) { return nb::arg(name).noconvert(); };
  nb::class_<Arrays>(m, "TrainingArrays", "What both passes take; training.h says the shapes.")
      .def(nb::init<std::vector<std::int64_t>, std::vector<CellArrays>, Matrix2, Given<float>,
                    Given<float>, Given<float>, Given<float>, MaybeGiven, Filled<float>,
                    MaybeFilled, Filled<float>>(),
           "sizes"_a, as_is("cells"), as_is("x"), as_is("router_weight"), as_is("router_bias"),
           as_is("noise"), as_is("h_0"), as_is("c_0").none(), as_is("outputs"),
           as_is("c_before").none(), as_is("log_p"));
  m.def("train_forward", &forward, "options"_a, "arrays"_a, as_is("level"), as_is("h_n"),
        as_is("c_n").none());
  m.def("train_backward", &backward, "options"_a, "arrays"_a, as_is("cell_grads"),
        as_is("outputs_grad").none(), as_is("log_p_grad").none(), as_is("h_n_grad").none(),
        as_is("c_n_grad").none(), as_is("x_grad").none(), as_is("router_weight_grad"),
        as_is("router_bias_grad"), as_is("h_0_grad"), as_is("c_0_grad").none());
}
