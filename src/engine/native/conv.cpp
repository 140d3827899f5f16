// Convolutions of lines, planes and volumes as matrix products whose packing reads straight from a padded copy of the image; with few
// filters or few taps, as sums of shifted rows.
#include "conv.h"
#include "convPhases.h"
#include "convShifts.h"
#include "winograd.h"

namespace gradbook {
namespace {

/** One row of outputs for F filters, straight from the padded planes. */
template <class T, int F>
void directRow(const Geometry& g, const T* from, const int64_t* offsets, const T* weight, const T* bias, int64_t biasStep, T* out) {
  constexpr int L = lanes<T>;
  const int64_t width = g.output[2];
  for (int64_t x = 0; x < width; x += 2 * L) {
    const bool two = width - x > L;
    Vec<T> sum[F][2];
#pragma GCC unroll 8
    for (int f = 0; f < F; f++) sum[f][0] = sum[f][1] = splat<T>(bias ? bias[f * biasStep] : T{0});
    if (two) {
      for (int64_t k = 0; k < g.depth; k++) {
        const Vec<T> a = load<T>(from + offsets[k] + x), b = load<T>(from + offsets[k] + x + L);
#pragma GCC unroll 8
        for (int f = 0; f < F; f++) {
          const Vec<T> w = splat<T>(weight[f * g.depth + k]);
          sum[f][0] += w * a;
          sum[f][1] += w * b;
        }
      }
    } else {
      for (int64_t k = 0; k < g.depth; k++) {
        const Vec<T> a = load<T>(from + offsets[k] + x);
#pragma GCC unroll 8
        for (int f = 0; f < F; f++) sum[f][0] += splat<T>(weight[f * g.depth + k]) * a;
      }
    }
#pragma GCC unroll 8
    for (int f = 0; f < F; f++) {
      T* to = out + f * g.positions + x;
      const int64_t left = width - x;
      if (left >= L)
        store<T>(to, sum[f][0]);
      else
        storePart<T>(to, sum[f][0], left);
      if (left >= 2 * L)
        store<T>(to + L, sum[f][1]);
      else if (left > L)
        storePart<T>(to + L, sum[f][1], left - L);
    }
  }
}

}  // namespace

template <class T>
void correlate(const Geometry& g, int64_t samples, int64_t groups, const View& input, const T* w, const T* b, int64_t biasStep, T* out) {
  if (samples == 0 || g.positions == 0) return;
  if constexpr (sizeof(T) == sizeof(float)) {
    if (winogradFits(g, samples, groups, input)) return winogradCorrelate(g, samples, input, w, b, biasStep, out);
    if (phasesFit(g, samples, groups, input)) return correlatePhases(g, samples, input, w, b, biasStep, out);
  }
  if (worthShifts<T>(g)) return correlateShifts<T>(g, samples, groups, input, w, b, biasStep, out);
  int64_t* offsets = static_cast<int64_t*>(scratch(4, g.depth * int64_t{sizeof(int64_t)}));
  tapOffsets(g, offsets);
  const int64_t outStep = groups * g.filters * g.positions;
  // Rows beyond the last one are read by whole vectors.
  const int64_t slack = 4 * lanes<T>;
  const bool direct = g.filters <= 8 || g.depth <= 16;
  if (direct) {
    parallel(samples * groups, [&](int64_t t) {
      const int64_t n = t / groups, group = t % groups;
      T* planes = static_cast<T*>(scratch(2, (g.image + slack) * int64_t{sizeof(T)}));
      loadImage(g, input, n, group * g.channels, planes);
      for (int64_t row = 0; row < g.output[0] * g.output[1]; row++) {
        const T* from = planes + g.rowStart(row);
        int64_t f = group * g.filters;
        const int64_t last = f + g.filters;
        T* to = out + n * outStep + row * g.output[2];
#define GRADBOOK_ROWS(F)                                                                                             \
  for (; f + F <= last; f += F)                                                                                      \
    directRow<T, F>(g, from, offsets, w + f * g.depth, b ? b + f * biasStep : nullptr, biasStep, to + f * g.positions);
        GRADBOOK_ROWS(8)
        GRADBOOK_ROWS(4)
        GRADBOOK_ROWS(2)
        GRADBOOK_ROWS(1)
#undef GRADBOOK_ROWS
      }
    });
    return;
  }
  const bool pointwise = g.taps == 1 && g.stride[0] == 1 && g.stride[1] == 1 && g.stride[2] == 1 && g.padding[0] == 0 &&
                         g.padding[1] == 0 && g.padding[2] == 0 && g.output[0] == g.input[0] && g.output[1] == g.input[1] &&
                         g.output[2] == g.input[2] && input.contiguous() && g.positions >= 64;
  const int64_t together = pointwise ? 1 : imagesAtOnce(g, samples, 512, sizeof(T));
  const int64_t chunks = (samples + together - 1) / together;
  const bool split = chunks * groups >= threadCount();
  const auto chunk = [&](int64_t t) {
    const int64_t group = t % groups, first = t / groups * together;
    const int64_t images = samples - first < together ? samples - first : together;
    T* target = out + first * outStep + group * g.filters * g.positions;
    const int64_t columns = images * g.positions;
    T* result = target;
    if (images > 1) result = static_cast<T*>(scratch(3, g.filters * columns * int64_t{sizeof(T)}));
    if (b)
      for (int64_t f = 0; f < g.filters; f++) {
        const T value = b[(group * g.filters + f) * biasStep];
        for (int64_t p = 0; p < columns; p++) result[f * columns + p] = value;
      }
    const Matrix<T> left{w + group * g.filters * g.depth, g.depth, 1};
    const auto run = [&](const auto& right) {
      if (split)
        packedProduct<T>(g.filters, columns, g.depth, left, right, result, columns, 0, 0, b != nullptr);
      else
        product<T>(g.filters, columns, g.depth, left, right, result, columns, b != nullptr);
    };
    if (pointwise) {
      run(Matrix<T>{input.as<T>() + first * input.stride[0] + group * g.channels * input.stride[1], input.stride[1], 1});
    } else {
      T* planes = static_cast<T*>(scratch(2, (images * g.image + slack) * int64_t{sizeof(T)}));
      for (int64_t i = 0; i < images; i++) loadImage(g, input, first + i, group * g.channels, planes + i * g.image);
      run(Patches<T>{g, planes, offsets});
    }
    if (images > 1)
      for (int64_t i = 0; i < images; i++)
        for (int64_t f = 0; f < g.filters; f++)
          memcpy(target + i * outStep + f * g.positions, result + f * columns + i * g.positions,
                 static_cast<size_t>(g.positions) * sizeof(T));
  };
  if (split)
    parallel(chunks * groups, chunk);
  else
    for (int64_t t = 0; t < chunks * groups && !interrupted(); t++) chunk(t);
}
template void correlate<float>(const Geometry&, int64_t, int64_t, const View&, const float*, const float*, int64_t, float*);
template void correlate<double>(const Geometry&, int64_t, int64_t, const View&, const double*, const double*, int64_t, double*);

namespace {

template <class T>
void forward(const View& out, const View& input, const View& weight, const View& bias, const Options& o) {
  const T* w = dense<T>(weight, 5);
  correlate<T>(geometryOf(input, weight, out, o), input.size[0], o.groups, input, w, bias ? bias.as<T>() : nullptr,
               bias ? bias.stride[0] : 0, out.as<T>());
}

/** out, input, weight, bias, stride, padding, dilation, groups. */
bool convForward(Args& args) {
  const View out = args.tensor(), input = args.tensor(), weight = args.tensor(), bias = args.tensor();
  Options o;
  if (!readOptions(args, o) || !convolvable(out, input, weight) || (bias && bias.dtype != out.dtype)) return false;
  out.dtype == F32 ? forward<float>(out, input, weight, bias, o) : forward<double>(out, input, weight, bias, o);
  return true;
}

}  // namespace

const Entry* convKernels() {
  static const Entry entries[] = {{"conv.forward", convForward},
                                  {"conv.gradInput", convGradInput},
                                  {"conv.gradWeight", convGradWeight},
                                  {nullptr, nullptr}};
  return entries;
}

}  // namespace gradbook
