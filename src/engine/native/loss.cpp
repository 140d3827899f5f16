// Cross-entropy of logits with class indices: the losses, and their gradient in one pass.
#include "map.h"
#include "rows.h"

namespace gradbook {
namespace {

/** log(sum of e^x) over `n` elements, `step` apart. */
template <class T>
double logSumExp(const T* x, int64_t n, int64_t step) {
  T peak = static_cast<T>(-INFINITY);
  if (step == 1) {
    peak = greatest(x, n);
    if (peak > static_cast<T>(-INFINITY)) return peak + std::log(sumOfExponentials<false, T>(nullptr, x, n, peak));
  }
  for (int64_t i = 0; i < n; i++)
    if (!(x[i * step] <= peak)) peak = x[i * step];
  if (peak == static_cast<T>(-INFINITY)) return -INFINITY;
  double total = 0;
  for (int64_t i = 0; i < n; i++) total += std::exp(static_cast<double>(x[i * step] - peak));
  return peak + std::log(total);
}

struct Weights {
  const View* v;
  double operator[](int64_t i) const {
    if (!*v) return 1;
    return v->dtype == F32 ? v->as<float>()[i * v->stride[0]] : v->as<double>()[i * v->stride[0]];
  }
};

template <class T>
void lossesOf(const View& losses, const View& sums, const View& input, const View& target, const View& weight, int64_t ignored,
              double smoothing) {
  const int64_t channels = input.size[1], length = input.size[2], step = input.stride[1];
  const Weights w{&weight};
  parallelRange(input.size[0] * length, grain / (8 * channels + 1) + 1, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end && !interrupted(); i++) {
      const int64_t n = i / length, l = i % length;
      const T* x = input.as<T>() + n * input.stride[0] + l * input.stride[2];
      const double normalizer = logSumExp(x, channels, step);
      const int64_t y = target.as<int32_t>()[n * target.stride[0] + l * target.stride[1]];
      double loss = 0;
      if (y != ignored) {
        loss = (1 - smoothing) * w[y] * (normalizer - x[y * step]);
        if (smoothing > 0)
          for (int64_t c = 0; c < channels; c++)
            loss += smoothing / static_cast<double>(channels) * w[c] * (normalizer - x[c * step]);
      }
      sums.as<T>()[i] = static_cast<T>(normalizer);
      losses.as<T>()[i] = static_cast<T>(loss);
    }
  });
}

/** losses, logSumExp (N, L), input (N, C, L), target (N, L) int32, weight (C,), ignoreIndex, smoothing. */
bool crossEntropy(Args& args) {
  const View losses = args.tensor(), sums = args.tensor(), input = args.tensor(), target = args.tensor(), weight = args.tensor();
  const int64_t ignored = args.integer();
  const double smoothing = args.number();
  if (input.dtype > F64 || target.dtype != I32 || losses.dtype != input.dtype || !losses.contiguous() || !sums.contiguous()) return false;
  input.dtype == F32 ? lossesOf<float>(losses, sums, input, target, weight, ignored, smoothing)
                     : lossesOf<double>(losses, sums, input, target, weight, ignored, smoothing);
  return true;
}

template <class T>
void slopesOf(const View& out, const View& grad, const View& input, const View& sums, const View& target, const View& weight,
              int64_t ignored, double smoothing) {
  const int64_t channels = input.size[1], length = input.size[2];
  const Weights w{&weight};
  const double spread = smoothing / static_cast<double>(channels);
  double total = 0;
  for (int64_t c = 0; c < channels; c++) total += w[c];
  total *= spread;
  constexpr int L = lanes<T>;
  const bool rows = length == 1 && (channels == 1 || input.stride[1] == 1) && spread == 0;
  parallelRange(input.size[0] * length, grain / (8 * channels + 1) + 1, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end && !interrupted(); i++) {
      const int64_t n = i / length, l = i % length;
      const T* x = input.as<T>() + n * input.stride[0] + l * input.stride[2];
      T* to = out.as<T>() + n * channels * length + l;
      const int64_t y = target.as<int32_t>()[n * target.stride[0] + l * target.stride[1]];
      if (y == ignored) {
        for (int64_t c = 0; c < channels; c++) to[c * length] = 0;
        continue;
      }
      const T normalizer = sums.as<T>()[i];
      const double slope = grad.as<T>()[n * grad.stride[0] + l * grad.stride[1]];
      const double hard = (1 - smoothing) * w[y];
      const T scale = static_cast<T>(slope * (hard + total));
      if (rows) {
        int64_t c = 0;
        for (; c + L <= channels; c += L) store<T>(to + c, exponentialOf(load<T>(x + c) - normalizer) * scale);
        if (c < channels)
          storePart<T>(to + c, exponentialOf(loadPart<T>(x + c, channels - c) - normalizer) * scale, channels - c);
      } else {
        for (int64_t c = 0; c < channels; c++)
          to[c * length] = static_cast<T>(std::exp(static_cast<double>(x[c * input.stride[1]]) - normalizer) * scale -
                                          slope * spread * w[c]);
      }
      to[y * length] -= static_cast<T>(slope * hard);
    }
  });
}

/** gradInput (N, C, L), grad (N, L), input, logSumExp, target, weight, ignoreIndex, smoothing. */
bool crossEntropyBackward(Args& args) {
  const View out = args.tensor(), grad = args.tensor(), input = args.tensor(), sums = args.tensor(), target = args.tensor(),
             weight = args.tensor();
  const int64_t ignored = args.integer();
  const double smoothing = args.number();
  if (input.dtype > F64 || target.dtype != I32 || out.dtype != input.dtype || grad.dtype != input.dtype || !out.contiguous() ||
      !sums.contiguous())
    return false;
  input.dtype == F32 ? slopesOf<float>(out, grad, input, sums, target, weight, ignored, smoothing)
                     : slopesOf<double>(out, grad, input, sums, target, weight, ignored, smoothing);
  return true;
}

}  // namespace

const Entry* lossKernels() {
  static const Entry entries[] = {{"loss.crossEntropy", crossEntropy},
                                  {"loss.crossEntropyBackward", crossEntropyBackward},
                                  {nullptr, nullptr}};
  return entries;
}

}  // namespace gradbook
