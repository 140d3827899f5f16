// Batch, layer and group normalisation, both directions. Statistics are summed in float64.
#include "map.h"
#include "rows.h"

namespace gradbook {
namespace {

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

void put(const View& v, int64_t i, double value) {
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
    WideSum<T> s[2], q[2];
    for (; i + 2 * L <= n; i += 2 * L)
#pragma GCC unroll 2
      for (int j = 0; j < 2; j++) {
        const Vec<T> d = load<T>(x + i + j * L) - origin;
        s[j].add(d);
        q[j].add(d * d);
      }
    sum.a += s[0].total() + s[1].total();
    sum.b += q[0].total() + q[1].total();
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
    WideSum<T> s[2], q[2];
    for (; i + 2 * L <= n; i += 2 * L)
#pragma GCC unroll 2
      for (int j = 0; j < 2; j++) {
        const Vec<T> slope = load<T>(g + i + j * L);
        s[j].add(slope);
        q[j].add(slope * (load<T>(x + i + j * L) - origin));
      }
    sum.a += s[0].total() + s[1].total();
    sum.b += q[0].total() + q[1].total();
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

bool same(const View& a, const View& b) { return a.dtype == b.dtype && a.dtype <= F64; }

template <class T>
void batchOf(const View& out, const View& mean, const View& variance, const View& input, const View& weight, const View& bias,
             double eps) {
  const int64_t samples = input.size[0], channels = input.size[1], length = input.size[2];
  const Vector scale{&weight, 1}, shift{&bias, 0};
  parallelRange(channels, grain / (samples * length + 1) + 1, 1, [&](int64_t begin, int64_t end) {
    for (int64_t c = begin; c < end && !interrupted(); c++) {
      const T* x = input.as<T>() + c * input.stride[1];
      const Pair s = statistics(x, samples, input.stride[0], length, input.stride[2]);
      put(mean, c, s.a);
      put(variance, c, s.b);
      const double factor = scale[c] / std::sqrt(s.b + eps);
      for (int64_t n = 0; n < samples; n++)
        scaleRow(out.as<T>() + (n * channels + c) * length, x + n * input.stride[0], input.stride[2], length, s.a, factor, shift[c]);
    }
  });
}

/** out, mean, variance, input (N, C, L), weight, bias, eps. */
bool batch(Args& args) {
  const View out = args.tensor(), mean = args.tensor(), variance = args.tensor(), input = args.tensor(), weight = args.tensor(),
             bias = args.tensor();
  const double eps = args.number();
  if (!same(out, input) || !out.contiguous()) return false;
  out.dtype == F32 ? batchOf<float>(out, mean, variance, input, weight, bias, eps)
                   : batchOf<double>(out, mean, variance, input, weight, bias, eps);
  return true;
}

template <class T>
void batchEvalOf(const View& out, const View& input, const View& mean, const View& variance, const View& weight, const View& bias,
                 double eps) {
  const int64_t samples = input.size[0], channels = input.size[1], length = input.size[2];
  const Vector scale{&weight, 1}, shift{&bias, 0}, centre{&mean, 0}, spread{&variance, 1};
  parallelRange(samples * channels, grain / (length + 1) + 1, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end && !interrupted(); i++) {
      const int64_t n = i / channels, c = i % channels;
      scaleRow(out.as<T>() + i * length, input.as<T>() + n * input.stride[0] + c * input.stride[1], input.stride[2], length,
               centre[c], scale[c] / std::sqrt(spread[c] + eps), shift[c]);
    }
  });
}

/** out, input (N, C, L), mean, variance, weight, bias, eps. */
bool batchEval(Args& args) {
  const View out = args.tensor(), input = args.tensor(), mean = args.tensor(), variance = args.tensor(), weight = args.tensor(),
             bias = args.tensor();
  const double eps = args.number();
  if (!same(out, input) || !out.contiguous()) return false;
  out.dtype == F32 ? batchEvalOf<float>(out, input, mean, variance, weight, bias, eps)
                   : batchEvalOf<double>(out, input, mean, variance, weight, bias, eps);
  return true;
}

template <class T>
void batchBackwardOf(const View& gradInput, const View& gradWeight, const View& gradBias, const View& grad, const View& input,
                     const View& mean, const View& variance, const View& weight, double eps, bool training) {
  const int64_t samples = input.size[0], channels = input.size[1], length = input.size[2];
  const double count = static_cast<double>(samples * length);
  const Vector scale{&weight, 1}, centre{&mean, 0}, spread{&variance, 1};
  parallelRange(channels, grain / (samples * length + 1) + 1, 1, [&](int64_t begin, int64_t end) {
    for (int64_t c = begin; c < end && !interrupted(); c++) {
      const double m = centre[c], inverse = 1 / std::sqrt(spread[c] + eps);
      const T* x = input.as<T>() + c * input.stride[1];
      const T* g = grad.as<T>() + c * grad.stride[1];
      Pair sum;
      for (int64_t n = 0; n < samples; n++)
        slopes(g + n * grad.stride[0], grad.stride[2], x + n * input.stride[0], input.stride[2], length, m, sum);
      put(gradWeight, c, sum.b * inverse);
      put(gradBias, c, sum.a);
      if (!gradInput) continue;
      const double factor = scale[c] * inverse;
      const double b = training ? factor * sum.b * inverse * inverse / count : 0, k = training ? factor * sum.a / count : 0;
      for (int64_t n = 0; n < samples; n++)
        slopeRow(gradInput.as<T>() + (n * channels + c) * length, g + n * grad.stride[0], grad.stride[2], x + n * input.stride[0],
                 input.stride[2], length, m, factor, b, k);
    }
  });
}

/** gradInput, gradWeight, gradBias, grad, input, mean, variance, weight, eps, training. */
bool batchBackward(Args& args) {
  const View gradInput = args.tensor(), gradWeight = args.tensor(), gradBias = args.tensor(), grad = args.tensor(),
             input = args.tensor(), mean = args.tensor(), variance = args.tensor(), weight = args.tensor();
  const double eps = args.number();
  const bool training = args.flag();
  if (!same(grad, input) || (gradInput && !gradInput.contiguous())) return false;
  grad.dtype == F32
      ? batchBackwardOf<float>(gradInput, gradWeight, gradBias, grad, input, mean, variance, weight, eps, training)
      : batchBackwardOf<double>(gradInput, gradWeight, gradBias, grad, input, mean, variance, weight, eps, training);
  return true;
}

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
void layerOf(const View& out, const View& mean, const View& variance, const View& input, const View& weight, const View& bias,
             double eps) {
  const int64_t rows = input.size[0], size = input.size[1];
  const T* scale = rowOf<T>(weight, size, 1, 4);
  const T* shift = rowOf<T>(bias, size, 0, 5);
  const int64_t step = input.stride[1];
  parallelRange(rows, grain / (size + 1) + 1, 1, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end && !interrupted(); r++) {
      const T* x = input.as<T>() + r * input.stride[0];
      T* y = out.as<T>() + r * size;
      const Pair s = statistics(x, 1, 0, size, step);
      const T m = static_cast<T>(s.a), f = static_cast<T>(1 / std::sqrt(s.b + eps));
      for (int64_t i = 0; i < size; i++) y[i] = (x[i * step] - m) * f * scale[i] + shift[i];
      put(mean, r, s.a);
      put(variance, r, s.b);
    }
  });
}

/** out, mean, variance, input (M, D), weight, bias, eps. */
bool layer(Args& args) {
  const View out = args.tensor(), mean = args.tensor(), variance = args.tensor(), input = args.tensor(), weight = args.tensor(),
             bias = args.tensor();
  const double eps = args.number();
  if (!same(out, input) || !out.contiguous() || input.size[1] == 0) return false;
  out.dtype == F32 ? layerOf<float>(out, mean, variance, input, weight, bias, eps)
                   : layerOf<double>(out, mean, variance, input, weight, bias, eps);
  return true;
}

/** One row of a layer's gradient that lies together; `weights` and `biases` get what it adds to the parameters' gradients. */
template <class T>
void rowSlopes(T* y, const T* g, const T* x, const T* scale, int64_t n, double mean, double inverse, T* weights, T* biases) {
  constexpr int L = lanes<T>;
  const T m = static_cast<T>(mean), v = static_cast<T>(inverse);
  WideSum<T> totals, products;
  double total = 0, product = 0;
  int64_t i = 0;
  for (; i + L <= n; i += L) {
    const Vec<T> slope = load<T>(g + i), hat = (load<T>(x + i) - m) * v, scaled = slope * load<T>(scale + i);
    store<T>(weights + i, load<T>(weights + i) + slope * hat);
    store<T>(biases + i, load<T>(biases + i) + slope);
    totals.add(scaled);
    products.add(scaled * hat);
  }
  for (; i < n; i++) {
    const T hat = (x[i] - m) * v, scaled = g[i] * scale[i];
    weights[i] += g[i] * hat;
    biases[i] += g[i];
    total += scaled;
    product += scaled * hat;
  }
  if (y == nullptr) return;
  const T a = static_cast<T>((total + totals.total()) / static_cast<double>(n));
  const T p = static_cast<T>((product + products.total()) / static_cast<double>(n));
  for (i = 0; i < n; i++) y[i] = (g[i] * scale[i] - a - (x[i] - m) * v * p) * v;
}

template <class T>
void layerBackwardOf(const View& gradInput, const View& gradWeight, const View& gradBias, const View& grad, const View& input,
                     const View& mean, const View& variance, const View& weight, double eps) {
  const int64_t rows = input.size[0], size = input.size[1];
  const T* scale = rowOf<T>(weight, size, 1, 4);
  const Vector centre{&mean, 0}, spread{&variance, 1};
  const int64_t xStep = input.stride[1], gStep = grad.stride[1];
  // The parameters' gradients are sums over rows, in blocks that do not depend on the number of threads.
  const int64_t block = rows / 64 + 1 > 32 ? rows / 64 + 1 : 32;
  const int64_t blocks = (rows + block - 1) / block;
  double* sums = static_cast<double*>(scratch(6, blocks * 2 * size * int64_t{sizeof(double)} + 8));
  parallel(blocks, [&](int64_t b) {
    double* weights = sums + b * 2 * size;
    double* biases = weights + size;
    for (int64_t i = 0; i < 2 * size; i++) weights[i] = 0;
    // Sums over up to 16 rows, in the type itself.
    T* someWeights = static_cast<T*>(scratch(7, 2 * size * int64_t{sizeof(T)}));
    T* someBiases = someWeights + size;
    for (int64_t i = 0; i < 2 * size; i++) someWeights[i] = 0;
    for (int64_t r = b * block; r < rows && r < (b + 1) * block && !interrupted(); r++) {
      const T* x = input.as<T>() + r * input.stride[0];
      const T* g = grad.as<T>() + r * grad.stride[0];
      const double m = centre[r], inverse = 1 / std::sqrt(spread[r] + eps);
      if (xStep == 1 && gStep == 1) {
        const bool last = r + 1 == rows || r + 1 == (b + 1) * block;
        rowSlopes(gradInput ? gradInput.as<T>() + r * size : nullptr, g, x, scale, size, m, inverse, someWeights, someBiases);
        if (last || (r & 15) == 15)
          for (int64_t i = 0; i < size; i++) {
            weights[i] += someWeights[i], biases[i] += someBiases[i];
            someWeights[i] = someBiases[i] = 0;
          }
        continue;
      }
      double total = 0, product = 0;
      for (int64_t i = 0; i < size; i++) {
        const double slope = g[i * gStep], hat = (x[i * xStep] - m) * inverse;
        weights[i] += slope * hat;
        biases[i] += slope;
      }
      constexpr int lanesOf = 8;
      double t[lanesOf] = {}, q[lanesOf] = {};
      int64_t i = 0;
      for (; i + lanesOf <= size; i += lanesOf)
        for (int j = 0; j < lanesOf; j++) {
          const double slope = static_cast<double>(g[(i + j) * gStep]) * scale[i + j];
          t[j] += slope;
          q[j] += slope * (x[(i + j) * xStep] - m);
        }
      for (; i < size; i++) {
        const double slope = static_cast<double>(g[i * gStep]) * scale[i];
        t[0] += slope;
        q[0] += slope * (x[i * xStep] - m);
      }
      for (int j = 0; j < lanesOf; j++) total += t[j], product += q[j];
      product *= inverse;
      if (!gradInput) continue;
      T* y = gradInput.as<T>() + r * size;
      const T tm = static_cast<T>(m), ti = static_cast<T>(inverse), a = static_cast<T>(total / static_cast<double>(size)),
              p = static_cast<T>(inverse * product / static_cast<double>(size));
      for (int64_t k = 0; k < size; k++) y[k] = (g[k * gStep] * scale[k] - a - (x[k * xStep] - tm) * p) * ti;
    }
  });
  for (int64_t i = 0; i < size; i++) {
    double w = 0, b = 0;
    for (int64_t k = 0; k < blocks; k++) {
      w += sums[k * 2 * size + i];
      b += sums[k * 2 * size + size + i];
    }
    put(gradWeight, i, w);
    put(gradBias, i, b);
  }
}

/** gradInput, gradWeight, gradBias, grad, input, mean, variance, weight, eps. */
bool layerBackward(Args& args) {
  const View gradInput = args.tensor(), gradWeight = args.tensor(), gradBias = args.tensor(), grad = args.tensor(),
             input = args.tensor(), mean = args.tensor(), variance = args.tensor(), weight = args.tensor();
  const double eps = args.number();
  if (!same(grad, input) || (gradInput && !gradInput.contiguous())) return false;
  grad.dtype == F32 ? layerBackwardOf<float>(gradInput, gradWeight, gradBias, grad, input, mean, variance, weight, eps)
                    : layerBackwardOf<double>(gradInput, gradWeight, gradBias, grad, input, mean, variance, weight, eps);
  return true;
}

template <class T>
void groupOf(const View& out, const View& mean, const View& variance, const View& input, const View& weight, const View& bias,
             int64_t groups, double eps) {
  const int64_t samples = input.size[0], channels = input.size[1], length = input.size[2], members = channels / groups;
  const Vector scale{&weight, 1}, shift{&bias, 0};
  parallelRange(samples * groups, grain / (members * length + 1) + 1, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end && !interrupted(); i++) {
      const int64_t n = i / groups, first = i % groups * members;
      const T* x = input.as<T>() + n * input.stride[0] + first * input.stride[1];
      const Pair s = statistics(x, members, input.stride[1], length, input.stride[2]);
      put(mean, i, s.a);
      put(variance, i, s.b);
      const double inverse = 1 / std::sqrt(s.b + eps);
      for (int64_t c = 0; c < members; c++)
        scaleRow(out.as<T>() + (n * channels + first + c) * length, x + c * input.stride[1], input.stride[2], length, s.a,
                 inverse * scale[first + c], shift[first + c]);
    }
  });
}

/** out, mean, variance (N, groups), input (N, C, L), weight, bias, groups, eps. */
bool group(Args& args) {
  const View out = args.tensor(), mean = args.tensor(), variance = args.tensor(), input = args.tensor(), weight = args.tensor(),
             bias = args.tensor();
  const int64_t groups = args.integer();
  const double eps = args.number();
  if (!same(out, input) || !out.contiguous()) return false;
  out.dtype == F32 ? groupOf<float>(out, mean, variance, input, weight, bias, groups, eps)
                   : groupOf<double>(out, mean, variance, input, weight, bias, groups, eps);
  return true;
}

template <class T>
void groupBackwardOf(const View& gradInput, const View& gradWeight, const View& gradBias, const View& grad, const View& input,
                     const View& mean, const View& variance, const View& weight, int64_t groups, double eps) {
  const int64_t samples = input.size[0], channels = input.size[1], length = input.size[2], members = channels / groups;
  const double count = static_cast<double>(members * length);
  const Vector scale{&weight, 1}, centre{&mean, 0}, spread{&variance, 1};
  Pair* sums = static_cast<Pair*>(scratch(6, samples * channels * int64_t{sizeof(Pair)} + 8));
  parallelRange(samples * groups, grain / (members * length + 1) + 1, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end && !interrupted(); i++) {
      const int64_t n = i / groups, first = i % groups * members;
      const double m = centre[i], inverse = 1 / std::sqrt(spread[i] + eps);
      double total = 0, product = 0;
      for (int64_t c = first; c < first + members; c++) {
        Pair sum;
        slopes(grad.as<T>() + n * grad.stride[0] + c * grad.stride[1], grad.stride[2],
               input.as<T>() + n * input.stride[0] + c * input.stride[1], input.stride[2], length, m, sum);
        sum.b *= inverse;
        sums[n * channels + c] = sum;
        total += sum.a * scale[c];
        product += sum.b * scale[c];
      }
      if (!gradInput) continue;
      for (int64_t c = first; c < first + members; c++)
        slopeRow(gradInput.as<T>() + (n * channels + c) * length, grad.as<T>() + n * grad.stride[0] + c * grad.stride[1],
                 grad.stride[2], input.as<T>() + n * input.stride[0] + c * input.stride[1], input.stride[2], length, m,
                 scale[c] * inverse, inverse * inverse * product / count, inverse * total / count);
    }
  });
  for (int64_t c = 0; c < channels; c++) {
    double w = 0, b = 0;
    for (int64_t n = 0; n < samples; n++) w += sums[n * channels + c].b, b += sums[n * channels + c].a;
    put(gradWeight, c, w);
    put(gradBias, c, b);
  }
}

/** gradInput, gradWeight, gradBias, grad, input, mean, variance, weight, groups, eps. */
bool groupBackward(Args& args) {
  const View gradInput = args.tensor(), gradWeight = args.tensor(), gradBias = args.tensor(), grad = args.tensor(),
             input = args.tensor(), mean = args.tensor(), variance = args.tensor(), weight = args.tensor();
  const int64_t groups = args.integer();
  const double eps = args.number();
  if (!same(grad, input) || (gradInput && !gradInput.contiguous())) return false;
  grad.dtype == F32
      ? groupBackwardOf<float>(gradInput, gradWeight, gradBias, grad, input, mean, variance, weight, groups, eps)
      : groupBackwardOf<double>(gradInput, gradWeight, gradBias, grad, input, mean, variance, weight, groups, eps);
  return true;
}

}  // namespace

const Entry* normKernels() {
  static const Entry entries[] = {{"norm.batch", batch},
                                  {"norm.batchEval", batchEval},
                                  {"norm.batchBackward", batchBackward},
                                  {"norm.layer", layer},
                                  {"norm.layerBackward", layerBackward},
                                  {"norm.group", group},
                                  {"norm.groupBackward", groupBackward},
                                  {nullptr, nullptr}};
  return entries;
}

}  // namespace gradbook
