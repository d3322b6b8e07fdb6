// Reading a text with a control, from its words' rows to class probabilities; tables.py says what
// stands in a row. Compiled for the machine that it runs on and for one number of units (native.py).
//
// No exponential is approximated: those of words stand in the table, rounded to float. Probabilities
// are within 3e-6 of torch's (tests/benchmarks/test_controls.py).

#include <cmath>
#include <cstdint>

#ifndef UNITS
#error "compile with -DUNITS=<D, padded to whole cache lines>"
#endif

namespace {

constexpr int kLine = 16;         // floats of a cache line
constexpr int kUnits = UNITS;     // padded to whole lines
constexpr int kAhead = 4;         // rows are fetched so many words before they are needed
constexpr float kLargest = 4.7e18f;  // e^43: 1 / (1 + it) is 0 beside 1

}  // namespace

extern "C" {

struct Control {
  const float* table;        // (rows, parts, kUnits), aligned to a line
  const float* head_weight;  // (classes, kUnits), 0 in padded units
  const float* head_bias;    // (classes,)
  std::int64_t words;        // V
  std::int64_t classes;
};

}  // extern "C"

namespace {

bool known(const Control& control, const std::int32_t* words, std::int64_t tokens) {
  std::uint32_t largest = 0;
  for (std::int64_t t = 0; t < tokens; ++t)
    largest = std::uint32_t(words[t]) > largest ? std::uint32_t(words[t]) : largest;
  return tokens == 0 || largest < control.words;
}

void fetch(const float* p, std::int64_t floats) {
  for (std::int64_t i = 0; i < floats; i += kLine) __builtin_prefetch(p + i);
}

// Softmax of the head's scores of h (kUnits,).
void apply_head(const Control& control, const float* h, float* p) {
  float highest = 0, sum = 0;
  for (std::int64_t k = 0; k < control.classes; ++k) {
    const float* weight = control.head_weight + k * kUnits;
    float score = 0;
    for (int i = 0; i < kUnits; ++i) score += weight[i] * h[i];
    p[k] = score + control.head_bias[k];
    highest = k && highest > p[k] ? highest : p[k];
  }
  for (std::int64_t k = 0; k < control.classes; ++k) sum += p[k] = std::exp(p[k] - highest);
  for (std::int64_t k = 0; k < control.classes; ++k) p[k] /= sum;
}

float product(float a, float b) { return a * b < kLargest ? a * b : kLargest; }

}  // namespace

// Both give class probabilities p (classes,) of words (tokens,), rows of the vocabulary; false, and
// nothing done, if one is not there.
extern "C" {

bool read_qrnn(const Control* control, const std::int32_t* words, std::int64_t tokens, float* p) {
  if (!known(*control, words, tokens)) return false;
  constexpr std::int64_t floats = 6 * kUnits;
  const auto row = [&](std::int64_t t) {
    return control->table + (t < 0 ? control->words : std::int64_t(words[t])) * floats;
  };
  alignas(64) float c[kUnits] = {};
  fetch(row(tokens - 1) + 4 * kUnits, kUnits);
  fetch(row(tokens - 2) + 5 * kUnits, kUnits);
  for (std::int64_t t = 0; t < tokens; ++t) {
    if (t + kAhead < tokens) fetch(row(t + kAhead), 4 * kUnits);
    const float *now = row(t), *before = row(t - 1) + 2 * kUnits;
    for (int i = 0; i < kUnits; ++i) {
      const float P = product(now[i], before[i]);
      const float Q = product(now[kUnits + i], before[kUnits + i]);
      // f c + (1 - f) z, over one denominator: one division
      c[i] = (c[i] * (1 + Q) + P * (1 - Q)) / ((1 + P) * (1 + Q));
    }
  }
  if (tokens) {
    const float *now = row(tokens - 1) + 4 * kUnits, *before = row(tokens - 2) + 5 * kUnits;
    for (int i = 0; i < kUnits; ++i) c[i] /= 1 + product(now[i], before[i]);
  }
  apply_head(*control, c, p);
  return true;
}

bool read_mingru(const Control* control, const std::int32_t* words, std::int64_t tokens,
                 float* p) {
  if (!known(*control, words, tokens)) return false;
  constexpr std::int64_t floats = 2 * kUnits;
  alignas(64) float h[kUnits] = {};
  for (std::int64_t t = 0; t < tokens; ++t) {
    if (t + kAhead < tokens) fetch(control->table + words[t + kAhead] * floats, floats);
    const float* row = control->table + words[t] * floats;
    for (int i = 0; i < kUnits; ++i) h[i] = row[i] * h[i] + row[kUnits + i];
  }
  apply_head(*control, h, p);
  return true;
}

}  // extern "C"
