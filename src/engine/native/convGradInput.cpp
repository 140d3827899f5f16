// The gradient of a convolution's input. It is a correlation of the output's gradient with the flipped filters; a stride splits it into
// one for each phase of the input's positions, because those of one phase meet the same taps.
#include "conv.h"

namespace gradbook {
namespace {

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

/** By products and a scatter: for strides with dilations. */
template <class T>
void scattered(const Geometry& g, const View& out, const View& grad, const T* w, const Options& o) {
  const int64_t samples = out.size[0];
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

/** The positions x of one dimension with (x + padding) % stride == phase, and the taps that they meet. */
struct Phase {
  int64_t phase, taps, first, count, padding;
};

Phase phaseOf(const Geometry& g, int d, int64_t phase) {
  const int64_t s = g.stride[d], k = g.kernel[d], p = g.padding[d];
  Phase out;
  out.phase = phase;
  out.taps = phase < k ? (k - phase + s - 1) / s : 0;
  out.first = ((phase - p) % s + s) % s;
  out.count = out.first < g.input[d] ? (g.input[d] - out.first + s - 1) / s : 0;
  out.padding = (out.taps - 1) * g.dilation[d] - (out.first + p - phase) / s;
  return out;
}

/** The taps of a phase, flipped, with channels and filters exchanged. */
template <class T>
T* flipped(const Geometry& g, int64_t groups, const T* w, const Phase* phases) {
  const int64_t taps = phases[0].taps * phases[1].taps * phases[2].taps;
  int64_t* from = static_cast<int64_t*>(scratch(4, taps * int64_t{sizeof(int64_t)}));
  const auto place = [&](int d, int64_t j) { return phases[d].phase + g.stride[d] * (phases[d].taps - 1 - j); };
  for (int64_t t = 0; t < taps; t++) {
    const int64_t x = t % phases[2].taps, y = t / phases[2].taps % phases[1].taps, z = t / phases[2].taps / phases[1].taps;
    from[t] = (place(0, z) * g.kernel[1] + place(1, y)) * g.kernel[2] + place(2, x);
  }
  T* to = static_cast<T*>(scratch(6, groups * g.channels * g.filters * taps * int64_t{sizeof(T)}));
  // Blocks of channels: each filter is read in a run, and as few rows are written side by side.
  constexpr int64_t block = 16;
  const int64_t blocks = (g.channels + block - 1) / block;
  parallelRange(groups * blocks, grain / (block * g.filters * taps) + 1, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      const int64_t group = i / blocks, first = i % blocks * block;
      const int64_t last = first + block < g.channels ? first + block : g.channels;
      for (int64_t f = 0; f < g.filters; f++)
        for (int64_t c = first; c < last; c++) {
          const T* source = w + ((group * g.filters + f) * g.channels + c) * g.taps;
          T* target = to + ((group * g.channels + c) * g.filters + f) * taps;
          for (int64_t t = 0; t < taps; t++) target[t] = source[from[t]];
        }
    }
  });
  return to;
}

/** Puts rows of a phase's positions to where they belong in the planes of `out`; null for zeros. */
template <class T>
void spread(const Geometry& g, const Phase* phases, int64_t planes, const T* from, T* out) {
  const int64_t rows = phases[0].count * phases[1].count, width = phases[2].count;
  parallelRange(planes, grain / (rows * width + 1) + 1, 1, [&](int64_t begin, int64_t end) {
    for (int64_t p = begin; p < end; p++)
      for (int64_t row = 0; row < rows; row++) {
        const int64_t z = phases[0].first + row / phases[1].count * g.stride[0];
        const int64_t y = phases[1].first + row % phases[1].count * g.stride[1];
        T* to = out + ((p * g.input[0] + z) * g.input[1] + y) * g.input[2] + phases[2].first;
        const T* values = from == nullptr ? nullptr : from + (p * rows + row) * width;
        for (int64_t x = 0; x < width; x++) to[x * g.stride[2]] = values == nullptr ? T{0} : values[x];
      }
  });
}

template <class T>
void gradInput(const View& out, const View& grad, const View& weight, const Options& o) {
  const Geometry g = geometryOf(out, weight, grad, o);
  const int64_t samples = out.size[0];
  if (samples == 0 || g.image == 0) return;
  const T* w = dense<T>(weight, 5);
  for (int d = 0; d < 3; d++)
    if (g.stride[d] > 1 && g.dilation[d] > 1) return scattered<T>(g, out, grad, w, o);
  const int64_t phases = g.stride[0] * g.stride[1] * g.stride[2];
  // Many filters for few positions: turning the filters would cost more than the products.
  if (samples * g.positions <= 128 && g.filters * g.depth >= (int64_t{1} << 18)) return scattered<T>(g, out, grad, w, o);
  for (int64_t i = 0; i < phases && !interrupted(); i++) {
    const Phase p[3] = {phaseOf(g, 0, i / g.stride[2] / g.stride[1]), phaseOf(g, 1, i / g.stride[2] % g.stride[1]),
                        phaseOf(g, 2, i % g.stride[2])};
    const int64_t positions = p[0].count * p[1].count * p[2].count, planes = samples * o.groups * g.channels;
    if (positions == 0) continue;
    if (p[0].taps * p[1].taps * p[2].taps == 0 || g.positions == 0) {
      spread<T>(g, p, planes, nullptr, out.as<T>());
      continue;
    }
    Geometry h;
    h.channels = g.filters;
    h.filters = g.channels;
    for (int d = 0; d < 3; d++) {
      h.kernel[d] = p[d].taps;
      h.stride[d] = 1;
      h.padding[d] = p[d].padding;
      h.dilation[d] = g.dilation[d];
      h.input[d] = g.output[d];
      h.output[d] = p[d].count;
      h.padded[d] = p[d].count + (p[d].taps - 1) * g.dilation[d];
    }
    h.settle();
    const T* taps = flipped(g, o.groups, w, p);
    if (phases == 1) {
      correlate<T>(h, samples, o.groups, grad, taps, nullptr, 0, out.as<T>());
    } else {
      T* part = static_cast<T*>(scratch(7, planes * positions * int64_t{sizeof(T)}));
      correlate<T>(h, samples, o.groups, grad, taps, nullptr, 0, part);
      spread<T>(g, p, planes, part, out.as<T>());
    }
  }
}

}  // namespace

/** out, grad, weight, stride, padding, dilation, groups. */
bool convGradInput(Args& args) {
  const View out = args.tensor(), grad = args.tensor(), weight = args.tensor();
  Options o;
  if (!readOptions(args, o) || !convolvable(out, grad, weight)) return false;
  out.dtype == F32 ? gradInput<float>(out, grad, weight, o) : gradInput<double>(out, grad, weight, o);
  return true;
}

}  // namespace gradbook
