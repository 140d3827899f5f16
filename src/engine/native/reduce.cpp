// Sums and extrema over dimensions. Sums have float64 accumulators; the order of additions does not depend on the number of threads.
#include <type_traits>

#include "args.h"
#include "simd.h"
#include "threads.h"

namespace gradbook {
namespace {

/** The input's dimensions without those of size 1, neighbours of one kind merged. */
struct Shape {
  int rank = 0;
  int64_t size[maxRank], stride[maxRank];
  bool reduced[maxRank];
  int64_t outputs = 1, terms = 1;
};

Shape simplify(const View& out, const View& a) {
  Shape s;
  for (int d = 0; d < a.rank; d++) {
    const bool reduced = out.size[d] != a.size[d];
    (reduced ? s.terms : s.outputs) *= a.size[d];
    if (a.size[d] == 1) continue;
    const int last = s.rank - 1;
    if (last >= 0 && s.reduced[last] == reduced && s.stride[last] == a.stride[d] * a.size[d]) {
      s.size[last] *= a.size[d];
      s.stride[last] = a.stride[d];
    } else {
      s.size[s.rank] = a.size[d];
      s.stride[s.rank] = a.stride[d];
      s.reduced[s.rank++] = reduced;
    }
  }
  return s;
}

struct Sum {
  template <class T>
  using Acc = double;
  template <class T>
  static double first() { return 0; }
  static double join(double a, double b) { return a + b; }
};
template <bool Greatest>
struct Extreme {
  template <class T>
  using Acc = T;
  template <class T>
  static T first() {
    if constexpr (std::is_floating_point_v<T>)
      return static_cast<T>(Greatest ? -INFINITY : INFINITY);
    else
      return Greatest ? INT32_MIN : INT32_MAX;
  }
  template <class T>
  static T join(T a, T b) { return (Greatest ? b > a : b < a) || b != b ? b : a; }
};

/** One row, contiguous. */
template <class R, class T>
typename R::template Acc<T> row(const T* x, int64_t n) {
  constexpr int L = lanes<T>;
  int64_t i = 0;
  if constexpr (std::is_same_v<R, Sum> && std::is_same_v<T, float>) {
    VecD sum[4] = {};
    // Eight numbers a lane are added in float32, which loses less than the input's own rounding, before they join the wide sums.
    for (; i + 16 * L <= n; i += 16 * L) {
      // Far enough ahead for memory, which would else wait at every page.
#pragma GCC unroll 16
      for (int j = 0; j < 16; j++) __builtin_prefetch(x + i + j * L + 1024);
      VecF v[8];
#pragma GCC unroll 8
      for (int j = 0; j < 8; j++) v[j] = load<float>(x + i + 2 * j * L) + load<float>(x + i + (2 * j + 1) * L);
      const VecF s[2] = {(v[0] + v[1]) + (v[2] + v[3]), (v[4] + v[5]) + (v[6] + v[7])};
      HalfF part[4];
      memcpy(part, s, sizeof part);
#pragma GCC unroll 4
      for (int j = 0; j < 4; j++) sum[j] += __builtin_convertvector(part[j], VecD);
    }
    for (; i + 2 * L <= n; i += 2 * L) {
      HalfF part[4];
      memcpy(part, x + i, sizeof part);
#pragma GCC unroll 4
      for (int j = 0; j < 4; j++) sum[j] += __builtin_convertvector(part[j], VecD);
    }
    double total = 0;
    const VecD all = (sum[0] + sum[1]) + (sum[2] + sum[3]);
    for (int j = 0; j < lanes<double>; j++) total += all[j];
    for (; i < n; i++) total += x[i];
    return total;
  } else if constexpr (std::is_same_v<R, Sum> && std::is_same_v<T, double>) {
    VecD sum[4] = {};
    for (; i + 4 * L <= n; i += 4 * L)
#pragma GCC unroll 4
      for (int j = 0; j < 4; j++) sum[j] += load<double>(x + i + j * L);
    double total = 0;
    const VecD all = (sum[0] + sum[1]) + (sum[2] + sum[3]);
    for (int j = 0; j < L; j++) total += all[j];
    for (; i < n; i++) total += x[i];
    return total;
  } else if constexpr (!std::is_same_v<R, Sum>) {
    T best = R::template first<T>();
    if (n >= 4 * L) {
      Vec<T> v[4];
      for (int j = 0; j < 4; j++) v[j] = splat<T>(best);
      for (; i + 4 * L <= n; i += 4 * L)
#pragma GCC unroll 4
        for (int j = 0; j < 4; j++) {
          const Vec<T> y = load<T>(x + i + j * L);
          if constexpr (std::is_same_v<R, Extreme<true>>)
            v[j] = (y > v[j]) | (y != y) ? y : v[j];
          else
            v[j] = (y < v[j]) | (y != y) ? y : v[j];
        }
      for (int j = 0; j < 4; j++)
        for (int k = 0; k < L; k++) best = R::join(best, v[j][k]);
    }
    for (; i < n; i++) best = R::join(best, x[i]);
    return best;
  } else {
    double total = 0;
    for (; i < n; i++) total += x[i];
    return total;
  }
}

/** Adds eight rows, first to each other in float32. */
inline void addRows(double* sums, const float* const* rows, int64_t n) {
  constexpr int L = lanes<double>;
  int64_t j = 0;
  for (; j + L <= n; j += L) {
    HalfF x[8];
#pragma GCC unroll 8
    for (int k = 0; k < 8; k++) memcpy(&x[k], rows[k] + j, sizeof x[k]);
    const HalfF all = ((x[0] + x[1]) + (x[2] + x[3])) + ((x[4] + x[5]) + (x[6] + x[7]));
    store<double>(sums + j, load<double>(sums + j) + __builtin_convertvector(all, VecD));
  }
  for (; j < n; j++)
    sums[j] += ((rows[0][j] + rows[1][j]) + (rows[2][j] + rows[3][j])) + ((rows[4][j] + rows[5][j]) + (rows[6][j] + rows[7][j]));
}

template <class R, class T>
typename R::template Acc<T> stridedRow(const T* x, int64_t n, int64_t step) {
  typename R::template Acc<T> total = R::template first<T>();
  for (int64_t i = 0; i < n; i++) total = R::join(total, static_cast<typename R::template Acc<T>>(x[i * step]));
  return total;
}

/** Splits `place` into the indices of the dimensions of one kind, and returns where they lead. */
int64_t locate(const Shape& s, bool reduced, int64_t place, int from) {
  int64_t offset = 0;
  for (int d = from; d >= 0; d--) {
    if (s.reduced[d] != reduced) continue;
    offset += place % s.size[d] * s.stride[d];
    place /= s.size[d];
  }
  return offset;
}

template <class T, class A>
T finish(A total) {
  if constexpr (std::is_same_v<T, int32_t> && std::is_same_v<A, double>)
    return static_cast<int32_t>(static_cast<int64_t>(total));
  else
    return static_cast<T>(total);
}

template <class R, class T>
void reduce(const View& out, const View& a) {
  using A = typename R::template Acc<T>;
  const Shape s = simplify(out, a);
  T* target = out.as<T>();
  const T* source = a.as<T>();
  if (s.outputs == 0) return;
  if (s.terms == 0) {
    for (int64_t i = 0; i < s.outputs; i++) target[i] = finish<T, A>(R::template first<T>());
    return;
  }
  const int inner = s.rank - 1;
  if (s.rank == 0) {
    target[0] = source[0];
    return;
  }
  if (s.reduced[inner]) {
    // Long rows in pieces, so that one output alone also uses all threads.
    constexpr int64_t longest = 1 << 16;
    const int64_t length = s.size[inner], step = s.stride[inner];
    const int64_t rows = s.terms / length;
    const int64_t pieces = (length + longest - 1) / longest;
    if (pieces * rows == 1) {
      parallelRange(s.outputs, grain / s.terms + 1, 1, [&](int64_t begin, int64_t end) {
        for (int64_t o = begin; o < end; o++) {
          if ((o & 0xff) == 0 && interrupted()) return;
          const T* x = source + locate(s, false, o, inner);
          target[o] = finish<T, A>(step == 1 ? row<R, T>(x, length) : stridedRow<R, T>(x, length, step));
        }
      });
      return;
    }
    const int64_t parts = pieces * rows;
    constexpr int64_t most = 1 << 15;
    const int64_t group = parts >= most ? 1 : most / parts;
    A* partial = static_cast<A*>(scratch(3, group * parts * int64_t{sizeof(A)}));
    for (int64_t first = 0; first < s.outputs; first += group) {
      const int64_t outputs = s.outputs - first < group ? s.outputs - first : group;
      parallelRange(outputs * parts, grain / (s.terms / parts) + 1, 1, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end && !interrupted(); i++) {
          const int64_t piece = i % parts % pieces;
          const T* x = source + locate(s, false, first + i / parts, inner) +
                       (rows > 1 ? locate(s, true, i % parts / pieces, inner - 1) : 0) + piece * longest * step;
          const int64_t n = length - piece * longest < longest ? length - piece * longest : longest;
          partial[i] = step == 1 ? row<R, T>(x, n) : stridedRow<R, T>(x, n, step);
        }
      });
      for (int64_t o = 0; o < outputs; o++) {
        A total = partial[o * parts];
        for (int64_t i = 1; i < parts; i++) total = R::join(total, partial[o * parts + i]);
        target[first + o] = finish<T, A>(total);
      }
    }
    return;
  }
  // The inner dimension is kept: rows are added, many columns at a time; many rows in pieces.
  constexpr int64_t chunk = 512;
  const int64_t width = s.size[inner], step = s.stride[inner];
  const int64_t outer = s.outputs / width;
  const int64_t chunks = (width + chunk - 1) / chunk;
  const int64_t pieceRows = width >= chunk ? 2048 : (int64_t{1} << 20) / width;
  const int64_t pieces = (s.terms + pieceRows - 1) / pieceRows;
  A* partial = pieces == 1 ? nullptr : static_cast<A*>(scratch(3, pieces * s.outputs * int64_t{sizeof(A)}));
  const int64_t cost = (s.terms < pieceRows ? s.terms : pieceRows) * (width < chunk ? width : chunk);
  parallelRange(outer * chunks * pieces, grain / cost + 1, 1, [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end && !interrupted(); t++) {
      const int64_t piece = t % pieces, c = t / pieces % chunks, o = t / pieces / chunks;
      const int64_t columns = width - c * chunk < chunk ? width - c * chunk : chunk;
      const T* base = source + (outer > 1 ? locate(s, false, o, inner - 1) : 0) + c * chunk * step;
      A sums[chunk];
      for (int64_t j = 0; j < columns; j++) sums[j] = R::template first<T>();
      const int64_t last = (piece + 1) * pieceRows < s.terms ? (piece + 1) * pieceRows : s.terms;
      int64_t r = piece * pieceRows;
      if constexpr (std::is_same_v<R, Sum> && std::is_same_v<T, float>)
        if (step == 1)
          for (; r + 8 <= last; r += 8) {
            const float* eight[8];
            for (int k = 0; k < 8; k++) eight[k] = base + locate(s, true, r + k, inner - 1);
            addRows(sums, eight, columns);
          }
      for (; r < last; r++) {
        const T* x = base + locate(s, true, r, inner - 1);
        if (step == 1)
          for (int64_t j = 0; j < columns; j++) sums[j] = R::join(sums[j], static_cast<A>(x[j]));
        else
          for (int64_t j = 0; j < columns; j++) sums[j] = R::join(sums[j], static_cast<A>(x[j * step]));
      }
      const int64_t place = o * width + c * chunk;
      if (pieces == 1)
        for (int64_t j = 0; j < columns; j++) target[place + j] = finish<T, A>(sums[j]);
      else
        memcpy(partial + piece * s.outputs + place, sums, static_cast<size_t>(columns) * sizeof(A));
    }
  });
  if (pieces == 1) return;
  for (int64_t i = 0; i < s.outputs; i++) {
    A total = partial[i];
    for (int64_t p = 1; p < pieces; p++) total = R::join(total, partial[p * s.outputs + i]);
    target[i] = finish<T, A>(total);
  }
}

template <class R>
bool dispatch(const View& out, const View& a) {
  if (out.dtype != a.dtype || out.rank != a.rank || !out.contiguous()) return false;
  switch (a.dtype) {
    case F32: reduce<R, float>(out, a); return true;
    case F64: reduce<R, double>(out, a); return true;
    case I32: reduce<R, int32_t>(out, a); return true;
    default: return false;
  }
}

/** out (reduced dimensions of size 1) = sum of a. */
bool sum(Args& args) {
  const View out = args.tensor(), a = args.tensor();
  return dispatch<Sum>(out, a);
}

/** The greatest (sign 1) or smallest (sign -1); NaN wins. */
bool extreme(Args& args) {
  const View out = args.tensor(), a = args.tensor();
  return args.number() > 0 ? dispatch<Extreme<true>>(out, a) : dispatch<Extreme<false>>(out, a);
}

}  // namespace

const Entry* reduceKernels() {
  static const Entry entries[] = {{"reduce.sum", sum}, {"reduce.extreme", extreme}, {nullptr, nullptr}};
  return entries;
}

}  // namespace gradbook
