// Optimizer steps over lists of row-major tensors, one call for all.
#include <cmath>

#include "lists.h"
#include "simd.h"

namespace gradbook {
namespace {

/** p -= a g + b p. */
template <class T>
void plainSteps(T* p, const T* g, int64_t begin, int64_t end, T a, T b) {
  constexpr int L = lanes<T>;
  int64_t i = begin;
  for (; i + 4 * L <= end; i += 4 * L) {
    // Far enough ahead for memory, which would else wait at every page.
#pragma GCC unroll 4
    for (int j = 0; j < 4; j++) {
      __builtin_prefetch(g + i + j * L + 1024);
      __builtin_prefetch(p + i + j * L + 1024, 1);
    }
#pragma GCC unroll 4
    for (int j = 0; j < 4; j++) {
      const Vec<T> before = load<T>(p + i + j * L);
      store<T>(p + i + j * L, before - (load<T>(g + i + j * L) * a + before * b));
    }
  }
  for (; i < end; i++) p[i] -= a * g[i] + b * p[i];
}

/** params, grads, buffers, lr, momentum, dampening, weightDecay, nesterov, maximize, first. */
template <class T>
void sgdOf(const List& params, const List& grads, const List& buffers, Args& args) {
  const double lr = args.number(), momentum = args.number(), dampening = args.number(), weightDecay = args.number();
  const bool nesterov = args.flag(), maximize = args.flag(), first = args.flag();
  const T rate = static_cast<T>(lr), mu = static_cast<T>(momentum), keep = static_cast<T>(1 - dampening);
  const T decay = static_cast<T>(weightDecay), sign = maximize ? T{-1} : T{1};
  eachPiece(params, [&](int64_t t, int64_t begin, int64_t end) {
    T* __restrict p = reinterpret_cast<T*>(params.data[t]);
    const T* __restrict g = reinterpret_cast<const T*>(grads.data[t]);
    if (buffers.count == 0) {
      plainSteps<T>(p, g, begin, end, sign * rate, rate * decay);
      return;
    }
    T* __restrict v = reinterpret_cast<T*>(buffers.data[t]);
    if (first)
      for (int64_t i = begin; i < end; i++) {
        const T step = sign * g[i] + decay * p[i];
        v[i] = step;
        p[i] -= rate * (nesterov ? step + mu * step : step);
      }
    else
      for (int64_t i = begin; i < end; i++) {
        const T step = sign * g[i] + decay * p[i];
        const T velocity = mu * v[i] + keep * step;
        v[i] = velocity;
        p[i] -= rate * (nesterov ? step + mu * velocity : velocity);
      }
  });
}

bool sgd(Args& args) {
  const List params = readList(args, 4), grads = readList(args, 5), buffers = readList(args, 6);
  if (!params.fits || !grads.fits || !buffers.fits || params.dtype != grads.dtype) return false;
  params.dtype == F32 ? sgdOf<float>(params, grads, buffers, args) : sgdOf<double>(params, grads, buffers, args);
  return true;
}

/** params, grads, means, squares, maxSquares, lr, beta1, beta2, eps, weightDecay, decoupled, maximize, step. */
template <class T>
void adamOf(const List& params, const List& grads, const List& means, const List& squares, const List& largest, Args& args) {
  const double lr = args.number(), beta1 = args.number(), beta2 = args.number(), epsilon = args.number();
  const double weightDecay = args.number();
  const bool decoupled = args.flag(), maximize = args.flag();
  const double step = args.number();
  const T stepSize = static_cast<T>(lr / (1 - std::pow(beta1, step)));
  const T inverseRoot = static_cast<T>(1 / std::sqrt(1 - std::pow(beta2, step)));
  const T shrink = static_cast<T>(decoupled ? 1 - lr * weightDecay : 1), decay = static_cast<T>(decoupled ? 0 : weightDecay);
  const T b1 = static_cast<T>(1 - beta1), b2 = static_cast<T>(beta2), c2 = static_cast<T>(1 - beta2), eps = static_cast<T>(epsilon);
  const T sign = maximize ? T{-1} : T{1};
  constexpr int L = lanes<T>;
  eachPiece(params, [&](int64_t t, int64_t begin, int64_t end) {
    T* p = reinterpret_cast<T*>(params.data[t]);
    const T* g = reinterpret_cast<const T*>(grads.data[t]);
    T* m = reinterpret_cast<T*>(means.data[t]);
    T* v = reinterpret_cast<T*>(squares.data[t]);
    T* a = largest.count > 0 ? reinterpret_cast<T*>(largest.data[t]) : nullptr;
    for (int64_t i = begin; i < end; i += L) {
      const int64_t n = end - i < L ? end - i : L;
      const auto get = [&](const T* from) { return n == L ? load<T>(from + i) : loadPart<T>(from + i, n); };
      const auto put = [&](T* to, Vec<T> x) { n == L ? store<T>(to + i, x) : storePart<T>(to + i, x, n); };
      Vec<T> param = get(p) * shrink;
      const Vec<T> gradient = get(g) * sign + param * decay;
      Vec<T> mean = get(m);
      mean += (gradient - mean) * b1;
      const Vec<T> square = get(v) * b2 + gradient * gradient * c2;
      put(m, mean);
      put(v, square);
      Vec<T> used = square;
      if (a != nullptr) {
        const Vec<T> before = get(a);
        used = before > square ? before : square;
        put(a, used);
      }
      param -= mean * stepSize / (squareRoot(used) * inverseRoot + eps);
      put(p, param);
    }
  });
}

bool adam(Args& args) {
  const List params = readList(args, 3), grads = readList(args, 4), means = readList(args, 5), squares = readList(args, 6),
             largest = readList(args, 7);
  if (!params.fits || !grads.fits || !means.fits || !squares.fits || !largest.fits || params.dtype != grads.dtype) return false;
  params.dtype == F32 ? adamOf<float>(params, grads, means, squares, largest, args)
                      : adamOf<double>(params, grads, means, squares, largest, args);
  return true;
}

}  // namespace

const Entry* optimKernels() {
  static const Entry entries[] = {{"optim.sgd", sgd}, {"optim.adam", adam}, {nullptr, nullptr}};
  return entries;
}

}  // namespace gradbook
