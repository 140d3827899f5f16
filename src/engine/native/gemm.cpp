// matmul and linear.
#include <type_traits>

#include "activations.h"
#include "gemm.h"

namespace gradbook {
namespace {

/** The sum of all lanes, in a fixed order. */
template <class T>
inline T lanesSum(Vec<T> v) {
  T total = 0;
  for (int i = 0; i < lanes<T>; i++) total += v[i];
  return total;
}

template <class T>
T dot(const T* x, const T* y, int64_t n) {
  constexpr int L = lanes<T>;
  Vec<T> sum[4] = {};
  int64_t i = 0;
  for (; i + 4 * L <= n; i += 4 * L)
#pragma GCC unroll 4
    for (int j = 0; j < 4; j++) sum[j] += load<T>(x + i + j * L) * load<T>(y + i + j * L);
  for (; i + L <= n; i += L) sum[0] += load<T>(x + i) * load<T>(y + i);
  if (i < n) sum[1] += loadPart<T>(x + i, n - i) * loadPart<T>(y + i, n - i);
  return lanesSum<T>((sum[0] + sum[1]) + (sum[2] + sum[3]));
}

/** c[i * cStep] = or += sum over k of a(i, k) x[k]. */
template <class T>
void matrixVector(int64_t rows, int64_t depth, const T* a, int64_t rowStep, int64_t kStep, const T* x, int64_t xStep, T* c,
                  int64_t cStep, bool add) {
  const T* dense = x;
  if (xStep != 1) {
    T* copy = static_cast<T*>(scratch(2, depth * int64_t{sizeof(T)}));
    for (int64_t k = 0; k < depth; k++) copy[k] = x[k * xStep];
    dense = copy;
  }
  const int64_t least = 65536 / (depth > 0 ? depth : 1) + 1;
  if (kStep == 1) {
    parallelRange(rows, least, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; i++) {
        if ((i & 1023) == 0 && interrupted()) return;
        const T total = dot(a + i * rowStep, dense, depth);
        c[i * cStep] = add ? c[i * cStep] + total : total;
      }
    });
    return;
  }
  constexpr int L = lanes<T>;
  constexpr int block = 8 * L;
  parallelRange(rows, least, block, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end && !interrupted(); i += block) {
      const int64_t n = end - i < block ? end - i : block;
      T sums[block] = {};
      if (rowStep == 1 && n == block) {
        Vec<T> sum[8] = {};
        for (int64_t k = 0; k < depth; k++) {
          const Vec<T> v = splat<T>(dense[k]);
          const T* at = a + i + k * kStep;
#pragma GCC unroll 8
          for (int j = 0; j < 8; j++) sum[j] += v * load<T>(at + j * L);
        }
        memcpy(sums, sum, sizeof sums);
      } else {
        for (int64_t k = 0; k < depth; k++)
          for (int64_t j = 0; j < n; j++) sums[j] += a[(i + j) * rowStep + k * kStep] * dense[k];
      }
      for (int64_t j = 0; j < n; j++) c[(i + j) * cStep] = add ? c[(i + j) * cStep] + sums[j] : sums[j];
    }
  });
}

/** Rows of c by the vector, straight from b (columns together) without packing; for matrices that stay in the caches. */
template <class T, int R>
void directRows(int64_t columns, int64_t depth, const T* a, int64_t rowStep, int64_t kStep, const T* b, int64_t ldb, T* c,
                int64_t ldc, bool add) {
  constexpr int L = lanes<T>;
  int64_t j = 0;
  for (; j + 2 * L <= columns; j += 2 * L) {
    Vec<T> sum[R][2] = {};
    for (int64_t k = 0; k < depth; k++) {
      const Vec<T> left = load<T>(b + k * ldb + j), right = load<T>(b + k * ldb + j + L);
#pragma GCC unroll 8
      for (int i = 0; i < R; i++) {
        const Vec<T> v = splat<T>(a[i * rowStep + k * kStep]);
        sum[i][0] += v * left;
        sum[i][1] += v * right;
      }
    }
#pragma GCC unroll 8
    for (int i = 0; i < R; i++) {
      T* row = c + i * ldc + j;
      store<T>(row, add ? load<T>(row) + sum[i][0] : sum[i][0]);
      store<T>(row + L, add ? load<T>(row + L) + sum[i][1] : sum[i][1]);
    }
  }
  for (; j < columns; j += L) {
    const int64_t n = columns - j < L ? columns - j : L;
    Vec<T> sum[R] = {};
    for (int64_t k = 0; k < depth; k++) {
      const Vec<T> right = n == L ? load<T>(b + k * ldb + j) : loadPart<T>(b + k * ldb + j, n);
#pragma GCC unroll 8
      for (int i = 0; i < R; i++) sum[i] += splat<T>(a[i * rowStep + k * kStep]) * right;
    }
#pragma GCC unroll 8
    for (int i = 0; i < R; i++) {
      T* row = c + i * ldc + j;
      storePart<T>(row, add ? loadPart<T>(row, n) + sum[i] : sum[i], n);
    }
  }
}

template <class T>
void direct(int64_t rows, int64_t columns, int64_t depth, Matrix<T> a, const T* b, int64_t ldb, T* c, int64_t ldc, bool add) {
#if defined(__AVX512F__)
  constexpr int R = 8;
#else
  constexpr int R = 4;
#endif
  int64_t i = 0;
  for (; i + R <= rows; i += R)
    directRows<T, R>(columns, depth, a.data + i * a.rowStep, a.rowStep, a.columnStep, b, ldb, c + i * ldc, ldc, add);
  for (; i + 4 <= rows; i += 4)
    directRows<T, 4>(columns, depth, a.data + i * a.rowStep, a.rowStep, a.columnStep, b, ldb, c + i * ldc, ldc, add);
  for (; i < rows; i++)
    directRows<T, 1>(columns, depth, a.data + i * a.rowStep, a.rowStep, a.columnStep, b, ldb, c + i * ldc, ldc, add);
}

/** The best way for matrices in memory; what is not packed is finished afterwards. */
template <class T, class Finish>
void multiplyThen(int64_t rows, int64_t columns, int64_t depth, Matrix<T> a, Matrix<T> b, T* c, int64_t ldc, bool add,
                  const Finish& finish) {
  if (rows == 0 || columns == 0) return;
  const bool small = b.columnStep == 1 && rows * columns * depth <= 110592 && depth * columns * int64_t{sizeof(T)} <= 65536;
  if (columns == 1 && depth > 0)
    matrixVector(rows, depth, a.data, a.rowStep, a.columnStep, b.data, b.rowStep, c, ldc, add);
  else if (rows == 1 && depth > 0)
    matrixVector(columns, depth, b.data, b.columnStep, b.rowStep, a.data, a.columnStep, c, 1, add);
  else if (small && depth > 0)
    direct(rows, columns, depth, a, b.data, b.rowStep, c, ldc, add);
  else
    return product<T>(rows, columns, depth, a, b, c, ldc, add, finish);
  if constexpr (Finish::changes)
    for (int64_t i = 0; i < rows && !interrupted(); i++) finish(c + i * ldc, columns, 0);
}

}  // namespace

template <class T>
void multiply(int64_t rows, int64_t columns, int64_t depth, Matrix<T> a, Matrix<T> b, T* c, int64_t ldc, bool add) {
  multiplyThen<T>(rows, columns, depth, a, b, c, ldc, add, Unchanged{});
}

template void multiply<float>(int64_t, int64_t, int64_t, Matrix<float>, Matrix<float>, float*, int64_t, bool);
template void multiply<double>(int64_t, int64_t, int64_t, Matrix<double>, Matrix<double>, double*, int64_t, bool);

namespace {

template <class T>
void batches(const View& out, const View& a, const View& b, bool add) {
  const int64_t count = out.size[0], rows = out.size[1], columns = out.size[2], depth = a.size[2];
  const auto one = [&](int64_t n) {
    multiply<T>(rows, columns, depth, {a.as<T>() + n * a.stride[0], a.stride[1], a.stride[2]},
                {b.as<T>() + n * b.stride[0], b.stride[1], b.stride[2]}, out.as<T>() + n * rows * columns, columns, add);
  };
  if (count >= threadCount() && count > 1 && rows * columns * depth < (int64_t{1} << 24)) {
    // Each matrix by one thread; small ones in groups.
    const int64_t least = 200000 / (rows * columns * depth + 1) + 1;
    parallelRange(count, least, 1, [&](int64_t begin, int64_t end) {
      for (int64_t n = begin; n < end && !interrupted(); n++) one(n);
    });
  } else {
    for (int64_t n = 0; n < count && !interrupted(); n++) one(n);
  }
}

/** out (B, M, N) row-major = a (B, M, K) x b (B, K, N). */
bool matmul(Args& args) {
  const View out = args.tensor(), a = args.tensor(), b = args.tensor();
  if (out.dtype != a.dtype || a.dtype != b.dtype || out.dtype > F64) return false;
  if (out.dtype == F32)
    batches<float>(out, a, b, false);
  else
    batches<double>(out, a, b, false);
  return true;
}

/** Adds a bias (or nothing) to a run of results, and applies a function. */
template <class T, class F>
struct Epilogue {
  static constexpr bool changes = true;
  const T* bias;
  void operator()(T* run, int64_t n, int64_t column) const {
    constexpr int L = lanes<T>;
    const T* b = bias == nullptr ? nullptr : bias + column;
    int64_t i = 0;
    for (; i + L <= n; i += L) store<T>(run + i, F::of(b == nullptr ? load<T>(run + i) : load<T>(run + i) + load<T>(b + i)));
    if (i == n) return;
    const Vec<T> rest = loadPart<T>(run + i, n - i);
    storePart<T>(run + i, F::of(b == nullptr ? rest : rest + loadPart<T>(b + i, n - i)), n - i);
  }
};

template <class T, class F>
void linearOf(const View& out, const View& a, const View& w, const View& bias) {
  const int64_t rows = out.size[0], columns = out.size[1], depth = a.size[1];
  const Matrix<T> left{a.as<T>(), a.stride[0], a.stride[1]}, right{w.as<T>(), w.stride[1], w.stride[0]};
  const T* values = nullptr;
  if (bias) {
    const T* from = bias.as<T>();
    const int64_t step = bias.rank == 0 || bias.size[0] == 1 ? 0 : bias.stride[0];
    if (step == 1) {
      values = from;
    } else {
      T* copy = static_cast<T*>(scratch(5, columns * int64_t{sizeof(T)}));
      for (int64_t j = 0; j < columns; j++) copy[j] = from[j * step];
      values = copy;
    }
  }
  if (values == nullptr && std::is_same_v<F, Identity>)
    multiply<T>(rows, columns, depth, left, right, out.as<T>(), columns, false);
  else
    multiplyThen<T>(rows, columns, depth, left, right, out.as<T>(), columns, false, Epilogue<T, F>{values});
}

template <class F>
void linearThen(const View& out, const View& a, const View& w, const View& bias) {
  out.dtype == F32 ? linearOf<float, F>(out, a, w, bias) : linearOf<double, F>(out, a, w, bias);
}

bool linearFits(const View& out, const View& a, const View& w, const View& bias) {
  return out.dtype == a.dtype && a.dtype == w.dtype && out.dtype <= F64 && (!bias || bias.dtype == out.dtype);
}

/** out (M, N) row-major = a (M, K) x w (N, K) transposed + bias (N,). */
bool linear(Args& args) {
  const View out = args.tensor(), a = args.tensor(), w = args.tensor(), bias = args.tensor();
  if (!linearFits(out, a, w, bias)) return false;
  linearThen<Identity>(out, a, w, bias);
  return true;
}

/** The same, and an activation's word: relu, gelu, sigmoid, tanh. */
bool linearActivated(Args& args) {
  const View out = args.tensor(), a = args.tensor(), w = args.tensor(), bias = args.tensor();
  const uint64_t activation = args.word();
  if (!linearFits(out, a, w, bias)) return false;
  if (activation == word("relu"))
    linearThen<Relu>(out, a, w, bias);
  else if (activation == word("gelu"))
    linearThen<Gelu>(out, a, w, bias);
  else if (activation == word("sigmoid"))
    linearThen<Sigmoid>(out, a, w, bias);
  else if (activation == word("tanh"))
    linearThen<Tanh>(out, a, w, bias);
  else
    return false;
  return true;
}

}  // namespace

const Entry* gemmKernels() {
  static const Entry entries[] = {{"matmul", matmul}, {"linear", linear}, {"linear.activated", linearActivated}, {nullptr, nullptr}};
  return entries;
}

}  // namespace gradbook
