// Steps of the optimizers beside SGD and Adam, fused: one pass over a parameter, its gradient and what is remembered of it.
#include <cmath>
#include <initializer_list>

#include "lists.h"
#include "walk.h"

namespace gradbook {
namespace {

bool together(std::initializer_list<const List*> lists, int dtype) {
  for (const List* l : lists)
    if (!l->fits || (l->count > 0 && l->dtype != dtype)) return false;
  return dtype <= F64;
}

/** params, grads, squares, means, buffers (the last two may be empty), lr, alpha, eps, weightDecay, momentum, maximize. */
bool rmsprop(Args& args) {
  const List params = readList(args, 3), grads = readList(args, 4), squares = readList(args, 5), means = readList(args, 6),
             buffers = readList(args, 7);
  if (!together({&params, &grads, &squares, &means, &buffers}, params.dtype)) return false;
  const double lr = args.number(), keep = args.number(), epsilon = args.number(), weightDecay = args.number(), momentum = args.number();
  const bool maximize = args.flag();
  withFloat(params.dtype, [&](auto zero) {
    using T = decltype(zero);
    const T rate = static_cast<T>(lr), alpha = static_cast<T>(keep), rest = static_cast<T>(1 - keep), eps = static_cast<T>(epsilon);
    const T decay = static_cast<T>(weightDecay), mu = static_cast<T>(momentum), sign = maximize ? T{-1} : T{1};
    eachPiece(params, [&](int64_t t, int64_t begin, int64_t end) {
      // The step has memory of its own between loops that become vectors.
      constexpr int64_t most = 1024;
      T step[most];
      for (; begin < end; begin += most) {
        const int64_t n = end - begin < most ? end - begin : most;
        T* __restrict p = reinterpret_cast<T*>(params.data[t]) + begin;
        const T* __restrict g = reinterpret_cast<const T*>(grads.data[t]) + begin;
        T* __restrict v = reinterpret_cast<T*>(squares.data[t]) + begin;
        for (int64_t i = 0; i < n; i++) {
          step[i] = sign * g[i] + decay * p[i];
          v[i] = alpha * v[i] + rest * step[i] * step[i];
        }
        if (means.count > 0) {
          T* __restrict mean = reinterpret_cast<T*>(means.data[t]) + begin;
          for (int64_t i = 0; i < n; i++) {
            mean[i] += rest * (step[i] - mean[i]);
            step[i] /= std::sqrt(v[i] - mean[i] * mean[i]) + eps;
          }
        } else {
          for (int64_t i = 0; i < n; i++) step[i] /= std::sqrt(v[i]) + eps;
        }
        if (buffers.count > 0) {
          T* __restrict buffer = reinterpret_cast<T*>(buffers.data[t]) + begin;
          for (int64_t i = 0; i < n; i++) step[i] = buffer[i] = mu * buffer[i] + step[i];
        }
        for (int64_t i = 0; i < n; i++) p[i] -= rate * step[i];
      }
    });
  });
  return true;
}

/** Pointers that are parameters may be told to be apart; inside a lambda compilers forget it. */
template <class T>
void adagradPiece(T* __restrict p, const T* __restrict g, T* __restrict s, T rate, T eps, T decay, T sign, int64_t n) {
  for (int64_t i = 0; i < n; i++) {
    const T gradient = sign * g[i] + decay * p[i];
    s[i] += gradient * gradient;
    p[i] -= rate * gradient / (std::sqrt(s[i]) + eps);
  }
}

/** params, grads, sums, rate, eps, weightDecay, maximize. */
bool adagrad(Args& args) {
  const List params = readList(args, 3), grads = readList(args, 4), sums = readList(args, 5);
  if (!together({&params, &grads, &sums}, params.dtype)) return false;
  const double lr = args.number(), epsilon = args.number(), weightDecay = args.number();
  const bool maximize = args.flag();
  withFloat(params.dtype, [&](auto zero) {
    using T = decltype(zero);
    const T rate = static_cast<T>(lr), eps = static_cast<T>(epsilon), decay = static_cast<T>(weightDecay), sign = maximize ? T{-1} : T{1};
    eachPiece(params, [&](int64_t t, int64_t begin, int64_t end) {
      adagradPiece(reinterpret_cast<T*>(params.data[t]) + begin, reinterpret_cast<const T*>(grads.data[t]) + begin,
                   reinterpret_cast<T*>(sums.data[t]) + begin, rate, eps, decay, sign, end - begin);
    });
  });
  return true;
}

/**
 * The rules of optimizers that take one parameter a call: row-major tensors of one dtype (the parameter, its gradient, what is
 * remembered), then numbers, as their kernels list them.
 */
struct Asgd {
  static constexpr int tensors = 3, numbers = 5;
  template <class T>
  static void run(T* __restrict p, const T* __restrict g, T* __restrict a, T*, const double* c, int64_t n) {
    const T eta = static_cast<T>(c[0]), mu = static_cast<T>(c[1]), keep = static_cast<T>(1 - c[2] * c[0]);
    const T decay = static_cast<T>(c[3]), sign = static_cast<T>(c[4]);
    for (int64_t i = 0; i < n; i++) {
      const T gradient = sign * g[i] + decay * p[i];
      const T moved = p[i] * keep - eta * gradient, average = a[i] + mu * (moved - a[i]);
      p[i] = moved;
      a[i] = mu == 1 ? moved : average;
    }
  }
};

/** The sign is taken in float64: rounding must not turn it. */
struct Lion {
  static constexpr int tensors = 3, numbers = 4;
  template <class T>
  static void run(T* __restrict p, const T* __restrict g, T* __restrict m, T*, const double* c, int64_t n) {
    const double lr = c[0], beta1 = c[1], beta2 = c[2], keep = 1 - lr * c[3];
    for (int64_t i = 0; i < n; i++) {
      const double gradient = g[i], mean = m[i], mixed = beta1 * mean + (1 - beta1) * gradient;
      const double step = mixed > 0 ? 1 : mixed < 0 ? -1 : mixed;
      p[i] = static_cast<T>(p[i] * keep - lr * step);
      m[i] = static_cast<T>(beta2 * mean + (1 - beta2) * gradient);
    }
  }
};

struct Rprop {
  static constexpr int tensors = 4, numbers = 5;
  template <class T>
  static void run(T* __restrict p, const T* __restrict g, T* __restrict q, T* __restrict s, const double* c, int64_t n) {
    const double smallest = c[2], largest = c[3];
    for (int64_t i = 0; i < n; i++) {
      const double raw = c[4] * g[i], agreement = raw * q[i];
      double scaled = s[i] * (agreement > 0 ? c[1] : c[0]);
      scaled = scaled < smallest ? smallest : scaled;
      scaled = scaled > largest ? largest : scaled;
      const T size = agreement != 0 ? static_cast<T>(scaled) : s[i];
      const double gradient = agreement < 0 ? 0 : raw, step = gradient > 0 ? 1 : gradient < 0 ? -1 : gradient;
      s[i] = size;
      p[i] = static_cast<T>(p[i] - step * size);
      q[i] = static_cast<T>(gradient);
    }
  }
};

struct Adadelta {
  static constexpr int tensors = 4, numbers = 5;
  template <class T>
  static void run(T* __restrict p, const T* __restrict g, T* __restrict v, T* __restrict d, const double* c, int64_t n) {
    const T lr = static_cast<T>(c[0]), rho = static_cast<T>(c[1]), rest = static_cast<T>(1 - c[1]), eps = static_cast<T>(c[2]);
    const T decay = static_cast<T>(c[3]), sign = static_cast<T>(c[4]);
    for (int64_t i = 0; i < n; i++) {
      const T gradient = sign * g[i] + decay * p[i];
      v[i] = rho * v[i] + rest * gradient * gradient;
      const T step = std::sqrt(d[i] + eps) / std::sqrt(v[i] + eps) * gradient;
      d[i] = rho * d[i] + rest * step * step;
      p[i] -= lr * step;
    }
  }
};

struct Adamax {
  static constexpr int tensors = 4, numbers = 6;
  template <class T>
  static void run(T* __restrict p, const T* __restrict g, T* __restrict m, T* __restrict u, const double* c, int64_t n) {
    const T size = static_cast<T>(c[0]), rest = static_cast<T>(1 - c[1]), beta2 = static_cast<T>(c[2]), eps = static_cast<T>(c[3]);
    const T decay = static_cast<T>(c[4]), sign = static_cast<T>(c[5]);
    for (int64_t i = 0; i < n; i++) {
      const T gradient = sign * g[i] + decay * p[i];
      m[i] += rest * (gradient - m[i]);
      const T old = beta2 * u[i], now = std::fabs(gradient) + eps;
      u[i] = old > now ? old : old != old ? old : now;
      p[i] -= size * m[i] / u[i];
    }
  }
};

struct Nadam {
  static constexpr int tensors = 4, numbers = 9;
  template <class T>
  static void run(T* __restrict p, const T* __restrict g, T* __restrict m, T* __restrict v, const double* c, int64_t n) {
    const T shrink = static_cast<T>(c[0]), meanStep = static_cast<T>(c[1]), gradStep = static_cast<T>(c[2]);
    const T correction = static_cast<T>(c[3]), rest1 = static_cast<T>(1 - c[4]), beta2 = static_cast<T>(c[5]);
    const T rest2 = static_cast<T>(1 - c[5]), eps = static_cast<T>(c[6]), decay = static_cast<T>(c[7]), sign = static_cast<T>(c[8]);
    for (int64_t i = 0; i < n; i++) {
      const T param = p[i] * shrink, gradient = sign * g[i] + decay * param;
      m[i] += rest1 * (gradient - m[i]);
      v[i] = beta2 * v[i] + rest2 * gradient * gradient;
      p[i] = param - (gradStep * gradient + meanStep * m[i]) / (std::sqrt(v[i] / correction) + eps);
    }
  }
};

struct Radam {
  static constexpr int tensors = 4, numbers = 8;
  template <class T>
  static void run(T* __restrict p, const T* __restrict g, T* __restrict m, T* __restrict v, const double* c, int64_t n) {
    const T shrink = static_cast<T>(c[0]), size = static_cast<T>(c[1]), rest1 = static_cast<T>(1 - c[3]), beta2 = static_cast<T>(c[4]);
    const T rest2 = static_cast<T>(1 - c[4]), eps = static_cast<T>(c[5]), decay = static_cast<T>(c[6]), sign = static_cast<T>(c[7]);
    const bool adaptive = c[2] != 0;
    for (int64_t i = 0; i < n; i++) {
      const T param = p[i] * shrink, gradient = sign * g[i] + decay * param;
      m[i] += rest1 * (gradient - m[i]);
      v[i] = beta2 * v[i] + rest2 * gradient * gradient;
      const T divisor = adaptive ? std::sqrt(v[i]) + eps : T{1};
      p[i] = param - size * m[i] / divisor;
    }
  }
};

template <class Rule>
bool one(Args& args) {
  View views[Rule::tensors];
  double c[Rule::numbers];
  for (View& v : views) v = args.tensor();
  for (double& number : c) number = args.number();
  for (const View& v : views)
    if (v.dtype > F64 || v.dtype != views[0].dtype || !v.contiguous()) return false;
  withFloat(views[0].dtype, [&](auto zero) {
    using T = decltype(zero);
    parallelRange(views[0].count(), grain / 4, 64, [&](int64_t first, int64_t last) {
      inStretches(first, last, [&](int64_t begin, int64_t end) {
        const auto at = [&](int k) { return k < Rule::tensors ? views[k].template as<T>() + begin : nullptr; };
        Rule::run(at(0), at(1), at(2), at(3), c, end - begin);
      });
    });
  });
  return true;
}

}  // namespace

const Entry* descentKernels() {
  static const Entry entries[] = {{"optim.rmsprop", rmsprop},   {"optim.adagrad", adagrad},   {"optim.asgd", one<Asgd>},
                                  {"optim.lion", one<Lion>},    {"optim.rprop", one<Rprop>},  {"optim.adadelta", one<Adadelta>},
                                  {"optim.adamax", one<Adamax>}, {"optim.nadam", one<Nadam>}, {"optim.radam", one<Radam>},
                                  {nullptr, nullptr}};
  return entries;
}

}  // namespace gradbook
