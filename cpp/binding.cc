// Python's side of the network: argument contracts and lifetime only, no arithmetic.

#include "binding.h"

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/map.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <limits>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

#include "dispatch.h"
#include "network.h"
#include "text.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace {

using Floats = nb::ndarray<const float, nb::c_contig, nb::device::cpu>;
using Matrix2 = nb::ndarray<const float, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using Counts = nb::ndarray<const std::int64_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Rows = nb::ndarray<const std::int32_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Levels = nb::ndarray<const std::int8_t, nb::ndim<3>, nb::c_contig, nb::device::cpu>;

// So many tokens, which the network counts as int.
int counted(std::size_t tokens) {
  if (tokens > std::size_t(std::numeric_limits<int>::max()))
    throw std::invalid_argument("a text of more than 2^31 - 1 tokens cannot be read");
  return int(tokens);
}

// A new NumPy array, zero at first.
template <typename T>
nb::ndarray<nb::numpy, T> make_array(std::initializer_list<std::size_t> shape) {
  std::size_t count = 1;
  for (std::size_t size : shape) count *= size;
  T* data = new T[count ? count : 1]();
  nb::capsule owner(data, [](void* p) noexcept { delete[] static_cast<T*>(p); });
  return nb::ndarray<nb::numpy, T>(data, shape, owner);
}

skimrnn::RouterKind router_kind(const std::string& name) {
  if (name == "softmax") return skimrnn::kSoftmax;
  if (name == "skip-rnn") return skimrnn::kSkipRnn;
  if (name == "skipw") return skimrnn::kSkipW;
  if (name == "vcrnn") return skimrnn::kVcrnn;
  if (name == "lstm-jump") return skimrnn::kLstmJump;
  if (name == "leap-lstm") return skimrnn::kLeapLstm;
  throw std::invalid_argument("there is no kernel for the router " + name);
}

class Network {
 public:
  Network(const std::string& cell, int input_size, int hidden_size, int num_layers, int directions,
          std::vector<int> levels, bool full_skim_input, bool state_router,
          const std::string& router, const std::map<std::string, int>& router_options,
          const std::vector<std::optional<Floats>>& parameters, const std::string& isa, bool int8) {
    const skimrnn::Kernels* kernels = skimrnn::find_kernels(isa);
    if (!kernels) throw std::invalid_argument("this CPU cannot run " + isa);
    const skimrnn::CellKind kind = skimrnn::kind_of(cell);
    if (int8 && kind == skimrnn::kRelu)
      throw std::invalid_argument("int8 needs a cell whose h stays within 1, and relu's does not");
    if (input_size < 1 || hidden_size < 1 || num_layers < 1 || directions < 1 || directions > 2)
      throw std::invalid_argument("a size is below 1, or there are more than two directions");
    if (levels.empty() || levels.size() > 128 || levels[0] != hidden_size || levels.back() < 0 ||
        std::adjacent_find(levels.begin(), levels.end(), std::less_equal<>()) != levels.end())
      throw std::invalid_argument("levels must fall from hidden_size to at least 0, at most 128");
    const skimrnn::RouterKind routes_by = router_kind(router);
    const auto option = [&](const char* name) {
      const auto found = router_options.find(name);
      return found == router_options.end() ? 0 : found->second;
    };
    const int window = option("window"), reads = option("reads"), sharpness = option("sharpness"),
              longest = option("longest"), jumps = option("jumps"), units = option("units"),
              ahead = option("ahead"), filters = option("filters");
    const bool softmax = routes_by == skimrnn::kSoftmax, vcrnn = routes_by == skimrnn::kVcrnn;
    if (!softmax && !vcrnn && levels.size() > 2)
      throw std::invalid_argument(router + " knows two levels");
    if (vcrnn && sharpness < 1) throw std::invalid_argument("vcrnn needs a sharpness above 0");
    if (routes_by == skimrnn::kSkipW && (window < 1 || reads < 0 || reads > window))
      throw std::invalid_argument("skipw reads at most as many tokens as a window has");
    if (routes_by == skimrnn::kLstmJump && (reads < 1 || longest < 1 || jumps < 0))
      throw std::invalid_argument(
          "lstm-jump reads at least a token and jumps at least to the next");
    const bool leaps = routes_by == skimrnn::kLeapLstm;
    const auto [least, most] = std::minmax({units, ahead, filters});
    if (leaps && (least < 1 || most > 1024))
      throw std::invalid_argument("leap-lstm needs sizes from 1 to 1024");
    // Per direction: four parameters for each level's cell, then the router's.
    const std::size_t routing = skimrnn::router_parameters(routes_by);
    const std::size_t each = 4 * levels.size() + routing;
    if (parameters.size() != each * num_layers * directions)
      throw std::invalid_argument("wrong number of parameters");
    // A parameter's data, if it has as many entries as it must; a bias may be absent.
    auto take = [&](std::size_t i, std::size_t size, bool optional) -> const float* {
      if (!parameters[i] && (optional || !size)) return nullptr;
      if (!parameters[i] || parameters[i]->size() != size)
        throw std::invalid_argument("parameter " + std::to_string(i) + " must have " +
                                    std::to_string(size) + " entries");
      return size ? parameters[i]->data() : nullptr;
    };
    const std::size_t gates = skimrnn::gates_of(kind), K = levels.size();
    std::vector<skimrnn::DirectionParameters> packed;
    for (std::size_t first = 0; first < parameters.size(); first += each) {
      const std::size_t inputs = packed.size() < std::size_t(directions)
                                     ? input_size
                                     : std::size_t(directions) * hidden_size;
      skimrnn::DirectionParameters direction;
      for (std::size_t level = 0; level < K; ++level) {
        const std::size_t i = first + 4 * level, rows = gates * levels[level];
        const std::size_t seen = level && !full_skim_input ? levels[level] : hidden_size;
        direction.cells.push_back({take(i, rows * inputs, false), take(i + 1, rows * seen, false),
                                   take(i + 2, rows, true), take(i + 3, rows, true)});
      }
      const std::size_t state = std::size_t(hidden_size) * (state_router ? 2 : 1);
      std::size_t routes = K == 1 ? 0 : softmax ? K : 1;
      if (K > 1 && routes_by == skimrnn::kSkipW) routes = window;
      if (K > 1 && routes_by == skimrnn::kLstmJump) routes = std::size_t(longest) + 1;
      const std::size_t columns = (softmax || vcrnn ? inputs : 0) + state;
      std::vector<std::size_t> sizes = {routes * columns, routes};
      if (leaps) {
        const std::size_t u = units, a = ahead, f = filters;
        sizes = {u * inputs,       // W_x
                 u * state,        // W_h
                 u * (a + 3 * f),  // W_f
                 u,                // b
                 u,                // e
                 2 * u,            // the output's weight
                 2,                // and its bias
                 4 * a * inputs,   // of the LSTM from right to left: weight_ih
                 4 * a * a,        // weight_hh
                 4 * a,            // bias
                 12 * f * inputs,  // the filters
                 3 * f};           // and their biases
      }
      for (std::size_t i = 0; i < routing; ++i)
        direction.router.push_back(take(first + 4 * K + i, K == 1 ? 0 : sizes[i], false));
      packed.push_back(std::move(direction));
    }
    network_ = std::make_shared<skimrnn::Network>(
        skimrnn::Shape{kind, input_size, hidden_size, num_layers, directions, std::move(levels),
                       full_skim_input, state_router, routes_by, window, reads, sharpness, longest,
                       jumps, units, ahead, filters},
        packed, kernels, int8);
  }

  void set_words(Matrix2 embedding, std::size_t table_bytes) {
    if (embedding_) throw std::invalid_argument("there are words already, which readers share");
    if (embedding.shape(1) != std::size_t(network_->shape().input_size))
      throw std::invalid_argument("the embedding has another width than the network's inputs");
    embedding_ = std::make_shared<Matrix2>(embedding);
    nb::gil_scoped_release released;
    network_->set_words(embedding.data(), int(embedding.shape(0)), table_bytes);
  }

  nb::tuple read_vectors(Matrix2 x, bool argmax, double threshold, std::optional<double> budget,
                         double burst, std::optional<Matrix2> h_0, std::optional<Matrix2> c_0,
                         std::optional<Counts> reads_0, std::int64_t tokens_0,
                         std::optional<Matrix2> memory_0, std::optional<Levels> levels) const {
    if (x.shape(1) != std::size_t(network_->shape().input_size))
      throw std::invalid_argument("x has another width than the network's inputs");
    const int tokens = counted(x.shape(0));
    return read({x.data(), nullptr, checked(network_->shape(), levels, tokens)}, tokens,
                rule(argmax, threshold, budget, burst),
                {state(h_0), state(c_0), counts(reads_0), tokens_0, memory(memory_0)}, true);
  }

  nb::tuple read_words(Rows rows, bool argmax, double threshold, std::optional<double> budget,
                       double burst, std::optional<Matrix2> h_0, std::optional<Matrix2> c_0,
                       std::optional<Counts> reads_0, std::int64_t tokens_0,
                       std::optional<Matrix2> memory_0, std::optional<Levels> levels) const {
    const int tokens = counted(rows.shape(0));
    for (int t = 0; t < tokens; ++t)
      if (rows.data()[t] < 0 || rows.data()[t] >= network_->words())
        throw std::invalid_argument("a row is outside of the embedding");
    return read({nullptr, rows.data(), checked(network_->shape(), levels, tokens)}, tokens,
                rule(argmax, threshold, budget, burst),
                {state(h_0), state(c_0), counts(reads_0), tokens_0, memory(memory_0)}, false);
  }

  std::string isa() const { return network_->kernels().name; }
  int table_rows() const { return network_->table_rows(); }
  std::size_t table_bytes() const { return network_->table_bytes(); }

  static skimrnn::Rule rule(bool argmax, double threshold, std::optional<double> budget,
                            double burst) {
    return {argmax, threshold, budget.has_value(), budget.value_or(0), burst};
  }

  // Given levels (layers, directions, T), each of them one of the network's; null without any.
  static const std::int8_t* checked(const skimrnn::Shape& shape,
                                    const std::optional<Levels>& levels, int tokens) {
    if (!levels) return nullptr;
    if (levels->shape(0) != std::size_t(shape.num_layers) ||
        levels->shape(1) != std::size_t(shape.directions) ||
        levels->shape(2) != std::size_t(tokens))
      throw std::invalid_argument("the levels have the wrong shape");
    for (std::size_t i = 0; i < levels->size(); ++i)
      if (levels->data()[i] < 0 || std::size_t(levels->data()[i]) >= shape.levels.size())
        throw std::invalid_argument("a level is none of the network's");
    return levels->data();
  }

 private:
  const std::int64_t* counts(const std::optional<Counts>& given) const {
    if (!given) return nullptr;
    const skimrnn::Shape& shape = network_->shape();
    if (given->size() != std::size_t(shape.num_layers * shape.directions))
      throw std::invalid_argument("the counts of reads have the wrong shape");
    return given->data();
  }

  // What is given of each layer and direction, `width` numbers; null if there is nothing.
  const float* rows(const std::optional<Matrix2>& given, int width, const char* what) const {
    if (!given) return nullptr;
    const skimrnn::Shape& shape = network_->shape();
    if (given->shape(0) != std::size_t(shape.num_layers * shape.directions) ||
        given->shape(1) != std::size_t(width))
      throw std::invalid_argument(std::string(what) + " has the wrong shape");
    return given->data();
  }

  const float* state(const std::optional<Matrix2>& given) const {
    return rows(given, network_->shape().hidden_size, "an initial state");
  }

  const float* memory(const std::optional<Matrix2>& given) const {
    return rows(given, network_->memory(), "the memory");
  }

  // (output or None, h_n, c_n or None, level, p, memory), as reference.SequenceReading has them,
  // and the tokens at level 0 of each layer and direction until the end.
  nb::tuple read(const skimrnn::Network::Input& input, int tokens, const skimrnn::Rule& rule,
                 const skimrnn::Network::Start& start, bool outputs) const {
    const skimrnn::Shape& shape = network_->shape();
    const std::size_t T = tokens, D = shape.hidden_size, L = shape.num_layers,
                      dirs = shape.directions, K = shape.levels.size();
    auto output = make_array<float>({outputs ? T : 0, dirs * D});
    auto h_n = make_array<float>({L * dirs, D});
    const bool lstm = shape.kind == skimrnn::kLstm;
    auto c_n = make_array<float>({lstm ? L * dirs : 0, D});
    auto level = make_array<std::int8_t>({L, dirs, T});
    auto p = make_array<float>({L, dirs, T, K});
    auto reads = make_array<std::int64_t>({L * dirs});
    auto memory = make_array<float>({L * dirs, std::size_t(network_->memory())});
    {
      nb::gil_scoped_release released;
      network_->read(input, tokens, rule, start,
                     {outputs ? output.data() : nullptr, h_n.data(), lstm ? c_n.data() : nullptr,
                      level.data(), p.data(), reads.data(), memory.data()});
    }
    return nb::make_tuple(output, h_n, lstm ? nb::cast(c_n) : nb::none(), level, p, memory, reads);
  }

  std::shared_ptr<skimrnn::Network> network_;
  std::shared_ptr<Matrix2> embedding_;  // what network_ points into
  friend class TextReader;
};

class Table {
 public:
  Table(nb::ndarray<const std::uint8_t, nb::ndim<1>, nb::c_contig, nb::device::cpu> classes,
        nb::ndarray<const std::uint32_t, nb::ndim<1>, nb::c_contig, nb::device::cpu> lower) {
    constexpr std::size_t count = skimrnn::CharacterTable::kCodePoints;
    if (classes.size() != count || lower.size() != count)
      throw std::invalid_argument("the character table must have an entry for each code point");
    table_ = std::make_shared<skimrnn::CharacterTable>(classes.data(), lower.data());
  }

  std::shared_ptr<const skimrnn::CharacterTable> table_;
};

// Text in, class probabilities out.
class TextReader {
 public:
  TextReader(const Network& network, const Table& table, const std::vector<std::string>& words,
             Matrix2 head_weight, Floats head_bias, bool sigmoid)
      : network_(network.network_),
        embedding_(network.embedding_),
        table_(table.table_),
        vocabulary_(words),
        sigmoid_(sigmoid) {
    const skimrnn::Shape& shape = network_->shape();
    const std::size_t units = std::size_t(shape.directions) * shape.hidden_size;
    if (head_weight.shape(1) != units || head_bias.size() != head_weight.shape(0) ||
        words.empty() || int(words.size()) != network_->words())
      throw std::invalid_argument("head, vocabulary and network do not fit each other");
    weight_.assign(head_weight.data(), head_weight.data() + head_weight.size());
    bias_.assign(head_bias.data(), head_bias.data() + head_bias.size());
  }

  // The rows of a text's words.
  nb::ndarray<nb::numpy, std::int32_t> rows(const nb::bytes& text) const {
    const std::vector<std::int32_t> found = scan_unlocked(text);
    auto array = make_array<std::int32_t>({found.size()});
    std::copy(found.begin(), found.end(), array.data());
    return array;
  }

  // The head alone: probabilities (C,) of final hidden states (directions * D,).
  nb::ndarray<nb::numpy, float> head(Floats h) const {
    if (h.size() * bias_.size() != weight_.size())
      throw std::invalid_argument("h has another width than the head");
    auto probabilities = make_array<float>({bias_.size()});
    network_->apply(head_parts(), h.data(), probabilities.data());
    return probabilities;
  }

  // (probabilities (C,), level, p), as Reading has them.
  nb::tuple read(const nb::bytes& text, bool argmax, double threshold, std::optional<double> budget,
                 double burst, std::optional<Levels> levels) const {
    const skimrnn::Shape& shape = network_->shape();
    const std::vector<std::int32_t> found = scan_unlocked(text);
    const std::size_t T = found.size(), L = shape.num_layers, dirs = shape.directions;
    auto level = make_array<std::int8_t>({L, dirs, T});
    auto p = make_array<float>({L, dirs, T, shape.levels.size()});
    auto probabilities = make_array<float>({bias_.size()});
    const std::int8_t* given = Network::checked(shape, levels, int(T));
    {
      nb::gil_scoped_release released;
      classify(found, given, Network::rule(argmax, threshold, budget, burst), level.data(),
               p.data(), probabilities.data());
    }
    return nb::make_tuple(probabilities, level, p);
  }

  // Probabilities (N, C) of N texts; nothing is kept per token.
  nb::ndarray<nb::numpy, float> predict(const std::vector<nb::bytes>& texts,
                                        const std::vector<bool>& argmax,
                                        const std::vector<double>& threshold,
                                        const std::vector<std::optional<double>>& budget,
                                        const std::vector<double>& burst) const {
    auto probabilities = make_array<float>({texts.size(), bias_.size()});
    predict_each(texts, argmax, threshold, budget, burst, probabilities.data(), nullptr);
    return probabilities;
  }

  // The same, and of each text its words and its (word, layer, direction) above level 0, (N, 2).
  nb::tuple predict_counted(const std::vector<nb::bytes>& texts, const std::vector<bool>& argmax,
                            const std::vector<double>& threshold,
                            const std::vector<std::optional<double>>& budget,
                            const std::vector<double>& burst) const {
    auto probabilities = make_array<float>({texts.size(), bias_.size()});
    auto counts = make_array<std::int64_t>({texts.size(), 2});
    predict_each(texts, argmax, threshold, budget, burst, probabilities.data(), counts.data());
    return nb::make_tuple(probabilities, counts);
  }

 private:
  void predict_each(const std::vector<nb::bytes>& texts, const std::vector<bool>& argmax,
                    const std::vector<double>& threshold,
                    const std::vector<std::optional<double>>& budget,
                    const std::vector<double>& burst, float* probabilities,
                    std::int64_t* counts) const {
    const std::size_t count = texts.size(), classes = bias_.size();
    if (argmax.size() != count || threshold.size() != count || budget.size() != count ||
        burst.size() != count)
      throw std::invalid_argument("one rule for each text");
    std::vector<std::string_view> views;
    for (const nb::bytes& text : texts) views.emplace_back(text.c_str(), text.size());
    const skimrnn::Shape& shape = network_->shape();
    const std::size_t states = std::size_t(shape.num_layers) * shape.directions;
    std::vector<std::int8_t> level;
    nb::gil_scoped_release released;
    for (std::size_t i = 0; i < count; ++i) {
      const std::vector<std::int32_t> rows = scan(views[i]);
      if (counts) level.resize(states * rows.size());
      classify(rows, nullptr, Network::rule(argmax[i], threshold[i], budget[i], burst[i]),
               counts ? level.data() : nullptr, nullptr, probabilities + i * classes);
      if (!counts) continue;
      counts[2 * i] = std::int64_t(rows.size());
      counts[2 * i + 1] = std::int64_t(level.size()) - std::count(level.begin(), level.end(), 0);
    }
  }

  std::vector<std::int32_t> scan_unlocked(const nb::bytes& text) const {
    const std::string_view view(text.c_str(), text.size());
    nb::gil_scoped_release released;
    return scan(view);
  }

  std::vector<std::int32_t> scan(std::string_view text) const {
    std::string run;
    std::vector<std::int32_t> rows;
    rows.reserve(text.size() / 4 + 1);
    skimrnn::scan_rows(text, *table_, vocabulary_, run, rows);
    counted(rows.size());
    return rows;
  }

  skimrnn::Network::Head head_parts() const {
    return {weight_.data(), bias_.data(), int(bias_.size()), sigmoid_};
  }

  void classify(const std::vector<std::int32_t>& rows, const std::int8_t* levels,
                const skimrnn::Rule& rule, std::int8_t* level, float* p,
                float* probabilities) const {
    network_->classify(rows.data(), levels, int(rows.size()), rule, head_parts(), level, p,
                       probabilities);
  }

  std::shared_ptr<const skimrnn::Network> network_;
  std::shared_ptr<Matrix2> embedding_;  // what network_ points into
  std::shared_ptr<const skimrnn::CharacterTable> table_;
  skimrnn::Vocabulary vocabulary_;
  std::vector<float> weight_, bias_;  // (C, directions * D), (C,)
  bool sigmoid_;
};

}  // namespace

NB_MODULE(_native, m) {
  bind_training(m);
  // A model that lives until the interpreter ends, in a cache say, is no leak worth a warning.
  nb::set_leak_warnings(false);
  m.def("runnable", &skimrnn::runnable,
        "Instruction sets compiled in that this CPU can run, fastest first.");
  nb::class_<Network>(m, "Network", "A stack of skimming layers, packed for one instruction set.")
      .def(nb::init<const std::string&, int, int, int, int, std::vector<int>, bool, bool,
                    const std::string&, const std::map<std::string, int>&,
                    const std::vector<std::optional<Floats>>&, const std::string&, bool>(),
           "cell"_a, "input_size"_a, "hidden_size"_a, "num_layers"_a, "directions"_a, "levels"_a,
           "full_skim_input"_a, "state_router"_a, "router"_a, "router_options"_a, "parameters"_a,
           "isa"_a, "int8"_a)
      .def("set_words", &Network::set_words, "embedding"_a, "table_bytes"_a)
      .def("read_vectors", &Network::read_vectors, "x"_a, "argmax"_a, "threshold"_a,
           "budget"_a.none(), "burst"_a, "h_0"_a.none(), "c_0"_a.none(), "reads_0"_a.none(),
           "tokens_0"_a, "memory_0"_a.none(), "levels"_a.none())
      .def("read_words", &Network::read_words, "rows"_a, "argmax"_a, "threshold"_a,
           "budget"_a.none(), "burst"_a, "h_0"_a.none(), "c_0"_a.none(), "reads_0"_a.none(),
           "tokens_0"_a, "memory_0"_a.none(), "levels"_a.none())
      .def_prop_ro("isa", &Network::isa)
      .def_prop_ro("table_rows", &Network::table_rows)
      .def_prop_ro("table_bytes", &Network::table_bytes);
  nb::class_<Table>(m, "CharacterTable", "The class and lower case of every code point.")
      .def(nb::init<nb::ndarray<const std::uint8_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>,
                    nb::ndarray<const std::uint32_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>>(),
           "classes"_a, "lower"_a);
  nb::class_<TextReader>(m, "TextReader", "Text in, class probabilities out.")
      .def(nb::init<const Network&, const Table&, const std::vector<std::string>&, Matrix2, Floats,
                    bool>(),
           "network"_a, "table"_a, "words"_a, "head_weight"_a, "head_bias"_a, "sigmoid"_a)
      .def("rows", &TextReader::rows, "text"_a)
      .def("head", &TextReader::head, "h"_a)
      .def("read", &TextReader::read, "text"_a, "argmax"_a, "threshold"_a, "budget"_a.none(),
           "burst"_a, "levels"_a.none())
      .def("predict", &TextReader::predict, "texts"_a, "argmax"_a, "threshold"_a, "budget"_a,
           "burst"_a)
      .def("predict_counted", &TextReader::predict_counted, "texts"_a, "argmax"_a, "threshold"_a,
           "budget"_a, "burst"_a);
}
