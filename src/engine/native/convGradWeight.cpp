// The gradient of a convolution's filters: for each filter and tap the sum, over all positions, of the output's gradient times what the
// tap saw. Tiles of a few filters by a few taps keep their sums in registers while they run along the rows; where rows are short, it is
// a matrix product.
#include <type_traits>

#include "conv.h"
#include "convPhases.h"
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

/** Whether a pixel's channels, or those of a row of taps, fill vectors, and there are taps to pay for bringing them together. */
template <class T>
bool worthLanes(const Geometry& g, int64_t samples, int64_t groups) {
  constexpr int64_t L = lanes<T>;
  const int64_t length = g.channels * (g.dilation[2] == 1 ? g.kernel[2] : 1);
  return groups == 1 && g.taps > 1 && g.filters >= 8 && samples * g.positions >= 1024 && length * 5 >= (length + L - 1) / L * L * 3;
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

/** c (R filters, `ldc` apart, V vectors of lanes) = or += the sum over rows of outputs of gradients (panels of MR) times what lies there. */
template <class T, int R, int V>
inline void lanesKernel(int64_t rows, int64_t width, const T* __restrict a, const T* image, const int64_t* starts, int64_t step,
                        T* __restrict c, int64_t ldc, bool add) {
  constexpr int L = lanes<T>;
  Vec<T> sum[R][V];
#pragma GCC unroll 16
  for (int i = 0; i < R; i++)
#pragma GCC unroll 4
    for (int j = 0; j < V; j++) sum[i][j] = Vec<T>{};
  for (int64_t r = 0; r < rows; r++) {
    const T* __restrict b = image + starts[r];
    for (int64_t x = 0; x < width; x++) {
      Vec<T> right[V];
#pragma GCC unroll 4
      for (int j = 0; j < V; j++) right[j] = load<T>(b + j * L);
#pragma GCC unroll 16
      for (int i = 0; i < R; i++) {
        const Vec<T> left = splat<T>(a[i]);
#pragma GCC unroll 4
        for (int j = 0; j < V; j++) sum[i][j] += left * right[j];
      }
      a += Tile<T>::MR;
      b += step;
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < R; i++)
#pragma GCC unroll 4
    for (int j = 0; j < V; j++) {
      T* at = c + i * ldc + j * L;
      store<T>(at, add ? load<T>(at) + sum[i][j] : sum[i][j]);
    }
}

template <class T, int V>
inline void lanesRows(int64_t height, int64_t rows, int64_t width, const T* a, const T* image, const int64_t* starts, int64_t step, T* c,
                      int64_t ldc, bool add) {
  if constexpr (Tile<T>::MR > 8) {
    if (height <= 4) return lanesKernel<T, 4, V>(rows, width, a, image, starts, step, c, ldc, add);
    if (height <= 8) return lanesKernel<T, 8, V>(rows, width, a, image, starts, step, c, ldc, add);
  }
  lanesKernel<T, Tile<T>::MR, V>(rows, width, a, image, starts, step, c, ldc, add);
}

/**
 * With the channels of a pixel together, what a row of taps sees at a position is one run of lanes, and the gradient a product that needs
 * no packing but that of the outputs' gradients.
 */
template <class T>
void acrossLanes(const Geometry& g, int64_t samples, const T* grads, const View& input, T* out) {
  constexpr int64_t L = lanes<T>, MR = Tile<T>::MR, NV = Tile<T>::NV;
  const int64_t channels = g.channels, pixel = g.padded[2] * channels, image = g.padded[0] * g.padded[1] * pixel;
  // Runs of lanes: a row of taps, or a tap where dilation parts them.
  const bool joined = g.dilation[2] == 1;
  const int64_t runs = g.kernel[0] * g.kernel[1] * (joined ? 1 : g.kernel[2]), length = channels * (joined ? g.kernel[2] : 1);
  const int64_t pitch = (length + L - 1) / L * L, panels = (g.filters + MR - 1) / MR;
  const int64_t rows = g.output[0] * g.output[1], width = g.output[2];
  int64_t together = (int64_t{16} << 20) / ((image + panels * MR * g.positions) * int64_t{sizeof(T)}) + 1;
  if (together > samples) together = samples;
  int64_t* shifts = static_cast<int64_t*>(scratch(4, (runs + together * rows) * int64_t{sizeof(int64_t)}));
  int64_t* starts = shifts + runs;
  for (int64_t i = 0; i < runs; i++) {
    const int64_t x = joined ? 0 : i % g.kernel[2], row = joined ? i : i / g.kernel[2];
    const int64_t z = row / g.kernel[1], y = row % g.kernel[1];
    shifts[i] = (z * g.dilation[0] * g.padded[1] + y * g.dilation[1]) * pixel + x * g.dilation[2] * channels;
  }
  for (int64_t i = 0; i < together * rows; i++) {
    const int64_t row = i % rows;
    starts[i] = i / rows * image + (row / g.output[1] * g.stride[0] * g.padded[1] + row % g.output[1] * g.stride[1]) * pixel;
  }
  T* planes = static_cast<T*>(scratch(2, (together * image + pitch) * int64_t{sizeof(T)}));
  T* slopes = static_cast<T*>(scratch(3, together * g.positions * panels * MR * int64_t{sizeof(T)}));
  const int64_t sumCount = runs * panels * MR * pitch;
  // Where the sums fit into the caches, four parts of the rows have sums of their own, whatever the number of threads; else the sums are
  // shared out.
  const bool few = sumCount * int64_t{sizeof(T)} <= (int64_t{1} << 20) && samples * rows >= 32;
  const int64_t shares = few ? 4 : 1;
  T* sums = static_cast<T*>(scratch(0, shares * sumCount * int64_t{sizeof(T)}));
  memset(static_cast<void*>(sums), 0, static_cast<size_t>(shares * sumCount) * sizeof(T));
  int64_t strides[3];
  triple(strides, input.stride + 2, input.rank - 2, 0);
  int64_t chunk = 512 / width;
  if (chunk < 1) chunk = 1;
  for (int64_t first = 0; first < samples && !interrupted(); first += together) {
    const int64_t images = samples - first < together ? samples - first : together, positions = images * g.positions;
    const int64_t lines = g.padded[0] * g.padded[1];
    parallelRange(images * lines, grain / pixel + 1, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; i++) {
        const int64_t n = i / lines, z = i % lines / g.padded[1] - g.padding[0], y = i % g.padded[1] - g.padding[1];
        T* to = planes + i * pixel;
        if (z < 0 || z >= g.input[0] || y < 0 || y >= g.input[1]) {
          memset(static_cast<void*>(to), 0, static_cast<size_t>(pixel) * sizeof(T));
          continue;
        }
        const int64_t edge = g.padding[2] * channels;
        memset(static_cast<void*>(to), 0, static_cast<size_t>(edge) * sizeof(T));
        memset(static_cast<void*>(to + pixel - edge), 0, static_cast<size_t>(edge) * sizeof(T));
        for (int64_t c = 0; c < channels; c++) {
          const T* from = input.as<T>() + (first + n) * input.stride[0] + c * input.stride[1] + z * strides[0] + y * strides[1];
          T* at = to + edge + c;
          for (int64_t x = 0; x < g.input[2]; x++) at[x * channels] = from[x * strides[2]];
        }
      }
    });
    parallelRange(images * panels, grain / (MR * g.positions) + 1, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; i++) {
        const int64_t n = i / panels, f = i % panels * MR;
        packPanels<T, MR>(slopes + (f / MR * positions + n * g.positions) * MR, grads + ((first + n) * g.filters + f) * g.positions, g.positions,
                          1, g.filters - f < MR ? g.filters - f : MR, g.positions, g.positions);
      }
    });
    const int64_t total = images * rows, share = (total + shares - 1) / shares;
    const int64_t parts = few ? 1 : panels * runs;
    parallel(shares * parts, [&](int64_t task) {
      const int64_t begin = task / parts * share, end = begin + share < total ? begin + share : total, part = task % parts;
      T* target = sums + task / parts * sumCount;
      for (int64_t row = begin; row < end && !interrupted(); row += chunk) {
        const int64_t count = end - row < chunk ? end - row : chunk;
        for (int64_t pair = few ? 0 : part; pair < (few ? panels * runs : part + 1); pair++) {
          const int64_t panel = pair / runs, run = pair % runs, height = g.filters - panel * MR;
          const T* a = slopes + (panel * positions + row * width) * MR;
          T* c = target + (run * panels + panel) * MR * pitch;
          int64_t lane = 0;
          for (; lane + NV * L <= pitch; lane += NV * L)
            lanesRows<T, NV>(height, count, width, a, planes + shifts[run] + lane, starts + row, g.stride[2] * channels, c + lane, pitch, true);
          for (; lane < pitch; lane += L)
            lanesRows<T, 1>(height, count, width, a, planes + shifts[run] + lane, starts + row, g.stride[2] * channels, c + lane, pitch, true);
        }
      }
    });
  }
  parallelRange(g.filters, grain / (g.depth * 4) + 1, 1, [&](int64_t begin, int64_t end) {
    for (int64_t f = begin; f < end; f++)
      for (int64_t run = 0; run < runs; run++)
        for (int64_t lane = 0; lane < length; lane += channels) {
          const T* from = sums + (run * panels * MR + f) * pitch + lane;
          T* to = out + f * g.depth + (joined ? run * g.kernel[2] + lane / channels : run);
          for (int64_t c = 0; c < channels; c++) {
            T value = from[c];
            for (int64_t i = 1; i < shares; i++) value += from[i * sumCount + c];
            to[c * g.taps] = value;
          }
        }
  });
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
  if constexpr (sizeof(T) == sizeof(float)) {
    if (winogradFits(g, samples, o.groups, input)) return winogradGradWeight(g, samples, slopes, input, target);
    if (phasesFit(g, samples, o.groups, input)) return phasesGradWeight(g, samples, slopes, input, target);
  }
  if (worthLanes<T>(g, samples, o.groups)) return acrossLanes<T>(g, samples, slopes, input, target);
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
