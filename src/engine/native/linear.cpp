// Linear algebra of batches of row-major matrices, in float64: elimination, triangles, Cholesky, Householder's reflections, and Jacobi's
// rotations. Matrices of a batch in parallel; the rows of a large one too.
#include "simd.h"
#include "walk.h"

namespace gradbook {
namespace {

double dot(const double* x, const double* y, int64_t n) {
  constexpr int L = lanes<double>;
  VecD sums[4] = {};
  int64_t i = 0;
  for (; i + 4 * L <= n; i += 4 * L)
#pragma GCC unroll 4
    for (int j = 0; j < 4; j++) sums[j] += load<double>(x + i + j * L) * load<double>(y + i + j * L);
  for (; i + L <= n; i += L) sums[0] += load<double>(x + i) * load<double>(y + i);
  const VecD all = (sums[0] + sums[1]) + (sums[2] + sums[3]);
  double total = 0;
  for (int j = 0; j < L; j++) total += all[j];
  for (; i < n; i++) total += x[i] * y[i];
  return total;
}

/** y += factor x */
void addTimes(double* __restrict y, const double* __restrict x, double factor, int64_t n) {
  for (int64_t i = 0; i < n; i++) y[i] += factor * x[i];
}

void swapRows(double* a, double* b, int64_t n) {
  for (int64_t i = 0; i < n; i++) {
    const double x = a[i];
    a[i] = b[i];
    b[i] = x;
  }
}

/** (x, y) = (c x - s y, s x + c y) */
void rotate(double* __restrict x, double* __restrict y, double c, double s, int64_t n) {
  for (int64_t i = 0; i < n; i++) {
    const double a = x[i], b = y[i];
    x[i] = c * a - s * b;
    y[i] = s * a + c * b;
  }
}

/** The Euclidean length, without overflow or underflow on the way. */
double length(const double* x, int64_t n) {
  double peak = 0;
  for (int64_t i = 0; i < n; i++) {
    const double size = std::fabs(x[i]);
    if (!(size <= peak)) peak = size;
  }
  if (peak == 0 || !(peak < INFINITY)) return peak;
  double total = 0;
  for (int64_t i = 0; i < n; i++) total += (x[i] / peak) * (x[i] / peak);
  return peak * std::sqrt(total);
}

double* numbers(int slot, int64_t count) { return static_cast<double*>(scratch(slot, count * int64_t{sizeof(double)} + 64)); }

template <class T>
void read(double* to, const T* from, int64_t n) {
  for (int64_t i = 0; i < n; i++) to[i] = static_cast<double>(from[i]);
}
template <class T>
void write(T* to, const double* from, int64_t n) {
  for (int64_t i = 0; i < n; i++) to[i] = static_cast<T>(from[i]);
}

/** Matrices in parallel where there are many: then each one's own loops run on its thread alone. */
template <class F>
void eachMatrix(int64_t batches, int64_t cost, const F& body) {
  if (batches == 1) return body(int64_t{0});
  parallelRange(batches, grain / (cost + 1) + 1, 1, [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end && !interrupted(); t++) body(t);
  });
}

/** Calls `body(i)` for `begin` <= i < `end`, each of which costs `cost` operations; on all threads if this is the only matrix. */
template <class F>
void eachRow(bool alone, int64_t begin, int64_t end, int64_t cost, const F& body) {
  const auto range = [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; i++) body(begin + i);
  };
  if (alone)
    parallelRange(end - begin, grain / (cost + 1) + 1, 1, range);
  else
    range(0, end - begin);
}

template <int K>
bool fits(const View (&views)[K]) {
  for (int k = 0; k < K; k++)
    if (views[k].dtype > F64 || views[k].dtype != views[0].dtype || !views[k].contiguous()) return false;
  return true;
}

int64_t pivotOf(const double* lu, int64_t n, int64_t c) {
  int64_t pivot = c;
  for (int64_t r = c + 1; r < n; r++)
    if (std::fabs(lu[r * n + c]) > std::fabs(lu[pivot * n + c])) pivot = r;
  return pivot;
}

/** x (B, n, k), info (B,), a (B, n, n), b (B, n, k): a x = b; info is the number, from 1, of the first pivot that is 0, or 0. */
bool solve(Args& args) {
  const View x = args.tensor(), info = args.tensor(), a = args.tensor(), b = args.tensor();
  if (!fits({x, a, b}) || info.dtype != I32 || !info.contiguous()) return false;
  const int64_t batches = x.size[0], n = x.size[1], k = x.size[2];
  const bool alone = batches == 1;
  withFloat(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    eachMatrix(batches, n * n * (n + k), [&](int64_t t) {
      double *lu = numbers(2, n * n), *y = numbers(3, n * k);
      read(lu, a.as<T>() + t * n * n, n * n);
      read(y, b.as<T>() + t * n * k, n * k);
      int32_t failed = 0;
      for (int64_t c = 0; c < n && !interrupted(); c++) {
        const int64_t pivot = pivotOf(lu, n, c);
        const double top = lu[pivot * n + c];
        if (top == 0) {
          if (failed == 0) failed = static_cast<int32_t>(c + 1);
          continue;
        }
        if (pivot != c) {
          swapRows(lu + c * n, lu + pivot * n, n);
          swapRows(y + c * k, y + pivot * k, k);
        }
        eachRow(alone, c + 1, n, n - c + k, [&](int64_t r) {
          const double factor = lu[r * n + c] / top;
          if (factor == 0) return;
          addTimes(lu + r * n + c, lu + c * n + c, -factor, n - c);
          addTimes(y + r * k, y + c * k, -factor, k);
        });
      }
      for (int64_t c = n - 1; c >= 0; c--) {
        for (int64_t i = c + 1; i < n; i++) addTimes(y + c * k, y + i * k, -lu[c * n + i], k);
        for (int64_t j = 0; j < k; j++) y[c * k + j] /= lu[c * n + c];
      }
      write(x.as<T>() + t * n * k, y, n * k);
      info.as<int32_t>()[t] = failed;
    });
  });
  return true;
}

/** x (B, n, k), a (B, n, n), b (B, n, k), upper, unit: a x = b for triangular a. */
bool solveTriangular(Args& args) {
  const View x = args.tensor(), a = args.tensor(), b = args.tensor();
  const bool upper = args.number() != 0, unit = args.number() != 0;
  if (!fits({x, a, b})) return false;
  const int64_t batches = x.size[0], n = x.size[1], k = x.size[2];
  withFloat(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    // Columns are independent: stripes of them go to the threads.
    constexpr int64_t stripe = 64;
    const int64_t stripes = (k + stripe - 1) / stripe;
    parallelRange(batches * stripes, grain / (n * n * stripe + 1) + 1, 1, [&](int64_t begin, int64_t end) {
      double* y = numbers(2, n * stripe);
      for (int64_t task = begin; task < end && !interrupted(); task++) {
        const int64_t t = task / stripes, first = task % stripes * stripe, width = k - first < stripe ? k - first : stripe;
        const T* m = a.as<T>() + t * n * n;
        for (int64_t s = 0; s < n; s++) {
          const int64_t r = upper ? n - 1 - s : s;
          double* row = y + r * width;
          read(row, b.as<T>() + (t * n + r) * k + first, width);
          const int64_t from = upper ? r + 1 : 0, to = upper ? n : r;
          for (int64_t i = from; i < to; i++) addTimes(row, y + i * width, -static_cast<double>(m[r * n + i]), width);
          if (!unit)
            for (int64_t j = 0; j < width; j++) row[j] /= static_cast<double>(m[r * n + r]);
        }
        for (int64_t r = 0; r < n; r++) write(x.as<T>() + (t * n + r) * k + first, y + r * width, width);
      }
    });
  });
  return true;
}

/** value, sign, logarithm of the absolute value (each (B,)), a (B, n, n): determinants. */
bool determinant(Args& args) {
  const View value = args.tensor(), sign = args.tensor(), log = args.tensor(), a = args.tensor();
  if (!fits({value, sign, log, a})) return false;
  const int64_t batches = a.size[0], n = a.size[1];
  withFloat(a.dtype, [&](auto zero) {
    using T = decltype(zero);
    eachMatrix(batches, n * n * n, [&](int64_t t) {
      double* lu = numbers(2, n * n);
      read(lu, a.as<T>() + t * n * n, n * n);
      double product = 1, signs = 1, logs = 0;
      for (int64_t c = 0; c < n && !interrupted(); c++) {
        const int64_t pivot = pivotOf(lu, n, c);
        if (pivot != c) {
          swapRows(lu + c * n, lu + pivot * n, n);
          product = -product;
          signs = -signs;
        }
        const double top = lu[c * n + c];
        product *= top;
        signs *= top > 0 ? 1 : top < 0 ? -1 : top;
        logs += std::log(std::fabs(top));
        if (top == 0) break;
        eachRow(batches == 1, c + 1, n, n - c, [&](int64_t r) { addTimes(lu + r * n + c, lu + c * n + c, -lu[r * n + c] / top, n - c); });
      }
      value.as<T>()[t] = static_cast<T>(product);
      sign.as<T>()[t] = static_cast<T>(signs);
      log.as<T>()[t] = static_cast<T>(logs);
    });
  });
  return true;
}

/** l (B, n, n), info (B,), a (B, n, n): l lᵀ = a; info is the order of the first minor that is not positive, or 0. */
bool cholesky(Args& args) {
  const View l = args.tensor(), info = args.tensor(), a = args.tensor();
  if (!fits({l, a}) || info.dtype != I32 || !info.contiguous()) return false;
  const int64_t batches = a.size[0], n = a.size[1];
  withFloat(a.dtype, [&](auto zero) {
    using T = decltype(zero);
    eachMatrix(batches, n * n * n, [&](int64_t t) {
      const T* from = a.as<T>() + t * n * n;
      double* y = numbers(2, n * n);
      memset(y, 0, static_cast<size_t>(n * n) * sizeof(double));
      int32_t failed = 0;
      for (int64_t j = 0; j < n && failed == 0 && !interrupted(); j++) {
        const double pivot = static_cast<double>(from[j * n + j]) - dot(y + j * n, y + j * n, j);
        if (!(pivot > 0)) {
          failed = static_cast<int32_t>(j + 1);
          break;
        }
        const double root = std::sqrt(pivot);
        y[j * n + j] = root;
        eachRow(batches == 1, j + 1, n, j, [&](int64_t i) {
          y[i * n + j] = (static_cast<double>(from[i * n + j]) - dot(y + i * n, y + j * n, j)) / root;
        });
      }
      write(l.as<T>() + t * n * n, y, n * n);
      info.as<int32_t>()[t] = failed;
    });
  });
  return true;
}

/** q (B, m, k), r (B, k, n), a (B, m, n): q r = a, with LAPACK's signs. Matrices are worked on column by column. */
bool qr(Args& args) {
  const View q = args.tensor(), r = args.tensor(), a = args.tensor();
  if (!fits({q, r, a})) return false;
  const int64_t batches = a.size[0], m = a.size[1], n = a.size[2], k = q.size[2], steps = m < n ? m : n;
  const bool alone = batches == 1;
  withFloat(a.dtype, [&](auto zero) {
    using T = decltype(zero);
    eachMatrix(batches, m * n * steps, [&](int64_t t) {
      double *w = numbers(2, m * n), *y = numbers(3, m * k), *taus = numbers(4, steps);
      for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < n; j++) w[j * m + i] = static_cast<double>(a.as<T>()[(t * m + i) * n + j]);
      // v = (1, own[c + 1], ...): x -= tau (v x) v
      const auto reflect = [&](double* x, const double* own, int64_t c) {
        const double total = taus[c] * (x[c] + dot(own + c + 1, x + c + 1, m - c - 1));
        x[c] -= total;
        addTimes(x + c + 1, own + c + 1, -total, m - c - 1);
      };
      for (int64_t c = 0; c < steps && !interrupted(); c++) {
        double* own = w + c * m;
        const double tail = dot(own + c + 1, own + c + 1, m - c - 1), alpha = own[c];
        taus[c] = 0;
        if (tail == 0) continue;
        const double beta = std::signbit(alpha) ? std::sqrt(alpha * alpha + tail) : -std::sqrt(alpha * alpha + tail);
        taus[c] = (beta - alpha) / beta;
        for (int64_t i = c + 1; i < m; i++) own[i] /= alpha - beta;
        own[c] = beta;
        eachRow(alone, c + 1, n, m - c, [&](int64_t j) { reflect(w + j * m, own, c); });
      }
      memset(y, 0, static_cast<size_t>(m * k) * sizeof(double));
      for (int64_t j = 0; j < k; j++) y[j * m + j] = 1;
      for (int64_t c = steps - 1; c >= 0 && !interrupted(); c--)
        eachRow(alone, 0, k, m - c, [&](int64_t j) { reflect(y + j * m, w + c * m, c); });
      for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < k; j++) q.as<T>()[(t * m + i) * k + j] = static_cast<T>(y[j * m + i]);
      for (int64_t i = 0; i < k; i++)
        for (int64_t j = 0; j < n; j++) r.as<T>()[(t * k + i) * n + j] = j >= i ? static_cast<T>(w[j * m + i]) : T{0};
    });
  });
  return true;
}

/** Fills `order` with 0 ... n - 1 so that the keys fall, or with `up` rise; equal ones stay in order. */
void sortBy(int64_t* order, const double* keys, int64_t n, bool up) {
  for (int64_t i = 0; i < n; i++) {
    int64_t j = i;
    for (; j > 0 && (up ? keys[order[j - 1]] > keys[i] : keys[order[j - 1]] < keys[i]); j--) order[j] = order[j - 1];
    order[j] = i;
  }
}

constexpr int mostSweeps = 60;

/** The rotation that zeta = (beta - alpha) / (2 gamma) asks for. */
struct Rotation {
  double tangent, c, s;
  explicit Rotation(double zeta) {
    tangent = (zeta < 0 ? -1 : 1) / (std::fabs(zeta) + std::sqrt(1 + zeta * zeta));
    c = 1 / std::sqrt(1 + tangent * tangent);
    s = c * tangent;
  }
};

/** values (B, n) from the smallest, vectors (B, n, n) as columns, a (B, n, n), of which one half is read, upper. */
bool eigh(Args& args) {
  const View values = args.tensor(), vectors = args.tensor(), a = args.tensor();
  const bool upper = args.number() != 0;
  if (!fits({values, vectors, a})) return false;
  const int64_t batches = a.size[0], n = a.size[1];
  withFloat(a.dtype, [&](auto zero) {
    using T = decltype(zero);
    eachMatrix(batches, 8 * n * n * n, [&](int64_t t) {
      double *w = numbers(2, n * n), *v = numbers(3, n * n), *keys = numbers(4, 2 * n);
      double scale = 0;
      for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j <= i; j++) {
          const double value = static_cast<double>(a.as<T>()[t * n * n + (upper ? j * n + i : i * n + j)]);
          w[i * n + j] = w[j * n + i] = value;
          scale += (i == j ? 1 : 2) * value * value;
        }
      memset(v, 0, static_cast<size_t>(n * n) * sizeof(double));
      for (int64_t i = 0; i < n; i++) v[i * n + i] = 1;
      for (int sweep = 0; sweep < mostSweeps && !interrupted(); sweep++) {
        double off = 0;
        for (int64_t i = 0; i < n; i++) off += dot(w + i * n, w + i * n, i);
        if (off <= 1e-32 * scale || off == 0) break;
        for (int64_t p = 0; p < n - 1 && !interrupted(); p++)
          for (int64_t q = p + 1; q < n; q++) {
            const double between = w[p * n + q];
            if (between == 0) continue;
            const double first = w[p * n + p], second = w[q * n + q];
            const Rotation turn((second - first) / (2 * between));
            // By symmetry the columns become what the rows do.
            rotate(w + p * n, w + q * n, turn.c, turn.s, n);
            for (int64_t i = 0; i < n; i++) {
              w[i * n + p] = w[p * n + i];
              w[i * n + q] = w[q * n + i];
            }
            w[p * n + p] = first - turn.tangent * between;
            w[q * n + q] = second + turn.tangent * between;
            w[p * n + q] = w[q * n + p] = 0;
            rotate(v + p * n, v + q * n, turn.c, turn.s, n);
          }
      }
      int64_t* order = reinterpret_cast<int64_t*>(keys + n);
      for (int64_t i = 0; i < n; i++) keys[i] = w[i * n + i];
      sortBy(order, keys, n, true);
      for (int64_t to = 0; to < n; to++) {
        values.as<T>()[t * n + to] = static_cast<T>(keys[order[to]]);
        for (int64_t i = 0; i < n; i++) vectors.as<T>()[(t * n + i) * n + to] = static_cast<T>(v[order[to] * n + i]);
      }
    });
  });
  return true;
}

/** Turns the columns of w (m x n, column by column) until they are orthogonal, and v (n x n) with them: Hestenes' method. */
void orthogonalize(double* w, double* v, int64_t m, int64_t n) {
  for (int sweep = 0; sweep < mostSweeps; sweep++) {
    bool turned = false;
    for (int64_t p = 0; p < n - 1 && !interrupted(); p++)
      for (int64_t q = p + 1; q < n; q++) {
        double *x = w + p * m, *y = w + q * m;
        const double alpha = dot(x, x, m), beta = dot(y, y, m), gamma = dot(x, y, m);
        if (std::fabs(gamma) <= 1e-15 * std::sqrt(alpha * beta) || gamma == 0) continue;
        turned = true;
        const Rotation turn((beta - alpha) / (2 * gamma));
        rotate(x, y, turn.c, turn.s, m);
        rotate(v + p * n, v + q * n, turn.c, turn.s, n);
      }
    if (!turned || interrupted()) return;
  }
}

/** Fills the columns of u (m x k, column by column) from `start` on, so that all are orthonormal. */
void complete(double* u, int64_t m, int64_t k, int64_t start) {
  int64_t axis = 0;
  for (int64_t c = start; c < k; c++)
    for (; axis < m; axis++) {
      double* column = u + c * m;
      for (int64_t i = 0; i < m; i++) column[i] = i == axis;
      for (int round = 0; round < 2; round++)
        for (int64_t b = 0; b < c; b++) addTimes(column, u + b * m, -dot(u + b * m, column, m), m);
      const double size = length(column, m);
      if (size < 0.5 / std::sqrt(static_cast<double>(m))) continue;
      for (int64_t i = 0; i < m; i++) column[i] /= size;
      axis++;
      break;
    }
}

/** u (B, m, ku), s (B, min(m, n)) from the greatest, v (B, n, kv), a (B, m, n): a = u diag(s) vᵀ. */
bool svd(Args& args) {
  const View u = args.tensor(), s = args.tensor(), v = args.tensor(), a = args.tensor();
  if (!fits({u, s, v, a})) return false;
  const int64_t batches = a.size[0], rows = a.size[1], columns = a.size[2];
  const bool wide = rows < columns;
  const int64_t m = wide ? columns : rows, n = wide ? rows : columns;
  const View &left = wide ? v : u, &right = wide ? u : v;
  const int64_t kl = left.size[2], kr = right.size[2];
  withFloat(a.dtype, [&](auto zero) {
    using T = decltype(zero);
    eachMatrix(batches, 8 * m * n * n, [&](int64_t t) {
      double *w = numbers(2, m * n), *turn = numbers(3, n * n), *ul = numbers(4, m * (kl > n ? kl : n)), *sizes = numbers(5, 2 * n);
      for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < columns; j++)
          w[wide ? i * m + j : j * m + i] = static_cast<double>(a.as<T>()[(t * rows + i) * columns + j]);
      memset(ul, 0, static_cast<size_t>(m * (kl > n ? kl : n)) * sizeof(double));
      memset(turn, 0, static_cast<size_t>(n * n) * sizeof(double));
      for (int64_t i = 0; i < n; i++) turn[i * n + i] = 1;
      orthogonalize(w, turn, m, n);
      int64_t* order = reinterpret_cast<int64_t*>(sizes + n);
      for (int64_t c = 0; c < n; c++) sizes[c] = length(w + c * m, m);
      sortBy(order, sizes, n, false);
      const double least = n > 0 ? sizes[order[0]] * 1e-300 : 0;
      int64_t rank = 0;
      for (int64_t i = 0; i < n; i++) {
        const int64_t c = order[i];
        s.as<T>()[t * n + i] = static_cast<T>(sizes[c]);
        if (!(sizes[c] > least)) continue;
        for (int64_t r = 0; r < m; r++) ul[i * m + r] = w[c * m + r] / sizes[c];
        rank = i + 1;
      }
      complete(ul, m, kl, rank);
      for (int64_t r = 0; r < m; r++)
        for (int64_t c = 0; c < kl; c++) left.as<T>()[(t * m + r) * kl + c] = static_cast<T>(ul[c * m + r]);
      for (int64_t r = 0; r < n; r++)
        for (int64_t c = 0; c < kr; c++) right.as<T>()[(t * n + r) * kr + c] = static_cast<T>(turn[order[c] * n + r]);
    });
  });
  return true;
}

}  // namespace

const Entry* linearKernels() {
  static const Entry entries[] = {{"linalg.solve", solve},
                                  {"linalg.solveTriangular", solveTriangular},
                                  {"linalg.determinant", determinant},
                                  {"linalg.cholesky", cholesky},
                                  {"linalg.qr", qr},
                                  {"linalg.eigh", eigh},
                                  {"linalg.svd", svd},
                                  {nullptr, nullptr}};
  return entries;
}

}  // namespace gradbook
