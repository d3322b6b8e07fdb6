// What makes probabilities of scores, and the rectifier.
#pragma once

#include <algorithm>
#include <cmath>

namespace skimrnn {

inline float positive(float x) { return x < 0 ? 0 : x; }  // NaN stays

inline float logistic(float x) { return 1 / (1 + std::exp(-x)); }

inline void softmax(float* p, int count) {
  if (count == 2) {  // what reads most texts: one exponential, at most 1
    const float e = std::exp(-std::fabs(p[1] - p[0])), likely = 1 / (1 + e), other = e * likely;
    const bool second = p[1] > p[0];
    p[0] = second ? other : likely;
    p[1] = second ? likely : other;
    return;
  }
  const float highest = *std::max_element(p, p + count);
  float sum = 0;
  for (int i = 0; i < count; ++i) sum += p[i] = std::exp(p[i] - highest);
  for (int i = 0; i < count; ++i) p[i] /= sum;
}

// The logistic function of each score by itself.
inline void sigmoids(float* p, int count) {
  for (int i = 0; i < count; ++i) {
    const float e = std::exp(-std::fabs(p[i]));  // at most 1
    p[i] = (p[i] < 0 ? e : 1.0f) / (1 + e);
  }
}

}  // namespace skimrnn
