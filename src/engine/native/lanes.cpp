// Along one dimension: the extreme element and where it is, products, running sums, products and extremes.
#include <cmath>

#include "simd.h"
#include "walk.h"

namespace gradbook {
namespace {

constexpr int64_t columns = 256;

/** Whether x takes the place of `best`: greater (or smaller), and NaN above all. */
template <bool Greatest, class T>
inline bool beats(T x, T best) {
  if constexpr (std::is_floating_point_v<T>) return (Greatest ? x > best : x < best) | ((x != x) & (best == best));
  return Greatest ? x > best : x < best;
}

/** The first of the extreme elements of `n` neighbours. */
template <bool Greatest, class T>
int64_t extremeOf(const T* x, int64_t n) {
  constexpr int64_t block = 1024;
  T best = x[0];
  int64_t from = 0;
  for (int64_t at = 0; at < n; at += block) {
    const int64_t size = n - at < block ? n - at : block;
    const T* y = x + at;
    T peak = y[0];
    int64_t i = 0;
    if constexpr (std::is_floating_point_v<T>) {
      constexpr int L = lanes<T>;
      if (size >= 2 * L) {
        Vec<T> peaks = load<T>(y);
        auto bad = peaks != peaks;
        for (i = L; i + L <= size; i += L) {
          const Vec<T> v = load<T>(y + i);
          peaks = (Greatest ? v > peaks : v < peaks) ? v : peaks;
          bad |= v != v;
        }
        bool any = false;
        for (int k = 0; k < L; k++) {
          any |= bad[k] != 0;
          if (Greatest ? peaks[k] > peak : peaks[k] < peak) peak = peaks[k];
        }
        if (any)
          for (int64_t k = 0; k < size; k++)
            if (y[k] != y[k]) return at + k;
      }
    }
    for (; i < size; i++)
      if (beats<Greatest>(y[i], peak)) peak = y[i];
    if (beats<Greatest>(peak, best)) {
      best = peak;
      from = at;
    }
    if (best != best) break;
  }
  for (int64_t i = from; i < n; i++)
    if (x[i] == best || (best != best && x[i] != x[i])) return i;
  return 0;
}

template <bool Greatest, class T>
void extremesOf(const View& values, const View& indices, const View& a, int dim) {
  const View views[3] = {values, indices, a};
  const Lanes<3> all(views, dim);
  const int64_t length = a.size[dim], step = all.step[2];
  T* best = values.as<T>();
  int32_t* found = indices.as<int32_t>();
  const T* x = a.as<T>();
  if (all.walk.count == 1 && step == 1 && length >= 4 * grain) {
    // Pieces of a fixed size, then the first of the pieces' extremes: NaN and ties come out as in one go.
    const int64_t piece = grain, pieces = (length + piece - 1) / piece;
    int64_t* at = static_cast<int64_t*>(scratch(2, pieces * 8));
    for (int64_t p = 0; p < pieces; p++) at[p] = p * piece;
    parallelRange(pieces, 1, 1, [&](int64_t begin, int64_t end) {
      for (int64_t p = begin; p < end && !interrupted(); p++)
        at[p] = p * piece + extremeOf<Greatest>(x + p * piece, length - p * piece < piece ? length - p * piece : piece);
    });
    int64_t first = at[0];
    for (int64_t p = 1; p < pieces; p++)
      if (beats<Greatest>(x[at[p]], x[first])) first = at[p];
    *best = x[first];
    *found = static_cast<int32_t>(first);
    return;
  }
  parallelRange(all.walk.count, grain / (length + 1) + 1, 1, [&](int64_t begin, int64_t end) {
    all.walk.each(begin, end, [&](const int64_t* at, const int64_t* steps, int64_t n) {
      if (step != 1 && steps[2] == 1 && n >= 4) {
        for (int64_t c = 0; c < n; c += columns) {
          const int64_t m = n - c < columns ? n - c : columns;
          T top[columns];
          int32_t place[columns];
          const T* row = x + at[2] + c;
          for (int64_t j = 0; j < m; j++) top[j] = row[j], place[j] = 0;
          for (int64_t i = 1; i < length; i++) {
            row += step;
            for (int64_t j = 0; j < m; j++) {
              const bool wins = beats<Greatest>(row[j], top[j]);
              top[j] = wins ? row[j] : top[j];
              place[j] = wins ? static_cast<int32_t>(i) : place[j];
            }
          }
          for (int64_t j = 0; j < m; j++) {
            best[at[0] + (c + j) * steps[0]] = top[j];
            found[at[1] + (c + j) * steps[1]] = place[j];
          }
          if (interrupted()) return;
        }
        return;
      }
      for (int64_t j = 0; j < n && !interrupted(); j++) {
        const T* lane = x + at[2] + j * steps[2];
        int64_t first = 0;
        if (step == 1)
          first = extremeOf<Greatest>(lane, length);
        else
          for (int64_t i = 1; i < length && ((i & 0xffff) != 0 || !interrupted()); i++)
            if (beats<Greatest>(lane[i * step], lane[first * step])) first = i;
        best[at[0] + j * steps[0]] = lane[first * step];
        found[at[1] + j * steps[1]] = static_cast<int32_t>(first);
      }
    });
  });
}

/** values, indices (dim of size 1), a, dim, sign. */
bool extremeIndex(Args& args) {
  const View values = asVector(args.tensor()), indices = asVector(args.tensor()), a = asVector(args.tensor());
  const int dim = static_cast<int>(args.integer());
  const bool greatest = args.number() > 0;
  if (indices.dtype != I32 || values.dtype != a.dtype || a.size[dim] == 0) return false;
  withType(a.dtype, [&](auto zero) {
    using T = decltype(zero);
    greatest ? extremesOf<true, T>(values, indices, a, dim) : extremesOf<false, T>(values, indices, a, dim);
  });
  return true;
}

/** What is carried along a lane: float64, or whole numbers of which the low 32 bits count. */
template <class T>
using Carried = std::conditional_t<std::is_floating_point_v<T>, double, uint64_t>;

/**
 * Carries a number along lanes of K - 1 inputs: `next(carried, inputs, first)` gives the new one, which is written to `out`. Lanes
 * beside each other go together.
 */
template <class T, int K, class F>
void carry(const View (&views)[K], int dim, bool reverse, const F& next) {
  using C = Carried<T>;
  const Lanes<K> all(views, dim);
  const int64_t length = views[0].size[dim];
  parallelRange(all.walk.count, grain / (2 * length + 1) + 1, 1, [&](int64_t begin, int64_t end) {
    all.walk.each(begin, end, [&](const int64_t* at, const int64_t* steps, int64_t n) {
      bool beside = n >= 4 && all.step[0] != 1;
      for (int k = 0; k < K; k++) beside = beside && steps[k] == 1;
      const int64_t wide = beside ? columns : 1;
      for (int64_t c = 0; c < n && !interrupted(); c += wide) {
        const int64_t m = n - c < wide ? n - c : wide;
        C state[columns];
        T* rows[K];
        int64_t move[K];
        for (int k = 0; k < K; k++) {
          move[k] = reverse ? -all.step[k] : all.step[k];
          rows[k] = views[k].template as<T>() + at[k] + c * steps[k] + (reverse ? (length - 1) * all.step[k] : 0);
        }
        for (int64_t i = 0; i < length; i++) {
          if ((i & 0xffff) == 0xffff && interrupted()) return;
          T* to = rows[0];
          const T *x = rows[1], *y = rows[K - 1];
          if (beside) {
            for (int64_t j = 0; j < m; j++) {
              state[j] = next(state[j], static_cast<C>(x[j]), static_cast<C>(y[j]), i == 0);
              to[j] = static_cast<T>(state[j]);
            }
          } else {
            state[0] = next(state[0], static_cast<C>(*x), static_cast<C>(*y), i == 0);
            *to = static_cast<T>(state[0]);
          }
          for (int k = 0; k < K; k++) rows[k] += move[k];
        }
      }
    });
  });
}

/** out, a, dim, reverse. */
template <bool Product>
bool scan(Args& args) {
  const View v[2] = {asVector(args.tensor()), asVector(args.tensor())};
  const int dim = static_cast<int>(args.integer());
  const bool reverse = args.flag();
  if (v[0].dtype != v[1].dtype) return false;
  withType(v[0].dtype, [&](auto zero) {
    using T = decltype(zero);
    using C = Carried<T>;
    carry<T>(v, dim, reverse, [](C before, C x, C, bool first) { 
      return Product ? (first ? C{1} : before) * x : (first ? C{0} : before) + x;
    });
  });
  return true;
}

/** out, a, b, dim, reverse: out[i] = b[i] + a[i] out[i - 1]. */
bool linear(Args& args) {
  const View v[3] = {asVector(args.tensor()), asVector(args.tensor()), asVector(args.tensor())};
  const int dim = static_cast<int>(args.integer());
  const bool reverse = args.flag();
  if (v[0].dtype > F64 || v[0].dtype != v[1].dtype || v[0].dtype != v[2].dtype) return false;
  withFloat(v[0].dtype, [&](auto zero) {
    carry<decltype(zero)>(v, dim, reverse, [](double before, double x, double y, bool first) { return first ? y : y + x * before; });
  });
  return true;
}

/** values, indices, a, dim, sign: the last of equals; NaN wins. */
bool runningExtreme(Args& args) {
  const View v[3] = {asVector(args.tensor()), asVector(args.tensor()), asVector(args.tensor())};
  const int dim = static_cast<int>(args.integer());
  const bool greatest = args.number() > 0;
  if (v[1].dtype != I32 || v[0].dtype != v[2].dtype) return false;
  const Lanes<3> all(v, dim);
  const int64_t length = v[2].size[dim];
  if (length == 0) return true;
  withType(v[0].dtype, [&](auto zero) {
    using T = decltype(zero);
    all.each(2 * length, [&](const int64_t* at) {
      const T* x = v[2].as<T>() + at[2];
      T* y = v[0].as<T>() + at[0];
      int32_t* found = v[1].as<int32_t>() + at[1];
      T best = *x;
      int32_t place = 0;
      for (int64_t i = 0; i < length; i++) {
        if ((i & 0xffff) == 0xffff && interrupted()) return;
        const T next = x[i * all.step[2]];
        const bool wins = (next != next) | ((best == best) & (greatest ? next >= best : next <= best));
        best = wins ? next : best;
        place = wins ? static_cast<int32_t>(i) : place;
        y[i * all.step[0]] = best;
        found[i * all.step[1]] = place;
      }
    });
  });
  return true;
}

/** out, a, dim. */
bool runningLogSumExp(Args& args) {
  const View v[2] = {asVector(args.tensor()), asVector(args.tensor())};
  const int dim = static_cast<int>(args.integer());
  if (v[0].dtype > F64 || v[0].dtype != v[1].dtype) return false;
  const Lanes<2> all(v, dim);
  const int64_t length = v[1].size[dim];
  withFloat(v[0].dtype, [&](auto zero) {
    using T = decltype(zero);
    all.each(32 * length, [&](const int64_t* at) {
      const T* x = v[1].as<T>() + at[1];
      T* y = v[0].as<T>() + at[0];
      double peak = -INFINITY, total = 0;
      for (int64_t i = 0; i < length; i++) {
        if ((i & 0xffff) == 0xffff && interrupted()) return;
        const double next = x[i * all.step[1]];
        if (next > peak) {
          total = peak == -INFINITY ? 1 : total * std::exp(peak - next) + 1;
          peak = next;
        } else if (next != -INFINITY) {
          total += next == peak ? 1 : std::exp(next - peak);
        }
        y[i * all.step[0]] = static_cast<T>(peak + std::log(total));
      }
    });
  });
  return true;
}

/** out (dim of size 1), a, dim. */
bool product(Args& args) {
  const View v[2] = {asVector(args.tensor()), asVector(args.tensor())};
  const int dim = static_cast<int>(args.integer());
  if (v[0].dtype != v[1].dtype) return false;
  const Lanes<2> all(v, dim);
  const int64_t length = v[1].size[dim], step = all.step[1];
  withType(v[0].dtype, [&](auto zero) {
    using T = decltype(zero);
    using C = Carried<T>;
    all.each(length, [&](const int64_t* at) {
      const T* x = v[1].as<T>() + at[1];
      constexpr int ways = 8;
      C parts[ways];
      for (int k = 0; k < ways; k++) parts[k] = 1;
      int64_t i = 0;
      for (; i + ways <= length; i += ways)
        for (int k = 0; k < ways; k++) parts[k] *= static_cast<C>(x[(i + k) * step]);
      C total = 1;
      for (int k = 0; k < ways; k++) total *= parts[k];
      for (; i < length; i++) total *= static_cast<C>(x[i * step]);
      v[0].as<T>()[at[0]] = static_cast<T>(total);
    });
  });
  return true;
}

}  // namespace

const Entry* laneKernels() {
  static const Entry entries[] = {{"reduce.extremeIndex", extremeIndex},
                                  {"reduce.product", product},
                                  {"scan.sum", scan<false>},
                                  {"scan.product", scan<true>},
                                  {"scan.linear", linear},
                                  {"scan.extreme", runningExtreme},
                                  {"scan.logSumExp", runningLogSumExp},
                                  {nullptr, nullptr}};
  return entries;
}

}  // namespace gradbook
