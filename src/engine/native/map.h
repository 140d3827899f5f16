// Runs a function over blocks of elements of strided, broadcast tensors. Blocks reach the function contiguous: what does not lie
// so in memory is gathered before and scattered after, in pieces that stay in the first-level cache.
#pragma once
#include "args.h"
#include "simd.h"
#include "threads.h"

namespace gradbook {

constexpr int maxOperands = 4;
constexpr int64_t blockLength = 1024;

/** Computes `n` elements; `in` holds contiguous inputs. */
using Block = void (*)(void* out, const void* const* in, int64_t n, const void* context);

struct Operand {
  char* data;
  int bytes;
  int64_t stride[maxRank];
  bool contiguous;
  bool constant;
};

/** Operand 0 is the output; the dimensions are merged where all operands allow it. */
struct Plan {
  int rank = 0;
  int64_t size[maxRank];
  int64_t count = 1;
  int operands = 0;
  Operand operand[maxOperands];
};

Plan makePlan(const View* views, int count);
void mapBlocks(const Plan& plan, Block block, const void* context, int64_t costPerElement = 1);

/** A tensor in row-major order: itself, or a copy in scratch memory. */
template <class T>
const T* dense(const View& v, int slot) {
  if (v.contiguous()) return v.as<T>();
  View copy = v;
  copy.data = static_cast<char*>(scratch(slot, v.count() * int64_t{sizeof(T)}));
  int64_t stride = 1;
  for (int d = v.rank - 1; d >= 0; d--) {
    copy.stride[d] = stride;
    stride *= v.size[d];
  }
  const View both[2] = {copy, v};
  mapBlocks(makePlan(both, 2), [](void* out, const void* const* in, int64_t n, const void*) {
    memcpy(out, in[0], static_cast<size_t>(n) * sizeof(T));
  }, nullptr);
  return copy.as<T>();
}

}  // namespace gradbook
