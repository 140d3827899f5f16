// The gradient of a convolution's filters: for each filter and tap the sum, over all positions, of the output's gradient times what the
// tap saw. Tiles of a few filters by a few taps keep their sums in registers while they run along the rows; where rows are short, it is
// a matrix product.
#include <type_traits>

#include "conv.h"
#include "winograd.h"

namespace gradbook {
namespace {

#if defined(__AVX512F__)
constexpr int manyTaps = 9, someTaps = 3, manyFilters = 3;
#elif defined(__aarch64__)
constexpr int manyTaps = 6, someTaps = 3, manyFilters = 3;
#else
constexpr int manyTaps = 4, someTaps = 2, manyFilters = 3;
#endif

/** The sum of all lanes, by halves. */
template <class T>
inline T lanesTotal(Vec<T> v) {
  T parts[lanes<T>];
  memcpy(parts, &v, sizeof v);
#pragma GCC unroll 4
  for (int width = lanes<T> / 2; width > 0; width /= 2)
    for (int i = 0; i < width; i++) parts[i] += parts[i + width];
  return parts[0];
}

/** Gradients of outputs with rows `pitch` apart, a multiple of the vector, and zeros behind the row. */
template <class T>
struct Slopes {
  const T* data;
  int64_t pitch, filterStep, imageStep;
};

/** Adds to `out` (F filters, `depth` apart, by K taps) what `images` images give. */
template <class T, int F, int K>
void tile(const Geometry& g, int64_t images, const T* planes, int64_t imageStep, const int64_t* offsets, const Slopes<T>& s, const T* slopes,
          T* out, int64_t depth) {
  constexpr int L = lanes<T>;
  Vec<T> sum[F][K];
#pragma GCC unroll 16
  for (int f = 0; f < F; f++)
#pragma GCC unroll 16
    for (int k = 0; k < K; k++) sum[f][k] = Vec<T>{};
  const int64_t width = g.output[2], whole = width / L * L;
  // Behind a row's end there may be anything, which 0 must not meet.
  T ones[L];
  for (int i = 0; i < L; i++) {
    const auto bits = i < width - whole ? -1 : 0;
    memset(&ones[i], bits, sizeof(T));
  }
  using Bits = Vec<std::conditional_t<sizeof(T) == 4, int32_t, int64_t>>;
  const Bits mask = bitsAs<Bits>(load<T>(ones));
  for (int64_t n = 0; n < images; n++)
    for (int64_t z = 0; z < g.output[0]; z++)
      for (int64_t y = 0; y < g.output[1]; y++) {
        const T* x = planes + n * imageStep + (z * g.stride[0] * g.padded[1] + y * g.stride[1]) * g.pitch;
        const T* slope = slopes + n * s.imageStep + (z * g.output[1] + y) * s.pitch;
        const T* at[K];
#pragma GCC unroll 16
        for (int k = 0; k < K; k++) at[k] = x + offsets[k];
        const auto step = [&](int64_t i, auto seen) {
          Vec<T> left[F];
#pragma GCC unroll 16
          for (int f = 0; f < F; f++) left[f] = load<T>(slope + f * s.filterStep + i);
#pragma GCC unroll 16
          for (int k = 0; k < K; k++) {
            const Vec<T> right = seen(load<T>(at[k] + i));
#pragma GCC unroll 16
            for (int f = 0; f < F; f++) sum[f][k] += left[f] * right;
          }
        };
        for (int64_t i = 0; i < whole; i += L) step(i, [](Vec<T> v) { return v; });
        if (whole < width) step(whole, [&](Vec<T> v) { return bitsAs<Vec<T>>(bitsAs<Bits>(v) & mask); });
      }
#pragma GCC unroll 16
  for (int f = 0; f < F; f++)
#pragma GCC unroll 16
    for (int k = 0; k < K; k++) out[f * depth + k] += lanesTotal<T>(sum[f][k]);
}

/** All filters from `f` to `last` with the taps from `k` to `end`. */
template <class T>
void tiles(const Geometry& g, int64_t images, const T* planes, int64_t imageStep, const int64_t* offsets, const Slopes<T>& s, const T* slopes,
           T* out, int64_t f, int64_t last, int64_t k, int64_t end) {
  const auto row = [&](auto taps) {
    constexpr int K = decltype(taps)::value;
    int64_t i = f;
    for (; i + manyFilters <= last; i += manyFilters)
      tile<T, manyFilters, K>(g, images, planes, imageStep, offsets + k, s, slopes + i * s.filterStep, out + i * g.depth + k, g.depth);
    for (; i < last; i++)
      tile<T, 1, K>(g, images, planes, imageStep, offsets + k, s, slopes + i * s.filterStep, out + i * g.depth + k, g.depth);
  };
  for (; k + manyTaps <= end; k += manyTaps) row(std::integral_constant<int, manyTaps>{});
  for (; k + someTaps <= end; k += someTaps) row(std::integral_constant<int, someTaps>{});
  for (; k < end; k++) row(std::integral_constant<int, 1>{});
}

/** Whether rows are long enough for their vectors. */
template <class T>
bool worthTiles(const Geometry& g) {
  constexpr int64_t L = lanes<T>;
  return g.output[2] * 5 >= (g.output[2] + L - 1) / L * L * 3;
}

template <class T>
void tiled(const Geometry& shape, int64_t samples, int64_t groups, const T* grads, const View& input, T* out) {
  constexpr int64_t L = lanes<T>;
  Geometry g = shape;
  const bool pointwise = g.taps == 1 && g.positions == g.input[0] * g.input[1] * g.input[2] && g.plane == g.positions &&
                         g.stride[0] == 1 && g.stride[1] == 1 && g.stride[2] == 1;
  if (pointwise) {
    // One long row.
    g.output[0] = g.output[1] = 1;
    g.output[2] = g.positions;
  }
  const bool inPlace = pointwise && g.positions % L == 0 && input.contiguous();
  int64_t* offsets = static_cast<int64_t*>(scratch(4, g.depth * int64_t{sizeof(int64_t)}));
  tapOffsets(g, offsets);
  const int64_t filters = groups * g.filters, rows = g.output[0] * g.output[1], width = g.output[2];
  const bool whole = width % L == 0;
  Slopes<T> s;
  s.pitch = (width + L - 1) / L * L;
  s.filterStep = rows * s.pitch;
  s.imageStep = filters * s.filterStep;
  const int64_t imageStep = groups * g.image;
  const int64_t slack = 4 * L;
  int64_t together = (int64_t{16} << 20) / ((imageStep + s.imageStep) * int64_t{sizeof(T)}) + 1;
  if (together > samples) together = samples;
  T* planes = inPlace ? nullptr : static_cast<T*>(scratch(2, (together * imageStep + slack) * int64_t{sizeof(T)}));
  T* padded = whole ? nullptr : static_cast<T*>(scratch(3, together * s.imageStep * int64_t{sizeof(T)}));
  memset(static_cast<void*>(out), 0, static_cast<size_t>(filters * g.depth) * sizeof(T));
  // As many images at a time as leave the gradients of a group's filters in the second-level cache.
  int64_t few = (int64_t{384} << 10) / (g.filters * s.filterStep * int64_t{sizeof(T)});
  if (few < 1) few = 1;
  const int64_t tapBlocks = (g.depth + manyTaps - 1) / manyTaps;
  constexpr int64_t filterBlock = 8 * manyFilters;
  const int64_t filterBlocks = (g.filters + filterBlock - 1) / filterBlock;
  for (int64_t first = 0; first < samples && !interrupted(); first += together) {
    const int64_t images = samples - first < together ? samples - first : together;
    if (!inPlace)
      parallelRange(images * groups, grain / g.image + 1, 1, [&](int64_t begin, int64_t end) {
        for (int64_t t = begin; t < end; t++) loadImage(g, input, first + t / groups, t % groups * g.channels, planes + t * g.image);
      });
    if (!whole)
      parallelRange(images * filters, grain / s.filterStep + 1, 1, [&](int64_t begin, int64_t end) {
        for (int64_t r = begin * rows; r < end * rows; r++) {
          T* to = padded + r * s.pitch;
          memcpy(to, grads + (first * filters * rows + r) * width, static_cast<size_t>(width) * sizeof(T));
          for (int64_t x = width; x < s.pitch; x++) to[x] = 0;
        }
      });
    const T* from = inPlace ? input.as<T>() + first * imageStep : planes;
    s.data = whole ? grads + first * s.imageStep : padded;
    parallel(groups * tapBlocks * filterBlocks, [&](int64_t t) {
      const int64_t f = t % filterBlocks * filterBlock, k = t / filterBlocks % tapBlocks * manyTaps;
      const int64_t group = t / filterBlocks / tapBlocks;
      const int64_t last = f + filterBlock < g.filters ? f + filterBlock : g.filters;
      const int64_t end = k + manyTaps < g.depth ? k + manyTaps : g.depth;
      for (int64_t n = 0; n < images; n += few)
        tiles<T>(g, images - n < few ? images - n : few, from + n * imageStep + group * g.image, imageStep, offsets, s,
                 s.data + n * s.imageStep + group * g.filters * s.filterStep, out + group * g.filters * g.depth, f, last, k, end);
    });
  }
}

/** The sum over a row of products of two runs. */
template <class T>
inline void addDot(Vec<T>& sum, const T* x, const T* y, int64_t n) {
  int64_t i = 0;
  for (; i + lanes<T> <= n; i += lanes<T>) sum += load<T>(x + i) * load<T>(y + i);
  if (i < n) sum += loadPart<T>(x + i, n - i) * loadPart<T>(y + i, n - i);
}

template <class T>
void gradWeight(const View& out, const View& grad, const View& input, const Options& o) {
  const Geometry g = geometryOf(input, out, grad, o);
  const int64_t samples = input.size[0];
  T* target = out.as<T>();
  if (samples == 0 || g.positions == 0 || g.image == 0) {
    memset(static_cast<void*>(target), 0, static_cast<size_t>(out.count()) * sizeof(T));
    return;
  }
  const T* slopes = dense<T>(grad, 6);
  if constexpr (sizeof(T) == sizeof(float))
    if (winogradFits(g, samples, o.groups, input)) return winogradGradWeight(g, samples, slopes, input, target);
  if (worthTiles<T>(g)) return tiled<T>(g, samples, o.groups, slopes, input, target);
  int64_t* offsets = static_cast<int64_t*>(scratch(4, g.depth * int64_t{sizeof(int64_t)}));
  tapOffsets(g, offsets);
  const int64_t gradStep = grad.size[1] * g.positions;
  const int64_t slack = 4 * lanes<T>;
  if (g.filters <= 4 && o.groups >= threadCount()) {
    // A group has few weights: each is a sum of rows' inner products.
    parallel(o.groups, [&](int64_t group) {
      T* planes = static_cast<T*>(scratch(2, (g.image + slack) * int64_t{sizeof(T)}));
      double* totals = static_cast<double*>(scratch(3, g.filters * g.depth * int64_t{sizeof(double)}));
      for (int64_t i = 0; i < g.filters * g.depth; i++) totals[i] = 0;
      for (int64_t n = 0; n < samples && !interrupted(); n++) {
        loadImage(g, input, n, group * g.channels, planes);
        for (int64_t f = 0; f < g.filters; f++) {
          const T* slope = slopes + n * gradStep + (group * g.filters + f) * g.positions;
          for (int64_t k = 0; k < g.depth; k++) {
            Vec<T> sum = {};
            for (int64_t row = 0; row < g.output[0] * g.output[1]; row++)
              addDot(sum, slope + row * g.output[2], planes + g.rowStart(row) + offsets[k], g.output[2]);
            double total = 0;
            for (int i = 0; i < lanes<T>; i++) total += sum[i];
            totals[f * g.depth + k] += total;
          }
        }
      }
      for (int64_t i = 0; i < g.filters * g.depth; i++) target[group * g.filters * g.depth + i] = static_cast<T>(totals[i]);
    });
    return;
  }
  const int64_t together = imagesAtOnce(g, samples, int64_t{1} << 40, sizeof(T));
  const bool split = o.groups >= threadCount();
  const auto one = [&](int64_t group) {
    for (int64_t first = 0; first < samples && !interrupted(); first += together) {
      const int64_t images = samples - first < together ? samples - first : together;
      T* planes = static_cast<T*>(scratch(2, (images * g.image + slack) * int64_t{sizeof(T)}));
      for (int64_t i = 0; i < images; i++) loadImage(g, input, first + i, group * g.channels, planes + i * g.image);
      const Outputs<T> left{slopes + first * gradStep + group * g.filters * g.positions, g.positions, gradStep};
      const PatchesAcross<T> right{g, planes, offsets};
      T* to = target + group * g.filters * g.depth;
      if (split)
        packedProduct<T>(g.filters, g.depth, images * g.positions, left, right, to, g.depth, 0, 0, first > 0);
      else
        product<T>(g.filters, g.depth, images * g.positions, left, right, to, g.depth, first > 0);
    }
  };
  if (split)
    parallel(o.groups, one);
  else
    for (int64_t group = 0; group < o.groups; group++) one(group);
}

}  // namespace

/** out, grad, input, stride, padding, dilation, groups. */
bool convGradWeight(Args& args) {
  const View out = args.tensor(), grad = args.tensor(), input = args.tensor();
  Options o;
  if (!readOptions(args, o) || !convolvable(out, grad, input)) return false;
  out.dtype == F32 ? gradWeight<float>(out, grad, input, o) : gradWeight<double>(out, grad, input, o);
  return true;
}

}  // namespace gradbook
