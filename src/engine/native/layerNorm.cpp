// Normalisation of rows, both directions.
#include <type_traits>

#include "norm.h"

namespace gradbook {
namespace {

/** A vector of parameters in the dtype of the rows, contiguous. */
template <class T>
const T* rowOf(const View& v, int64_t n, double fallback, int slot) {
  T* to = static_cast<T*>(scratch(slot, n * int64_t{sizeof(T)}));
  const Vector from{&v, fallback};
  inStretches(0, n, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) to[i] = static_cast<T>(from[i]);
  });
  return to;
}

template <class T>
void forward(const View& out, const View& mean, const View& variance, const View& input, const View& weight, const View& bias,
             double eps) {
  const int64_t rows = input.size[0], size = input.size[1];
  const T* all = dense<T>(input, 2);
  const T* scale = rowOf<T>(weight, size, 1, 4);
  const T* shift = rowOf<T>(bias, size, 0, 5);
  constexpr int L = lanes<T>;
  parallelRange(rows, grain / (size + 1) + 1, 1, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end && !interrupted(); r++) {
      const T* x = all + r * size;
      T* y = out.as<T>() + r * size;
      const Pair s = statistics(x, 1, 0, size, 1);
      const T m = static_cast<T>(s.a), f = static_cast<T>(1 / std::sqrt(s.b + eps));
      int64_t i = 0;
      for (; i + L <= size; i += L) store<T>(y + i, (load<T>(x + i) - m) * f * load<T>(scale + i) + load<T>(shift + i));
      for (; i < size; i++) y[i] = (x[i] - m) * f * scale[i] + shift[i];
      put(mean, r, s.a);
      put(variance, r, s.b);
    }
  });
}

/** R rows of the gradient; `weights` and `biases` get what the rows add to the parameters' gradients. */
template <class T, int R>
void backwardRows(T* y, const T* g, const T* x, const T* scale, int64_t n, const double* means, const double* inverses, T* weights,
                  T* biases) {
  constexpr int L = lanes<T>;
  T m[R], v[R];
  for (int r = 0; r < R; r++) m[r] = static_cast<T>(means[r]), v[r] = static_cast<T>(inverses[r]);
  WideSum<T> totals[R], products[R];
  Vec<T> total[R], product[R];
  const auto columns = [&](const auto& get, const auto& set) __attribute__((always_inline)) {
    Vec<T> w = get(weights), b = get(biases);
    const Vec<T> s = get(scale);
#pragma GCC unroll 4
    for (int r = 0; r < R; r++) {
      const Vec<T> slope = get(g + r * n), hat = (get(x + r * n) - m[r]) * v[r], scaled = slope * s;
      w += slope * hat;
      b += slope;
      total[r] += scaled;
      product[r] += scaled * hat;
    }
    set(weights, w);
    set(biases, b);
  };
  // Eight vectors are added in the type itself before they join the wide sums.
  for (int64_t i = 0; i < n;) {
#pragma GCC unroll 4
    for (int r = 0; r < R; r++) total[r] = product[r] = Vec<T>{};
    const int64_t end = i + 8 * L < n ? i + 8 * L : n;
    for (; i + L <= end; i += L)
      columns([&](const T* from) { return load<T>(from + i); }, [&](T* to, Vec<T> value) { store<T>(to + i, value); });
    if (i < end)
      columns([&](const T* from) { return loadPart<T>(from + i, end - i); }, [&](T* to, Vec<T> value) { storePart<T>(to + i, value, end - i); });
    i = end;
#pragma GCC unroll 4
    for (int r = 0; r < R; r++) {
      totals[r].add(total[r]);
      products[r].add(product[r]);
    }
  }
  if (y == nullptr) return;
  for (int r = 0; r < R; r++, y += n, g += n, x += n) {
    const T a = static_cast<T>(totals[r].total() / static_cast<double>(n)), p = static_cast<T>(products[r].total() / static_cast<double>(n));
    const T centre = m[r], inverse = v[r];
    int64_t i = 0;
    for (; i + L <= n; i += L)
      store<T>(y + i, (load<T>(g + i) * load<T>(scale + i) - a - (load<T>(x + i) - centre) * inverse * p) * inverse);
    for (; i < n; i++) y[i] = (g[i] * scale[i] - a - (x[i] - centre) * inverse * p) * inverse;
  }
}

template <class T>
void backward(const View& gradInput, const View& gradWeight, const View& gradBias, const View& grad, const View& input, const View& mean,
              const View& variance, const View& weight, double eps) {
  const int64_t rows = input.size[0], size = input.size[1];
  const T *all = dense<T>(input, 2), *slopes = dense<T>(grad, 3), *scale = rowOf<T>(weight, size, 1, 4);
  const Vector centre{&mean, 0}, spread{&variance, 1};
  // The parameters' gradients are sums over rows, in blocks that do not depend on the number of threads.
  const int64_t block = rows / 64 + 1 > 32 ? rows / 64 + 1 : 32;
  const int64_t blocks = (rows + block - 1) / block;
  double* sums = static_cast<double*>(scratch(6, blocks * 2 * size * int64_t{sizeof(double)} + 8));
  parallel(blocks, [&](int64_t b) {
    double* weights = sums + b * 2 * size;
    for (int64_t i = 0; i < 2 * size; i++) weights[i] = 0;
    // Sums over up to 16 rows, in the type itself.
    T* some = static_cast<T*>(scratch(7, 2 * size * int64_t{sizeof(T)}));
    const int64_t last = (b + 1) * block < rows ? (b + 1) * block : rows;
    for (int64_t first = b * block; first < last && !interrupted(); first += 16) {
      const int64_t end = first + 16 < last ? first + 16 : last;
      for (int64_t i = 0; i < 2 * size; i++) some[i] = 0;
      double means[16], inverses[16];
      for (int64_t r = first; r < end; r++) means[r - first] = centre[r], inverses[r - first] = 1 / std::sqrt(spread[r] + eps);
      int64_t r = first;
      const auto run = [&](auto few) {
        constexpr int R = decltype(few)::value;
        for (; r + R <= end; r += R)
          backwardRows<T, R>(gradInput ? gradInput.as<T>() + r * size : nullptr, slopes + r * size, all + r * size, scale, size,
                             means + r - first, inverses + r - first, some, some + size);
      };
      run(std::integral_constant<int, 4>{});
      run(std::integral_constant<int, 1>{});
      for (int64_t i = 0; i < 2 * size; i++) weights[i] += some[i];
    }
  });
  for (int64_t k = 1; k < blocks; k++) {
    const double* __restrict more = sums + k * 2 * size;
    double* __restrict to = sums;
    for (int64_t i = 0; i < 2 * size; i++) to[i] += more[i];
  }
  for (int64_t i = 0; i < size; i++) {
    put(gradWeight, i, blocks > 0 ? sums[i] : 0);
    put(gradBias, i, blocks > 0 ? sums[size + i] : 0);
  }
}

}  // namespace

/** out, mean, variance, input (M, D), weight, bias, eps. */
bool layerNorm(Args& args) {
  const View out = args.tensor(), mean = args.tensor(), variance = args.tensor(), input = args.tensor(), weight = args.tensor(),
             bias = args.tensor();
  const double eps = args.number();
  if (!same(out, input) || !out.contiguous() || input.size[1] == 0) return false;
  out.dtype == F32 ? forward<float>(out, mean, variance, input, weight, bias, eps)
                   : forward<double>(out, mean, variance, input, weight, bias, eps);
  return true;
}

/** gradInput, gradWeight, gradBias, grad, input, mean, variance, weight, eps. */
bool layerNormBackward(Args& args) {
  const View gradInput = args.tensor(), gradWeight = args.tensor(), gradBias = args.tensor(), grad = args.tensor(),
             input = args.tensor(), mean = args.tensor(), variance = args.tensor(), weight = args.tensor();
  const double eps = args.number();
  if (!same(grad, input) || (gradInput && !gradInput.contiguous())) return false;
  grad.dtype == F32 ? backward<float>(gradInput, gradWeight, gradBias, grad, input, mean, variance, weight, eps)
                    : backward<double>(gradInput, gradWeight, gradBias, grad, input, mean, variance, weight, eps);
  return true;
}

}  // namespace gradbook
