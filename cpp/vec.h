// Vectors of floats as wide as the instruction set that this file is compiled for has them.
//
// GCC's and Clang's vector types: ordinary arithmetic, no header per instruction set. Everything is
// in the namespace SKIMRNN_ISA, so that the linker cannot take one instruction set's code for
// another's.
#pragma once

#include <cstdint>
#include <cstring>

#if defined(__AVX__)
#include <immintrin.h>
#endif

#ifndef SKIMRNN_ISA
#error "compile with -DSKIMRNN_ISA=<name>"
#endif

namespace skimrnn {
namespace SKIMRNN_ISA {

#if defined(__AVX512F__)
constexpr int kWidth = 16;
#elif defined(__AVX__)
constexpr int kWidth = 8;
#else
constexpr int kWidth = 4;
#endif

using Vec = float __attribute__((vector_size(kWidth * 4)));
using Ints = std::int32_t __attribute__((vector_size(kWidth * 4)));

inline Vec load(const float* p) {
  Vec v;
  std::memcpy(&v, p, sizeof v);
  return v;
}

inline Ints load_ints(const std::int32_t* p) {
  Ints v;
  std::memcpy(&v, p, sizeof v);
  return v;
}

inline void store(float* p, Vec v) { std::memcpy(p, &v, sizeof v); }

// The first n entries alone; the other lanes are zero, and are not stored.
inline Vec load_some(const float* p, int n) {
  if (n >= kWidth) return load(p);
#if defined(__AVX512F__)
  return Vec(_mm512_maskz_loadu_ps(__mmask16((1u << n) - 1), p));
#else
  Vec v = {};
  for (int i = 0; i < n; ++i) v[i] = p[i];
  return v;
#endif
}

inline void store_some(float* p, Vec v, int n) {
  if (n >= kWidth) return store(p, v);
#if defined(__AVX512F__)
  _mm512_mask_storeu_ps(p, __mmask16((1u << n) - 1), __m512(v));
#else
  for (int i = 0; i < n; ++i) p[i] = v[i];
#endif
}

#if defined(__AVX512F__)
inline Vec all(float x) { return Vec(_mm512_set1_ps(x)); }
#elif defined(__AVX__)
inline Vec all(float x) { return Vec(_mm256_set1_ps(x)); }
#else
inline Vec all(float x) { return Vec{} + x; }
#endif
inline Ints all_ints(std::int32_t x) { return Ints{} + x; }

// 0, 1, 2, ...
inline Ints lane_numbers() {
  Ints lanes;
  for (int i = 0; i < kWidth; ++i) lanes[i] = i;
  return lanes;
}

// x, or the nearer of -limit and limit if it lies beyond; NaN stays.
inline Vec between(Vec x, float limit) {
  const Vec low = all(-limit), high = all(limit);
#if defined(__AVX512F__)
  return Vec(_mm512_min_ps(__m512(high), _mm512_max_ps(__m512(low), __m512(x))));
#elif defined(__AVX__)
  return Vec(_mm256_min_ps(__m256(high), _mm256_max_ps(__m256(low), __m256(x))));
#else
  x = x < low ? low : x;
  return x > high ? high : x;
#endif
}

// e^x for x in [-87.3, 87.3], beyond which it stays at the ends; relative error below 2e-7.
// x = n ln 2 + r with |r| <= ln 2 / 2; e^r by a polynomial, 2^n by the exponent bits.
inline Vec exponential(Vec x) {
  x = between(x, 87.3f);
  const Vec rounder = all(12582912.0f);  // 1.5 * 2^23: adding it rounds to a whole number
  const Vec rounded = x * all(1.44269504f) + rounder;
  const Vec n = rounded - rounder;
  Vec r = x - n * all(0.693359375f);
  r = r - n * all(-2.12194440e-4f);
  // In pairs, for a short chain of dependent steps: a skim's time is this chain's.
  const Vec square = r * r;
  const Vec low_pair = all(1.6666665459e-1f) * r + all(5.0000001201e-1f);
  const Vec middle_pair = all(8.3334519073e-3f) * r + all(4.1665795894e-2f);
  const Vec high_pair = all(1.9875691500e-4f) * r + all(1.3981999507e-3f);
  Vec p = (high_pair * square + middle_pair) * square + low_pair;
  p = p * square + (r + all(1.0f));
  Ints bits;  // n stands in the lowest bits of `rounded`
  std::memcpy(&bits, &rounded, sizeof bits);
  bits = (bits << 23) + 0x3F800000;
  Vec power;
  std::memcpy(&power, &bits, sizeof power);
  return p * power;
}

inline Vec sigmoid(Vec x) { return all(1.0f) / (all(1.0f) + exponential(-x)); }

// A quotient that is not divided yet.
struct Ratio {
  Vec over, under;
};

// Near 0 by an odd polynomial, so that small values keep their relative precision. `under` stays
// below 3e8, so that a product with a logistic's 1 + e^-x is infinite only where the quotient is 0.
inline Ratio tanh_ratio(Vec x) {
  const Vec e = exponential(between(x + x, 19.0f));  // beyond, tanh is 1 in float
  const Vec z = x * x;
  const Vec square = z * z;
  const Vec low_pair = all(1.33314422036e-1f) * z + all(-3.33332819422e-1f);
  const Vec high_pair = all(2.06390887954e-2f) * z + all(-5.37397155531e-2f);
  const Vec p = (all(-5.70498872745e-3f) * square + high_pair) * square + low_pair;
  const auto near = z < all(0.625f * 0.625f);
  return {near ? p * z * x + x : e - all(1.0f), near ? all(1.0f) : e + all(1.0f)};
}

inline Vec tanh(Vec x) {
  const Ratio ratio = tanh_ratio(x);
  return ratio.over / ratio.under;
}

}  // namespace SKIMRNN_ISA
}  // namespace skimrnn
