// Copies, conversions between dtypes, and transposed copies.
#include <type_traits>
#if defined(__AVX512F__)
#include <immintrin.h>
#endif

#include "map.h"
#include "mathematics.h"

namespace gradbook {
namespace {

/** JavaScript's conversion to 32 bits: truncation, then modulo 2^32; 0 for NaN and infinities. */
inline int32_t wrap(double x) {
  if (x > -2147483649.0 && x < 2147483648.0) return static_cast<int32_t>(x);
  if (!(std::fabs(x) < INFINITY)) return 0;
  double rest = std::fmod(std::trunc(x), 4294967296.0);
  if (rest < 0) rest += 4294967296.0;
  return static_cast<int32_t>(static_cast<uint32_t>(rest));
}

template <class To, class From>
inline To convertOne(From x) {
  if constexpr (std::is_floating_point_v<To> || !std::is_floating_point_v<From>)
    return static_cast<To>(x);
  else
    return static_cast<To>(wrap(static_cast<double>(x)));
}

template <class To, class From>
void convert(void* out, const void* const* in, int64_t n, const void*) {
  const From* x = static_cast<const From*>(in[0]);
  To* y = static_cast<To*>(out);
  for (int64_t i = 0; i < n; i++) y[i] = convertOne<To>(x[i]);
}
template <class From>
void truth(void* out, const void* const* in, int64_t n, const void*) {
  const From* x = static_cast<const From*>(in[0]);
  uint8_t* y = static_cast<uint8_t*>(out);
  for (int64_t i = 0; i < n; i++) y[i] = x[i] != 0;
}

template <class From>
Block conversion(int to) {
  switch (to) {
    case F32: return convert<float, From>;
    case F64: return convert<double, From>;
    case I32: return convert<int32_t, From>;
    case U8: return convert<uint8_t, From>;
    default: return truth<From>;
  }
}

template <class U>
void same(void* out, const void* const* in, int64_t n, const void*) {
  memcpy(out, in[0], static_cast<size_t>(n) * sizeof(U));
}

#if defined(__AVX512F__)
void transpose16(void* out, int64_t step, const void* tile);
#endif

/** One tile of a transposition: `rows` of the output, whose columns lie together there, and its rows in the input. */
template <class U>
void transposeTile(U* out, int64_t outStep, const U* in, int64_t inStep, int64_t rows, int64_t columns) {
  constexpr int T = 16;
  int64_t r = 0;
  for (; r + T <= rows; r += T) {
    int64_t c = 0;
    for (; c + T <= columns; c += T) {
      U tile[T][T];
      for (int i = 0; i < T; i++) memcpy(tile[i], in + (c + i) * inStep + r, sizeof tile[i]);
#if defined(__AVX512F__)
      if constexpr (sizeof(U) == 4) {
        transpose16(out + r * outStep + c, outStep, tile[0]);
        continue;
      }
#endif
      for (int i = 0; i < T; i++) {
        U* to = out + (r + i) * outStep + c;
        for (int j = 0; j < T; j++) to[j] = tile[j][i];
      }
    }
    for (; c < columns; c++)
      for (int i = 0; i < T; i++) out[(r + i) * outStep + c] = in[c * inStep + r + i];
  }
  for (; r < rows; r++)
    for (int64_t c = 0; c < columns; c++) out[r * outStep + c] = in[c * inStep + r];
}

/**
 * Copies where the output's inner dimension is strided in the input and another dimension is not: by tiles of those two, so that
 * both sides use whole cache lines. False where the plan is not of that kind.
 */
template <class U>
bool transposed(const Plan& p) {
  const int inner = p.rank - 1;
  if (inner < 1 || p.operand[0].stride[inner] != 1 || p.operand[1].stride[inner] <= 1) return false;
  int other = -1;
  for (int d = 0; d < inner; d++)
    if (p.operand[1].stride[d] == 1 && p.size[d] >= 8) other = d;
  if (other < 0 || p.size[inner] < 8) return false;
  const int64_t rows = p.size[other], columns = p.size[inner];
  const int64_t outStep = p.operand[0].stride[other], inStep = p.operand[1].stride[inner];
  int64_t outer = 1;
  for (int d = 0; d < inner; d++)
    if (d != other) outer *= p.size[d];
  constexpr int64_t tile = 64;
  const int64_t down = (rows + tile - 1) / tile;
  parallelRange(outer * down, (grain + columns * tile - 1) / (columns * tile), 1, [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end && !interrupted(); t++) {
      int64_t place = t / down, outAt = 0, inAt = 0;
      for (int d = inner - 1; d >= 0; d--) {
        if (d == other) continue;
        const int64_t i = place % p.size[d];
        place /= p.size[d];
        outAt += i * p.operand[0].stride[d];
        inAt += i * p.operand[1].stride[d];
      }
      const int64_t r = t % down * tile;
      const int64_t height = rows - r < tile ? rows - r : tile;
      U* out = reinterpret_cast<U*>(p.operand[0].data) + outAt + r * outStep;
      const U* in = reinterpret_cast<const U*>(p.operand[1].data) + inAt + r;
      for (int64_t c = 0; c < columns && !interrupted(); c += tile)
        transposeTile<U>(out + c, outStep, in + c * inStep, inStep, height, columns - c < tile ? columns - c : tile);
    }
  });
  return true;
}

#if defined(__AVX512F__)
/** 16 x 16 words in registers: four rounds of interleaving. */
void transpose16(void* out, int64_t step, const void* tile) {
  __m512i r[16], t[16];
  for (int i = 0; i < 16; i++) r[i] = _mm512_loadu_si512(static_cast<const char*>(tile) + 64 * i);
#pragma GCC unroll 8
  for (int i = 0; i < 8; i++) {
    t[2 * i] = _mm512_unpacklo_epi32(r[2 * i], r[2 * i + 1]);
    t[2 * i + 1] = _mm512_unpackhi_epi32(r[2 * i], r[2 * i + 1]);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++) {
    r[4 * i] = _mm512_unpacklo_epi64(t[4 * i], t[4 * i + 2]);
    r[4 * i + 1] = _mm512_unpackhi_epi64(t[4 * i], t[4 * i + 2]);
    r[4 * i + 2] = _mm512_unpacklo_epi64(t[4 * i + 1], t[4 * i + 3]);
    r[4 * i + 3] = _mm512_unpackhi_epi64(t[4 * i + 1], t[4 * i + 3]);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++) {
    t[i] = _mm512_shuffle_i32x4(r[i], r[4 + i], 0x88);
    t[4 + i] = _mm512_shuffle_i32x4(r[i], r[4 + i], 0xdd);
    t[8 + i] = _mm512_shuffle_i32x4(r[8 + i], r[12 + i], 0x88);
    t[12 + i] = _mm512_shuffle_i32x4(r[8 + i], r[12 + i], 0xdd);
  }
  char* to = static_cast<char*>(out);
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++) {
    _mm512_storeu_si512(to + 4 * step * (i), _mm512_shuffle_i32x4(t[i], t[8 + i], 0x88));
    _mm512_storeu_si512(to + 4 * step * (4 + i), _mm512_shuffle_i32x4(t[4 + i], t[12 + i], 0x88));
    _mm512_storeu_si512(to + 4 * step * (8 + i), _mm512_shuffle_i32x4(t[i], t[8 + i], 0xdd));
    _mm512_storeu_si512(to + 4 * step * (12 + i), _mm512_shuffle_i32x4(t[4 + i], t[12 + i], 0xdd));
  }
}
#endif

bool copy(Args& args) {
  View v[2] = {args.tensor(), args.tensor()};
  const Plan p = makePlan(v, 2);
  if (p.count == 0) return true;
  const int from = v[1].dtype, to = v[0].dtype;
  if (from == to || (from >= U8 && to == U8)) {
    const int bytes = bytesOf(to);
    if (bytes == 4 ? transposed<uint32_t>(p) : bytes == 8 ? transposed<uint64_t>(p) : transposed<uint8_t>(p)) return true;
    mapBlocks(p, bytes == 4 ? same<uint32_t> : bytes == 8 ? same<uint64_t> : same<uint8_t>, nullptr);
    return true;
  }
  const Block block = from == F32   ? conversion<float>(to)
                      : from == F64 ? conversion<double>(to)
                      : from == I32 ? conversion<int32_t>(to)
                                    : conversion<uint8_t>(to);
  mapBlocks(p, block, nullptr);
  return true;
}

}  // namespace

const Entry* copyKernels() {
  static const Entry entries[] = {{"copy", copy}, {nullptr, nullptr}};
  return entries;
}

}  // namespace gradbook
