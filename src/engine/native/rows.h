// What softmax, losses and norms do with rows that lie together: greatest elements, and sums that start in the row's own type.
#pragma once
#include "mathematics.h"

namespace gradbook {

inline VecF exponentialOf(VecF x) { return exponential(x); }
inline VecD exponentialOf(VecD x) {
  for (int i = 0; i < lanes<double>; i++) x[i] = std::exp(x[i]);
  return x;
}

/** Adds a vector's lanes to float64 sums. */
inline void addTo(VecD& total, VecD v) { total += v; }
inline void addTo(VecD& total, VecF v) {
  HalfF half[2];
  memcpy(half, &v, sizeof v);
  total += __builtin_convertvector(half[0], VecD) + __builtin_convertvector(half[1], VecD);
}
inline double laneSum(VecD v) {
  double total = 0;
  for (int i = 0; i < lanes<double>; i++) total += v[i];
  return total;
}

/** A sum in float64 of which eight vectors at a time are added in the type itself: that loses less than the terms' own rounding. */
template <class T>
class WideSum {
 public:
  void add(Vec<T> v) {
    part_ += v;
    if (++count_ == 8) flush();
  }
  double total() {
    flush();
    return laneSum(wide_);
  }

 private:
  void flush() {
    addTo(wide_, part_);
    part_ = Vec<T>{};
    count_ = 0;
  }
  Vec<T> part_ = {};
  VecD wide_ = {};
  int count_ = 0;
};

/** The greatest element; NaN is passed over, and an empty row gives -Infinity. */
template <class T>
inline T greatest(const T* x, int64_t n) {
  constexpr int L = lanes<T>;
  T peak = static_cast<T>(-INFINITY);
  Vec<T> peaks[4];
  for (int j = 0; j < 4; j++) peaks[j] = splat<T>(peak);
  int64_t i = 0;
  for (; i + 4 * L <= n; i += 4 * L)
#pragma GCC unroll 4
    for (int j = 0; j < 4; j++) {
      const Vec<T> v = load<T>(x + i + j * L);
      peaks[j] = v > peaks[j] ? v : peaks[j];
    }
  for (; i + L <= n; i += L) {
    const Vec<T> v = load<T>(x + i);
    peaks[0] = v > peaks[0] ? v : peaks[0];
  }
  for (int j = 1; j < 4; j++) peaks[0] = peaks[j] > peaks[0] ? peaks[j] : peaks[0];
  for (int j = 0; j < L; j++) peak = peaks[0][j] > peak ? peaks[0][j] : peak;
  for (; i < n; i++) peak = x[i] > peak ? x[i] : peak;
  return peak;
}

/** The sum of e^(x - peak), whose terms go to `y` unless it is null. */
template <class T>
inline double sumOfExponentials(T* y, const T* x, int64_t n, T peak) {
  constexpr int L = lanes<T>;
  WideSum<T> even, odd;
  int64_t i = 0;
  for (; i + 2 * L <= n; i += 2 * L) {
    const Vec<T> a = exponentialOf(load<T>(x + i) - peak), b = exponentialOf(load<T>(x + i + L) - peak);
    if (y != nullptr) {
      store<T>(y + i, a);
      store<T>(y + i + L, b);
    }
    even.add(a);
    odd.add(b);
  }
  double total = even.total() + odd.total();
  for (; i < n; i += L) {
    const int64_t left = n - i < L ? n - i : L;
    const Vec<T> e = exponentialOf(loadPart<T>(x + i, left) - peak);
    if (y != nullptr) storePart<T>(y + i, e, left);
    for (int64_t j = 0; j < left; j++) total += e[j];
  }
  return total;
}

}  // namespace gradbook
