// The vocabulary that kernels are written in: vectors of the compiler's own, as wide as the instruction set that this file is
// compiled for. Operators, comparisons (which give masks) and `mask ? a : b` are built in.
#pragma once
#include <cmath>
#include <cstdint>
#include <cstring>
// The intrinsics of x86 take a compiler longer to read than most of these files: all of them are included only where that is worth it.
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace gradbook {

#if defined(__AVX512F__)
constexpr int vectorBytes = 64;
#elif defined(__AVX2__)
constexpr int vectorBytes = 32;
#else
constexpr int vectorBytes = 16;
#endif

template <class T, int Bytes>
struct VectorOf {
  typedef T type __attribute__((vector_size(Bytes)));
};

template <class T>
using Vec = typename VectorOf<T, vectorBytes>::type;
using VecF = Vec<float>;
using VecD = Vec<double>;
using VecI = Vec<int32_t>;
using VecL = Vec<int64_t>;
using HalfF = typename VectorOf<float, vectorBytes / 2>::type;

template <class T>
constexpr int lanes = vectorBytes / static_cast<int>(sizeof(T));

template <class To, class From>
inline To bitsAs(From v) {
  static_assert(sizeof(To) == sizeof(From));
  To out;
  memcpy(&out, &v, sizeof out);
  return out;
}

template <class T>
inline Vec<T> load(const T* from) {
  Vec<T> v;
  memcpy(&v, from, sizeof v);
  return v;
}
template <class T>
inline void store(T* to, Vec<T> v) {
  memcpy(to, &v, sizeof v);
}
/** The first `n` elements, zeros behind. */
template <class T>
inline Vec<T> loadPart(const T* from, int64_t n) {
  Vec<T> v = {};
#if defined(__AVX512F__)
  // Written out, because the intrinsics' header is long.
  if constexpr (sizeof(T) == 4) {
    asm("vmovdqu32 %1, %0%{%2%}%{z%}" : "=v"(v) : "m"(*reinterpret_cast<const char(*)[vectorBytes]>(from)), "Yk"(static_cast<uint16_t>((1u << n) - 1)));
    return v;
  } else if constexpr (sizeof(T) == 8) {
    asm("vmovdqu64 %1, %0%{%2%}%{z%}" : "=v"(v) : "m"(*reinterpret_cast<const char(*)[vectorBytes]>(from)), "Yk"(static_cast<uint8_t>((1u << n) - 1)));
    return v;
  }
#endif
  memcpy(&v, from, static_cast<size_t>(n) * sizeof(T));
  return v;
}
template <class T>
inline void storePart(T* to, Vec<T> v, int64_t n) {
#if defined(__AVX512F__)
  if constexpr (sizeof(T) == 4) {
    asm("vmovdqu32 %1, %0%{%2%}" : "+m"(*reinterpret_cast<char(*)[vectorBytes]>(to)) : "v"(v), "Yk"(static_cast<uint16_t>((1u << n) - 1)));
    return;
  } else if constexpr (sizeof(T) == 8) {
    asm("vmovdqu64 %1, %0%{%2%}" : "+m"(*reinterpret_cast<char(*)[vectorBytes]>(to)) : "v"(v), "Yk"(static_cast<uint8_t>((1u << n) - 1)));
    return;
  }
#endif
  memcpy(to, &v, static_cast<size_t>(n) * sizeof(T));
}
template <class T>
inline Vec<T> splat(T x) {
  return Vec<T>{} + x;
}

inline VecF squareRoot(VecF x) {
#if defined(__AVX512F__)
  asm("vsqrtps %1, %0" : "=v"(x) : "v"(x));
  return x;
#elif defined(__AVX2__)
  asm("vsqrtps %1, %0" : "=x"(x) : "x"(x));
  return x;
#elif defined(__SSE2__)
  return (VecF)_mm_sqrt_ps((__m128)x);
#else
  for (int i = 0; i < lanes<float>; i++) x[i] = std::sqrt(x[i]);
  return x;
#endif
}
inline VecD squareRoot(VecD x) {
#if defined(__AVX512F__)
  asm("vsqrtpd %1, %0" : "=v"(x) : "v"(x));
  return x;
#elif defined(__AVX2__)
  asm("vsqrtpd %1, %0" : "=x"(x) : "x"(x));
  return x;
#elif defined(__SSE2__)
  return (VecD)_mm_sqrt_pd((__m128d)x);
#else
  for (int i = 0; i < lanes<double>; i++) x[i] = std::sqrt(x[i]);
  return x;
#endif
}

/** A constant that the compiler does not see through: a comparison with it and its choice become one instruction. */
inline VecF limitOf(float limit) {
  VecF v = splat(limit);
#if defined(__AVX512F__)
  asm("" : "+v"(v));
#elif defined(__SSE2__)
  asm("" : "+x"(v));
#endif
  return v;
}
/** The smaller of each lane and a limit; NaN stays. */
inline VecF atMost(VecF x, float limit) {
  const VecF v = limitOf(limit);
  return v < x ? v : x;
}
/** The greater of each lane and a limit; NaN stays. */
inline VecF atLeast(VecF x, float limit) {
  const VecF v = limitOf(limit);
  return v > x ? v : x;
}

/** Copies past the caches: for outputs that nobody reads soon. */
inline void streamOut(char* to, const char* from, int64_t bytes) {
#if defined(__SSE2__)
  const int64_t lead = (64 - (reinterpret_cast<uintptr_t>(to) & 63)) & 63;
  if (bytes < 256) {
    memcpy(to, from, static_cast<size_t>(bytes));
    return;
  }
  memcpy(to, from, static_cast<size_t>(lead));
  to += lead, from += lead, bytes -= lead;
  const int64_t whole = bytes & ~int64_t{63};
  for (int64_t i = 0; i < whole; i += 64) {
#if defined(__AVX512F__)
    const Vec<int64_t> line = load<int64_t>(reinterpret_cast<const int64_t*>(from + i));
    asm("vmovntdq %1, %0" : "=m"(*reinterpret_cast<Vec<int64_t>*>(to + i)) : "v"(line));
#else
    for (int j = 0; j < 64; j += 16)
      _mm_stream_si128(reinterpret_cast<__m128i*>(to + i + j),
                       _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + i + j)));
#endif
  }
  memcpy(to + whole, from + whole, static_cast<size_t>(bytes - whole));
#else
  memcpy(to, from, static_cast<size_t>(bytes));
#endif
}

/** Makes streamed stores visible before another thread is told of them. */
inline void streamFence() {
#if defined(__SSE2__)
  _mm_sfence();
#endif
}

}  // namespace gradbook
