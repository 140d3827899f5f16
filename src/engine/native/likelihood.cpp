// Losses of probabilities: binary cross-entropy of probabilities and of logits, negative log-likelihood of classes, and cross-entropy
// with class probabilities, each with its gradient.
#include "rows.h"
#include "walk.h"

namespace gradbook {
namespace {

inline VecF logarithmOf(VecF x) {
  return throughDouble(x, [](VecD v) { return logarithm(v); });
}
inline VecD logarithmOf(VecD x) {
  return eachLane(x, [](double v) { return std::log(v); });
}
/** log(1 + x) for x of at least -1. */
inline VecF logOnePlusOf(VecF x) {
  return throughDouble(x, [](VecD v) {
    const VecD near = v - v * v * 0.5 + v * v * v * 0.3333333333333333;
    return absolute(v) < 1e-4 ? near : logarithm(v + 1.0);
  });
}
inline VecD logOnePlusOf(VecD x) {
  return eachLane(x, [](double v) { return std::log1p(v); });
}

/** log(1 + z) for z from 0 to 1: twice the series of the inverse hyperbolic tangent of z / (2 + z), which is at most 1/3. */
inline VecF logOnePlusShare(VecF z) {
  const VecF s = z / (z + 2.0f), q = s * s;
  VecF p = q * (1 / 13.0f) + 1 / 11.0f;
  p = p * q + 1 / 9.0f;
  p = p * q + 1 / 7.0f;
  p = p * q + 1 / 5.0f;
  p = p * q + 1 / 3.0f;
  return (p * q * s + s) * 2.0f;
}
inline VecD logOnePlusShare(VecD z) { return logOnePlusOf(z); }

/** log(1 + e^-x), without overflow. */
template <class T>
Vec<T> softplusOfNegative(Vec<T> x) {
  return logOnePlusShare(exponentialOf(-absolute(x))) + (x < T{0} ? -x : x == x ? Vec<T>{} : x);
}

template <class T>
Vec<T> atLeast(Vec<T> x, T least) { return x < least ? splat<T>(least) : x; }

/** Reads `n` elements, `step` apart. */
template <class T>
Vec<T> gathered(const T* x, int64_t step, int64_t n) {
  if (step == 1 && n == lanes<T>) return load<T>(x);
  if (step == 0) return splat<T>(*x);
  Vec<T> v = {};
  for (int64_t i = 0; i < n; i++) v[i] = x[i * step];
  return v;
}
template <class T>
void scattered(T* y, int64_t step, int64_t n, Vec<T> v) {
  if (step == 1 && n == lanes<T>) return store<T>(y, v);
  for (int64_t i = 0; i < n; i++) y[i * step] = v[i];
}

/** Calls `body(pointers, steps, n)` for up to a vector of elements at a time; all tensors are read (and written) as the first's shape. */
template <class T, int K, class F>
void eachVector(const View (&views)[K], const F& body) {
  Walk<K> walk;
  for (int d = 0; d < views[0].rank; d++) {
    int64_t steps[K];
    for (int k = 0; k < K; k++) {
      const int own = d - (views[0].rank - views[k].rank);
      steps[k] = own < 0 || views[k].size[own] == 1 ? 0 : views[k].stride[own];
    }
    walk.push(views[0].size[d], steps);
  }
  parallelRange(walk.count, grain / 16, lanes<T>, [&](int64_t begin, int64_t end) {
    walk.each(begin, end, [&](const int64_t* at, const int64_t* steps, int64_t n) {
      T* p[K];
      for (int k = 0; k < K; k++) p[k] = views[k].template as<T>() + at[k];
      for (int64_t i = 0; i < n; i += lanes<T>) {
        if ((i & 0xffff) == 0 && interrupted()) return;
        body(p, steps, n - i < lanes<T> ? n - i : lanes<T>);
        for (int k = 0; k < K; k++) p[k] += lanes<T> * steps[k];
      }
    });
  });
}

template <int K>
bool alike(const View (&views)[K]) {
  for (int k = 0; k < K; k++)
    if (views[k].dtype > F64 || views[k].dtype != views[0].dtype) return false;
  return true;
}

/** A tensor of ones in place of one that was not given: it is read with steps of 0. */
View orOne(const View& v, int dtype) {
  static float single = 1;
  static double wide = 1;
  if (v) return v;
  View one;
  one.dtype = dtype;
  one.data = dtype == F64 ? reinterpret_cast<char*>(&wide) : reinterpret_cast<char*>(&single);
  return one;
}

/** out, input, target, posWeight: as `loss.bceWithLogits`. */
bool bceWithLogits(Args& args) {
  const View out = args.tensor(), input = args.tensor(), target = args.tensor(), weight = args.tensor();
  const View views[4] = {out, input, target, orOne(weight, out.dtype)};
  if (!alike(views)) return false;
  withFloat(out.dtype, [&](auto zero) {
    using T = decltype(zero);
    eachVector<T>(views, [](T* const* p, const int64_t* steps, int64_t n) {
      const Vec<T> x = gathered<T>(p[1], steps[1], n), t = gathered<T>(p[2], steps[2], n), w = gathered<T>(p[3], steps[3], n);
      // Without a weight, an infinite target makes no NaN.
      const Vec<T> factor = w == T{1} ? splat<T>(1) : (w - T{1}) * t + T{1};
      scattered<T>(p[0], steps[0], n, (T{1} - t) * x + factor * softplusOfNegative<T>(x));
    });
  });
  return true;
}

/** gradInput, gradTarget (either may be missing), grad, input, target, posWeight. */
bool bceWithLogitsBackward(Args& args) {
  const View a = args.tensor(), b = args.tensor(), grad = args.tensor(), input = args.tensor(), target = args.tensor(),
             weight = args.tensor();
  const bool forInput = static_cast<bool>(a), forTarget = static_cast<bool>(b);
  if (!forInput && !forTarget) return true;
  const View views[6] = {forInput ? a : b, forTarget ? b : a, grad, input, target, orOne(weight, input.dtype)};
  if (!alike(views)) return false;
  withFloat(input.dtype, [&](auto zero) {
    using T = decltype(zero);
    eachVector<T>(views, [&](T* const* p, const int64_t* steps, int64_t n) {
      const Vec<T> g = gathered<T>(p[2], steps[2], n), x = gathered<T>(p[3], steps[3], n), t = gathered<T>(p[4], steps[4], n);
      const Vec<T> excess = gathered<T>(p[5], steps[5], n) - T{1};
      if (forInput) {
        const Vec<T> e = exponentialOf(-absolute(x));
        const Vec<T> below = (x < T{0} ? splat<T>(1) : e) / (e + T{1});
        scattered<T>(p[0], steps[0], n, g * (T{1} - t - (excess * t + T{1}) * below));
      }
      if (forTarget) scattered<T>(p[1], steps[1], n, g * (excess * softplusOfNegative<T>(x) - x));
    });
  });
  return true;
}

/** out, input, target. */
bool bce(Args& args) {
  const View out = args.tensor(), input = args.tensor(), target = args.tensor();
  const View views[3] = {out, input, target};
  if (!alike(views)) return false;
  withFloat(out.dtype, [&](auto zero) {
    using T = decltype(zero);
    eachVector<T>(views, [](T* const* p, const int64_t* steps, int64_t n) {
      const Vec<T> x = gathered<T>(p[1], steps[1], n), t = gathered<T>(p[2], steps[2], n);
      const Vec<T> yes = atLeast<T>(logarithmOf(x), -100), no = atLeast<T>(logOnePlusOf(-x), -100);
      scattered<T>(p[0], steps[0], n, (t - T{1}) * no - t * yes);
    });
  });
  return true;
}

/** gradInput, gradTarget (either may be missing), grad, input, target. */
bool bceBackward(Args& args) {
  const View a = args.tensor(), b = args.tensor(), grad = args.tensor(), input = args.tensor(), target = args.tensor();
  const bool forInput = static_cast<bool>(a), forTarget = static_cast<bool>(b);
  if (!forInput && !forTarget) return true;
  const View views[5] = {forInput ? a : b, forTarget ? b : a, grad, input, target};
  if (!alike(views)) return false;
  withFloat(input.dtype, [&](auto zero) {
    using T = decltype(zero);
    eachVector<T>(views, [&](T* const* p, const int64_t* steps, int64_t n) {
      const Vec<T> g = gathered<T>(p[2], steps[2], n), x = gathered<T>(p[3], steps[3], n), t = gathered<T>(p[4], steps[4], n);
      if (forInput) scattered<T>(p[0], steps[0], n, g * (x - t) / atLeast<T>((T{1} - x) * x, static_cast<T>(1e-12)));
      if (forTarget)
        scattered<T>(p[1], steps[1], n, g * (atLeast<T>(logOnePlusOf(-x), -100) - atLeast<T>(logarithmOf(x), -100)));
    });
  });
  return true;
}

/** Weights of classes, 1 where there are none. */
template <class T>
struct Weights {
  const T* data;
  int64_t step;
  explicit Weights(const View& v) : data(v ? v.as<T>() : nullptr), step(v && v.rank > 0 ? v.stride[0] : 0) {}
  double operator[](int64_t c) const { return data == nullptr ? 1 : data[c * step]; }
};

/** losses (N, L), input (N, C, L), target (N, L) int32, weight (C,), ignoreIndex. */
bool likelihood(Args& args) {
  const View losses = args.tensor(), input = args.tensor(), target = args.tensor(), weight = args.tensor();
  const int64_t ignored = args.integer();
  if (input.dtype > F64 || losses.dtype != input.dtype || target.dtype != I32 || (weight && weight.dtype != input.dtype) ||
      !losses.contiguous())
    return false;
  const int64_t length = input.size[2];
  withFloat(input.dtype, [&](auto zero) {
    using T = decltype(zero);
    const Weights<T> w(weight);
    parallelRange(input.size[0] * length, grain, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; i++) {
        const int64_t n = i / length, l = i % length;
        const int64_t y = target.as<int32_t>()[n * target.stride[0] + l * target.stride[1]];
        const T* x = input.as<T>() + n * input.stride[0] + l * input.stride[2];
        losses.as<T>()[i] = y == ignored ? T{0} : static_cast<T>(-w[y] * x[y * input.stride[1]]);
      }
    });
  });
  return true;
}

/** gradInput (N, C, L), grad (N, L), target, weight, ignoreIndex. */
bool likelihoodBackward(Args& args) {
  const View out = args.tensor(), grad = args.tensor(), target = args.tensor(), weight = args.tensor();
  const int64_t ignored = args.integer();
  if (out.dtype > F64 || grad.dtype != out.dtype || target.dtype != I32 || (weight && weight.dtype != out.dtype) || !out.contiguous())
    return false;
  const int64_t channels = out.size[1], length = out.size[2];
  withFloat(out.dtype, [&](auto zero) {
    using T = decltype(zero);
    const Weights<T> w(weight);
    parallelRange(out.size[0], grain / (channels * length + 1) + 1, 1, [&](int64_t begin, int64_t end) {
      for (int64_t n = begin; n < end && !interrupted(); n++) {
        T* to = out.as<T>() + n * channels * length;
        memset(to, 0, static_cast<size_t>(channels * length) * sizeof(T));
        for (int64_t l = 0; l < length; l++) {
          const int64_t y = target.as<int32_t>()[n * target.stride[0] + l * target.stride[1]];
          if (y != ignored)
            to[y * length + l] = static_cast<T>(-w[y] * grad.as<T>()[n * grad.stride[0] + l * grad.stride[1]]);
        }
      }
    });
  });
  return true;
}

/** What both directions of the cross-entropy with class probabilities read: input, target (N, C, L), weight (C,), smoothing. */
template <class T>
struct Soft {
  View input, target;
  Weights<T> w;
  double keep, spread;
  int64_t channels, length;

  Soft(const View& x, const View& t, const View& weight, double smoothing)
      : input(x), target(t), w(weight), keep(1 - smoothing), spread(smoothing / static_cast<double>(x.size[1])), channels(x.size[1]),
        length(x.size[2]) {}

  /** Calls `body(i, x, t)` for each place, with what its channels begin at. */
  template <class F>
  void each(const F& body) const {
    parallelRange(input.size[0] * length, grain / (16 * channels + 1) + 1, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end && !interrupted(); i++) {
        const int64_t n = i / length, l = i % length;
        body(i, input.as<T>() + n * input.stride[0] + l * input.stride[2],
             target.as<T>() + n * target.stride[0] + l * target.stride[2]);
      }
    });
  }
  double share(const T* t, int64_t c) const { return w[c] * (keep * t[c * target.stride[1]] + spread); }
};

bool softFits(const View& input, const View& target, const View& weight) {
  return input.dtype <= F64 && target.dtype == input.dtype && (!weight || weight.dtype == input.dtype);
}

/** losses, logSumExp (N, L), input, target, weight, smoothing. */
bool softCrossEntropy(Args& args) {
  const View losses = args.tensor(), sums = args.tensor(), input = args.tensor(), target = args.tensor(), weight = args.tensor();
  const double smoothing = args.number();
  if (!softFits(input, target, weight) || losses.dtype != input.dtype || !losses.contiguous() || !sums.contiguous()) return false;
  withFloat(input.dtype, [&](auto zero) {
    using T = decltype(zero);
    const Soft<T> soft(input, target, weight, smoothing);
    const int64_t step = input.stride[1];
    soft.each([&](int64_t i, const T* x, const T* t) {
      T peak = static_cast<T>(-INFINITY);
      for (int64_t c = 0; c < soft.channels; c++)
        if (!(x[c * step] <= peak)) peak = x[c * step];
      double normalizer = -INFINITY;
      if (peak != static_cast<T>(-INFINITY)) {
        double total = 0;
        if (step == 1 && peak == peak)
          total = sumOfExponentials<false, T>(nullptr, x, soft.channels, peak);
        else
          for (int64_t c = 0; c < soft.channels; c++) total += std::exp(static_cast<double>(x[c * step]) - peak);
        normalizer = peak + std::log(total);
      }
      double loss = 0;
      for (int64_t c = 0; c < soft.channels; c++) loss += soft.share(t, c) * (normalizer - x[c * step]);
      sums.as<T>()[i] = static_cast<T>(normalizer);
      losses.as<T>()[i] = static_cast<T>(loss);
    });
  });
  return true;
}

/** gradInput, gradTarget (N, C, L), either of which may be missing, grad (N, L), input, logSumExp, target, weight, smoothing. */
bool softCrossEntropyBackward(Args& args) {
  const View a = args.tensor(), b = args.tensor(), grad = args.tensor(), input = args.tensor(), sums = args.tensor(),
             target = args.tensor(), weight = args.tensor();
  const double smoothing = args.number();
  if (!softFits(input, target, weight) || grad.dtype != input.dtype || !sums.contiguous() || (a && !a.contiguous()) ||
      (b && !b.contiguous()))
    return false;
  withFloat(input.dtype, [&](auto zero) {
    using T = decltype(zero);
    const Soft<T> soft(input, target, weight, smoothing);
    const int64_t length = soft.length;
    soft.each([&](int64_t i, const T* x, const T* t) {
      const int64_t n = i / length, l = i % length;
      const double slope = grad.as<T>()[n * grad.stride[0] + l * grad.stride[1]], normalizer = sums.as<T>()[i];
      double total = 0;
      for (int64_t c = 0; c < soft.channels; c++) total += soft.share(t, c);
      for (int64_t c = 0; c < soft.channels; c++) {
        const int64_t place = (n * soft.channels + c) * length + l;
        const double logp = x[c * input.stride[1]] - normalizer;
        if (a) a.as<T>()[place] = static_cast<T>(slope * (std::exp(logp) * total - soft.share(t, c)));
        if (b) b.as<T>()[place] = static_cast<T>(-slope * soft.keep * soft.w[c] * logp);
      }
    });
  });
  return true;
}

}  // namespace

const Entry* likelihoodKernels() {
  static const Entry entries[] = {{"loss.bce", bce},
                                  {"loss.bceBackward", bceBackward},
                                  {"loss.bceWithLogits", bceWithLogits},
                                  {"loss.bceWithLogitsBackward", bceWithLogitsBackward},
                                  {"loss.nll", likelihood},
                                  {"loss.nllBackward", likelihoodBackward},
                                  {"loss.softCrossEntropy", softCrossEntropy},
                                  {"loss.softCrossEntropyBackward", softCrossEntropyBackward},
                                  {nullptr, nullptr}};
  return entries;
}

}  // namespace gradbook
