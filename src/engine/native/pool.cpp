// Pooling: windows that slide or share out a dimension, both directions.
#include <cmath>
#include <type_traits>
#if defined(__AVX512F__)
#include <immintrin.h>
#endif

#include "args.h"
#include "simd.h"
#include "threads.h"

namespace gradbook {
namespace {

/** The windows of one dimension: [from, to) by `step`, and how many places count for an average. */
struct Windows {
  int64_t size, length, step;
  int32_t *from, *to, *count;
  /** Where windows slide: their taps, `step` apart, and where the first one would begin; `stride` 0 where they do not. */
  int64_t taps = 0, stride = 0, start = 0;
};

struct Plane {
  Windows w[3];
  int64_t inputs() const { return w[0].size * w[1].size * w[2].size; }
  int64_t outputs() const { return w[0].length * w[1].length * w[2].length; }
};

struct Sliding {
  int64_t kernel[3], stride[3], padding[3], dilation[3];
  int rank;
};

/** Room for the windows of all three dimensions, in scratch memory. */
void room(Plane& p) {
  int64_t total = 0;
  for (const Windows& w : p.w) total += 3 * w.length;
  int32_t* at = static_cast<int32_t*>(scratch(4, total * 4));
  for (Windows& w : p.w) {
    w.from = at;
    w.to = at + w.length;
    w.count = at + 2 * w.length;
    at += 3 * w.length;
  }
}

void sizes(Plane& p, const View& input, const View& output) {
  const int rank = input.rank - 2;
  for (int d = 0; d < 3; d++) {
    const int own = d - (3 - rank);
    p.w[d].size = own < 0 ? 1 : input.size[own + 2];
    p.w[d].length = own < 0 ? 1 : output.size[own + 2];
    p.w[d].step = 1;
  }
  room(p);
}

Plane sliding(const View& input, const View& output, const Sliding& s, bool includePad) {
  Plane p;
  sizes(p, input, output);
  for (int d = 0; d < 3; d++) {
    Windows& w = p.w[d];
    const int own = d - (3 - s.rank);
    const int64_t kernel = own < 0 ? 1 : s.kernel[own], stride = own < 0 ? 1 : s.stride[own];
    const int64_t padding = own < 0 ? 0 : s.padding[own], dilation = own < 0 ? 1 : s.dilation[own];
    w.step = dilation;
    w.taps = kernel;
    w.stride = stride;
    w.start = -padding;
    for (int64_t o = 0; o < w.length; o++) {
      const int64_t start = o * stride - padding, end = start + (kernel - 1) * dilation + 1;
      const int64_t from = start < 0 ? start + (-start + dilation - 1) / dilation * dilation : start;
      const int64_t to = end < w.size ? end : w.size;
      w.from[o] = static_cast<int32_t>(from);
      w.to[o] = static_cast<int32_t>(to);
      w.count[o] = static_cast<int32_t>(includePad ? (end < w.size + padding ? end : w.size + padding) - start : to - from);
    }
  }
  return p;
}

Plane adaptive(const View& input, const View& output) {
  Plane p;
  sizes(p, input, output);
  for (Windows& w : p.w)
    for (int64_t o = 0; o < w.length; o++) {
      w.from[o] = static_cast<int32_t>(o * w.size / w.length);
      w.to[o] = static_cast<int32_t>(((o + 1) * w.size + w.length - 1) / w.length);
      w.count[o] = w.to[o] - w.from[o];
    }
  return p;
}

struct Strides {
  int64_t z, y, x;
};
Strides spatial(const View& v) {
  const int rank = v.rank - 2;
  return {rank > 2 ? v.stride[v.rank - 3] : 0, rank > 1 ? v.stride[v.rank - 2] : 0, rank > 0 ? v.stride[v.rank - 1] : 0};
}

/** Calls `body(plane, place in v)` for each sample and channel, on all threads. */
template <class F>
void eachPlane(const View& v, int64_t work, const F& body) {
  const int64_t planes = v.size[0] * v.size[1];
  parallelRange(planes, grain / (work + 1) + 1, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end && !interrupted(); i++)
      body(i, i / v.size[1] * v.stride[0] + i % v.size[1] * v.stride[1]);
  });
}


/** The greatest of one window, the first of equal ones, NaN above all. */
template <class T, bool Indexed>
inline void greatest(const Plane& p, const T* x, const Strides& s, int64_t oz, int64_t oy, int64_t ox, T* out, int32_t* index) {
  const Windows &wz = p.w[0], &wy = p.w[1], &wx = p.w[2];
  T best = static_cast<T>(-INFINITY);
  int64_t place = (int64_t{wz.from[oz]} * wy.size + wy.from[oy]) * wx.size + wx.from[ox];
  for (int64_t z = wz.from[oz]; z < wz.to[oz]; z += wz.step)
    for (int64_t y = wy.from[oy]; y < wy.to[oy]; y += wy.step) {
      const T* row = x + z * s.z + y * s.y;
      for (int64_t i = wx.from[ox]; i < wx.to[ox]; i += wx.step) {
        const T value = row[i * s.x];
        if (value > best || value != value) {
          best = value;
          if (Indexed) place = (z * wy.size + y) * wx.size + i;
        }
      }
    }
  *out = best;
  if (Indexed) *index = static_cast<int32_t>(place);
}

/** Rows of a plane whose windows slide, in vectors: an input row's columns lie by phase, so that a tap of neighbours reads a run. */
template <class T, bool Indexed>
void slidingPlane(const Plane& p, const T* x, const Strides& s, T* out, int32_t* index) {
  constexpr int64_t L = lanes<T>;
  using Places = Vec<std::conditional_t<sizeof(T) == 4, int32_t, int64_t>>;
  using Place = std::conditional_t<sizeof(T) == 4, int32_t, int64_t>;
  const Windows &wz = p.w[0], &wy = p.w[1], &wx = p.w[2];
  const int64_t pad = -wx.start, width = (wx.length + L - 1) / L * L;
  const int64_t phase = (pad + wx.size + (wx.taps - 1) * wx.step) / wx.stride + width + L;
  T* phases = static_cast<T*>(scratch(2, (wx.stride * phase + 2 * width) * int64_t{sizeof(T)} + L * L * int64_t{sizeof(T)}));
  T* best = phases + wx.stride * phase;
  Place* at = reinterpret_cast<Place*>(best + width);
  for (int64_t i = 0; i < wx.stride * phase; i++) phases[i] = static_cast<T>(-INFINITY);
  Places steps;
  for (int i = 0; i < L; i++) steps[i] = static_cast<Place>(i * wx.stride);
  for (int64_t oz = 0; oz < wz.length; oz++)
    for (int64_t oy = 0; oy < wy.length; oy++) {
      const int64_t corner = (int64_t{wz.from[oz]} * wy.size + wy.from[oy]) * wx.size;
      for (int64_t o = 0; o < width; o++) best[o] = static_cast<T>(-INFINITY);
      if (Indexed)
        for (int64_t o = 0; o < wx.length; o++) at[o] = static_cast<Place>(corner + wx.from[o]);
      for (int64_t z = wz.from[oz]; z < wz.to[oz]; z += wz.step)
        for (int64_t y = wy.from[oy]; y < wy.to[oy]; y += wy.step) {
          const T* row = x + z * s.z + y * s.y;
          for (int64_t f = 0; f < wx.stride; f++) {
            int64_t i = (f - pad) % wx.stride;
            if (i < 0) i += wx.stride;
            T* to = phases + f * phase + (i + pad) / wx.stride;
            for (; i < wx.size; i += wx.stride) *to++ = row[i * s.x];
          }
          for (int64_t k = 0; k < wx.taps; k++) {
            const int64_t along = k * wx.step;
            const T* from = phases + along % wx.stride * phase + along / wx.stride;
            const Place first = static_cast<Place>((z * wy.size + y) * wx.size + along - pad);
            for (int64_t o = 0; o < width; o += L) {
              const Vec<T> value = load<T>(from + o), before = load<T>(best + o);
              // Greater, or not a number: a NaN that came before stays because nothing is greater, and a later one replaces it.
              const auto wins = (value > before) | (value != value);
              store<T>(best + o, wins ? value : before);
              if (Indexed) store<Place>(at + o, wins ? steps + static_cast<Place>(first + o * wx.stride) : load<Place>(at + o));
            }
          }
        }
      memcpy(out, best, static_cast<size_t>(wx.length) * sizeof(T));
      out += wx.length;
      if (Indexed) {
        for (int64_t o = 0; o < wx.length; o++) index[o] = static_cast<int32_t>(at[o]);
        index += wx.length;
      }
    }
}

/** Rows of float windows that are whole, two columns by two rows and two apart: the common case, in vectors. */
#if defined(__AVX512F__)
template <bool Indexed>
int64_t halvesRow(const float* top, const float* bottom, int64_t n, int64_t place, int64_t below, float* out, int32_t* index) {
  const __m512i even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
  const __m512i odd = _mm512_add_epi32(even, _mm512_set1_epi32(1));
  int64_t i = 0;
  for (; i + 16 <= n; i += 16) {
    const __m512 a = _mm512_loadu_ps(top + 2 * i), b = _mm512_loadu_ps(top + 2 * i + 16);
    const __m512 c = _mm512_loadu_ps(bottom + 2 * i), d = _mm512_loadu_ps(bottom + 2 * i + 16);
    const __m512 v[4] = {_mm512_permutex2var_ps(a, even, b), _mm512_permutex2var_ps(a, odd, b),
                         _mm512_permutex2var_ps(c, even, d), _mm512_permutex2var_ps(c, odd, d)};
    __m512 best = v[0];
    __m512i at = _mm512_add_epi32(even, _mm512_set1_epi32(static_cast<int>(place + 2 * i)));
    const __m512i base = at;
    const int64_t steps[4] = {0, 1, below, below + 1};
    for (int k = 1; k < 4; k++) {
      // Greater, or not a number: a NaN that came before stays because nothing is greater, and a later one replaces it.
      const __mmask16 wins = _mm512_cmp_ps_mask(v[k], best, _CMP_GT_OQ) | _mm512_cmp_ps_mask(v[k], v[k], _CMP_UNORD_Q);
      best = _mm512_mask_blend_ps(wins, best, v[k]);
      if (Indexed) at = _mm512_mask_add_epi32(at, wins, base, _mm512_set1_epi32(static_cast<int>(steps[k])));
    }
    _mm512_storeu_ps(out + i, best);
    if (Indexed) _mm512_storeu_si512(index + i, at);
  }
  return i;
}
#endif

bool isHalves(const Plane& p, const Strides& s) {
  const Windows &wz = p.w[0], &wy = p.w[1], &wx = p.w[2];
  if (s.x != 1 || wz.length != 1 || wz.to[0] - wz.from[0] != 1 || wx.step != 1 || wy.step != 1) return false;
  for (int64_t o = 0; o < wx.length; o++)
    if (wx.from[o] != 2 * o || wx.to[o] != 2 * o + 2) return false;
  for (int64_t o = 0; o < wy.length; o++)
    if (wy.to[o] - wy.from[o] != 2) return false;
  return true;
}

template <class T, bool Indexed>
void maxOf(const View& out, const View& indices, const View& input, const Plane& p) {
  const Strides s = spatial(input);
  [[maybe_unused]] bool halves = false;
#if defined(__AVX512F__)
  halves = sizeof(T) == 4 && isHalves(p, s) && (p.w[2].length % 16 == 0 || p.w[2].length > 32);
#endif
  const bool slides = p.w[2].stride > 0 && !halves;
  eachPlane(input, p.inputs(), [&](int64_t plane, int64_t start) {
    const T* x = input.as<T>() + start;
    T* to = out.as<T>() + plane * p.outputs();
    int32_t* index = Indexed ? indices.as<int32_t>() + plane * p.outputs() : nullptr;
    if (slides) return slidingPlane<T, Indexed>(p, x, s, to, index);
    for (int64_t oz = 0; oz < p.w[0].length; oz++)
      for (int64_t oy = 0; oy < p.w[1].length; oy++) {
        int64_t ox = 0;
#if defined(__AVX512F__)
        if constexpr (sizeof(T) == 4)
          if (halves) {
            const int64_t y = p.w[1].from[oy];
            ox = halvesRow<Indexed>(x + y * s.y, x + (y + 1) * s.y, p.w[2].length, y * p.w[2].size, p.w[2].size, to, index);
          }
#endif
        for (; ox < p.w[2].length; ox++)
          greatest<T, Indexed>(p, x, s, oz, oy, ox, to + ox, Indexed ? index + ox : nullptr);
        to += p.w[2].length;
        if (Indexed) index += p.w[2].length;
      }
  });
}

bool maximum(const View& out, const View& indices, const View& input, const Plane& p) {
  if (out.dtype == F32)
    indices ? maxOf<float, true>(out, indices, input, p) : maxOf<float, false>(out, indices, input, p);
  else
    indices ? maxOf<double, true>(out, indices, input, p) : maxOf<double, false>(out, indices, input, p);
  return true;
}

template <class T>
void averageOf(const View& out, const View& input, const Plane& p, double divisor) {
  const Strides s = spatial(input);
  const Windows &wz = p.w[0], &wy = p.w[1], &wx = p.w[2];
  eachPlane(input, p.inputs(), [&](int64_t plane, int64_t start) {
    const T* x = input.as<T>() + start;
    T* to = out.as<T>() + plane * p.outputs();
    double* columns = static_cast<double*>(scratch(2, wx.size * int64_t{sizeof(double)}));
    for (int64_t oz = 0; oz < wz.length; oz++)
      for (int64_t oy = 0; oy < wy.length; oy++) {
        // First down the columns, which are vectors, then across.
        for (int64_t i = 0; i < wx.size; i++) columns[i] = 0;
        for (int64_t z = wz.from[oz]; z < wz.to[oz]; z++)
          for (int64_t y = wy.from[oy]; y < wy.to[oy]; y++) {
            const T* row = x + z * s.z + y * s.y;
            if (s.x == 1)
              for (int64_t i = 0; i < wx.size; i++) columns[i] += row[i];
            else
              for (int64_t i = 0; i < wx.size; i++) columns[i] += row[i * s.x];
          }
        const double rows = static_cast<double>(wz.count[oz]) * wy.count[oy];
        for (int64_t ox = 0; ox < wx.length; ox++) {
          double total = 0;
          for (int64_t i = wx.from[ox]; i < wx.to[ox]; i++) total += columns[i];
          *to++ = static_cast<T>(total / (divisor != 0 ? divisor : rows * wx.count[ox]));
        }
      }
  });
}

template <class T>
void shareOf(const View& out, const View& grad, const Plane& p, double divisor) {
  const Strides s = spatial(grad);
  const Windows &wz = p.w[0], &wy = p.w[1], &wx = p.w[2];
  eachPlane(grad, p.inputs(), [&](int64_t plane, int64_t start) {
    const T* g = grad.as<T>() + start;
    T* to = out.as<T>() + plane * p.inputs();
    double* line = static_cast<double*>(scratch(2, wx.size * int64_t{sizeof(double)}));
    memset(static_cast<void*>(to), 0, static_cast<size_t>(p.inputs()) * sizeof(T));
    for (int64_t oz = 0; oz < wz.length; oz++)
      for (int64_t oy = 0; oy < wy.length; oy++) {
        const double rows = static_cast<double>(wz.count[oz]) * wy.count[oy];
        for (int64_t i = 0; i < wx.size; i++) line[i] = 0;
        for (int64_t ox = 0; ox < wx.length; ox++) {
          const double share = g[oz * s.z + oy * s.y + ox * s.x] / (divisor != 0 ? divisor : rows * wx.count[ox]);
          for (int64_t i = wx.from[ox]; i < wx.to[ox]; i++) line[i] += share;
        }
        for (int64_t z = wz.from[oz]; z < wz.to[oz]; z++)
          for (int64_t y = wy.from[oy]; y < wy.to[oy]; y++) {
            T* row = to + (z * wy.size + y) * wx.size;
            for (int64_t i = 0; i < wx.size; i++) row[i] += static_cast<T>(line[i]);
          }
      }
  });
}

bool floats(const View& a, const View& b) { return a.dtype == b.dtype && a.dtype <= F64 && a.rank >= 2 && a.rank <= 5 && a.contiguous(); }

bool readSliding(Args& args, Sliding& s, bool dilated) {
  s.rank = args.list(s.kernel, 3);
  args.list(s.stride, 3);
  args.list(s.padding, 3);
  for (int64_t& d : s.dilation) d = 1;
  if (dilated) args.list(s.dilation, 3);
  return s.rank >= 1 && s.rank <= 3;
}

/** out, indices (int32) or nothing, input, kernel, stride, padding, dilation. */
bool poolMax(Args& args) {
  const View out = args.tensor(), indices = args.tensor(), input = args.tensor();
  Sliding s;
  if (!readSliding(args, s, true) || !floats(out, input)) return false;
  return maximum(out, indices, input, sliding(input, out, s, false));
}

bool poolAdaptiveMax(Args& args) {
  const View out = args.tensor(), indices = args.tensor(), input = args.tensor();
  if (!floats(out, input)) return false;
  return maximum(out, indices, input, adaptive(input, out));
}

/** out, input, kernel, stride, padding, includePad, divisor. */
bool poolAverage(Args& args) {
  const View out = args.tensor(), input = args.tensor();
  Sliding s;
  if (!readSliding(args, s, false) || !floats(out, input)) return false;
  const bool includePad = args.flag();
  const double divisor = args.number();
  const Plane p = sliding(input, out, s, includePad);
  out.dtype == F32 ? averageOf<float>(out, input, p, divisor) : averageOf<double>(out, input, p, divisor);
  return true;
}

bool poolAverageBackward(Args& args) {
  const View out = args.tensor(), grad = args.tensor();
  Sliding s;
  if (!readSliding(args, s, false) || !floats(out, grad)) return false;
  const bool includePad = args.flag();
  const double divisor = args.number();
  const Plane p = sliding(out, grad, s, includePad);
  out.dtype == F32 ? shareOf<float>(out, grad, p, divisor) : shareOf<double>(out, grad, p, divisor);
  return true;
}

bool poolAdaptiveAverage(Args& args) {
  const View out = args.tensor(), input = args.tensor();
  if (!floats(out, input)) return false;
  const Plane p = adaptive(input, out);
  out.dtype == F32 ? averageOf<float>(out, input, p, 0) : averageOf<double>(out, input, p, 0);
  return true;
}

bool poolAdaptiveAverageBackward(Args& args) {
  const View out = args.tensor(), grad = args.tensor();
  if (!floats(out, grad)) return false;
  const Plane p = adaptive(out, grad);
  out.dtype == F32 ? shareOf<float>(out, grad, p, 0) : shareOf<double>(out, grad, p, 0);
  return true;
}

/** Adds each gradient at its window's place. */
template <class T>
void spread(const View& out, const View& grad, const View& indices) {
  int64_t inputs = 1, outputs = 1;
  for (int d = 2; d < out.rank; d++) inputs *= out.size[d];
  for (int d = 2; d < grad.rank; d++) outputs *= grad.size[d];
  eachPlane(grad, inputs, [&](int64_t plane, int64_t start) {
    T* to = out.as<T>() + plane * inputs;
    memset(static_cast<void*>(to), 0, static_cast<size_t>(inputs) * sizeof(T));
    const T* g = grad.as<T>() + start;
    const int32_t* at = indices.as<int32_t>() + plane * outputs;
    for (int64_t i = 0; i < outputs; i++) to[at[i]] += g[i];
  });
}

bool poolMaxBackward(Args& args) {
  const View out = args.tensor(), grad = args.tensor(), indices = args.tensor();
  if (!floats(out, grad) || indices.dtype != I32 || !indices.contiguous()) return false;
  int64_t expected = 1;
  for (int d = grad.rank - 1; d >= 2; d--) {
    if (grad.size[d] != 1 && grad.stride[d] != expected) return false;
    expected *= grad.size[d];
  }
  out.dtype == F32 ? spread<float>(out, grad, indices) : spread<double>(out, grad, indices);
  return true;
}

}  // namespace

const Entry* poolKernels() {
  static const Entry entries[] = {{"pool.max", poolMax},
                                  {"pool.adaptiveMax", poolAdaptiveMax},
                                  {"pool.maxBackward", poolMaxBackward},
                                  {"pool.avg", poolAverage},
                                  {"pool.avgBackward", poolAverageBackward},
                                  {"pool.adaptiveAvg", poolAdaptiveAverage},
                                  {"pool.adaptiveAvgBackward", poolAdaptiveAverageBackward},
                                  {nullptr, nullptr}};
  return entries;
}

}  // namespace gradbook
