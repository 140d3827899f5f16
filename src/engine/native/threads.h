// The pool of threads, and the flag that ends long calls.
#pragma once
#include <cstdint>

namespace gradbook {

int threadCount();
void setThreadCount(int count);

/** Two words of shared memory: while they differ, an interrupt is wanted. */
void setInterruptWords(const int32_t* words);
bool interrupted();

using Task = void (*)(const void* body, int64_t index);
void runTasks(int64_t count, Task task, const void* body);

/** Calls `body(i)` for 0 <= i < count, on several threads where there are; returns when all are done. */
template <class F>
inline void parallel(int64_t count, const F& body) {
  if (count <= 1 || threadCount() == 1) {
    for (int64_t i = 0; i < count && !interrupted(); i++) body(i);
    return;
  }
  runTasks(count, [](const void* f, int64_t i) { (*static_cast<const F*>(f))(i); }, &body);
}

constexpr int64_t grain = 32768;

/** Splits 0..count into ranges of at least `grain` elements, one for each thread, at multiples of `step`: `body(begin, end)`. */
template <class F>
inline void parallelRange(int64_t count, int64_t least, int64_t step, const F& body) {
  int64_t pieces = threadCount();
  if (pieces > count / (least > 1 ? least : 1)) pieces = count / (least > 1 ? least : 1);
  if (pieces <= 1) {
    if (count > 0) body(int64_t{0}, count);
    return;
  }
  int64_t size = (count + pieces - 1) / pieces;
  size = (size + step - 1) / step * step;
  parallel((count + size - 1) / size, [&](int64_t i) {
    const int64_t begin = i * size;
    body(begin, begin + size < count ? begin + size : count);
  });
}

/** How many elements a loop visits between two looks for an interrupt. */
constexpr int64_t lookEvery = int64_t{1} << 16;

/** Calls `body(begin, end)` for stretches of a range, one after the other. False when an interrupt ended it between two of them. */
template <class F>
inline bool inStretches(int64_t begin, int64_t end, const F& body) {
  for (; begin < end; begin += lookEvery) {
    if (interrupted()) return false;
    body(begin, begin + lookEvery < end ? begin + lookEvery : end);
  }
  return true;
}

/** Memory of this thread for packing, at least `bytes`, aligned to 64; valid until the next call with the same slot. */
void* scratch(int slot, int64_t bytes);

}  // namespace gradbook
