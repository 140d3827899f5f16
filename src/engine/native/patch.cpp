// Patches of images as columns, and windows along a dimension added up.
#include <initializer_list>

#include "walk.h"

namespace gradbook {
namespace {

struct Patches {
  int64_t kernel[2], dilation[2], padding[2], stride[2], counts[2];

  explicit Patches(Args& args) {
    for (int64_t* pair : {kernel, dilation, padding, stride, counts}) args.list(pair, 2);
  }
  /** The positions along dimension d at which tap `t` lies inside `size` pixels: from `first` to before `last`. */
  struct Range {
    int64_t start, first, last;
  };
  Range inside(int d, int64_t t, int64_t size) const {
    const int64_t start = t * dilation[d] - padding[d];
    int64_t first = start < 0 ? (-start + stride[d] - 1) / stride[d] : 0;
    int64_t last = size - start > 0 ? (size - start + stride[d] - 1) / stride[d] : 0;
    if (last > counts[d]) last = counts[d];
    if (first > last) first = last;
    return {start, first, last};
  }
};

/** out (N, C kH kW, L), row-major, input (N, C, H, W), then pairs: kernel, dilation, padding, stride, counts. */
bool unfold(Args& args) {
  const View out = args.tensor(), input = args.tensor();
  const Patches p(args);
  if (out.dtype != input.dtype || !out.contiguous()) return false;
  const int64_t channels = input.size[1], taps = p.kernel[0] * p.kernel[1], rows = p.counts[0], columns = p.counts[1];
  withWidth(out.dtype, [&](auto zero) {
    using U = decltype(zero);
    parallelRange(input.size[0] * channels * taps, grain / (rows * columns + 1) + 1, 1, [&](int64_t begin, int64_t end) {
      for (int64_t t = begin; t < end && !interrupted(); t++) {
        const int64_t tap = t % taps, plane = t / taps;
        const U* from = input.as<U>() + plane / channels * input.stride[0] + plane % channels * input.stride[1];
        U* to = out.as<U>() + t * rows * columns;
        const Patches::Range y = p.inside(0, tap / p.kernel[1], input.size[2]), x = p.inside(1, tap % p.kernel[1], input.size[3]);
        for (int64_t oy = 0; oy < rows; oy++, to += columns) {
          const bool seen = oy >= y.first && oy < y.last;
          const int64_t left = seen ? x.first : columns, right = seen ? x.last : columns;
          for (int64_t ox = 0; ox < left; ox++) to[ox] = 0;
          const int64_t step = p.stride[1] * input.stride[3];
          const U* at = from + (oy * p.stride[0] + y.start) * input.stride[2] + (left * p.stride[1] + x.start) * input.stride[3];
          if (step == 1 && left < right)
            memcpy(to + left, at, static_cast<size_t>(right - left) * sizeof(U));
          else
            for (int64_t ox = left; ox < right; ox++) to[ox] = at[(ox - left) * step];
          for (int64_t ox = right; ox < columns; ox++) to[ox] = 0;
        }
      }
    });
  });
  return true;
}

/** out (N, C, H, W), row-major, columns (N, C kH kW, L), then as `unfold`: added up in float64. */
bool fold(Args& args) {
  const View out = args.tensor(), in = args.tensor();
  const Patches p(args);
  if (out.dtype > F64 || out.dtype != in.dtype || !out.contiguous()) return false;
  const int64_t channels = out.size[1], height = out.size[2], width = out.size[3], taps = p.kernel[0] * p.kernel[1];
  const int64_t rows = p.counts[0], columns = p.counts[1];
  withFloat(out.dtype, [&](auto zero) {
    using T = decltype(zero);
    parallelRange(out.size[0] * channels, grain / (taps * rows * columns + 1) + 1, 1, [&](int64_t begin, int64_t end) {
      double* sums = static_cast<double*>(scratch(2, height * width * int64_t{sizeof(double)} + 64));
      for (int64_t plane = begin; plane < end && !interrupted(); plane++) {
        const int64_t n = plane / channels, c = plane % channels;
        for (int64_t i = 0; i < height * width; i++) sums[i] = 0;
        for (int64_t tap = 0; tap < taps; tap++) {
          const T* from = in.as<T>() + n * in.stride[0] + (c * taps + tap) * in.stride[1];
          const Patches::Range y = p.inside(0, tap / p.kernel[1], height), x = p.inside(1, tap % p.kernel[1], width);
          for (int64_t oy = y.first; oy < y.last; oy++) {
            double* to = sums + (oy * p.stride[0] + y.start) * width + x.start;
            const T* g = from + oy * columns * in.stride[2];
            if (p.stride[1] == 1 && in.stride[2] == 1)
              for (int64_t ox = x.first; ox < x.last; ox++) to[ox] += g[ox];
            else
              for (int64_t ox = x.first; ox < x.last; ox++) to[ox * p.stride[1]] += g[ox * in.stride[2]];
          }
        }
        T* to = out.as<T>() + plane * height * width;
        for (int64_t i = 0; i < height * width; i++) to[i] = static_cast<T>(sums[i]);
      }
    });
  });
  return true;
}

/** out, g, dim, step: out[w step + i] += g[w, ..., i] along dim; g has the windows there and their elements in its last dimension. */
bool foldWindows(Args& args) {
  const View out = args.tensor(), g = args.tensor();
  const int dim = static_cast<int>(args.integer());
  const int64_t step = args.integer();
  if (out.dtype > F64 || out.dtype != g.dtype || out.rank == 0 || g.rank != out.rank + 1) return false;
  const int64_t size = g.size[g.rank - 1], along = g.stride[g.rank - 1], windows = g.size[dim];
  View part = g;
  part.rank--;
  const View views[2] = {part, out};
  const Lanes<2> all(views, dim);
  withFloat(out.dtype, [&](auto zero) {
    using T = decltype(zero);
    all.each(size * windows, [&](const int64_t* at) {
      for (int64_t i = 0; i < size; i++) {
        const T* from = g.as<T>() + at[0] + i * along;
        T* to = out.as<T>() + at[1] + i * all.step[1];
        for (int64_t w = 0; w < windows; w++) to[w * step * all.step[1]] += from[w * all.step[0]];
      }
    });
  });
  return true;
}

}  // namespace

const Entry* patchKernels() {
  static const Entry entries[] = {
      {"patches.unfold", unfold}, {"patches.fold", fold}, {"window.fold", foldWindows}, {nullptr, nullptr}};
  return entries;
}

}  // namespace gradbook
