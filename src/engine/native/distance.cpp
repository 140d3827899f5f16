// p-norms: the distances of all pairs of rows, their gradient, and the norms of vectors.
#include <initializer_list>

#include "mathematics.h"
#include "rows.h"
#include "walk.h"

namespace gradbook {
namespace {

__attribute__((noinline)) VecF toPower(VecF x, double p) { return powerOf(x, splat(static_cast<float>(p))); }
__attribute__((noinline)) VecD toPower(VecD x, double p) { return eachLane(x, [p](double v) { return std::pow(v, p); }); }

template <class T>
Vec<T> signOf(Vec<T> d) {
  return d > T{0} ? splat<T>(1) : d < T{0} ? splat<T>(-1) : d;
}

/** What a norm does with a difference d: its term, how terms become the norm, and the gradient for one of weight w. */
struct Squares {
  explicit Squares(double) {}
  template <class T> Vec<T> term(Vec<T> d) const { return d * d; }
  double one(double d) const { return d * d; }
  double finish(double total) const { return std::sqrt(total); }
  template <class T> T weight(T w, T norm) const { return w / norm; }
  template <class T> Vec<T> slope(Vec<T> d, T w, T) const { return d * w; }
};
struct Sizes {
  explicit Sizes(double) {}
  template <class T> Vec<T> term(Vec<T> d) const { return absolute(d); }
  double one(double d) const { return std::fabs(d); }
  double finish(double total) const { return total; }
  template <class T> T weight(T w, T) const { return w; }
  template <class T> Vec<T> slope(Vec<T> d, T w, T) const { return signOf<T>(d) * w; }
};
/** The others, told apart at every step: their terms cost more than that. */
struct Other {
  enum Kind { count, greatest, least, powers } kind;
  double p;
  explicit Other(double power)
      : kind(power == 0 ? count : power == INFINITY ? greatest : power == -INFINITY ? least : powers), p(power) {}
  template <class T> Vec<T> term(Vec<T> d) const {
    if (kind == count) return d == T{0} ? Vec<T>{} : splat<T>(1);
    return kind == powers ? toPower(absolute(d), p) : absolute(d);
  }
  double one(double d) const {
    if (kind == count) return d == 0 ? 0 : 1;
    return kind == powers ? std::pow(std::fabs(d), p) : std::fabs(d);
  }
  double finish(double total) const { return kind == powers ? std::pow(total, 1 / p) : total; }
  template <class T> T weight(T w, T) const { return w; }
  template <class T> Vec<T> slope(Vec<T> d, T w, T norm) const {
    if (kind == count) return Vec<T>{};
    if (kind == greatest) return absolute(d) == norm ? signOf<T>(d) * w : Vec<T>{};
    return d == T{0} ? d : signOf<T>(d) * toPower(absolute(d) / norm, p - 1) * w;
  }
};

/** Terms add up; of the greatest or least, one stays, and NaN wins. */
template <class K, class V>
V joined(const K&, V a, V b) { return a + b; }
template <class V>
V joined(const Other& kind, V a, V b) {
  if (kind.kind == Other::greatest) return (b > a) | (b != b) ? b : a;
  if (kind.kind == Other::least) return (b < a) | (b != b) ? b : a;
  return a + b;
}
/** What nothing joins to. */
template <class K>
double nothing(const K&) { return 0; }
inline double nothing(const Other& kind) { return kind.kind == Other::least ? static_cast<double>(INFINITY) : 0; }

/** Calls `body(kind)` for the norm that p stands for. */
template <class F>
void withNorm(double p, const F& body) {
  if (p == 2) return body(Squares(p));
  if (p == 1) return body(Sizes(p));
  body(Other(p));
}

/** Calls `body(batch, first, last)` for the parts of batches that the rows `begin` to `end` of all batches are. */
template <class F>
void eachBatch(int64_t rows, int64_t begin, int64_t end, const F& body) {
  while (begin < end && !interrupted()) {
    const int64_t batch = begin / rows, last = (batch + 1) * rows < end ? (batch + 1) * rows : end;
    body(batch, begin - batch * rows, last - batch * rows);
    begin = last;
  }
}

/** Terms that are added in the type itself before they join the total. */
constexpr int64_t stretch = 128;

/** Columns lie in vectors: a tile of y is transposed, and four rows of x meet it at a time. */
template <class T, class K>
void distancesOf(const View& out, const View& x, const View& y, const K& kind) {
  constexpr int L = lanes<T>, R = 4;
  const int64_t rows = out.size[1], columns = out.size[2], size = x.size[2];
  parallelRange(out.size[0] * rows, grain / (columns * size + 1) + 1, R, [&](int64_t begin, int64_t end) {
    eachBatch(rows, begin, end, [&](int64_t batch, int64_t first, int64_t last) {
      T* tile = static_cast<T*>(scratch(2, size * 2 * L * int64_t{sizeof(T)} + 64));
      for (int64_t column = 0; column < columns && !interrupted(); column += 2 * L) {
        const int64_t width = columns - column < 2 * L ? columns - column : 2 * L;
        for (int64_t j = 0; j < 2 * L; j++) {
          const T* from = y.as<T>() + (batch * columns + column + (j < width ? j : 0)) * size;
          for (int64_t k = 0; k < size; k++) tile[k * 2 * L + j] = from[k];
        }
        for (int64_t i = first; i < last; i += R) {
          const T* row[R];
          for (int r = 0; r < R; r++) row[r] = x.as<T>() + (batch * rows + (i + r < last ? i + r : last - 1)) * size;
          Vec<T> total[R][2] = {};
          for (int64_t k = 0; k < size;) {
            const int64_t until = k + stretch < size ? k + stretch : size;
            Vec<T> part[R][2] = {};
            for (; k < until; k++) {
              const Vec<T> left = load<T>(tile + k * 2 * L), right = load<T>(tile + k * 2 * L + L);
#pragma GCC unroll 4
              for (int r = 0; r < R; r++) {
                const T v = row[r][k];
                part[r][0] = joined(kind, part[r][0], kind.template term<T>(v - left));
                part[r][1] = joined(kind, part[r][1], kind.template term<T>(v - right));
              }
            }
            for (int r = 0; r < R; r++)
              for (int h = 0; h < 2; h++) total[r][h] = joined(kind, total[r][h], part[r][h]);
          }
          for (int r = 0; r < R && i + r < last; r++) {
            T* to = out.as<T>() + (batch * rows + i + r) * columns + column;
            for (int64_t j = 0; j < width; j++) to[j] = static_cast<T>(kind.finish(total[r][j / L][j % L]));
          }
        }
      }
    });
  });
}

/** The elements of a row in vectors, N at a time, over all columns. */
template <class T, int N, class K>
void slopesAlong(T* to, const T* x, const T* y, int64_t size, int64_t columns, const T* weight, const T* norm, const K& kind) {
  constexpr int L = lanes<T>;
  Vec<T> total[N] = {}, own[N];
  for (int v = 0; v < N; v++) own[v] = load<T>(x + v * L);
  for (int64_t j = 0; j < columns;) {
    const int64_t until = j + stretch < columns ? j + stretch : columns;
    Vec<T> part[N] = {};
    for (; j < until; j++) {
#pragma GCC unroll 4
      for (int v = 0; v < N; v++)
        part[v] += kind.template slope<T>(own[v] - load<T>(y + j * size + v * L), weight[j], norm[j]);
    }
    for (int v = 0; v < N; v++) total[v] += part[v];
  }
  for (int v = 0; v < N; v++) store<T>(to + v * L, total[v]);
}

template <class T, class K>
void gradientOf(const View& out, const View& g, const View& x, const View& y, const View& norms, const K& kind) {
  constexpr int64_t L = lanes<T>;
  const int64_t rows = out.size[1], size = out.size[2], columns = y.size[1];
  const int64_t padded = (size + L - 1) / L * L;
  parallelRange(out.size[0] * rows, grain / (columns * size + 1) + 1, 1, [&](int64_t begin, int64_t end) {
    T* weight = static_cast<T*>(scratch(2, 2 * (columns + padded) * int64_t{sizeof(T)} + 64));
    T *norm = weight + columns, *own = norm + columns, *sums = own + padded;
    eachBatch(rows, begin, end, [&](int64_t batch, int64_t first, int64_t last) {
      const T* others = y.as<T>() + batch * columns * size;
      if (padded != size) {
        T* copy = static_cast<T*>(scratch(3, columns * padded * int64_t{sizeof(T)} + 64));
        for (int64_t j = 0; j < columns; j++)
          for (int64_t k = 0; k < padded; k++) copy[j * padded + k] = k < size ? others[j * size + k] : T{0};
        others = copy;
      }
      for (int64_t i = first; i < last && !interrupted(); i++) {
        for (int64_t j = 0; j < columns; j++) {
          weight[j] = g.as<T>()[batch * g.stride[0] + i * g.stride[1] + j * g.stride[2]];
          norm[j] = norms.as<T>()[batch * norms.stride[0] + i * norms.stride[1] + j * norms.stride[2]];
        }
        // At distance 0 the gradient is 0.
        for (int64_t j = 0; j < columns; j++) {
          weight[j] = norm[j] == 0 ? T{0} : kind.template weight<T>(weight[j], norm[j]);
          norm[j] = norm[j] == 0 ? T{1} : norm[j];
        }
        for (int64_t k = 0; k < padded; k++) own[k] = k < size ? x.as<T>()[(batch * rows + i) * size + k] : T{0};
        int64_t k = 0;
        for (; k + 4 * L <= padded; k += 4 * L) slopesAlong<T, 4>(sums + k, own + k, others + k, padded, columns, weight, norm, kind);
        for (; k < padded; k += L) slopesAlong<T, 1>(sums + k, own + k, others + k, padded, columns, weight, norm, kind);
        memcpy(out.as<T>() + (batch * rows + i) * size, sums, static_cast<size_t>(size) * sizeof(T));
      }
    });
  });
}

/** out (B, P, R), x (B, P, M), y (B, R, M), p; all row-major. */
bool distances(Args& args) {
  const View out = args.tensor(), x = args.tensor(), y = args.tensor();
  const double p = args.number();
  if (x.dtype > F64 || out.dtype != x.dtype || y.dtype != x.dtype || !out.contiguous() || !x.contiguous() || !y.contiguous()) return false;
  withFloat(x.dtype, [&](auto zero) {
    withNorm(p, [&](const auto& kind) { distancesOf<decltype(zero)>(out, x, y, kind); });
  });
  return true;
}

/** out (B, P, M), g and distance (B, P, R) of any strides, x (B, P, M), y (B, R, M), p: as `cdist.gradient`. */
bool distanceGradient(Args& args) {
  const View out = args.tensor(), g = args.tensor(), x = args.tensor(), y = args.tensor(), norms = args.tensor();
  const double p = args.number();
  for (const View* v : {&out, &x, &y})
    if (!v->contiguous()) return false;
  for (const View* v : {&out, &g, &y, &norms})
    if (v->dtype != x.dtype) return false;
  if (x.dtype > F64) return false;
  withFloat(x.dtype, [&](auto zero) {
    withNorm(p, [&](const auto& kind) { gradientOf<decltype(zero)>(out, g, x, y, norms, kind); });
  });
  return true;
}

/** The total of a row of which neighbours lie together. */
template <class T, class K>
double rowTotal(const T* x, int64_t n, double total, const K& kind) {
  constexpr int L = lanes<T>;
  int64_t i = 0;
  if constexpr (!std::is_same_v<K, Other>) {
    WideSum<T> sums[2];
    for (; i + 2 * L <= n; i += 2 * L)
      for (int h = 0; h < 2; h++) sums[h].add(kind.template term<T>(load<T>(x + i + h * L)));
    total += sums[0].total() + sums[1].total();
  } else if (kind.kind == Other::powers) {
    WideSum<T> sum;
    for (; i + L <= n; i += L) sum.add(kind.template term<T>(load<T>(x + i)));
    total += sum.total();
  }
  for (; i < n; i++) total = joined(kind, total, kind.one(x[i]));
  return total;
}

/** Elements that one piece adds up: pieces, which any thread may take, join in their order. */
constexpr int64_t pieceLength = 1 << 16;
constexpr int64_t chunk = 256;

template <class T, class K>
void normsOf(const View& out, const View& a, const K& kind) {
  Walk<1> kept, terms;
  bool innerKept = false;
  for (int d = 0; d < a.rank; d++) {
    const bool keeps = out.size[d] == a.size[d];
    (keeps ? kept : terms).push(a.size[d], {a.stride[d]});
    if (a.size[d] > 1) innerKept = keeps;
  }
  // Columns of the innermost dimension are added side by side where that dimension stays.
  const int64_t width = innerKept ? kept.size[kept.rank - 1] : 1, step = innerKept ? kept.stride[0][kept.rank - 1] : 0;
  const int64_t chunks = (width + chunk - 1) / chunk, outer = kept.count / (width > 0 ? width : 1);
  const int64_t perPiece = pieceLength / (width < chunk ? width : chunk);
  const int64_t pieces = terms.count > perPiece ? (terms.count + perPiece - 1) / perPiece : 1;
  double* partial = static_cast<double*>(scratch(3, pieces * kept.count * int64_t{sizeof(double)} + 64));
  const int64_t cost = (terms.count < perPiece ? terms.count : perPiece) * (width < chunk ? width : chunk) + 1;
  parallelRange(outer * chunks * pieces, grain / cost + 1, 1, [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end && !interrupted(); t++) {
      const int64_t piece = t % pieces, column = t / pieces % chunks * chunk, row = t / pieces / chunks;
      const int64_t columns = width - column < chunk ? width - column : chunk;
      int64_t start = 0;
      kept.each(row * width + column, row * width + column + 1, [&](const int64_t* at, const int64_t*, int64_t) { start = at[0]; });
      double totals[chunk];
      for (int64_t j = 0; j < columns; j++) totals[j] = nothing(kind);
      const int64_t last = (piece + 1) * perPiece < terms.count ? (piece + 1) * perPiece : terms.count;
      terms.each(piece * perPiece, last, [&](const int64_t* at, const int64_t* along, int64_t n) {
        const T* x = a.as<T>() + start + at[0];
        if (!innerKept && along[0] == 1)
          totals[0] = rowTotal(x, n, totals[0], kind);
        else if (step == 1)
          for (int64_t i = 0; i < n; i++, x += along[0])
            for (int64_t j = 0; j < columns; j++) totals[j] = joined(kind, totals[j], kind.one(x[j]));
        else
          for (int64_t i = 0; i < n; i++, x += along[0])
            for (int64_t j = 0; j < columns; j++) totals[j] = joined(kind, totals[j], kind.one(x[j * step]));
      });
      for (int64_t j = 0; j < columns; j++) partial[piece * kept.count + row * width + column + j] = totals[j];
    }
  });
  for (int64_t o = 0; o < kept.count; o++) {
    double total = partial[o];
    for (int64_t p = 1; p < pieces; p++) total = joined(kind, total, partial[p * kept.count + o]);
    out.as<T>()[o] = static_cast<T>(kind.finish(total));
  }
}

/** out (reduced dimensions of size 1, row-major), a, p. */
bool vectorNorm(Args& args) {
  const View out = args.tensor(), a = args.tensor();
  const double p = args.number();
  if (a.dtype > F64 || out.dtype != a.dtype || out.rank != a.rank || !out.contiguous() || a.count() == 0) return false;
  withFloat(a.dtype, [&](auto zero) {
    withNorm(p, [&](const auto& kind) { normsOf<decltype(zero)>(out, a, kind); });
  });
  return true;
}

}  // namespace

const Entry* distanceKernels() {
  static const Entry entries[] = {{"cdist.forward", distances},
                                  {"cdist.gradient", distanceGradient},
                                  {"norm.vector", vectorNorm},
                                  {nullptr, nullptr}};
  return entries;
}

}  // namespace gradbook
