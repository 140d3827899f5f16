// Elements and slices at indices: gather, scatter, indexSelect, indexAdd, advanced indexing, the rows of an embedding. Indices have
// been checked. Where several indices may name one place, threads share out another dimension, so that the order stays.
#include <cmath>

#include "walk.h"

namespace gradbook {
namespace {

/** out and a (its stride along `dim` taken out) and index, all walked in the index's shape. */
Walk<3> walkOf(const View& index, const View& x, const View& y, int dim, bool withoutY) {
  Walk<3> walk;
  for (int d = 0; d < index.rank; d++) {
    const int64_t steps[3] = {index.stride[d], d == dim && !withoutY ? 0 : x.stride[d], d == dim && withoutY ? 0 : y.stride[d]};
    walk.push(index.size[d], steps);
  }
  return walk;
}

/** out (of the index's shape) = a at index along `dim`. */
void gatherFrom(const View& out, const View& a, const View& index, int dim) {
  const int64_t step = a.stride[dim];
  const Walk<3> walk = walkOf(index, out, a, dim, true);
  withWidth(out.dtype, [&](auto zero) {
    using U = decltype(zero);
    const auto some = [&](int64_t begin, int64_t end) {
      walk.each(begin, end, [&](const int64_t* at, const int64_t* steps, int64_t n) {
        const int32_t* i = index.as<int32_t>() + at[0];
        U* to = out.as<U>() + at[1];
        const U* from = a.as<U>() + at[2];
        const int64_t si = steps[0], so = steps[1], sa = steps[2];
        if (si == 0) {
          from += *i * step;
          if (so == 1 && sa == 1)
            memcpy(to, from, static_cast<size_t>(n) * sizeof(U));
          else
            for (int64_t k = 0; k < n; k++) to[k * so] = from[k * sa];
        } else if (so == 1 && si == 1 && sa == 0) {
          for (int64_t k = 0; k < n; k++) to[k] = from[i[k] * step];
        } else {
          for (int64_t k = 0; k < n; k++) to[k * so] = from[k * sa + i[k * si] * step];
        }
      });
    };
    parallelRange(walk.count, grain, 1, [&](int64_t begin, int64_t end) { inStretches(begin, end, some); });
  });
}

/** A vector of indices, seen along `dim` of `like`. */
View spread(const View& index, const View& like, int dim) {
  View v = like;
  v.data = index.data;
  v.dtype = index.dtype;
  for (int d = 0; d < v.rank; d++) v.stride[d] = d == dim ? index.stride[0] : 0;
  return v;
}

/** out, a, index, dim. */
bool gather(Args& args) {
  const View out = asVector(args.tensor()), a = asVector(args.tensor()), index = asVector(args.tensor());
  const int dim = static_cast<int>(args.integer());
  if (index.dtype != I32 || !sameStorage(out.dtype, a.dtype)) return false;
  gatherFrom(out, a, index, dim);
  return true;
}

/** out, a, index (n,), dim. */
bool select(Args& args) {
  const View out = asVector(args.tensor()), a = asVector(args.tensor()), index = asVector(args.tensor());
  const int dim = static_cast<int>(args.integer());
  if (index.dtype != I32 || !sameStorage(out.dtype, a.dtype)) return false;
  gatherFrom(out, a, spread(index, out, dim), dim);
  return true;
}

/** out (M, D), weight (V, D), index (M,). */
bool embedding(Args& args) {
  const View out = args.tensor(), weight = args.tensor(), index = args.tensor();
  if (index.dtype != I32 || out.dtype != weight.dtype) return false;
  gatherFrom(out, weight, spread(index, out, 0), 0);
  return true;
}

/** Calls `body(index, out, src)` for parts that do not meet in `out`: on several threads where a dimension besides `dim` allows it. */
template <class F>
void inParts(const View& index, const View& out, const View& src, int dim, const F& body) {
  int longest = -1;
  for (int d = 0; d < index.rank; d++)
    if (d != dim && (longest < 0 || index.size[d] > index.size[longest])) longest = d;
  const int64_t count = index.count();
  if (longest < 0 || count < 2 * grain || index.size[longest] < 16) return body(index, out, src);
  const int64_t length = index.size[longest];
  parallelRange(length, grain * length / count + 1, 16, [&](int64_t begin, int64_t end) {
    body(narrowed(index, longest, begin, end - begin), narrowed(out, longest, begin, end - begin),
         narrowed(src, longest, begin, end - begin));
  });
}

/** Joins src to out at index along `dim`, in row-major order: `join(place, value)`. */
template <class T, class F>
void scatterTo(const View& index, const View& out, const View& src, int dim, const F& join) {
  inParts(index, out, src, dim, [&](const View& index, const View& out, const View& src) {
    const int64_t step = out.stride[dim];
    const Walk<3> walk = walkOf(index, out, src, dim, false);
    const auto some = [&](const int64_t* at, const int64_t* steps, int64_t n) {
      const int32_t* i = index.as<int32_t>() + at[0];
      T* to = out.as<T>() + at[1];
      const T* from = src.as<T>() + at[2];
      const int64_t si = steps[0], so = steps[1], ss = steps[2];
      if (si == 0 && so == 1 && ss == 1) {
        T* __restrict row = to + *i * step;
        for (int64_t k = 0; k < n; k++) join(row[k], from[k]);
      } else {
        for (int64_t k = 0; k < n; k++) join(to[k * so + i[k * si] * step], from[k * ss]);
      }
    };
    inStretches(0, walk.count, [&](int64_t begin, int64_t end) { walk.each(begin, end, some); });
  });
}

/** x + y as the elements' type has it: whole numbers wrap around. */
template <class T>
inline T added(T x, T y) {
  if constexpr (std::is_same_v<T, int32_t>)
    return static_cast<int32_t>(static_cast<uint32_t>(x) + static_cast<uint32_t>(y));
  else
    return static_cast<T>(x + y);
}

/** out, index, src, dim. */
bool scatter(Args& args) {
  const View out = asVector(args.tensor()), index = asVector(args.tensor()), src = asVector(args.tensor());
  const int dim = static_cast<int>(args.integer());
  if (index.dtype != I32 || !sameStorage(out.dtype, src.dtype)) return false;
  withWidth(out.dtype, [&](auto zero) {
    using U = decltype(zero);
    scatterTo<U>(index, out, src, dim, [](U& place, U value) { place = value; });
  });
  return true;
}

/** out, index, src, dim. */
bool scatterAdd(Args& args) {
  const View out = asVector(args.tensor()), index = asVector(args.tensor()), src = asVector(args.tensor());
  const int dim = static_cast<int>(args.integer());
  if (index.dtype != I32 || out.dtype != src.dtype) return false;
  withType(out.dtype, [&](auto zero) {
    using T = decltype(zero);
    scatterTo<T>(index, out, src, dim, [](T& place, T value) { place = added(place, value); });
  });
  return true;
}

/** out, index, src, dim, kind: product, greatest, smallest. */
bool scatterReduce(Args& args) {
  const View out = asVector(args.tensor()), index = asVector(args.tensor()), src = asVector(args.tensor());
  const int dim = static_cast<int>(args.integer()), kind = static_cast<int>(args.integer());
  if (index.dtype != I32 || out.dtype != src.dtype || out.dtype > F64) return false;
  withFloat(out.dtype, [&](auto zero) {
    using T = decltype(zero);
    if (kind == 0)
      scatterTo<T>(index, out, src, dim, [](T& place, T value) { place *= value; });
    else if (kind == 1)
      scatterTo<T>(index, out, src, dim, [](T& place, T value) {
        if (!(value <= place) && place == place) place = value;
      });
    else
      scatterTo<T>(index, out, src, dim, [](T& place, T value) {
        if (!(value >= place) && place == place) place = value;
      });
  });
  return true;
}

/** out, index (n,), source, dim, alpha. */
bool addAt(Args& args) {
  const View out = asVector(args.tensor()), vector = asVector(args.tensor()), src = asVector(args.tensor());
  const int dim = static_cast<int>(args.integer());
  const double alpha = args.number();
  if (vector.dtype != I32 || out.dtype != src.dtype || (out.dtype > F64 && alpha != 1)) return false;
  const View index = spread(vector, src, dim);
  withType(out.dtype, [&](auto zero) {
    using T = decltype(zero);
    if (alpha == 1)
      scatterTo<T>(index, out, src, dim, [](T& place, T value) { place = added(place, value); });
    else
      scatterTo<T>(index, out, src, dim, [alpha](T& place, T value) { place = static_cast<T>(place + alpha * value); });
  });
  return true;
}

/** gradWeight (V, D) row-major, zeroed; grad (M, D), index (M,), factor (M,) row-major: columns are shared out. */
bool embeddingBackward(Args& args) {
  const View out = args.tensor(), grad = args.tensor(), index = args.tensor(), factor = args.tensor();
  if (index.dtype != I32 || out.dtype > F64 || grad.dtype != out.dtype || factor.dtype != out.dtype || !out.contiguous() ||
      !factor.contiguous())
    return false;
  const int64_t count = grad.size[0], size = grad.size[1], row = grad.stride[0], column = grad.stride[1];
  withFloat(out.dtype, [&](auto zero) {
    using T = decltype(zero);
    parallelRange(size, grain / (count + 1) + 1, 16, [&](int64_t begin, int64_t end) {
      for (int64_t m = 0; m < count && !interrupted(); m++) {
        const T times = factor.as<T>()[m];
        if (times == 0) continue;
        T* to = out.as<T>() + index.as<int32_t>()[m * index.stride[0]] * size;
        const T* from = grad.as<T>() + m * row;
        if (column == 1)
          for (int64_t d = begin; d < end; d++) to[d] += times * from[d];
        else
          for (int64_t d = begin; d < end; d++) to[d] += times * from[d * column];
      }
    });
  });
  return true;
}

/** Index tuples: `k` row-major vectors, and the steps in the tensor that they index. */
struct Tuples {
  int64_t k = 0;
  const int32_t* index[maxRank];
  int64_t step[maxRank];

  int64_t place(int64_t i) const {
    int64_t at = 0;
    for (int64_t d = 0; d < k; d++) at += index[d][i] * step[d];
    return at;
  }
};

bool readTuples(Args& args, Tuples& tuples, int64_t* count) {
  tuples.k = args.length();
  if (tuples.k < 1 || tuples.k > maxRank) return false;
  for (int64_t d = 0; d < tuples.k; d++) {
    const View v = args.tensor();
    if (v.dtype != I32 || !v.contiguous()) return false;
    tuples.index[d] = v.as<int32_t>();
    *count = v.count();
  }
  return true;
}

/** out (n, ...rest) row-major, a (d1, ..., dk, ...rest), k index vectors. */
bool get(Args& args) {
  const View out = args.tensor(), a = args.tensor();
  Tuples tuples;
  int64_t count = 0;
  if (!readTuples(args, tuples, &count) || !sameStorage(out.dtype, a.dtype) || !out.contiguous()) return false;
  const int k = static_cast<int>(tuples.k);
  for (int d = 0; d < k; d++) tuples.step[d] = a.stride[d];
  Walk<1> rest;
  for (int d = k; d < a.rank; d++) rest.push(a.size[d], {a.stride[d]});
  withWidth(out.dtype, [&](auto zero) {
    using U = decltype(zero);
    const int64_t size = rest.count;
    parallelRange(count, grain / (size + 1) + 1, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; i++) {
        const U* from = a.as<U>() + tuples.place(i);
        U* to = out.as<U>() + i * size;
        if ((i & 0xff) == 0 && interrupted()) return;
        if (size == 1) {
          *to = *from;
          continue;
        }
        rest.each(0, size, [&](const int64_t* at, const int64_t* steps, int64_t n) {
          if (steps[0] == 1)
            memcpy(to, from + at[0], static_cast<size_t>(n) * sizeof(U));
          else
            for (int64_t j = 0; j < n; j++) to[j] = from[at[0] + j * steps[0]];
          to += n;
        });
      }
    });
  });
  return true;
}

/** out (d1, ..., dk, ...rest), k index vectors, values (n, ...rest), accumulate. Threads share out the places behind the indexed dimensions. */
bool put(Args& args) {
  const View out = args.tensor();
  Tuples tuples;
  int64_t count = 0;
  if (!readTuples(args, tuples, &count)) return false;
  const View values = args.tensor();
  const bool accumulate = args.flag();
  if (accumulate ? out.dtype != values.dtype : !sameStorage(out.dtype, values.dtype)) return false;
  const int k = static_cast<int>(tuples.k);
  for (int d = 0; d < k; d++) tuples.step[d] = out.stride[d];
  Walk<2> rest;
  for (int d = k; d < out.rank; d++) rest.push(out.size[d], {out.stride[d], values.stride[d - k + 1]});
  withType(out.dtype, [&](auto zero) {
    using T = decltype(zero);
    parallelRange(rest.count, grain / (count + 1) + 1, 16, [&](int64_t begin, int64_t end) {
      for (int64_t i = 0; i < count; i++) {
        T* to = out.as<T>() + tuples.place(i);
        const T* from = values.as<T>() + i * values.stride[0];
        if ((i & 255) == 0 && interrupted()) return;
        rest.each(begin, end, [&](const int64_t* at, const int64_t* steps, int64_t n) {
          T* y = to + at[0];
          const T* x = from + at[1];
          if (accumulate)
            for (int64_t j = 0; j < n; j++) y[j * steps[0]] = added(y[j * steps[0]], x[j * steps[1]]);
          else
            for (int64_t j = 0; j < n; j++) y[j * steps[0]] = x[j * steps[1]];
        });
      }
    });
  });
  return true;
}

/** out (n,) int32 row-major, a: the places of the n elements that are not 0. */
bool positions(Args& args) {
  const View out = args.tensor(), a = args.tensor();
  if (out.dtype != I32 || !out.contiguous() || !a.contiguous()) return false;
  const int64_t size = a.count(), most = out.count();
  withType(a.dtype, [&](auto zero) {
    using T = decltype(zero);
    const T* x = a.as<T>();
    int32_t* y = out.as<int32_t>();
    int64_t found = 0;
    inStretches(0, size, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end && found < most; i++) {
        y[found] = static_cast<int32_t>(i);
        found += x[i] != 0;
      }
    });
  });
  return true;
}

}  // namespace

const Entry* indexKernels() {
  static const Entry entries[] = {{"index.gather", gather},
                                  {"index.scatter", scatter},
                                  {"index.scatterAdd", scatterAdd},
                                  {"index.scatterReduce", scatterReduce},
                                  {"index.select", select},
                                  {"index.add", addAt},
                                  {"index.get", get},
                                  {"index.put", put},
                                  {"index.positions", positions},
                                  {"embedding.forward", embedding},
                                  {"embedding.backward", embeddingBackward},
                                  {nullptr, nullptr}};
  return entries;
}

}  // namespace gradbook
