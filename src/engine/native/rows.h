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
/** The sum of all lanes, by halves. */
template <int Bytes>
inline double sumOfHalves(typename VectorOf<double, Bytes>::type v) {
  if constexpr (Bytes == 16) {
    return v[0] + v[1];
  } else {
    typename VectorOf<double, Bytes / 2>::type half[2];
    memcpy(half, &v, sizeof v);
    return sumOfHalves<Bytes / 2>(half[0] + half[1]);
  }
}
inline double laneSum(VecD v) { return sumOfHalves<vectorBytes>(v); }

/** A sum in float64 of which eight vectors at a time are added in the type itself: that loses less than the terms' own rounding. */
template <class T>
class WideSum {
 public:
  void add(Vec<T> v) { addTo(wide_, v); }
  /** Adds eight vectors, first to each other. */
  void addEight(const Vec<T>* v) { add(((v[0] + v[1]) + (v[2] + v[3])) + ((v[4] + v[5]) + (v[6] + v[7]))); }
  double total() const { return laneSum(wide_); }

 private:
  VecD wide_ = {};
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

/** The sum of e^(x - peak), whose terms go to `y` where they are `Kept`. */
template <bool Kept, class T>
inline double sumOfExponentials(T* y, const T* x, int64_t n, T peak) {
  constexpr int L = lanes<T>;
  WideSum<T> sum;
  int64_t i = 0;
  for (; i + 8 * L <= n; i += 8 * L) {
    Vec<T> e[8];
#pragma GCC unroll 8
    for (int j = 0; j < 8; j++) e[j] = exponentialOf(load<T>(x + i + j * L) - peak);
    if (Kept)
#pragma GCC unroll 8
      for (int j = 0; j < 8; j++) store<T>(y + i + j * L, e[j]);
    sum.addEight(e);
  }
  for (; i + L <= n; i += L) {
    const Vec<T> e = exponentialOf(load<T>(x + i) - peak);
    if (Kept) store<T>(y + i, e);
    sum.add(e);
  }
  if (i == n) return sum.total();
  const Vec<T> e = exponentialOf(loadPart<T>(x + i, n - i) - peak);
  if (Kept) storePart<T>(y + i, e, n - i);
  // Lanes behind the row's end do not count.
  T last[L] = {};
  storePart<T>(last, e, n - i);
  sum.add(load<T>(last));
  return sum.total();
}

}  // namespace gradbook
