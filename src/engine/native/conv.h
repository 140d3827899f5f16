// What the three convolution kernels share: the geometry, the padded copy of an image, and matrices of patches that are packed
// straight from it.
//
// The copy holds each row's columns by phase (x % stride), so that what one tap reads along a row of outputs lies together
// whatever the stride. Small images of a batch share one product.
#pragma once
#include "gemm.h"
#include "map.h"

namespace gradbook {

struct Geometry {
  int64_t channels, filters, taps, depth;  // of one group; depth = channels * taps
  int64_t kernel[3], stride[3], padding[3], dilation[3], input[3], output[3], padded[3];
  int64_t phaseWidth, pitch, plane, image, positions;

  /** Fixes what follows from the sizes. */
  void settle() {
    taps = kernel[0] * kernel[1] * kernel[2];
    depth = channels * taps;
    positions = output[0] * output[1] * output[2];
    phaseWidth = (padded[2] + stride[2] - 1) / stride[2];
    pitch = phaseWidth * stride[2];
    plane = padded[0] * padded[1] * pitch;
    image = channels * plane;
  }
  /** The part of the input along `d` that lies in the padded copy: a negative padding crops. */
  int64_t first(int d) const { return padding[d] < 0 ? -padding[d] : 0; }
  int64_t last(int d) const { return input[d] + padding[d] < padded[d] ? input[d] : padded[d] - padding[d]; }
  bool crops() const { return padding[2] < 0 || input[2] + padding[2] > padded[2]; }

  /** Where the row of outputs (z, y) begins in a plane. */
  int64_t rowStart(int64_t row) const {
    const int64_t z = row / output[1], y = row % output[1];
    return (z * stride[0] * padded[1] + y * stride[1]) * pitch;
  }
};

inline void triple(int64_t* to, const int64_t* from, int count, int64_t fill) {
  for (int d = 0; d < 3; d++) to[d] = d < 3 - count ? fill : from[d - (3 - count)];
}

struct Options {
  int64_t stride[3], padding[3], dilation[3];
  int64_t groups;
};

inline bool readOptions(Args& args, Options& o) {
  const int a = args.list(o.stride, 3), b = args.list(o.padding, 3), c = args.list(o.dilation, 3);
  o.groups = args.integer();
  return a >= 1 && a <= 3 && a == b && a == c;
}

inline Geometry geometryOf(const View& input, const View& weight, const View& output, const Options& o) {
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
  for (int d = 0; d < 3; d++) g.padded[d] = g.input[d] + 2 * g.padding[d];
  g.settle();
  return g;
}

/** Where each tap (channel, then kernel position) lies from an output's corner. */
inline void tapOffsets(const Geometry& g, int64_t* offsets) {
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
    for (int64_t z = g.first(0); z < g.last(0); z++)
      for (int64_t y = g.first(1); y < g.last(1); y++)
        row(v.as<T>() + sample * v.stride[0] + (channel + c) * v.stride[1] + z * strides[0] + y * strides[1], strides[2],
            planes + c * g.plane + ((z + g.padding[0]) * g.padded[1] + y + g.padding[1]) * g.pitch);
}

template <class T>
void loadImage(const Geometry& g, const View& input, int64_t sample, int64_t channel, T* planes) {
  memset(static_cast<void*>(planes), 0, static_cast<size_t>(g.image) * sizeof(T));
  const int64_t s = g.stride[2], pad = g.padding[2], width = g.input[2];
  eachImageRow(g, input, sample, channel, planes, [&](const T* from, int64_t step, T* to) {
    if (s == 1) {
      const int64_t begin = g.first(2), end = g.last(2);
      if (step == 1 && end > begin)
        memcpy(to + pad + begin, from + begin, static_cast<size_t>(end - begin) * sizeof(T));
      else
        for (int64_t x = begin; x < end; x++) to[pad + x] = from[x * step];
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
inline int cut(const Geometry& g, int64_t first, int64_t count, Segment* to) {
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
inline int64_t imagesAtOnce(const Geometry& g, int64_t samples, int64_t enough, int64_t bytes) {
  int64_t n = (enough + g.positions - 1) / g.positions;
  const int64_t most = (int64_t{32} << 20) / (g.image * bytes + 1);
  if (n > most) n = most;
  if (n > samples) n = samples;
  return n < 1 ? 1 : n;
}
/** Whether `out`, contiguous, and what it is computed from are of one kind of float, with at most three dimensions of space. */
inline bool convolvable(const View& out, const View& a, const View& b) {
  return out.dtype == a.dtype && a.dtype == b.dtype && out.dtype <= F64 && out.rank <= 5 && out.contiguous();
}

/**
 * out (samples, groups * filters, positions) = the correlation of `input` with `weight` (groups * filters, depth), both row-major,
 * plus `bias` where there is one. `out`'s samples lie `groups * filters * positions` apart.
 */
template <class T>
void correlate(const Geometry& g, int64_t samples, int64_t groups, const View& input, const T* weight, const T* bias, int64_t biasStep,
               T* out);

/** The kernels of the gradients, for the table in `conv.cpp`. */
bool convGradInput(Args& args);
bool convGradWeight(Args& args);

}  // namespace gradbook
