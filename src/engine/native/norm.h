// What normalisations share: their parameters, and sums over rows that start in the row's own type.
#pragma once
#include "map.h"
#include "rows.h"

namespace gradbook {

/** A vector of parameters or row-major statistics, or a constant where there is none. */
struct Vector {
  const View* v;
  double fallback;
  double operator[](int64_t i) const {
    if (!*v) return fallback;
    const int64_t step = v->rank == 0 ? 0 : v->rank == 1 ? v->stride[0] : 1;
    return v->dtype == F32 ? v->as<float>()[i * step] : v->as<double>()[i * step];
  }
};

inline void put(const View& v, int64_t i, double value) {
  if (!v) return;
  if (v.dtype == F32)
    v.as<float>()[i] = static_cast<float>(value);
  else
    v.as<double>()[i] = value;
}

/** Two float64 sums over pairs of a row. */
struct Pair {
  double a = 0, b = 0;
};

/** Adds up x - shift and its square. */
template <class T>
void moments(const T* x, int64_t step, int64_t n, double shift, Pair& sum) {
  int64_t i = 0;
  if (step == 1) {
    constexpr int L = lanes<T>;
    const T origin = static_cast<T>(shift);
    WideSum<T> s, q;
    for (; i + 8 * L <= n; i += 8 * L) {
      Vec<T> d[8], square[8];
#pragma GCC unroll 8
      for (int j = 0; j < 8; j++) {
        d[j] = load<T>(x + i + j * L) - origin;
        square[j] = d[j] * d[j];
      }
      s.addEight(d);
      q.addEight(square);
    }
    for (; i + L <= n; i += L) {
      const Vec<T> d = load<T>(x + i) - origin;
      s.add(d);
      q.add(d * d);
    }
    sum.a += s.total();
    sum.b += q.total();
  }
  for (; i < n; i++) {
    const double d = x[i * step] - shift;
    sum.a += d;
    sum.b += d * d;
  }
}

/** Adds up g and g (x - mean). */
template <class T>
void slopes(const T* g, int64_t gStep, const T* x, int64_t xStep, int64_t n, double mean, Pair& sum) {
  int64_t i = 0;
  if (gStep == 1 && xStep == 1) {
    constexpr int L = lanes<T>;
    const T origin = static_cast<T>(mean);
    WideSum<T> s, q;
    for (; i + 8 * L <= n; i += 8 * L) {
      Vec<T> slope[8], product[8];
#pragma GCC unroll 8
      for (int j = 0; j < 8; j++) {
        slope[j] = load<T>(g + i + j * L);
        product[j] = slope[j] * (load<T>(x + i + j * L) - origin);
      }
      s.addEight(slope);
      q.addEight(product);
    }
    for (; i + L <= n; i += L) {
      const Vec<T> slope = load<T>(g + i);
      s.add(slope);
      q.add(slope * (load<T>(x + i) - origin));
    }
    sum.a += s.total();
    sum.b += q.total();
  }
  for (; i < n; i++) {
    sum.a += g[i * gStep];
    sum.b += g[i * gStep] * (x[i * xStep] - mean);
  }
}

/** y = (x - mean) * factor + shift. */
template <class T>
void scaleRow(T* __restrict y, const T* __restrict x, int64_t step, int64_t n, double mean, double factor, double shift) {
  const T m = static_cast<T>(mean), f = static_cast<T>(factor), s = static_cast<T>(shift);
  if (step == 1)
    for (int64_t i = 0; i < n; i++) y[i] = (x[i] - m) * f + s;
  else
    for (int64_t i = 0; i < n; i++) y[i] = (x[i * step] - m) * f + s;
}

/** y = g * a - (x - mean) * b - c. */
template <class T>
void slopeRow(T* __restrict y, const T* __restrict g, int64_t gStep, const T* __restrict x, int64_t xStep, int64_t n, double mean,
              double a, double b, double c) {
  const T m = static_cast<T>(mean), ta = static_cast<T>(a), tb = static_cast<T>(b), tc = static_cast<T>(c);
  if (gStep == 1 && xStep == 1)
    for (int64_t i = 0; i < n; i++) y[i] = g[i] * ta - (x[i] - m) * tb - tc;
  else
    for (int64_t i = 0; i < n; i++) y[i] = g[i * gStep] * ta - (x[i * xStep] - m) * tb - tc;
}

/** Mean and biased variance of `parts` rows of `n` elements, `partStep` apart. */
template <class T>
Pair statistics(const T* x, int64_t parts, int64_t partStep, int64_t n, int64_t step) {
  const double count = static_cast<double>(parts * n);
  double shift = count > 0 ? static_cast<double>(x[0]) : 0;
  Pair sum;
  if (sizeof(T) == 8) {
    // float64 numbers have no wider sums to hide in: the mean first.
    for (int64_t p = 0; p < parts; p++) moments(x + p * partStep, step, n, shift, sum);
    shift += sum.a / count;
    sum = {};
  }
  for (int64_t p = 0; p < parts; p++) moments(x + p * partStep, step, n, shift, sum);
  const double off = sum.a / count;
  double variance = sum.b / count - off * off;
  if (variance < 0) variance = 0;
  return {shift + off, variance};
}

inline bool same(const View& a, const View& b) { return a.dtype == b.dtype && a.dtype <= F64; }

/** The kernels of layers, for the table in `norm.cpp`. */
bool layerNorm(Args& args);
bool layerNormBackward(Args& args);

}  // namespace gradbook
