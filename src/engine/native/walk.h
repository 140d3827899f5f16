// Visits elements of tensors in row-major order, and picks code by dtype.
#pragma once
#include <type_traits>

#include "args.h"
#include "threads.h"

namespace gradbook {

/** Calls `body(T{})` with the type of a dtype's elements. */
template <class F>
inline void withType(int dtype, const F& body) {
  switch (dtype) {
    case F32: return body(float{});
    case F64: return body(double{});
    case I32: return body(int32_t{});
    default: return body(uint8_t{});
  }
}

/** The same for floating dtypes only. */
template <class F>
inline void withFloat(int dtype, const F& body) {
  dtype == F32 ? body(float{}) : body(double{});
}

/** Calls `body(U{})` with an unsigned type as wide as the elements: enough for moving them. */
template <class F>
inline void withWidth(int dtype, const F& body) {
  switch (bytesOf(dtype)) {
    case 4: return body(uint32_t{});
    case 8: return body(uint64_t{});
    default: return body(uint8_t{});
  }
}

/** Whether bytes may be moved from one dtype to the other. */
inline bool sameStorage(int a, int b) { return a == b || (a >= U8 && b >= U8); }

/** A 0-d tensor as one of one element. */
inline View asVector(View v) {
  if (v.rank == 0) {
    v.rank = 1;
    v.size[0] = 1;
    v.stride[0] = 1;
  }
  return v;
}

/** Part of a tensor: `size` indices of dimension `dim`, from `start` on. */
inline View narrowed(View v, int dim, int64_t start, int64_t size) {
  v.data += start * v.stride[dim] * bytesOf(v.dtype);
  v.size[dim] = size;
  return v;
}

/** Dimensions, and the steps that K operands take along each. */
template <int K>
struct Walk {
  int rank = 0;
  int64_t size[maxRank];
  int64_t stride[K][maxRank];
  int64_t count = 1;

  /** Takes in a dimension behind the others, joined to the last one where all operands allow it. */
  void push(int64_t length, const int64_t (&steps)[K]) {
    count *= length;
    if (length == 1) return;
    bool joins = rank > 0;
    for (int k = 0; joins && k < K; k++) joins = stride[k][rank - 1] == steps[k] * length;
    const int at = joins ? rank - 1 : rank++;
    size[at] = joins ? size[at] * length : length;
    for (int k = 0; k < K; k++) stride[k][at] = steps[k];
  }

  /**
   * Calls `body(places, steps, n)` for stretches of the elements `begin` to `end` in row-major order: the places of the stretch's
   * first element, the steps along it, its length.
   */
  template <class F>
  void each(int64_t begin, int64_t end, const F& body) const {
    if (begin >= end) return;
    const int inner = rank - 1;
    int64_t index[maxRank], at[K] = {}, steps[K] = {};
    int64_t place = begin;
    for (int d = inner; d >= 0; d--) {
      index[d] = place % size[d];
      place /= size[d];
      for (int k = 0; k < K; k++) at[k] += index[d] * stride[k][d];
    }
    for (int k = 0; k < K && inner >= 0; k++) steps[k] = stride[k][inner];
    while (begin < end) {
      int64_t n = inner < 0 ? 1 : size[inner] - index[inner];
      if (n > end - begin) n = end - begin;
      body(at, steps, n);
      begin += n;
      if (inner < 0 || begin >= end) return;
      index[inner] += n;
      for (int k = 0; k < K; k++) at[k] += n * steps[k];
      for (int d = inner; d > 0 && index[d] == size[d]; d--) {
        index[d] = 0;
        index[d - 1]++;
        for (int k = 0; k < K; k++) at[k] += stride[k][d - 1] - stride[k][d] * size[d];
      }
    }
  }
};

/** Lanes along `dim` of tensors that agree in the other dimensions: the steps along the lane, and a walk over the lanes. */
template <int K>
struct Lanes {
  Walk<K> walk;
  int64_t step[K];

  Lanes(const View (&views)[K], int dim) {
    for (int k = 0; k < K; k++) step[k] = views[k].stride[dim];
    for (int d = 0; d < views[0].rank; d++) {
      if (d == dim) continue;
      int64_t steps[K];
      for (int k = 0; k < K; k++) steps[k] = views[k].stride[d];
      walk.push(views[0].size[d], steps);
    }
  }

  /** Calls `body(places)` for each lane, several at a time where `length`, the elements of a lane times their cost, is worth it. */
  template <class F>
  void each(int64_t length, const F& body) const {
    parallelRange(walk.count, grain / (length + 1) + 1, 1, [&](int64_t begin, int64_t end) {
      walk.each(begin, end, [&](const int64_t* at, const int64_t* steps, int64_t n) {
        for (int64_t i = 0; i < n && !interrupted(); i++) {
          int64_t places[K];
          for (int k = 0; k < K; k++) places[k] = at[k] + i * steps[k];
          body(places);
        }
      });
    });
  }
};

}  // namespace gradbook
