// Places in sorted sequences, rows in order, and how many elements fall in each bin.
#include <cmath>

#include "walk.h"

namespace gradbook {
namespace {

/**
 * How many of the `size` elements come before `value`, in `steps`, the bits of `size`. Which half goes on is computed, not jumped to:
 * nobody can foresee it. Only the last step may find nothing left.
 */
template <class T, bool Right>
int64_t placeOf(const T* s, int64_t step, int64_t size, int steps, T value) {
  int64_t low = 0;
  for (; steps > 0; steps--) {
    const int64_t half = size >> 1, left = size > 0;
    const T here = s[(low + half - (1 - left)) * step];
    const int64_t behind = -static_cast<int64_t>(Right ? !(here > value) : !(here >= value)) & -left;
    low += behind & (half + 1);
    size = half - (behind & (1 - (size & 1)));
  }
  return low;
}

template <class T, bool Right>
void searchAll(const View& out, const View& sequence, const View& values) {
  const int64_t count = values.size[1], size = sequence.size[1];
  int steps = 0;
  while (size >> steps != 0) steps++;
  parallelRange(out.size[0] * count, grain / 32, 1, [&](int64_t begin, int64_t end) {
    int64_t lane = begin / count, i = begin % count;
    for (; begin < end && ((begin & 0xfff) != 0 || !interrupted()); begin++) {
      out.as<int32_t>()[lane * out.stride[0] + i * out.stride[1]] = static_cast<int32_t>(
          placeOf<T, Right>(sequence.as<T>() + lane * sequence.stride[0], sequence.stride[1], size, steps,
                            values.as<T>()[lane * values.stride[0] + i * values.stride[1]]));
      if (++i == count) i = 0, lane++;
    }
  });
}

/** out (lanes, k) int32, sequence (lanes, n), values (lanes, k), right: before equal elements, after them with `right`. */
bool search(Args& args) {
  const View out = args.tensor(), sequence = args.tensor(), values = args.tensor();
  const bool right = args.number() != 0;
  if (out.dtype != I32 || sequence.dtype != values.dtype || out.rank != 2 || sequence.rank != 2 || values.rank != 2) return false;
  withType(sequence.dtype, [&](auto zero) {
    using T = decltype(zero);
    right ? searchAll<T, true>(out, sequence, values) : searchAll<T, false>(out, sequence, values);
  });
  return true;
}

/** Whether row p comes behind row q; NaN behind numbers. */
template <class T>
bool behind(const T* p, const T* q, int64_t columns) {
  for (int64_t j = 0; j < columns; j++) {
    if (p[j] == q[j]) continue;
    const bool left = p[j] != p[j], right = q[j] != q[j];
    if (left != right) return left;
    if (!left) return p[j] > q[j];
  }
  return false;
}

/** Sorts by merging, which keeps the order of equal rows; returns where the result is. */
template <class T>
int32_t* merged(int32_t* from, int32_t* to, const T* a, int64_t rows, int64_t columns) {
  for (int64_t width = 1; width < rows && !interrupted(); width *= 2) {
    for (int64_t start = 0; start < rows; start += 2 * width) {
      if (interrupted()) return from;
      const int64_t middle = start + width < rows ? start + width : rows, end = start + 2 * width < rows ? start + 2 * width : rows;
      int64_t i = start, j = middle, k = start;
      while (i < middle && j < end) {
        to[k++] = behind(a + from[i] * columns, a + from[j] * columns, columns) ? from[j++] : from[i++];
        if ((k & 0xffff) == 0 && interrupted()) return from;
      }
      while (i < middle) to[k++] = from[i++];
      while (j < end) to[k++] = from[j++];
    }
    int32_t* other = from;
    from = to;
    to = other;
  }
  return from;
}

/** order (n,) int32, a (n, m), row-major. */
bool rows(Args& args) {
  const View order = args.tensor(), a = args.tensor();
  if (order.dtype != I32 || !order.contiguous() || !a.contiguous()) return false;
  const int64_t count = a.size[0];
  int32_t* memory = static_cast<int32_t*>(scratch(2, 2 * count * int64_t{sizeof(int32_t)} + 64));
  for (int64_t i = 0; i < count; i++) memory[i] = static_cast<int32_t>(i);
  withType(a.dtype, [&](auto zero) {
    using T = decltype(zero);
    const int32_t* sorted = merged(memory, memory + count, a.as<T>(), count, a.size[1]);
    memcpy(order.data, sorted, static_cast<size_t>(count) * sizeof(int32_t));
  });
  return true;
}

constexpr int64_t stretch = 1024;

/** `n` elements of a vector from `first` on, as float64. */
void readAs64(double* to, const View& v, int64_t first, int64_t n) {
  withType(v.dtype, [&](auto zero) {
    using T = decltype(zero);
    const T* from = v.as<T>() + first * v.stride[0];
    for (int64_t i = 0; i < n; i++) to[i] = static_cast<double>(from[i * v.stride[0]]);
  });
}

/** out[bin] += weight (or 1) for the elements of a in one of the equal bins of [low, high]: out, a, weights, low, high; vectors. */
bool histogram(Args& args) {
  const View out = args.tensor(), a = args.tensor(), weights = args.tensor();
  const double low = args.number(), high = args.number();
  const int64_t bins = out.size[0], count = a.size[0];
  if (bins < 1 || out.rank != 1 || a.rank != 1) return false;
  const double all = static_cast<double>(bins), width = high - low;
  double values[stretch], shares[stretch];
  for (double& share : shares) share = 1;
  for (int64_t first = 0; first < count && !interrupted(); first += stretch) {
    const int64_t n = count - first < stretch ? count - first : stretch;
    readAs64(values, a, first, n);
    if (weights) readAs64(shares, weights, first, n);
    withType(out.dtype, [&](auto zero) {
      using T = decltype(zero);
      for (int64_t i = 0; i < n; i++) {
        if (!(values[i] >= low && values[i] <= high)) continue;
        const int64_t place = static_cast<int64_t>((values[i] - low) / width * all);
        T& bin = out.as<T>()[(place < bins ? place : bins - 1) * out.stride[0]];
        bin = static_cast<T>(bin + shares[i]);
      }
    });
  }
  return true;
}

}  // namespace

const Entry* searchKernels() {
  static const Entry entries[] = {{"sort.search", search}, {"sort.rows", rows}, {"count.histogram", histogram}, {nullptr, nullptr}};
  return entries;
}

}  // namespace gradbook
