// Linear interpolation of lines and planes, both directions, and non-maximum suppression.
#include <cmath>

#include "args.h"
#include "simd.h"
#include "threads.h"

namespace gradbook {

/** The same kernel by tables of weights: `interpolate.cpp`. */
bool generalLinear(Args& args, bool back);

namespace {

/** The two neighbours of each output along one dimension, and their shares. */
template <class T>
struct Neighbours {
  int32_t *left, *right;
  T *nearShare, *farShare;
};

template <class T>
Neighbours<T> neighbours(int64_t size, int64_t outputs, double step, bool alignCorners, int slot) {
  char* memory = static_cast<char*>(scratch(slot, outputs * (8 + 2 * int64_t{sizeof(T)}) + 16));
  Neighbours<T> n;
  n.nearShare = reinterpret_cast<T*>(memory);
  n.farShare = n.nearShare + outputs;
  n.left = reinterpret_cast<int32_t*>(n.farShare + outputs);
  n.right = n.left + outputs;
  for (int64_t o = 0; o < outputs; o++) {
    const double i = static_cast<double>(o);
    double at = alignCorners ? i * step : (i + 0.5) * step - 0.5;
    if (size == outputs) at = i;
    if (at < 0) at = 0;
    int64_t left = static_cast<int64_t>(std::floor(at));
    if (left > size - 1) left = size - 1;
    double share = at - static_cast<double>(left);
    share = share < 0 ? 0 : share > 1 ? 1 : share;
    n.left[o] = static_cast<int32_t>(left);
    n.right[o] = static_cast<int32_t>(left + 1 < size ? left + 1 : size - 1);
    n.nearShare[o] = static_cast<T>(1 - share);
    n.farShare[o] = static_cast<T>(share);
  }
  return n;
}

/** `small` and `large` planes (row-major), heights and widths, steps (y, x). */
template <class T>
void linearPlanes(const View& out, const View& in, const View& small, const View& large, const double* steps, bool alignCorners,
                  bool backward) {
  const bool line = small.rank == 3;
  const int64_t height = line ? 1 : small.size[2], width = small.size[small.rank - 1];
  const int64_t rows = line ? 1 : large.size[2], columns = large.size[large.rank - 1];
  const Neighbours<T> y = neighbours<T>(height, rows, line ? 1 : steps[0], alignCorners, 4);
  const Neighbours<T> x = neighbours<T>(width, columns, steps[line ? 0 : 1], alignCorners, 5);
  const int64_t planes = small.size[0] * small.size[1];
  parallelRange(planes, grain / (rows * columns + 1) + 1, 1, [&](int64_t begin, int64_t end) {
    T* row = static_cast<T*>(scratch(2, width * int64_t{sizeof(T)}));
    for (int64_t p = begin; p < end && !interrupted(); p++) {
      if (backward) {
        T* to = out.as<T>() + p * height * width;
        const T* g = in.as<T>() + p * rows * columns;
        for (int64_t i = 0; i < height * width; i++) to[i] = 0;
        for (int64_t o = 0; o < rows; o++, g += columns) {
          for (int64_t i = 0; i < width; i++) row[i] = 0;
          for (int64_t c = 0; c < columns; c++) {
            row[x.left[c]] += g[c] * x.nearShare[c];
            row[x.right[c]] += g[c] * x.farShare[c];
          }
          T *top = to + y.left[o] * width, *bottom = to + y.right[o] * width;
          for (int64_t i = 0; i < width; i++) top[i] += row[i] * y.nearShare[o];
          for (int64_t i = 0; i < width; i++) bottom[i] += row[i] * y.farShare[o];
        }
      } else {
        const T* from = in.as<T>() + p * height * width;
        T* to = out.as<T>() + p * rows * columns;
        for (int64_t o = 0; o < rows; o++, to += columns) {
          const T *top = from + y.left[o] * width, *bottom = from + y.right[o] * width;
          const T near = y.nearShare[o], far = y.farShare[o];
          for (int64_t i = 0; i < width; i++) row[i] = top[i] * near + bottom[i] * far;
          for (int64_t c = 0; c < columns; c++) to[c] = row[x.left[c]] * x.nearShare[c] + row[x.right[c]] * x.farShare[c];
        }
      }
    }
  });
}

/** out, input (or its gradient), steps, alignCorners, antialias. */
template <bool Backward>
bool linearInterpolation(Args& args) {
  Args whole = args;
  const View out = args.tensor(), in = args.tensor();
  const int64_t count = args.length();
  if (count > 2) return generalLinear(whole, Backward);
  double steps[2] = {1, 1};
  for (int64_t i = 0; i < count; i++) steps[i] = args.number();
  const bool alignCorners = args.flag(), antialias = args.flag();
  if (antialias) return generalLinear(whole, Backward);
  if (out.dtype != in.dtype || out.dtype > F64 || out.rank != count + 2 || !out.contiguous() || !in.contiguous()) return false;
  const View &small = Backward ? out : in, &large = Backward ? in : out;
  if (small.count() == 0 || large.count() == 0) return false;
  out.dtype == F32 ? linearPlanes<float>(out, in, small, large, steps, alignCorners, Backward)
                   : linearPlanes<double>(out, in, small, large, steps, alignCorners, Backward);
  return true;
}

/** keep, boxes (N, 4), order (N,) int32, threshold. */
bool suppress(Args& args) {
  const View keep = args.tensor(), boxes = args.tensor(), order = args.tensor();
  const double threshold = args.number();
  if (boxes.dtype > F64 || keep.dtype < U8 || order.dtype != I32 || !keep.contiguous() || !order.contiguous()) return false;
  const int64_t n = order.count();
  double* memory = static_cast<double*>(scratch(2, n * 6 * int64_t{sizeof(double)} + 8));
  double *x0 = memory, *y0 = x0 + n, *x1 = y0 + n, *y1 = x1 + n, *area = y1 + n, *dropped = area + n;
  for (int64_t i = 0; i < n; i++) {
    const int64_t place = order.as<int32_t>()[i] * boxes.stride[0];
    const auto get = [&](int64_t c) {
      return boxes.dtype == F32 ? double{boxes.as<float>()[place + c * boxes.stride[1]]} : boxes.as<double>()[place + c * boxes.stride[1]];
    };
    x0[i] = get(0), y0[i] = get(1), x1[i] = get(2), y1[i] = get(3);
    area[i] = (x1[i] - x0[i]) * (y1[i] - y0[i]);
    dropped[i] = 0;
  }
  for (int64_t i = 0; i < n; i++) {
    if (dropped[i] != 0) continue;
    if ((i & 255) == 0 && interrupted()) return true;
    const double a0 = x0[i], b0 = y0[i], a1 = x1[i], b1 = y1[i], own = area[i];
    for (int64_t j = i + 1; j < n; j++) {
      double w = (a1 < x1[j] ? a1 : x1[j]) - (a0 > x0[j] ? a0 : x0[j]);
      double h = (b1 < y1[j] ? b1 : y1[j]) - (b0 > y0[j] ? b0 : y0[j]);
      w = w > 0 ? w : 0;
      h = h > 0 ? h : 0;
      const double both = w * h;
      dropped[j] = both / (own + area[j] - both) > threshold ? 1 : dropped[j];
    }
  }
  for (int64_t i = 0; i < n; i++) keep.as<uint8_t>()[i] = dropped[i] == 0;
  return true;
}

}  // namespace

const Entry* resampleKernels() {
  static const Entry entries[] = {{"interpolate.linear", linearInterpolation<false>},
                                  {"interpolate.linearBackward", linearInterpolation<true>},
                                  {"vision.nms", suppress},
                                  {nullptr, nullptr}};
  return entries;
}

}  // namespace gradbook
