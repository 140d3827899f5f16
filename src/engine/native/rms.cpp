// Normalisation by the root mean square, forward and backward, and the running statistics of batches.
#include "map.h"
#include "rows.h"
#include "walk.h"

namespace gradbook {
namespace {

/** The sum of x y z, in vectors. */
template <class T>
double sumOfProducts(const T* x, const T* y, const T* z, int64_t n) {
  constexpr int L = lanes<T>;
  WideSum<T> sum;
  int64_t i = 0;
  for (; i + L <= n; i += L) {
    const Vec<T> product = load<T>(x + i) * load<T>(y + i);
    sum.add(z == nullptr ? product : product * load<T>(z + i));
  }
  double total = sum.total();
  for (; i < n; i++) total += static_cast<double>(x[i]) * static_cast<double>(y[i]) * (z == nullptr ? 1 : static_cast<double>(z[i]));
  return total;
}

/** out (M, D), meanSquare (M,), input (M, D), weight (D,), eps. */
bool rms(Args& args) {
  const View out = args.tensor(), squares = args.tensor(), input = args.tensor(), weight = args.tensor();
  const double eps = args.number();
  if (input.dtype > F64 || out.dtype != input.dtype || squares.dtype != input.dtype || (weight && weight.dtype != input.dtype) ||
      !out.contiguous() || !squares.contiguous())
    return false;
  const int64_t rows = input.size[0], size = input.size[1];
  withFloat(input.dtype, [&](auto zero) {
    using T = decltype(zero);
    const T* all = dense<T>(input, 4);
    const T* scale = weight ? dense<T>(weight, 5) : nullptr;
    parallelRange(rows, grain / (size + 1) + 1, 1, [&](int64_t begin, int64_t end) {
      for (int64_t m = begin; m < end && !interrupted(); m++) {
        const T* x = all + m * size;
        T* y = out.as<T>() + m * size;
        const double mean = sumOfProducts<T>(x, x, nullptr, size) / static_cast<double>(size);
        const T inverse = static_cast<T>(1 / std::sqrt(mean + eps));
        if (scale == nullptr)
          for (int64_t d = 0; d < size; d++) y[d] = x[d] * inverse;
        else
          for (int64_t d = 0; d < size; d++) y[d] = x[d] * inverse * scale[d];
        squares.as<T>()[m] = static_cast<T>(mean);
      }
    });
  });
  return true;
}

/** Rows whose sums for the weight are added first: pieces, which any thread may take, join in their order. */
constexpr int64_t mostPieces = 32;

/** gradInput (M, D), gradWeight (D,), either of which may be missing, grad, input (M, D), meanSquare (M,), weight (D,), eps. */
bool rmsBackward(Args& args) {
  const View gradInput = args.tensor(), gradWeight = args.tensor(), grad = args.tensor(), input = args.tensor(), squares = args.tensor(),
             weight = args.tensor();
  const double eps = args.number();
  if (input.dtype > F64 || grad.dtype != input.dtype || squares.dtype != input.dtype || (weight && weight.dtype != input.dtype) ||
      (gradInput && !gradInput.contiguous()) || (gradWeight && !gradWeight.contiguous()) || !squares.contiguous())
    return false;
  const int64_t rows = input.size[0], size = input.size[1];
  const int64_t perPiece = (rows + mostPieces - 1) / mostPieces, pieces = perPiece == 0 ? 0 : (rows + perPiece - 1) / perPiece;
  withFloat(input.dtype, [&](auto zero) {
    using T = decltype(zero);
    const T *all = dense<T>(input, 4), *grads = dense<T>(grad, 6);
    const T* scale = weight ? dense<T>(weight, 5) : nullptr;
    double* partial = gradWeight ? static_cast<double*>(scratch(3, pieces * size * int64_t{sizeof(double)} + 64)) : nullptr;
    parallelRange(pieces, grain / (perPiece * size + 1) + 1, 1, [&](int64_t begin, int64_t end) {
      for (int64_t piece = begin; piece < end; piece++) {
        double* sums = partial == nullptr ? nullptr : partial + piece * size;
        for (int64_t d = 0; sums != nullptr && d < size; d++) sums[d] = 0;
        const int64_t last = (piece + 1) * perPiece < rows ? (piece + 1) * perPiece : rows;
        for (int64_t m = piece * perPiece; m < last && !interrupted(); m++) {
          const T *x = all + m * size, *g = grads + m * size;
          const double inverse = 1 / std::sqrt(static_cast<double>(squares.as<T>()[m]) + eps);
          if (sums != nullptr)
            for (int64_t d = 0; d < size; d++) sums[d] += static_cast<double>(g[d]) * (static_cast<double>(x[d]) * inverse);
          if (!gradInput) continue;
          const double product = sumOfProducts<T>(g, x, scale, size) * inverse;
          const T own = static_cast<T>(inverse), back = static_cast<T>(inverse * inverse * product / static_cast<double>(size));
          T* to = gradInput.as<T>() + m * size;
          if (scale == nullptr)
            for (int64_t d = 0; d < size; d++) to[d] = g[d] * own - x[d] * back;
          else
            for (int64_t d = 0; d < size; d++) to[d] = g[d] * scale[d] * own - x[d] * back;
        }
      }
    });
    for (int64_t d = 0; gradWeight && d < size; d++) {
      double total = 0;
      for (int64_t piece = 0; piece < pieces; piece++) total += partial[piece * size + d];
      gradWeight.as<T>()[d] = static_cast<T>(total);
    }
  });
  return true;
}

/** runningMean, runningVar (strided), mean, variance (row-major), momentum, count: moves the first two to what the batch has. */
bool running(Args& args) {
  const View targets[2] = {args.tensor(), args.tensor()}, batch[2] = {args.tensor(), args.tensor()};
  const double momentum = args.number(), count = args.number();
  for (int k = 0; k < 2; k++)
    if (targets[k].dtype > F64 || batch[k].dtype != targets[k].dtype || targets[k].rank != 1) return false;
  for (int k = 0; k < 2; k++)
    withFloat(targets[k].dtype, [&](auto zero) {
      using T = decltype(zero);
      const double factor = momentum * (k == 0 ? 1 : count / (count - 1));
      T* to = targets[k].as<T>();
      const T* from = batch[k].as<T>();
      for (int64_t c = 0; c < targets[k].size[0]; c++, to += targets[k].stride[0])
        *to = static_cast<T>((1 - momentum) * static_cast<double>(*to) + factor * static_cast<double>(from[c]));
    });
  return true;
}

}  // namespace

const Entry* rmsKernels() {
  static const Entry entries[] = {
      {"norm.rms", rms}, {"norm.rmsBackward", rmsBackward}, {"norm.running", running}, {nullptr, nullptr}};
  return entries;
}

}  // namespace gradbook
