// Batch and group normalisation, both directions. Statistics are summed in float64.
#include "norm.h"

namespace gradbook {
namespace {

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
                                  {"norm.layer", layerNorm},
                                  {"norm.layerBackward", layerNormBackward},
                                  {"norm.group", group},
                                  {"norm.groupBackward", groupBackward},
                                  {nullptr, nullptr}};
  return entries;
}

}  // namespace gradbook
