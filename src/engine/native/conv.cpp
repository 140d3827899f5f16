// Convolutions of lines, planes and volumes as matrix products whose packing reads straight from a padded copy of the image.
//
// The copy holds each row's columns by phase (x % stride), so that what one tap reads along a row of outputs lies together
// whatever the stride. Small images of a batch share one product.
#include "gemm.h"
#include "map.h"

namespace gradbook {
namespace {

struct Geometry {
  int64_t channels, filters, taps, depth;  // of one group; depth = channels * taps
  int64_t kernel[3], stride[3], padding[3], dilation[3], input[3], output[3], padded[3];
  int64_t phaseWidth, pitch, plane, image, positions;

  /** Where the row of outputs (z, y) begins in a plane. */
  int64_t rowStart(int64_t row) const {
    const int64_t z = row / output[1], y = row % output[1];
    return (z * stride[0] * padded[1] + y * stride[1]) * pitch;
  }
};

void triple(int64_t* to, const int64_t* from, int count, int64_t fill) {
  for (int d = 0; d < 3; d++) to[d] = d < 3 - count ? fill : from[d - (3 - count)];
}

struct Options {
  int64_t stride[3], padding[3], dilation[3];
  int64_t groups;
};

bool readOptions(Args& args, Options& o) {
  const int a = args.list(o.stride, 3), b = args.list(o.padding, 3), c = args.list(o.dilation, 3);
  o.groups = args.integer();
  return a >= 1 && a <= 3 && a == b && a == c;
}

Geometry geometryOf(const View& input, const View& weight, const View& output, const Options& o) {
  Geometry g;
  const int rank = input.rank - 2;
  g.channels = input.size[1] / o.groups;
  g.filters = output.size[1] / o.groups;
  triple(g.kernel, weight.size + 2, rank, 1);
  triple(g.stride, o.stride, rank, 1);
  triple(g.padding, o.padding, rank, 0);
  triple(g.dilation, o.dilation, rank, 1);
  triple(g.input, input.size + 2, rank, 1);
  triple(g.output, output.size + 2, rank, 1);
  g.taps = g.kernel[0] * g.kernel[1] * g.kernel[2];
  g.depth = g.channels * g.taps;
  g.positions = g.output[0] * g.output[1] * g.output[2];
  for (int d = 0; d < 3; d++) g.padded[d] = g.input[d] + 2 * g.padding[d];
  g.phaseWidth = (g.padded[2] + g.stride[2] - 1) / g.stride[2];
  g.pitch = g.phaseWidth * g.stride[2];
  g.plane = g.padded[0] * g.padded[1] * g.pitch;
  g.image = g.channels * g.plane;
  return g;
}

/** Where each tap (channel, then kernel position) lies from an output's corner. */
void tapOffsets(const Geometry& g, int64_t* offsets) {
  for (int64_t c = 0; c < g.channels; c++)
    for (int64_t z = 0; z < g.kernel[0]; z++)
      for (int64_t y = 0; y < g.kernel[1]; y++)
        for (int64_t x = 0; x < g.kernel[2]; x++) {
          const int64_t along = x * g.dilation[2];
          *offsets++ = c * g.plane + (z * g.dilation[0] * g.padded[1] + y * g.dilation[1]) * g.pitch +
                       along % g.stride[2] * g.phaseWidth + along / g.stride[2];
        }
}

/** Visits the rows of a sample's channels in memory and in the padded planes: `row(memory, step, planes)`. */
template <class T, class F>
void eachImageRow(const Geometry& g, const View& v, int64_t sample, int64_t channel, T* planes, F row) {
  int64_t strides[3];
  triple(strides, v.stride + 2, v.rank - 2, 0);
  for (int64_t c = 0; c < g.channels; c++)
    for (int64_t z = 0; z < g.input[0]; z++)
      for (int64_t y = 0; y < g.input[1]; y++)
        row(v.as<T>() + sample * v.stride[0] + (channel + c) * v.stride[1] + z * strides[0] + y * strides[1], strides[2],
            planes + c * g.plane + ((z + g.padding[0]) * g.padded[1] + y + g.padding[1]) * g.pitch);
}

template <class T>
void loadImage(const Geometry& g, const View& input, int64_t sample, int64_t channel, T* planes) {
  memset(static_cast<void*>(planes), 0, static_cast<size_t>(g.image) * sizeof(T));
  const int64_t s = g.stride[2], pad = g.padding[2], width = g.input[2];
  eachImageRow(g, input, sample, channel, planes, [&](const T* from, int64_t step, T* to) {
    if (s == 1 && step == 1) {
      memcpy(to + pad, from, static_cast<size_t>(width) * sizeof(T));
      return;
    }
    for (int64_t phase = 0; phase < s; phase++) {
      // The columns x with (x + pad) % s == phase.
      const int64_t first = ((phase - pad) % s + s) % s;
      T* at = to + phase * g.phaseWidth + (first + pad) / s;
      for (int64_t x = first; x < width; x += s) *at++ = from[x * step];
    }
  });
}

template <class T>
void unloadImage(const Geometry& g, const View& out, int64_t sample, int64_t channel, T* planes) {
  const int64_t s = g.stride[2], pad = g.padding[2], width = g.input[2];
  eachImageRow(g, out, sample, channel, planes, [&](T* to, int64_t step, const T* from) {
    for (int64_t phase = 0; phase < s; phase++) {
      const int64_t first = ((phase - pad) % s + s) % s;
      const T* at = from + phase * g.phaseWidth + (first + pad) / s;
      for (int64_t x = first; x < width; x += s) to[x * step] = *at++;
    }
  });
}

/** Copies `n` elements in whole vectors: up to a vector more is read and written. */
template <class T>
inline void copyOver(T* to, const T* from, int64_t n) {
  for (int64_t i = 0; i < n; i += lanes<T>) store<T>(to + i, load<T>(from + i));
}

/** A run of outputs that lie in one row of one image: where it starts in the images, and its length. */
struct Segment {
  int64_t start, length;
};

/** Cuts `count` positions from `first` (positions of consecutive images) into runs. */
int cut(const Geometry& g, int64_t first, int64_t count, Segment* to) {
  int n = 0;
  const int64_t width = g.output[2];
  while (count > 0) {
    const int64_t image = first / g.positions, p = first % g.positions;
    const int64_t x = p % width;
    const int64_t length = width - x < count ? width - x : count;
    to[n++] = {image * g.image + g.rowStart(p / width) + x, length};
    first += length;
    count -= length;
  }
  return n;
}

/** The matrix of patches: row = tap, column = position. */
template <class T>
struct Patches {
  const Geometry& g;
  const T* images;
  const int64_t* offsets;

  void packRight(T* to, int64_t k, int64_t depth, int64_t column, int64_t columns) const {
    constexpr int NR = Tile<T>::NR;
    Segment segments[NR];
    for (int64_t j = 0; j < columns; j += NR) {
      const int n = cut(g, column + j, columns - j < NR ? columns - j : NR, segments);
      if (n == 1 && segments[0].length == NR) {
        const T* from = images + segments[0].start;
        for (int64_t p = 0; p < depth; p++, to += NR) {
          const T* at = from + offsets[k + p];
#pragma GCC unroll 4
          for (int i = 0; i < Tile<T>::NV; i++) store<T>(to + i * lanes<T>, load<T>(at + i * lanes<T>));
        }
      } else {
        for (int64_t p = 0; p < depth; p++, to += NR) {
          const T* from = images + offsets[k + p];
          T* at = to;
          for (int s = 0; s < n; s++) {
            copyOver(at, from + segments[s].start, segments[s].length);
            at += segments[s].length;
          }
        }
      }
    }
  }
};

/** The same matrix transposed: row = position, column = tap. */
template <class T>
struct PatchesAcross {
  const Geometry& g;
  const T* images;
  const int64_t* offsets;

  void packRight(T* to, int64_t k, int64_t depth, int64_t column, int64_t columns) const {
    constexpr int NR = Tile<T>::NR;
    Segment segments[Tile<T>::KC];
    const int n = cut(g, k, depth, segments);
    T line[Tile<T>::KC + 2 * lanes<T>];
    for (int64_t j = 0; j < columns; j += NR, to += NR * depth) {
      const int64_t width = columns - j < NR ? columns - j : NR;
      for (int64_t i = 0; i < width; i++) {
        const T* from = images + offsets[column + j + i];
        T* at = line;
        for (int s = 0; s < n; s++) {
          copyOver(at, from + segments[s].start, segments[s].length);
          at += segments[s].length;
        }
        for (int64_t p = 0; p < depth; p++) to[p * NR + i] = line[p];
      }
      for (int64_t i = width; i < NR; i++)
        for (int64_t p = 0; p < depth; p++) to[p * NR + i] = 0;
    }
  }
};

/** Output gradients of consecutive images (row-major) as a matrix: row = filter, column = position. */
template <class T>
struct Outputs {
  const T* data;
  int64_t positions, imageStep;

  template <int R, bool Across>
  void pack(T* to, int64_t row, int64_t rows, int64_t column, int64_t columns) const {
    for (int64_t done = 0; done < columns;) {
      const int64_t image = (column + done) / positions, p = (column + done) % positions;
      const int64_t n = positions - p < columns - done ? positions - p : columns - done;
      const T* from = data + image * imageStep + row * positions + p;
      if (Across) packPanels<T, R>(to + done * R, from, positions, 1, rows, n, columns);
      done += n;
    }
  }
  /** Panels of filters, position by position. */
  void packLeft(T* to, int64_t row, int64_t rows, int64_t k, int64_t depth) const {
    pack<Tile<T>::MR, true>(to, row, rows, k, depth);
  }
  /** Panels of positions, filter by filter. */
  void packRight(T* to, int64_t k, int64_t depth, int64_t column, int64_t columns) const {
    constexpr int NR = Tile<T>::NR;
    for (int64_t j = 0; j < columns; j += NR, to += NR * depth)
      for (int64_t done = 0; done < NR && j + done < columns;) {
        const int64_t image = (column + j + done) / positions, p = (column + j + done) % positions;
        int64_t n = NR - done < columns - j - done ? NR - done : columns - j - done;
        if (positions - p < n) n = positions - p;
        const T* from = data + image * imageStep + k * positions + p;
        if (n == NR)
          for (int64_t q = 0; q < depth; q++) memcpy(to + q * NR, from + q * positions, NR * sizeof(T));
        else
          for (int64_t q = 0; q < depth; q++)
            for (int64_t i = 0; i < n; i++) to[q * NR + done + i] = from[q * positions + i];
        done += n;
      }
  }
};

/** As many images as make a product worth packing the weight for, in memory that stays bounded. */
int64_t imagesAtOnce(const Geometry& g, int64_t samples, int64_t enough, int64_t bytes) {
  int64_t n = (enough + g.positions - 1) / g.positions;
  const int64_t most = (int64_t{32} << 20) / (g.image * bytes + 1);
  if (n > most) n = most;
  if (n > samples) n = samples;
  return n < 1 ? 1 : n;
}

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

template <class T>
void forward(const View& out, const View& input, const View& weight, const View& bias, const Options& o) {
  const Geometry g = geometryOf(input, weight, out, o);
  const int64_t samples = input.size[0];
  if (samples == 0 || g.positions == 0) return;
  const T* w = dense<T>(weight, 5);
  const T* b = bias ? bias.as<T>() : nullptr;
  const int64_t biasStep = bias ? bias.stride[0] : 0;
  int64_t* offsets = static_cast<int64_t*>(scratch(4, g.depth * int64_t{sizeof(int64_t)}));
  tapOffsets(g, offsets);
  const int64_t outStep = out.size[1] * g.positions;
  // Rows beyond the last one are read by whole vectors.
  const int64_t slack = 4 * lanes<T>;
  const bool direct = g.filters <= 8 || g.depth <= 16;
  if (direct) {
    parallel(samples * o.groups, [&](int64_t t) {
      const int64_t n = t / o.groups, group = t % o.groups;
      T* planes = static_cast<T*>(scratch(2, (g.image + slack) * int64_t{sizeof(T)}));
      loadImage(g, input, n, group * g.channels, planes);
      for (int64_t row = 0; row < g.output[0] * g.output[1]; row++) {
        const T* from = planes + g.rowStart(row);
        int64_t f = group * g.filters;
        const int64_t last = f + g.filters;
        T* to = out.as<T>() + n * outStep + row * g.output[2];
#define GRADBOOK_ROWS(F)                                                                                             \
  for (; f + F <= last; f += F)                                                                                      \
    directRow<T, F>(g, from, offsets, w + f * g.depth, b ? b + f * biasStep : nullptr, biasStep, to + f * g.positions);
        GRADBOOK_ROWS(8)
        GRADBOOK_ROWS(4)
        GRADBOOK_ROWS(1)
#undef GRADBOOK_ROWS
      }
    });
    return;
  }
  const bool pointwise = g.taps == 1 && g.stride[0] == 1 && g.stride[1] == 1 && g.stride[2] == 1 && g.padding[0] == 0 &&
                         g.padding[1] == 0 && g.padding[2] == 0 && input.contiguous() && g.positions >= 64;
  const int64_t together = pointwise ? 1 : imagesAtOnce(g, samples, 512, sizeof(T));
  const int64_t chunks = (samples + together - 1) / together;
  const bool split = chunks * o.groups >= threadCount();
  const auto chunk = [&](int64_t t) {
    const int64_t group = t % o.groups, first = t / o.groups * together;
    const int64_t images = samples - first < together ? samples - first : together;
    T* target = out.as<T>() + first * outStep + group * g.filters * g.positions;
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
    parallel(chunks * o.groups, chunk);
  else
    for (int64_t t = 0; t < chunks * o.groups && !interrupted(); t++) chunk(t);
}

/** Adds the columns (tap by tap, `step` apart) of positions `first`.. back to where they were read. */
template <class T>
void scatterColumns(const Geometry& g, const int64_t* offsets, const T* columns, int64_t step, int64_t first, int64_t count, T* images) {
  Segment segments[64];
  for (int64_t done = 0; done < count; done += 64) {
    const int64_t part = count - done < 64 ? count - done : 64;
    const int n = cut(g, first + done, part, segments);
    for (int64_t k = 0; k < g.depth; k++) {
      const T* from = columns + k * step + done;
      for (int s = 0; s < n; s++) {
        T* to = images + offsets[k] + segments[s].start;
        for (int64_t i = 0; i < segments[s].length; i++) to[i] += from[i];
        from += segments[s].length;
      }
    }
  }
}

template <class T>
void gradInput(const View& out, const View& grad, const View& weight, const Options& o) {
  const Geometry g = geometryOf(out, weight, grad, o);
  const int64_t samples = out.size[0];
  if (samples == 0 || g.image == 0) return;
  const T* w = dense<T>(weight, 5);
  const T* slopes = dense<T>(grad, 6);
  int64_t* offsets = static_cast<int64_t*>(scratch(4, g.depth * int64_t{sizeof(int64_t)}));
  tapOffsets(g, offsets);
  const int64_t gradStep = grad.size[1] * g.positions;
  const int64_t slack = 4 * lanes<T>;
  const bool direct = g.filters <= 2;
  const int64_t together = direct ? 1 : imagesAtOnce(g, samples, 256, sizeof(T));
  const int64_t chunks = (samples + together - 1) / together;
  const bool split = chunks * o.groups >= threadCount();
  const auto chunk = [&](int64_t t) {
    const int64_t group = t % o.groups, first = t / o.groups * together;
    const int64_t images = samples - first < together ? samples - first : together;
    T* planes = static_cast<T*>(scratch(2, (images * g.image + slack) * int64_t{sizeof(T)}));
    memset(static_cast<void*>(planes), 0, static_cast<size_t>(images * g.image) * sizeof(T));
    const T* from = slopes + first * gradStep + group * g.filters * g.positions;
    const T* rows = w + group * g.filters * g.depth;
    if (direct) {
      for (int64_t row = 0; row < g.output[0] * g.output[1]; row++)
        for (int64_t f = 0; f < g.filters; f++)
          for (int64_t k = 0; k < g.depth; k++) {
            T* to = planes + g.rowStart(row) + offsets[k];
            const T* slope = from + f * g.positions + row * g.output[2];
            const T value = rows[f * g.depth + k];
            for (int64_t x = 0; x < g.output[2]; x++) to[x] += value * slope[x];
          }
    } else {
      const int64_t columns = images * g.positions;
      int64_t tile = (int64_t{1} << 18) / g.depth / Tile<T>::NR * Tile<T>::NR;
      if (!split) tile *= threadCount();
      if (tile < 2 * Tile<T>::NR) tile = 2 * Tile<T>::NR;
      if (tile > columns) tile = columns;
      T* result = static_cast<T*>(scratch(3, g.depth * tile * int64_t{sizeof(T)}));
      for (int64_t p = 0; p < columns && !interrupted(); p += tile) {
        const int64_t count = columns - p < tile ? columns - p : tile;
        const Matrix<T> left{rows, 1, g.depth};
        struct Shifted {
          Outputs<T> outputs;
          int64_t first;
          void packRight(T* to, int64_t k, int64_t depth, int64_t column, int64_t n) const {
            outputs.packRight(to, k, depth, first + column, n);
          }
        };
        const Shifted right{{from, g.positions, gradStep}, p};
        if (split)
          packedProduct<T>(g.depth, count, g.filters, left, right, result, tile, 0, 0, false);
        else
          product<T>(g.depth, count, g.filters, left, right, result, tile, false);
        scatterColumns(g, offsets, result, tile, p, count, planes);
      }
    }
    for (int64_t i = 0; i < images; i++) unloadImage(g, out, first + i, group * g.channels, planes + i * g.image);
  };
  if (split)
    parallel(chunks * o.groups, chunk);
  else
    for (int64_t t = 0; t < chunks * o.groups && !interrupted(); t++) chunk(t);
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

bool usable(const View& out, const View& a, const View& b) {
  return out.dtype == a.dtype && a.dtype == b.dtype && out.dtype <= F64 && out.rank <= 5 && out.contiguous();
}

/** out, input, weight, bias, stride, padding, dilation, groups. */
bool convForward(Args& args) {
  const View out = args.tensor(), input = args.tensor(), weight = args.tensor(), bias = args.tensor();
  Options o;
  if (!readOptions(args, o) || !usable(out, input, weight) || (bias && bias.dtype != out.dtype)) return false;
  out.dtype == F32 ? forward<float>(out, input, weight, bias, o) : forward<double>(out, input, weight, bias, o);
  return true;
}

/** out, grad, weight, stride, padding, dilation, groups. */
bool convGradInput(Args& args) {
  const View out = args.tensor(), grad = args.tensor(), weight = args.tensor();
  Options o;
  if (!readOptions(args, o) || !usable(out, grad, weight)) return false;
  out.dtype == F32 ? gradInput<float>(out, grad, weight, o) : gradInput<double>(out, grad, weight, o);
  return true;
}

/** out, grad, input, stride, padding, dilation, groups. */
bool convGradWeight(Args& args) {
  const View out = args.tensor(), grad = args.tensor(), input = args.tensor();
  Options o;
  if (!readOptions(args, o) || !usable(out, grad, input)) return false;
  out.dtype == F32 ? gradWeight<float>(out, grad, input, o) : gradWeight<double>(out, grad, input, o);
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
