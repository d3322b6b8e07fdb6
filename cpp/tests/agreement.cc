// The reader's C++ alone against the reference: for machines where Python cannot run the tests,
// under emulation above all. Reads what tools/make_agreement_cases.py wrote:
//
//     agreement build/agreement-cases.bin

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "../denormals.h"
#include "../dispatch.h"
#include "../network.h"
#include "../text.h"

namespace {

constexpr float kClose = 3e-5f;  // rounding of float32 in another order
constexpr float kInt8Close = 0.1f;

int failures = 0;

void expect(bool holds, const char* what, const char* where) {
  if (holds) return;
  if (++failures <= 20) std::printf("FAILED %s: %s\n", where, what);
}

// The file, read part by part.
class Cases {
 public:
  explicit Cases(const char* path) {
    std::ifstream file(path, std::ios::binary);
    data_.assign(std::istreambuf_iterator<char>(file), {});
  }

  const char* bytes(std::size_t count) {
    if (data_.size() - at_ < count) {
      std::printf("the file of cases is missing or cut short\n");
      std::exit(2);
    }
    at_ += count;
    return data_.data() + at_ - count;
  }

  template <class T>
  T one() {
    T value;
    std::memcpy(&value, bytes(sizeof value), sizeof value);
    return value;
  }

  int integer() { return one<std::int32_t>(); }

  template <class T>
  std::vector<T> many(std::size_t count) {
    std::vector<T> values(count);
    if (count) std::memcpy(values.data(), bytes(count * sizeof(T)), count * sizeof(T));
    return values;
  }

  bool at_end() const { return at_ == data_.size(); }

 private:
  std::vector<char> data_;
  std::size_t at_ = 0;
};

struct Reading {
  std::vector<float> output, h_n, c_n, p;
  std::vector<std::int8_t> level;
};

struct Case {
  skimrnn::Shape shape;
  std::vector<std::vector<float>> parameters;
  std::vector<skimrnn::DirectionParameters> directions;
  int tokens;
  std::vector<float> x, h, c;

  explicit Case(Cases& file) {
    shape.kind = skimrnn::CellKind(file.integer());
    shape.input_size = file.integer();
    shape.hidden_size = file.integer();
    shape.num_layers = file.integer();
    shape.directions = file.integer();
    const int levels = file.integer();
    for (int i = 0; i < levels; ++i) shape.levels.push_back(file.integer());
    shape.full_skim_input = file.integer();
    shape.state_router = file.integer();
    shape.router = skimrnn::RouterKind(file.integer());
    shape.window = file.integer();
    shape.reads = file.integer();
    shape.sharpness = file.integer();
    shape.longest = file.integer();
    shape.jumps = file.integer();
    shape.units = file.integer();
    shape.ahead = file.integer();
    shape.filters = file.integer();
    const int count = file.integer();
    std::vector<const float*> flat;
    parameters.reserve(count);
    for (int i = 0; i < count; ++i) {
      const int size = file.integer();
      if (size >= 0) parameters.push_back(file.many<float>(size));
      flat.push_back(size >= 0 ? parameters.back().data() : nullptr);
    }
    const float* const* next = flat.data();
    for (int i = 0; i < shape.num_layers * shape.directions; ++i) {
      skimrnn::DirectionParameters direction;
      for (int level = 0; level < levels; ++level, next += 4)
        direction.cells.push_back({next[0], next[1], next[2], next[3]});
      const int routing = skimrnn::router_parameters(shape.router);
      direction.router.assign(next, next + routing);
      next += routing;
      directions.push_back(direction);
    }
    tokens = file.integer();
    x = file.many<float>(std::size_t(tokens) * shape.input_size);
    if (file.integer()) {
      h = file.many<float>(states());
      if (lstm()) c = file.many<float>(states());
    }
  }

  bool lstm() const { return shape.kind == skimrnn::kLstm; }
  std::size_t states() const {
    return std::size_t(shape.num_layers) * shape.directions * shape.hidden_size;
  }
  std::size_t decisions() const {
    return std::size_t(shape.num_layers) * shape.directions * tokens;
  }

  Reading room() const {
    Reading reading;
    reading.output.resize(std::size_t(tokens) * shape.directions * shape.hidden_size);
    reading.h_n.resize(states());
    reading.c_n.resize(lstm() ? states() : 0);
    reading.level.resize(decisions());
    reading.p.resize(decisions() * shape.levels.size());
    return reading;
  }

  // The levels given are taken if there are any, else the rule chooses.
  Reading read(const skimrnn::Network& network, const skimrnn::Rule& rule,
               const std::vector<std::int8_t>& levels, bool words) const {
    Reading reading = room();
    std::vector<std::int32_t> rows(tokens);
    for (int t = 0; t < tokens; ++t) rows[t] = t;
    network.read(
        {words ? nullptr : x.data(), words ? rows.data() : nullptr,
         levels.empty() ? nullptr : levels.data()},
        tokens, rule,
        {h.empty() ? nullptr : h.data(), c.empty() ? nullptr : c.data(), nullptr, 0, nullptr},
        {reading.output.data(), reading.h_n.data(), lstm() ? reading.c_n.data() : nullptr,
         reading.level.data(), reading.p.data(), nullptr, nullptr});
    return reading;
  }
};

bool close(const std::vector<float>& one, const std::vector<float>& other, float tolerance) {
  for (std::size_t i = 0; i < one.size(); ++i)
    if (!(std::fabs(one[i] - other[i]) <= tolerance + tolerance * std::fabs(other[i])))
      return false;
  return one.size() == other.size();
}

bool same_bits(const Reading& one, const Reading& other) {
  const auto same = [](const auto& a, const auto& b) {
    return a.size() == b.size() &&
           (a.empty() || !std::memcmp(a.data(), b.data(), a.size() * sizeof a[0]));
  };
  return same(one.output, other.output) && same(one.h_n, other.h_n) && same(one.c_n, other.c_n) &&
         same(one.level, other.level) && same(one.p, other.p);
}

int check_network(Cases& file, int number, const std::vector<std::string>& names) {
  const Case given(file);
  struct Expected {
    skimrnn::Rule rule;
    std::vector<std::int8_t> levels;  // given; empty if the rule chooses
    Reading reading;
  };
  std::vector<Expected> expected(file.integer());
  for (Expected& one : expected) {
    one.rule.argmax = file.integer();
    one.rule.has_budget = file.integer();
    one.rule.threshold = file.one<double>();
    one.rule.budget = file.one<double>();
    one.rule.burst = file.one<double>();
    if (file.integer())
      for (std::size_t i = 0; i < given.decisions(); ++i)
        one.levels.push_back(std::int8_t(file.integer()));
    one.reading = given.room();
    one.reading.output = file.many<float>(one.reading.output.size());
    one.reading.h_n = file.many<float>(one.reading.h_n.size());
    one.reading.c_n = file.many<float>(one.reading.c_n.size());
    for (std::int8_t& level : one.reading.level) level = std::int8_t(file.integer());
    one.reading.p = file.many<float>(one.reading.p.size());
  }
  for (const std::string& name : names) {
    const std::string where = name + ", network " + std::to_string(number);
    const skimrnn::Kernels* kernels = skimrnn::find_kernels(name);
    for (const bool int8 : {false, true}) {
      if (int8 && given.shape.kind == skimrnn::kRelu) continue;
      skimrnn::Network network(given.shape, given.directions, kernels, int8);
      for (const Expected& one : expected) {
        const Reading read = given.read(network, one.rule, one.levels, false);
        const float tolerance = int8 ? kInt8Close : kClose;
        const bool forced =
            one.rule.threshold >= 1 || one.rule.threshold < 0 || !one.levels.empty();
        if (int8 && !forced) continue;
        expect(read.level == one.reading.level, "levels", where.c_str());
        expect(close(read.p, one.reading.p, tolerance), "p", where.c_str());
        expect(close(read.output, one.reading.output, tolerance), "outputs", where.c_str());
        expect(close(read.h_n, one.reading.h_n, tolerance), "h_n", where.c_str());
        expect(int8 || close(read.c_n, one.reading.c_n, tolerance), "c_n", where.c_str());
        for (const std::size_t room : {std::size_t(0), std::size_t(4000), std::size_t(1) << 24}) {
          network.set_words(given.x.data(), given.tokens, room);
          expect(same_bits(given.read(network, one.rule, one.levels, true), read),
                 "the table changes bits", where.c_str());
        }
      }
    }
  }
  return int(expected.size());
}

int check_scanner(Cases& file) {
  const int codes = file.integer();
  const auto classes = file.many<std::uint8_t>(codes);
  const auto lower = file.many<std::uint32_t>(codes);
  const skimrnn::CharacterTable table(classes.data(), lower.data());
  std::vector<std::string> words(file.integer());
  for (std::string& word : words) {
    const int size = file.integer();
    word.assign(file.bytes(size), size);
  }
  const skimrnn::Vocabulary vocabulary(words);
  const int texts = file.integer();
  std::string room;
  for (int i = 0; i < texts; ++i) {
    const int size = file.integer();
    const std::string text(file.bytes(size), size);
    const auto wanted = file.many<std::int32_t>(file.integer());
    std::vector<std::int32_t> rows;
    skimrnn::scan_rows(text, table, vocabulary, room, rows);
    expect(rows == wanted, "words of a text", ("text " + std::to_string(i)).c_str());
  }
  return texts;
}

// A product of denormals, which the compiler must not work out by itself.
float denormal_product() {
  volatile float tiny = 1e-40f, one = 1.0f;
  return tiny * one;
}

void check_denormals() {
  expect(denormal_product() != 0, "denormals before", "mode");
  {
    const skimrnn::FlushDenormals flush;
    expect(denormal_product() == 0, "denormals flushed inside", "mode");
  }
  expect(denormal_product() != 0, "denormals after", "mode");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::printf("usage: agreement CASES\n");
    return 2;
  }
  Cases file(argv[1]);
  if (std::memcmp(file.bytes(4), "SKAG", 4)) {
    std::printf("%s is no file of cases\n", argv[1]);
    return 2;
  }
  const std::vector<std::string> names = skimrnn::runnable();
  const int networks = file.integer();
  int readings = 0;
  for (int i = 0; i < networks; ++i) readings += check_network(file, i, names);
  const int texts = check_scanner(file);
  check_denormals();
  expect(file.at_end(), "something is left", "the file");
  std::string list;
  for (const std::string& name : names) list += " " + name;
  std::printf("%d networks, %d readings, %d texts on%s: %d differences\n", networks, readings,
              texts, list.c_str(), failures);
  return failures ? 1 : 0;
}
