// Interpolation by tables of weighted inputs, a dimension at a time, both directions: nearest, cubic, antialiased, and linear of any
// rank. And the pixel coordinates that a sampling grid stands for.
#include <cmath>

#include "walk.h"

namespace gradbook {
namespace {

enum class Method { nearest, linear, cubic };

constexpr int maxSpatial = 3;

/** Resampling along one dimension: output o is the sum of `count` inputs `index[o * count + k]`, each times its weight. */
struct Taps {
  int64_t size, outputs, count;
  int32_t* index;
  double* weight;
};

int32_t clampedTo(double at, int64_t size) {
  return at > 0 ? static_cast<int32_t>(at < static_cast<double>(size - 1) ? at : static_cast<double>(size - 1)) : 0;
}

/** Keys' cubic convolution: the weight of a sample at a distance. */
double cubicWeight(double distance, double a) {
  const double x = std::fabs(distance);
  if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
}

struct Rule {
  Method method;
  bool flag, antialias;
  int rank;
  bool single;

  bool same(const Taps& t) const {
    if (t.size != t.outputs) return false;
    return method == Method::nearest ? rank == 2 && !flag : method == Method::linear || antialias;
  }
  bool stretched() const { return antialias && method != Method::nearest; }
  static double stretchOf(double step) { return step > 1 ? step : 1; }
  double support(double step) const { return (method == Method::cubic ? 2 : 1) * stretchOf(step); }
  int64_t countOf(const Taps& t, double step) const {
    if (same(t) || method == Method::nearest) return 1;
    if (stretched()) return static_cast<int64_t>(std::ceil(support(step))) * 2 + 1;
    return method == Method::linear ? 2 : 4;
  }

  void fill(const Taps& t, double step) const {
    for (int64_t o = 0; o < t.outputs; o++) fillOne(t, step, o, t.index + o * t.count, t.weight + o * t.count);
  }

  void fillOne(const Taps& t, double step, int64_t o, int32_t* index, double* weight) const {
    const double i = static_cast<double>(o);
    if (same(t)) {
      index[0] = static_cast<int32_t>(o);
      weight[0] = 1;
    } else if (method == Method::nearest) {
      // The coordinate is rounded to float32 before it is cut, whatever the dtype.
      const double scale = single ? double{static_cast<float>(step)} : step;
      index[0] = clampedTo(std::floor(double{static_cast<float>((flag ? i + 0.5 : i) * scale)}), t.size);
      weight[0] = 1;
    } else if (stretched()) {
      const double stretch = stretchOf(step), reach = support(step), centre = step * (i + 0.5);
      const double low = std::trunc(centre - reach + 0.5), high = std::trunc(centre + reach + 0.5);
      const int64_t first = low > 0 ? static_cast<int64_t>(low) : 0;
      const int64_t end = high < static_cast<double>(t.size) ? static_cast<int64_t>(high) : t.size;
      double total = 0;
      for (int64_t k = 0; k < t.count; k++) {
        const bool used = first + k < end;
        const double distance = (static_cast<double>(first + k) - centre + 0.5) / stretch, near = 1 - std::fabs(distance);
        index[k] = used ? static_cast<int32_t>(first + k) : 0;
        weight[k] = !used ? 0 : method == Method::cubic ? cubicWeight(distance, -0.5) : near > 0 ? near : 0;
        total += weight[k];
      }
      for (int64_t k = 0; k < t.count; k++) weight[k] /= total != 0 ? total : 1;
    } else {
      double at = flag ? i * step : (i + 0.5) * step - 0.5;
      if (method == Method::linear) {
        at = at > 0 ? at : 0;
        const int32_t left = clampedTo(std::floor(at), t.size);
        const double share = at - left > 1 ? 1 : at - left;
        index[0] = left;
        index[1] = static_cast<int32_t>(left + 1 < t.size ? left + 1 : t.size - 1);
        weight[0] = 1 - share;
        weight[1] = share;
      } else {
        const double left = std::floor(at);
        for (int k = 0; k < 4; k++) {
          index[k] = clampedTo(left - 1 + k, t.size);
          weight[k] = cubicWeight(at - (left - 1 + k), -0.75);
        }
      }
    }
  }
};

/** One dimension of a plane: `outer` blocks of (size, inner) to (outputs, inner), or with `back` the adjoint. */
template <class T>
void alongOne(T* to, const T* from, int64_t outer, int64_t inner, const Taps& t, bool back) {
  const int64_t rowsIn = back ? t.outputs : t.size, rowsOut = back ? t.size : t.outputs;
  for (int64_t i = 0; i < outer * rowsOut * inner; i++) to[i] = 0;
  for (int64_t b = 0; b < outer; b++, to += rowsOut * inner, from += rowsIn * inner)
    for (int64_t o = 0; o < t.outputs; o++)
      for (int64_t k = 0; k < t.count; k++) {
        const T weight = static_cast<T>(t.weight[o * t.count + k]);
        if (weight == 0) continue;
        const int64_t index = t.index[o * t.count + k];
        T* target = to + (back ? index : o) * inner;
        const T* source = from + (back ? o : index) * inner;
        for (int64_t i = 0; i < inner; i++) target[i] += weight * source[i];
      }
}

/** A row of single elements: what `alongOne` does with an inner length of 1, without a loop for each. */
template <class T>
void alongLast(T* to, const T* from, int64_t outer, const Taps& t) {
  for (int64_t b = 0; b < outer; b++, to += t.outputs, from += t.size)
    for (int64_t o = 0; o < t.outputs; o++) {
      T total = 0;
      for (int64_t k = 0; k < t.count; k++) {
        const T weight = static_cast<T>(t.weight[o * t.count + k]);
        if (weight != 0) total += weight * from[t.index[o * t.count + k]];
      }
      to[o] = total;
    }
}

template <class T>
void resamplePlanes(const View& out, const View& in, const Taps* taps, int rank, bool back) {
  int64_t fromSize = 1, toSize = 1, largest = 1;
  for (int d = 0; d < rank; d++) {
    fromSize *= in.size[d + 2];
    toSize *= out.size[d + 2];
    largest *= in.size[d + 2] > out.size[d + 2] ? in.size[d + 2] : out.size[d + 2];
  }
  parallelRange(out.size[0] * out.size[1], grain / (4 * (fromSize + toSize) + 1) + 1, 1, [&](int64_t begin, int64_t end) {
    T* buffers[2] = {static_cast<T*>(scratch(2, largest * int64_t{sizeof(T)} + 64)),
                     static_cast<T*>(scratch(3, largest * int64_t{sizeof(T)} + 64))};
    for (int64_t plane = begin; plane < end && !interrupted(); plane++) {
      const T* from = in.as<T>() + plane * fromSize;
      for (int d = 0; d < rank; d++) {
        T* to = d == rank - 1 ? out.as<T>() + plane * toSize : buffers[d & 1];
        int64_t outer = 1, inner = 1;
        for (int e = 0; e < d; e++) outer *= out.size[e + 2];
        for (int e = d + 1; e < rank; e++) inner *= in.size[e + 2];
        if (inner == 1 && !back)
          alongLast(to, from, outer, taps[d]);
        else
          alongOne(to, from, outer, inner, taps[d], back);
        from = to;
      }
    }
  });
}

/** out, input (or its gradient), steps, flag, antialias: row-major (N, C, ...) tensors. */
bool resample(Args& args, Method method, bool back) {
  const View out = args.tensor(), in = args.tensor();
  const int rank = static_cast<int>(args.length());
  if (rank < 1 || rank > maxSpatial) return false;
  double steps[maxSpatial];
  for (int d = 0; d < rank; d++) steps[d] = args.number();
  const bool flag = args.flag(), antialias = args.flag();
  if (out.dtype > F64 || in.dtype != out.dtype || out.rank != rank + 2 || !out.contiguous() || !in.contiguous()) return false;
  const View &small = back ? out : in, &large = back ? in : out;
  if (small.count() == 0 || large.count() == 0) return false;
  const Rule rule{method, flag, antialias, rank, out.dtype == F32};
  Taps taps[maxSpatial];
  int64_t total = 0;
  for (int d = 0; d < rank; d++) {
    taps[d].size = small.size[d + 2];
    taps[d].outputs = large.size[d + 2];
    if (taps[d].size > INT32_MAX || !(steps[d] < 1e9)) return false;
    taps[d].count = rule.countOf(taps[d], steps[d]);
    total += taps[d].outputs * taps[d].count;
  }
  double* weights = static_cast<double*>(scratch(4, total * int64_t{sizeof(double) + sizeof(int32_t)} + 64));
  int32_t* indices = reinterpret_cast<int32_t*>(weights + total);
  for (int d = 0; d < rank; d++) {
    taps[d].weight = weights;
    taps[d].index = indices;
    weights += taps[d].outputs * taps[d].count;
    indices += taps[d].outputs * taps[d].count;
    rule.fill(taps[d], steps[d]);
  }
  out.dtype == F32 ? resamplePlanes<float>(out, in, taps, rank, back) : resamplePlanes<double>(out, in, taps, rank, back);
  return true;
}

template <Method M, bool Back>
bool interpolation(Args& args) { return resample(args, M, Back); }

/** A coordinate and how fast it moves with the one that it came from. */
struct Moving {
  double value, slope;
};

/** Mirrors at both ends, given twice so that they are whole numbers. */
Moving reflected(Moving at, double twiceLow, double twiceHigh) {
  if (twiceLow == twiceHigh) return {0, 0};
  const double low = twiceLow / 2, span = (twiceHigh - twiceLow) / 2, sign = at.value < low ? -1 : 1;
  const double beyond = std::fabs(at.value - low), rest = std::fmod(beyond, span);
  if (std::fmod(std::floor(beyond / span), 2) == 0) return {rest + low, at.slope * sign};
  return {span - rest + low, -at.slope * sign};
}

/** Cut to the image; where it is cut the slope is 0. */
Moving cut(Moving at, double size) {
  if (at.value <= 0) return {0, 0};
  return at.value >= size - 1 ? Moving{size - 1, 0} : at;
}

/** out and slopes (row-major), grid (N, P), size, padding, alignCorners. */
bool coordinates(Args& args) {
  const View out = args.tensor(), slopes = args.tensor(), grid = args.tensor();
  const double size = args.number();
  const uint64_t padding = args.word();
  const bool corners = args.flag();
  if (grid.dtype > F64 || out.dtype != grid.dtype || slopes.dtype != grid.dtype || !out.contiguous() || !slopes.contiguous()) return false;
  const int64_t points = grid.size[1];
  const double slope = corners ? (size - 1) / 2 : size / 2;
  withFloat(grid.dtype, [&](auto zero) {
    using T = decltype(zero);
    parallelRange(grid.size[0] * points, grain / 8, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; i++) {
        if ((i & 0xfff) == 0 && interrupted()) return;
        const double x = grid.as<T>()[i / points * grid.stride[0] + i % points * grid.stride[1]];
        Moving at{corners ? (x + 1) / 2 * (size - 1) : ((x + 1) * size - 1) / 2, slope};
        if (padding == word("reflection")) at = corners ? reflected(at, 0, 2 * (size - 1)) : reflected(at, -1, 2 * size - 1);
        if (padding != word("zeros")) at = cut(at, size);
        out.as<T>()[i] = static_cast<T>(at.value);
        slopes.as<T>()[i] = static_cast<T>(at.slope);
      }
    });
  });
  return true;
}

}  // namespace

bool generalLinear(Args& args, bool back) { return resample(args, Method::linear, back); }

const Entry* interpolateKernels() {
  static const Entry entries[] = {{"interpolate.nearest", interpolation<Method::nearest, false>},
                                  {"interpolate.nearestBackward", interpolation<Method::nearest, true>},
                                  {"interpolate.cubic", interpolation<Method::cubic, false>},
                                  {"interpolate.cubicBackward", interpolation<Method::cubic, true>},
                                  {"gridSample.coordinates", coordinates},
                                  {nullptr, nullptr}};
  return entries;
}

}  // namespace gradbook
