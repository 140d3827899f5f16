// One step of an LSTM or a GRU from the sums of its gates, and the step's gradients: everything between the matrix products at once.
#include "mathematics.h"
#include "walk.h"

namespace gradbook {
namespace {

inline VecF sigmoidOf(VecF x) { return logistic(x); }
inline VecF tanhOf(VecF x) { return tangentHyperbolic(x); }
inline VecD sigmoidOf(VecD x) {
  return eachLane(x, [](double v) { return 1 / (1 + std::exp(-v)); });
}
inline VecD tanhOf(VecD x) {
  return eachLane(x, [](double v) { return std::tanh(v); });
}

/** Row `b` of a matrix whose elements lie together in each row, in vectors; what was not given reads as zeros. */
template <class T>
struct Matrix {
  T* data = nullptr;
  int64_t step = 0;

  explicit Matrix(const View& v) : data(v.as<T>()), step(v ? v.stride[0] : 0) {}
  Vec<T> get(int64_t b, int64_t j, int64_t n) const {
    if (data == nullptr) return Vec<T>{};
    const T* from = data + b * step + j;
    return n == lanes<T> ? load<T>(from) : loadPart<T>(from, n);
  }
  void put(int64_t b, int64_t j, int64_t n, Vec<T> v) const {
    T* to = data + b * step + j;
    n == lanes<T> ? store<T>(to, v) : storePart<T>(to, v, n);
  }
};

/** Whether all are matrices of the first one's dtype with whole rows in memory; missing ones are. */
template <int N>
bool rowsOf(const View (&views)[N]) {
  for (const View& v : views)
    if (v && (v.dtype != views[0].dtype || v.dtype > F64 || v.rank != 2 || (v.size[1] > 1 && v.stride[1] != 1))) return false;
  return true;
}

/** Calls `body(row, column, n)` for vectors of a matrix, rows on several threads. */
template <class T, class F>
void eachVector(int64_t rows, int64_t columns, const F& body) {
  parallelRange(rows, grain / (16 * columns + 1) + 1, 1, [&](int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end && !interrupted(); b++)
      for (int64_t j = 0; j < columns; j += lanes<T>) body(b, j, columns - j < lanes<T> ? columns - j : int64_t{lanes<T>});
  });
}

/** hidden, next (B, H), gates (B, 4 H), fromInput, fromHidden (B, 4 H), cell (B, H). */
bool lstm(Args& args) {
  const View v[6] = {args.tensor(), args.tensor(), args.tensor(), args.tensor(), args.tensor(), args.tensor()};
  if (!rowsOf(v)) return false;
  const int64_t size = v[5].size[1];
  withFloat(v[0].dtype, [&](auto zero) {
    using T = decltype(zero);
    const Matrix<T> hidden(v[0]), next(v[1]), gates(v[2]), x(v[3]), h(v[4]), cell(v[5]);
    eachVector<T>(v[5].size[0], size, [&](int64_t b, int64_t j, int64_t n) {
      const auto sum = [&](int64_t gate) { return x.get(b, gate * size + j, n) + h.get(b, gate * size + j, n); };
      const Vec<T> i = sigmoidOf(sum(0)), f = sigmoidOf(sum(1)), g = tanhOf(sum(2)), o = sigmoidOf(sum(3));
      const Vec<T> state = f * cell.get(b, j, n) + i * g;
      gates.put(b, j, n, i);
      gates.put(b, size + j, n, f);
      gates.put(b, 2 * size + j, n, g);
      gates.put(b, 3 * size + j, n, o);
      next.put(b, j, n, state);
      hidden.put(b, j, n, o * tanhOf(state));
    });
  });
  return true;
}

/** gradGates (B, 4 H), gradCell (B, H), gradHidden, gradNext (may be missing), gates, cell, next. */
bool lstmBackward(Args& args) {
  const View v[7] = {args.tensor(), args.tensor(), args.tensor(), args.tensor(), args.tensor(), args.tensor(), args.tensor()};
  if (!rowsOf(v)) return false;
  const int64_t size = v[5].size[1];
  withFloat(v[0].dtype, [&](auto zero) {
    using T = decltype(zero);
    const Matrix<T> gradGates(v[0]), gradCell(v[1]), gradHidden(v[2]), gradNext(v[3]), gates(v[4]), cell(v[5]), next(v[6]);
    const T one = 1;
    eachVector<T>(v[5].size[0], size, [&](int64_t b, int64_t j, int64_t n) {
      const Vec<T> i = gates.get(b, j, n), f = gates.get(b, size + j, n), g = gates.get(b, 2 * size + j, n),
                   o = gates.get(b, 3 * size + j, n);
      const Vec<T> squashed = tanhOf(next.get(b, j, n)), slope = gradHidden.get(b, j, n);
      const Vec<T> state = slope * o * (one - squashed * squashed) + gradNext.get(b, j, n);
      gradGates.put(b, j, n, state * g * i * (one - i));
      gradGates.put(b, size + j, n, state * cell.get(b, j, n) * f * (one - f));
      gradGates.put(b, 2 * size + j, n, state * i * (one - g * g));
      gradGates.put(b, 3 * size + j, n, slope * squashed * o * (one - o));
      gradCell.put(b, j, n, state * f);
    });
  });
  return true;
}

/** next (B, H), gates, fromInput, fromHidden (B, 3 H), hidden (B, H). */
bool gru(Args& args) {
  const View v[5] = {args.tensor(), args.tensor(), args.tensor(), args.tensor(), args.tensor()};
  if (!rowsOf(v)) return false;
  const int64_t size = v[4].size[1];
  withFloat(v[0].dtype, [&](auto zero) {
    using T = decltype(zero);
    const Matrix<T> next(v[0]), gates(v[1]), x(v[2]), h(v[3]), hidden(v[4]);
    const T one = 1;
    eachVector<T>(v[4].size[0], size, [&](int64_t b, int64_t j, int64_t n) {
      const Vec<T> r = sigmoidOf(x.get(b, j, n) + h.get(b, j, n));
      const Vec<T> z = sigmoidOf(x.get(b, size + j, n) + h.get(b, size + j, n));
      const Vec<T> c = tanhOf(x.get(b, 2 * size + j, n) + r * h.get(b, 2 * size + j, n));
      gates.put(b, j, n, r);
      gates.put(b, size + j, n, z);
      gates.put(b, 2 * size + j, n, c);
      next.put(b, j, n, (one - z) * c + z * hidden.get(b, j, n));
    });
  });
  return true;
}

/** gradFromInput, gradFromHidden (B, 3 H), gradHidden, grad (B, H), gates, fromHidden (B, 3 H), hidden (B, H). */
bool gruBackward(Args& args) {
  const View v[7] = {args.tensor(), args.tensor(), args.tensor(), args.tensor(), args.tensor(), args.tensor(), args.tensor()};
  if (!rowsOf(v)) return false;
  const int64_t size = v[6].size[1];
  withFloat(v[0].dtype, [&](auto zero) {
    using T = decltype(zero);
    const Matrix<T> toInput(v[0]), toHidden(v[1]), gradHidden(v[2]), grad(v[3]), gates(v[4]), h(v[5]), hidden(v[6]);
    const T one = 1;
    eachVector<T>(v[6].size[0], size, [&](int64_t b, int64_t j, int64_t n) {
      const Vec<T> r = gates.get(b, j, n), z = gates.get(b, size + j, n), c = gates.get(b, 2 * size + j, n);
      const Vec<T> slope = grad.get(b, j, n);
      const Vec<T> gradC = slope * (one - z) * (one - c * c);
      const Vec<T> gradR = gradC * h.get(b, 2 * size + j, n) * r * (one - r);
      const Vec<T> gradZ = slope * (hidden.get(b, j, n) - c) * z * (one - z);
      toInput.put(b, j, n, gradR);
      toInput.put(b, size + j, n, gradZ);
      toInput.put(b, 2 * size + j, n, gradC);
      toHidden.put(b, j, n, gradR);
      toHidden.put(b, size + j, n, gradZ);
      toHidden.put(b, 2 * size + j, n, gradC * r);
      gradHidden.put(b, j, n, slope * z);
    });
  });
  return true;
}

}  // namespace

const Entry* recurrentKernels() {
  static const Entry entries[] = {{"recurrent.lstm", lstm},
                                  {"recurrent.lstmBackward", lstmBackward},
                                  {"recurrent.gru", gru},
                                  {"recurrent.gruBackward", gruBackward},
                                  {nullptr, nullptr}};
  return entries;
}

}  // namespace gradbook
