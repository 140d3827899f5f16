// Lists of row-major tensors of one dtype, worked on in pieces by all threads.
#pragma once
#include "args.h"
#include "threads.h"

namespace gradbook {

constexpr int64_t mostTensors = 4096;

/** Tensors of one dtype; only where they lie and how long they are is kept. */
struct List {
  int64_t count = 0;
  char** data = nullptr;
  int64_t* size = nullptr;
  int dtype = F32;
  bool fits = true;
};

inline List readList(Args& args, int slot) {
  List l;
  l.count = args.length();
  if (l.count > mostTensors) {
    l.fits = false;
    return l;
  }
  l.data = static_cast<char**>(scratch(slot, l.count * 16 + 16));
  l.size = reinterpret_cast<int64_t*>(l.data + l.count);
  for (int64_t i = 0; i < l.count; i++) {
    const View v = args.tensor();
    if (i == 0) l.dtype = v.dtype;
    if (v.dtype != l.dtype || !v.contiguous()) l.fits = false;
    l.data[i] = v.data;
    l.size[i] = v.count();
  }
  return l;
}

constexpr int64_t piece = 16384;

/** Calls `body(tensor, begin, end)` for pieces of all tensors, on all threads. */
template <class F>
void eachPiece(const List& params, const F& body) {
  int64_t total = 0;
  for (int64_t i = 0; i < params.count; i++) total += params.size[i];
  if (total <= grain || threadCount() == 1) {
    for (int64_t i = 0; i < params.count; i++)
      inStretches(0, params.size[i], [&](int64_t begin, int64_t end) { body(i, begin, end); });
    return;
  }
  int64_t pieces = 0;
  for (int64_t i = 0; i < params.count; i++) pieces += (params.size[i] + piece - 1) / piece;
  parallelRange(pieces, 2, 1, [&](int64_t begin, int64_t end) {
    int64_t tensor = 0, before = 0;
    for (int64_t p = begin; p < end && !interrupted(); p++) {
      while (p - before >= (params.size[tensor] + piece - 1) / piece) before += (params.size[tensor] + piece - 1) / piece, tensor++;
      const int64_t from = (p - before) * piece;
      body(tensor, from, from + piece < params.size[tensor] ? from + piece : params.size[tensor]);
    }
  });
}

}  // namespace gradbook
