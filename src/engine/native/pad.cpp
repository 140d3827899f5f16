// Padding and its adjoint: tables say which index each place of a padded dimension shows.
#include <cmath>

#include "walk.h"

namespace gradbook {
namespace {

/** For each place of a padded dimension, the index that it shows, -1 for the constant; and the run of places that show neighbours. */
struct Table {
  int32_t* index;
  int64_t size, first, last;
};

struct Padding {
  View padded, plain;
  Table table[maxRank];
  /** How many leading dimensions stay as they are: threads share those out. */
  int whole = 0;
};

bool readPadding(Args& args, Padding& p) {
  int64_t before[maxRank];
  const int rank = args.list(before, maxRank);
  const uint64_t mode = args.word();
  if (rank != p.padded.rank || rank == 0) return false;
  int64_t places = 0;
  for (int d = 0; d < rank; d++) places += p.padded.size[d];
  int32_t* memory = static_cast<int32_t*>(scratch(2, places * 4 + 64));
  bool whole = true;
  for (int d = 0; d < rank; d++) {
    const int64_t size = p.plain.size[d], padded = p.padded.size[d], front = before[d], behind = padded - size - front;
    const int64_t cut = front < 0 ? -front : 0, period = size - cut - (behind < 0 ? -behind : 0);
    Table& t = p.table[d];
    t.index = memory;
    t.size = padded;
    memory += padded;
    for (int64_t i = 0; i < padded; i++) {
      const int64_t at = i - front;
      int64_t shown = -1;
      if (mode == word("circular"))
        shown = cut + ((i - (front > 0 ? front : 0)) % period + period) % period;
      else if (at >= 0 && at < size)
        shown = at;
      else if (mode == word("reflect"))
        shown = at < 0 ? -at : 2 * (size - 1) - at;
      else if (mode == word("replicate"))
        shown = at < 0 ? 0 : size - 1;
      t.index[i] = static_cast<int32_t>(shown);
    }
    t.first = front > 0 ? front : 0;
    t.last = t.first < padded ? t.first + 1 : t.first;
    while (t.last < padded && t.index[t.last] >= 0 && t.index[t.last] == t.index[t.last - 1] + 1) t.last++;
    whole = whole && size == padded && front == 0 && d < rank - 1;
    if (whole) p.whole = d + 1;
  }
  return true;
}

/** Calls `body(place of the row in the padded tensor, place of index 0 in the plain one or -1)` for rows `begin` to `end`. */
template <class F>
void eachPaddedRow(const Padding& p, const int64_t* strides, int64_t begin, int64_t end, const F& body) {
  const int last = p.padded.rank - 1;
  for (int64_t row = begin; row < end && !interrupted(); row++) {
    int64_t place = row, from = 0;
    bool inside = true;
    for (int d = last - 1; d >= 0; d--) {
      const int32_t shown = p.table[d].index[place % p.table[d].size];
      place /= p.table[d].size;
      if (shown < 0)
        inside = false;
      else
        from += shown * strides[d];
    }
    body(row * p.table[last].size, inside ? from : -1);
  }
}

/** out row-major, input, before, mode, value. */
bool pad(Args& args) {
  Padding p;
  p.padded = args.tensor();
  p.plain = args.tensor();
  if (!readPadding(args, p)) return false;
  const double value = args.number();
  const int dtype = p.padded.dtype;
  if (!p.padded.contiguous() || p.plain.dtype != dtype || (dtype > F64 && !(std::trunc(value) == value && std::fabs(value) < 2e9)))
    return false;
  const int last = p.padded.rank - 1;
  const Table& t = p.table[last];
  const int64_t step = p.plain.stride[last];
  if (t.size == 0) return true;
  withType(dtype, [&](auto zero) {
    using T = decltype(zero);
    T fill;
    if constexpr (std::is_floating_point_v<T>)
      fill = static_cast<T>(value);
    else
      fill = static_cast<T>(static_cast<int64_t>(value));
    parallelRange(p.padded.count() / t.size, grain / t.size + 1, 1, [&](int64_t begin, int64_t end) {
      eachPaddedRow(p, p.plain.stride, begin, end, [&](int64_t place, int64_t from) {
        T* to = p.padded.as<T>() + place;
        if (from < 0) {
          for (int64_t i = 0; i < t.size; i++) to[i] = fill;
          return;
        }
        const T* x = p.plain.as<T>() + from;
        const auto one = [&](int64_t i) { to[i] = t.index[i] < 0 ? fill : x[t.index[i] * step]; };
        const int64_t first = step == 1 ? t.first : t.size;
        for (int64_t i = 0; i < first; i++) one(i);
        if (step != 1) return;
        if (t.last > t.first && t.index[t.first] >= 0)
          memcpy(to + t.first, x + t.index[t.first], static_cast<size_t>(t.last - t.first) * sizeof(T));
        else
          for (int64_t i = t.first; i < t.last; i++) one(i);
        for (int64_t i = t.last; i < t.size; i++) one(i);
      });
    });
  });
  return true;
}

/** out and grad (padded) row-major, before, mode: what each element shows up in, added up in float64. */
bool padBackward(Args& args) {
  Padding p;
  p.plain = args.tensor();
  p.padded = args.tensor();
  if (!p.plain.contiguous() || !p.padded.contiguous() || p.plain.dtype != p.padded.dtype || p.plain.dtype > F64 ||
      !readPadding(args, p))
    return false;
  const int last = p.padded.rank - 1;
  const Table& t = p.table[last];
  int64_t blocks = 1;
  for (int d = 0; d < p.whole; d++) blocks *= p.plain.size[d];
  if (blocks == 0 || p.plain.count() == 0) return true;
  if (p.padded.count() == 0) return false;
  const int64_t size = p.plain.count() / blocks, rows = p.padded.count() / t.size / blocks;
  withFloat(p.plain.dtype, [&](auto zero) {
    using T = decltype(zero);
    parallelRange(blocks, grain / (size + rows * t.size) + 1, 1, [&](int64_t begin, int64_t end) {
      double* sums = static_cast<double*>(scratch(3, size * 8));
      for (int64_t b = begin; b < end; b++) {
        for (int64_t i = 0; i < size; i++) sums[i] = 0;
        eachPaddedRow(p, p.plain.stride, b * rows, (b + 1) * rows, [&](int64_t place, int64_t from) {
          if (from < 0) return;
          const T* g = p.padded.as<T>() + place;
          double* to = sums + (from - b * size);
          for (int64_t i = 0; i < t.first; i++)
            if (t.index[i] >= 0) to[t.index[i]] += g[i];
          if (t.last > t.first && t.index[t.first] >= 0) {
            double* run = to + t.index[t.first];
            for (int64_t i = t.first; i < t.last; i++) run[i - t.first] += g[i];
          }
          for (int64_t i = t.last; i < t.size; i++)
            if (t.index[i] >= 0) to[t.index[i]] += g[i];
        });
        T* y = p.plain.as<T>() + b * size;
        for (int64_t i = 0; i < size; i++) y[i] = static_cast<T>(sums[i]);
      }
    });
  });
  return true;
}

}  // namespace

const Entry* padKernels() {
  static const Entry entries[] = {{"pad", pad}, {"pad.backward", padBackward}, {nullptr, nullptr}};
  return entries;
}

}  // namespace gradbook
