// softmax and its logarithm along the middle of three dimensions, both directions.
#include "map.h"
#include "rows.h"

namespace gradbook {
namespace {

/** One row that lies together. A row of nothing but -Infinity gives NaN, as in PyTorch. */
template <class T>
void softmaxRow(T* y, const T* x, int64_t n, bool logarithm) {
  const T peak = greatest(x, n);
  constexpr int L = lanes<T>;
  int64_t i = 0;
  if (logarithm) {
    const T shift = static_cast<T>(std::log(sumOfExponentials<false, T>(nullptr, x, n, peak)));
    for (; i + L <= n; i += L) store<T>(y + i, (load<T>(x + i) - peak) - shift);
    if (i < n) storePart<T>(y + i, (loadPart<T>(x + i, n - i) - peak) - shift, n - i);
  } else {
    const T scale = static_cast<T>(1 / sumOfExponentials<true>(y, x, n, peak));
    for (; i + L <= n; i += L) store<T>(y + i, load<T>(y + i) * scale);
    if (i < n) storePart<T>(y + i, loadPart<T>(y + i, n - i) * scale, n - i);
  }
}

/** Up to a vector of columns that lie side by side, `step` from row to row. */
template <class T>
void softmaxColumns(T* y, const T* x, int64_t n, int64_t step, int64_t columns, bool logarithm) {
  constexpr int L = lanes<T>;
  const auto get = [&](const T* from) { return columns == L ? load<T>(from) : loadPart<T>(from, columns); };
  const auto put = [&](T* to, Vec<T> v) { columns == L ? store<T>(to, v) : storePart<T>(to, v, columns); };
  Vec<T> peak = splat<T>(static_cast<T>(-INFINITY));
  for (int64_t i = 0; i < n; i++) {
    const Vec<T> v = get(x + i * step);
    peak = v > peak ? v : peak;
  }
  Vec<T> total = {};
  for (int64_t i = 0; i < n; i++) {
    const Vec<T> e = exponentialOf(get(x + i * step) - peak);
    if (!logarithm) put(y + i * step, e);
    total += e;
  }
  if (logarithm) {
    for (int j = 0; j < L; j++) total[j] = static_cast<T>(std::log(static_cast<double>(total[j])));
    for (int64_t i = 0; i < n; i++) put(y + i * step, (get(x + i * step) - peak) - total);
  } else {
    for (int64_t i = 0; i < n; i++) put(y + i * step, get(y + i * step) / total);
  }
}

template <class T>
void forward(const View& out, const View& input, bool logarithm) {
  const int64_t outer = out.size[0], n = out.size[1], inner = out.size[2];
  const T* x = dense<T>(input, 5);
  T* y = out.as<T>();
  if (inner == 1) {
    parallelRange(outer, grain / (8 * n + 1) + 1, 1, [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end && !interrupted(); r++) softmaxRow(y + r * n, x + r * n, n, logarithm);
    });
    return;
  }
  constexpr int L = lanes<T>;
  const int64_t groups = (inner + L - 1) / L;
  parallelRange(outer * groups, grain / (8 * n * L + 1) + 1, 1, [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end && !interrupted(); t++) {
      const int64_t first = t % groups * L, place = t / groups * n * inner + first;
      softmaxColumns(y + place, x + place, n, inner, inner - first < L ? inner - first : L, logarithm);
    }
  });
}

/** gradient: y (g - sum(g y)), or for the logarithm g - e^y sum(g). */
template <class T>
void backward(const View& out, const View& grad, const View& output, bool logarithm) {
  const int64_t outer = out.size[0], n = out.size[1], inner = out.size[2];
  const T* g = dense<T>(grad, 5);
  const T* y = dense<T>(output, 6);
  T* z = out.as<T>();
  constexpr int L = lanes<T>;
  if (inner == 1) {
    parallelRange(outer, grain / (4 * n + 1) + 1, 1, [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end && !interrupted(); r++) {
        const T *a = g + r * n, *b = y + r * n;
        T* to = z + r * n;
        WideSum<T> sum;
        int64_t i = 0;
        const auto term = [&](Vec<T> slope, const T* value) { return logarithm ? slope : slope * load<T>(value); };
        for (; i + 8 * L <= n; i += 8 * L) {
          Vec<T> terms[8];
#pragma GCC unroll 8
          for (int j = 0; j < 8; j++) terms[j] = term(load<T>(a + i + j * L), b + i + j * L);
          sum.addEight(terms);
        }
        for (; i + L <= n; i += L) sum.add(term(load<T>(a + i), b + i));
        if (i < n) sum.add(logarithm ? loadPart<T>(a + i, n - i) : loadPart<T>(a + i, n - i) * loadPart<T>(b + i, n - i));
        const double total = sum.total();
        const T t = static_cast<T>(total);
        const auto result = [&](Vec<T> slope, Vec<T> value) {
          return logarithm ? slope - exponentialOf(value) * t : value * (slope - t);
        };
        for (i = 0; i + L <= n; i += L) store<T>(to + i, result(load<T>(a + i), load<T>(b + i)));
        if (i < n) storePart<T>(to + i, result(loadPart<T>(a + i, n - i), loadPart<T>(b + i, n - i)), n - i);
      }
    });
    return;
  }
  const int64_t groups = (inner + L - 1) / L;
  parallelRange(outer * groups, grain / (4 * n * L + 1) + 1, 1, [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end && !interrupted(); t++) {
      const int64_t first = t % groups * L, place = t / groups * n * inner + first;
      const int64_t columns = inner - first < L ? inner - first : L;
      Vec<T> total = {};
      for (int64_t i = 0; i < n; i++) {
        const Vec<T> slope = loadPart<T>(g + place + i * inner, columns);
        total += logarithm ? slope : slope * loadPart<T>(y + place + i * inner, columns);
      }
      for (int64_t i = 0; i < n; i++) {
        const Vec<T> slope = loadPart<T>(g + place + i * inner, columns), value = loadPart<T>(y + place + i * inner, columns);
        storePart<T>(z + place + i * inner, logarithm ? slope - exponentialOf(value) * total : value * (slope - total), columns);
      }
    }
  });
}

/** out (outer, n, inner) row-major, input, logarithm. */
bool softmax(Args& args) {
  const View out = args.tensor(), input = args.tensor();
  const bool logarithm = args.flag();
  if (out.dtype != input.dtype || out.dtype > F64) return false;
  out.dtype == F32 ? forward<float>(out, input, logarithm) : forward<double>(out, input, logarithm);
  return true;
}

/** out (outer, n, inner) row-major, grad, output, logarithm. */
bool softmaxBackward(Args& args) {
  const View out = args.tensor(), grad = args.tensor(), output = args.tensor();
  const bool logarithm = args.flag();
  if (out.dtype != grad.dtype || out.dtype != output.dtype || out.dtype > F64) return false;
  out.dtype == F32 ? backward<float>(out, grad, output, logarithm) : backward<double>(out, grad, output, logarithm);
  return true;
}

}  // namespace

const Entry* softmaxKernels() {
  static const Entry entries[] = {{"softmax.forward", softmax}, {"softmax.backward", softmaxBackward}, {nullptr, nullptr}};
  return entries;
}

}  // namespace gradbook
