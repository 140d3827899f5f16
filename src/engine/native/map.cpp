#include "map.h"

namespace gradbook {

Plan makePlan(const View* views, int count) {
  Plan p;
  p.operands = count;
  const View& out = views[0];
  for (int k = 0; k < count; k++) {
    p.operand[k].data = views[k].data;
    p.operand[k].bytes = bytesOf(views[k].dtype);
  }
  for (int d = 0; d < out.rank; d++) {
    const int64_t size = out.size[d];
    p.count *= size;
    if (size == 1) continue;
    int64_t strides[maxOperands];
    for (int k = 0; k < count; k++) {
      const int own = d - (out.rank - views[k].rank);
      strides[k] = own < 0 || views[k].size[own] == 1 ? 0 : views[k].stride[own];
    }
    bool merges = p.rank > 0;
    for (int k = 0; merges && k < count; k++)
      merges = p.operand[k].stride[p.rank - 1] == strides[k] * size;
    if (merges) {
      p.size[p.rank - 1] *= size;
      for (int k = 0; k < count; k++) p.operand[k].stride[p.rank - 1] = strides[k];
    } else {
      p.size[p.rank] = size;
      for (int k = 0; k < count; k++) p.operand[k].stride[p.rank] = strides[k];
      p.rank++;
    }
  }
  for (int k = 0; k < count; k++) {
    Operand& o = p.operand[k];
    o.constant = true;
    o.contiguous = true;
    int64_t expected = 1;
    for (int d = p.rank - 1; d >= 0; d--) {
      if (o.stride[d] != 0) o.constant = false;
      if (o.stride[d] != expected) o.contiguous = false;
      expected *= p.size[d];
    }
  }
  return p;
}

namespace {

/** Where element number `place` of an operand lies, and the indices of its dimensions. */
int64_t locate(const Plan& p, const Operand& o, int64_t place, int64_t* index) {
  int64_t offset = 0;
  for (int d = p.rank - 1; d >= 0; d--) {
    index[d] = place % p.size[d];
    place /= p.size[d];
    offset += index[d] * o.stride[d];
  }
  return offset;
}

template <class U, bool Gather>
void move(U* flat, U* strided, const Plan& p, const Operand& o, int64_t begin, int64_t count) {
  int64_t index[maxRank];
  int64_t offset = locate(p, o, begin, index);
  const int inner = p.rank - 1;
  const int64_t step = inner < 0 ? 0 : o.stride[inner];
  while (count > 0) {
    int64_t run = inner < 0 ? 1 : p.size[inner] - index[inner];
    if (run > count) run = count;
    U* at = strided + offset;
    if (step == 1) {
      if (Gather)
        memcpy(flat, at, static_cast<size_t>(run) * sizeof(U));
      else
        memcpy(at, flat, static_cast<size_t>(run) * sizeof(U));
    } else if (Gather && step == 0) {
      const U value = *at;
      for (int64_t i = 0; i < run; i++) flat[i] = value;
    } else {
      for (int64_t i = 0; i < run; i++) {
        if (Gather)
          flat[i] = at[i * step];
        else
          at[i * step] = flat[i];
      }
    }
    flat += run;
    count -= run;
    if (inner < 0) return;
    index[inner] += run;
    offset += run * step;
    for (int d = inner; d > 0 && index[d] == p.size[d]; d--) {
      offset += o.stride[d - 1] - o.stride[d] * p.size[d];
      index[d] = 0;
      index[d - 1]++;
    }
  }
}

template <bool Gather>
void moveBytes(char* flat, const Plan& p, const Operand& o, int64_t begin, int64_t count) {
  if (o.bytes == 4)
    move<uint32_t, Gather>(reinterpret_cast<uint32_t*>(flat), reinterpret_cast<uint32_t*>(o.data), p, o, begin, count);
  else if (o.bytes == 8)
    move<uint64_t, Gather>(reinterpret_cast<uint64_t*>(flat), reinterpret_cast<uint64_t*>(o.data), p, o, begin, count);
  else
    move<uint8_t, Gather>(reinterpret_cast<uint8_t*>(flat), reinterpret_cast<uint8_t*>(o.data), p, o, begin, count);
}

/** Outputs from here on do not fit the caches: they are stored past them. */
constexpr int64_t streamFrom = 16 << 20;

void mapRange(const Plan& p, Block block, const void* context, int64_t begin, int64_t end) {
  alignas(64) char buffer[maxOperands][blockLength * 8];
  const int inner = p.rank - 1;
  const int64_t rowLength = inner < 0 ? 1 : p.size[inner];
  const bool byRow = rowLength >= 128;
  const Operand& out = p.operand[0];
  const bool stream = out.contiguous && p.count * out.bytes >= streamFrom;
  bool direct = !stream;
  for (int k = 0; k < p.operands; k++) direct = direct && (p.operand[k].contiguous || (k > 0 && p.operand[k].constant));
  const void* in[maxOperands];
  bool needsBlocks = stream;
  for (int k = 1; k < p.operands; k++) {
    const Operand& o = p.operand[k];
    if (o.constant && !o.contiguous) {
      moveBytes<true>(buffer[k], p, o, begin, blockLength < end - begin ? blockLength : end - begin);
      needsBlocks = true;
    }
  }
  const int64_t longest = direct && !needsBlocks ? int64_t{1} << 18 : blockLength;
  for (int64_t at = begin; at < end && !interrupted();) {
    int64_t n = end - at < longest ? end - at : longest;
    if (!direct && byRow) {
      const int64_t left = rowLength - at % rowLength;
      if (left < n) n = left;
    }
    for (int k = 1; k < p.operands; k++) {
      const Operand& o = p.operand[k];
      if (o.contiguous)
        in[k - 1] = o.data + at * o.bytes;
      else if (o.constant)
        in[k - 1] = buffer[k];
      else if (byRow && o.stride[inner] == 1) {
        int64_t index[maxRank];
        in[k - 1] = o.data + locate(p, o, at, index) * o.bytes;
      } else {
        moveBytes<true>(buffer[k], p, o, at, n);
        in[k - 1] = buffer[k];
      }
    }
    if (stream) {
      block(buffer[0], in, n, context);
      streamOut(out.data + at * out.bytes, buffer[0], n * out.bytes);
    } else if (out.contiguous) {
      block(out.data + at * out.bytes, in, n, context);
    } else if (byRow && out.stride[inner] == 1) {
      int64_t index[maxRank];
      block(out.data + locate(p, out, at, index) * out.bytes, in, n, context);
    } else {
      block(buffer[0], in, n, context);
      moveBytes<false>(buffer[0], p, out, at, n);
    }
    at += n;
  }
  if (stream) streamFence();
}

}  // namespace

void mapBlocks(const Plan& plan, Block block, const void* context, int64_t costPerElement) {
  parallelRange(plan.count, grain / costPerElement, 1024,
                [&](int64_t begin, int64_t end) { mapRange(plan, block, context, begin, end); });
}

}  // namespace gradbook
