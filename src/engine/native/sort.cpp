// Lanes in order: sort and topk, one element by its rank, the median. Stable; NaN counts as the greatest.
#include "walk.h"

namespace gradbook {
namespace {

/** A key that orders as the element does, in an unsigned word, and its place in the lane. */
struct Item {
  uint64_t key;
  int64_t place;
};

/** NaN above all, -0 as 0. With `descending` the other way round. */
template <class T>
uint64_t keyOf(T x, bool descending) {
  uint64_t key;
  if constexpr (std::is_same_v<T, float>) {
    uint32_t bits;
    x = x == 0 ? 0.0f : x;
    memcpy(&bits, &x, 4);
    key = x != x ? 0xffffffffu : bits >> 31 ? ~bits : bits | 0x80000000u;
    return descending ? 0xffffffffu - key : key;
  } else if constexpr (std::is_same_v<T, double>) {
    x = x == 0 ? 0.0 : x;
    memcpy(&key, &x, 8);
    key = x != x ? ~uint64_t{0} : key >> 63 ? ~key : key | uint64_t{1} << 63;
    return descending ? ~key : key;
  } else if constexpr (std::is_same_v<T, int32_t>) {
    key = static_cast<uint32_t>(x) ^ 0x80000000u;
    return descending ? 0xffffffffu - key : key;
  } else {
    return descending ? 0xff - x : x;
  }
}

template <class T>
constexpr int keyBytes = static_cast<int>(sizeof(T));

/** Sorts by insertion and merging: for short lanes. */
Item* mergeSorted(Item* from, Item* to, int64_t n) {
  constexpr int64_t run = 16;
  for (int64_t start = 0; start < n; start += run) {
    const int64_t end = start + run < n ? start + run : n;
    for (int64_t i = start + 1; i < end; i++) {
      const Item item = from[i];
      int64_t j = i - 1;
      for (; j >= start && from[j].key > item.key; j--) from[j + 1] = from[j];
      from[j + 1] = item;
    }
  }
  for (int64_t width = run; width < n; width *= 2) {
    for (int64_t start = 0; start < n; start += 2 * width) {
      const int64_t middle = start + width < n ? start + width : n, end = start + 2 * width < n ? start + 2 * width : n;
      int64_t i = start, j = middle, k = start;
      while (i < middle && j < end) to[k++] = from[j].key < from[i].key ? from[j++] : from[i++];
      while (i < middle) to[k++] = from[i++];
      while (j < end) to[k++] = from[j++];
    }
    Item* other = from;
    from = to;
    to = other;
  }
  return from;
}

/** Sorts by counting bytes, the lowest first; bytes that are the same everywhere cost nothing but the counting. */
Item* radixSorted(Item* from, Item* to, int64_t n, int bytes) {
  int64_t counts[8][256] = {};
  for (int64_t i = 0; i < n; i++)
    for (int b = 0; b < bytes; b++) counts[b][from[i].key >> 8 * b & 255]++;
  for (int b = 0; b < bytes && !interrupted(); b++) {
    if (counts[b][from[0].key >> 8 * b & 255] == n) continue;
    int64_t at = 0;
    for (int v = 0; v < 256; v++) {
      const int64_t count = counts[b][v];
      counts[b][v] = at;
      at += count;
    }
    const bool whole = inStretches(0, n, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; i++) to[counts[b][from[i].key >> 8 * b & 255]++] = from[i];
    });
    if (!whole) return from;
    Item* other = from;
    from = to;
    to = other;
  }
  return from;
}

/** The lane in order, or null when an interrupt came before it was read. The memory is this thread's, until the next call. */
template <class T>
const Item* sorted(const T* x, int64_t step, int64_t n, bool descending) {
  Item* items = static_cast<Item*>(scratch(2, 2 * n * int64_t{sizeof(Item)} + 64));
  const bool whole = inStretches(0, n, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) items[i] = {keyOf(x[i * step], descending), i};
  });
  if (!whole) return nullptr;
  return n < 300 ? mergeSorted(items, items + n, n) : radixSorted(items, items + n, n, keyBytes<T>);
}

/** The first `k` of the lane in order: a heap of those found so far, its worst on top. */
template <class T>
const Item* firstOf(const T* x, int64_t step, int64_t n, bool descending, int64_t k) {
  Item* heap = static_cast<Item*>(scratch(2, 2 * k * int64_t{sizeof(Item)} + 64));
  const auto worse = [](const Item& a, const Item& b) { return a.key != b.key ? a.key > b.key : a.place > b.place; };
  const auto sink = [&](int64_t at, int64_t size) {
    const Item item = heap[at];
    for (;;) {
      int64_t child = 2 * at + 1;
      if (child >= size) break;
      if (child + 1 < size && worse(heap[child + 1], heap[child])) child++;
      if (!worse(heap[child], item)) break;
      heap[at] = heap[child];
      at = child;
    }
    heap[at] = item;
  };
  for (int64_t i = 0; i < k; i++) heap[i] = {keyOf(x[i * step], descending), i};
  for (int64_t i = k / 2 - 1; i >= 0; i--) sink(i, k);
  for (int64_t i = k; i < n; i++) {
    if ((i & 0xffff) == 0 && interrupted()) break;
    const uint64_t key = keyOf(x[i * step], descending);
    if (key >= heap[0].key) continue;
    heap[0] = {key, i};
    sink(0, k);
  }
  for (int64_t size = k - 1; size > 0; size--) {
    const Item worst = heap[0];
    heap[0] = heap[size];
    heap[size] = worst;
    sink(0, size);
  }
  return heap;
}

struct Call {
  View values, indices, a;
  int dim;
  double last;
};

/** values, indices, a, dim, and a number. */
bool read(Args& args, Call& c) {
  c.values = asVector(args.tensor());
  c.indices = asVector(args.tensor());
  c.a = asVector(args.tensor());
  c.dim = static_cast<int>(args.integer());
  c.last = args.number();
  return c.indices.dtype == I32 && c.values.dtype == c.a.dtype;
}

/** Calls `body(lane, step, n, values, indices, steps)` for each lane. */
template <class F>
void eachLaneOf(const Call& c, const F& body) {
  const View views[3] = {c.values, c.indices, c.a};
  const Lanes<3> all(views, c.dim);
  const int64_t n = c.a.size[c.dim];
  withType(c.a.dtype, [&](auto zero) {
    using T = decltype(zero);
    all.each(16 * n, [&](const int64_t* at) {
      body(c.a.as<T>() + at[2], all.step[2], n, c.values.as<T>() + at[0], c.indices.as<int32_t>() + at[1], all.step);
    });
  });
}

/** values and indices hold as many of a lane as they have room for; from the greatest with the last argument 1. */
bool sort(Args& args) {
  Call c;
  if (!read(args, c)) return false;
  const bool descending = c.last != 0;
  const int64_t kept = c.values.size[c.dim];
  eachLaneOf(c, [&](auto* x, int64_t step, int64_t n, auto* values, int32_t* indices, const int64_t* steps) {
    const Item* items = kept < n && kept <= n / 8 ? firstOf(x, step, n, descending, kept) : sorted(x, step, n, descending);
    for (int64_t i = 0; items != nullptr && i < kept; i++) {
      values[i * steps[0]] = x[items[i].place * step];
      indices[i * steps[1]] = static_cast<int32_t>(items[i].place);
    }
  });
  return true;
}

/** The last argument is the rank, from 0. */
bool kth(Args& args) {
  Call c;
  if (!read(args, c)) return false;
  const int64_t k = static_cast<int64_t>(c.last);
  eachLaneOf(c, [&](auto* x, int64_t step, int64_t n, auto* value, int32_t* index, const int64_t*) {
    const Item* items = k < n / 8 ? firstOf(x, step, n, false, k + 1) : sorted(x, step, n, false);
    if (items == nullptr) return;
    const int64_t place = items[k].place;
    *value = x[place * step];
    *index = static_cast<int32_t>(place);
  });
  return true;
}

/** The lower median; of what is not NaN with the last argument 1, else NaN where there is one. */
bool median(Args& args) {
  Call c;
  if (!read(args, c)) return false;
  const bool ignore = c.last != 0;
  eachLaneOf(c, [&](auto* x, int64_t step, int64_t n, auto* value, int32_t* index, const int64_t*) {
    const Item* items = sorted(x, step, n, false);
    if (items == nullptr) return;
    int64_t numbers = n;
    while (numbers > 0 && x[items[numbers - 1].place * step] != x[items[numbers - 1].place * step]) numbers--;
    const bool bad = numbers < n && (!ignore || numbers == 0);
    const int64_t place = items[bad ? numbers : (numbers - 1) >> 1].place;
    *value = x[place * step];
    *index = static_cast<int32_t>(place);
  });
  return true;
}

}  // namespace

const Entry* sortKernels() {
  static const Entry entries[] = {{"sort", sort}, {"sort.kth", kth}, {"sort.median", median}, {nullptr, nullptr}};
  return entries;
}

}  // namespace gradbook
