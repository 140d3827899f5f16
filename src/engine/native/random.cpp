// Fills with random numbers: the Mersenne twister of `Generator`, its words drawn many at a time, to the same bits as one by one.
#include <cmath>

#include "mathematics.h"
#include "simd.h"
#include "walk.h"

namespace gradbook {
namespace {

constexpr int words = 624;
constexpr int shift = 397;

/** Words of the stream whose state lies in a tensor: the 624 words of the twister, and which comes next. */
class Stream {
 public:
  explicit Stream(int32_t* state) : state_(reinterpret_cast<uint32_t*>(state)), next_(state + words) {}

  /** The next `n` words. */
  void draw(uint32_t* to, int64_t n) {
    while (n > 0) {
      if (*next_ >= words) twist();
      const int64_t take = n < words - *next_ ? n : words - *next_;
      const uint32_t* from = state_ + *next_;
      for (int64_t i = 0; i < take; i++) {
        uint32_t y = from[i];
        y ^= y >> 11;
        y ^= (y << 7) & 0x9d2c5680u;
        y ^= (y << 15) & 0xefc60000u;
        to[i] = y ^ (y >> 18);
      }
      *next_ += static_cast<int32_t>(take);
      to += take;
      n -= take;
    }
  }

 private:
  static uint32_t mix(uint32_t high, uint32_t low) {
    return (((high & 0x80000000u) | (low & 0x7fffffffu)) >> 1) ^ (-(low & 1u) & 0x9908b0dfu);
  }
  void twist() {
    uint32_t* s = state_;
    for (int i = 0; i < words - shift; i++) s[i] = s[i + shift] ^ mix(s[i], s[i + 1]);
    for (int i = words - shift; i < words - 1; i++) s[i] = s[i + shift - words] ^ mix(s[i], s[i + 1]);
    s[words - 1] = s[shift - 1] ^ mix(s[words - 1], s[0]);
    *next_ = 0;
  }

  uint32_t* state_;
  int32_t* next_;
};

constexpr int64_t piece = 2048;

/** Calls `body(words, first, n)` for pieces of `count` elements with the words that they take, `each` for one. */
template <class F>
void inPieces(const View& state, int64_t count, int64_t each, const F& body) {
  Stream stream(state.as<int32_t>());
  alignas(64) uint32_t drawn[2 * piece];
  for (int64_t at = 0; at < count && !interrupted(); at += piece) {
    const int64_t n = count - at < piece ? count - at : piece;
    stream.draw(drawn, n * each);
    body(drawn, at, n);
  }
}

bool isState(const View& state) { return state.dtype == I32 && state.contiguous() && state.count() == words + 1; }

/** Two words as a whole number of 53 bits. */
inline int64_t bits53(const uint32_t* pair) { return static_cast<int64_t>(pair[0] & 0x1fffffu) << 32 | pair[1]; }

/** out, state, low, range: low + range u, with u of 24 bits for float32, of 53 for float64. */
bool uniform(Args& args) {
  const View out = args.tensor(), state = args.tensor();
  const double low = args.number(), range = args.number();
  if (!out.contiguous() || !isState(state)) return false;
  if (out.dtype == F32) {
    float* to = out.as<float>();
    inPieces(state, out.count(), 1, [&](const uint32_t* drawn, int64_t at, int64_t n) {
      if (low == 0 && range == 1)
        for (int64_t i = 0; i < n; i++) to[at + i] = static_cast<float>(static_cast<int32_t>(drawn[i] & 0xffffff)) * 0x1p-24f;
      else
        // The product of two numbers of 24 bits is exact in float64.
        for (int64_t i = 0; i < n; i++)
          to[at + i] = static_cast<float>(static_cast<int32_t>(drawn[i] & 0xffffff) * 0x1p-24 * range + low);
    });
    return true;
  }
  if (out.dtype != F64 || low != 0 || range != 1) return false;
  double* to = out.as<double>();
  inPieces(state, out.count(), 2, [&](const uint32_t* drawn, int64_t at, int64_t n) {
    for (int64_t i = 0; i < n; i++) to[at + i] = static_cast<double>(bits53(drawn + 2 * i)) * 0x1p-53;
  });
  return true;
}

/** out, state, p: 1 where 53 bits are below p. */
bool bernoulli(Args& args) {
  const View out = args.tensor(), state = args.tensor();
  const double p = args.number();
  if (!out.contiguous() || !isState(state)) return false;
  const int64_t below = static_cast<int64_t>(std::ceil(p * 0x1p53));
  withType(out.dtype, [&](auto zero) {
    using T = decltype(zero);
    T* to = out.as<T>();
    inPieces(state, out.count(), 2, [&](const uint32_t* drawn, int64_t at, int64_t n) {
      for (int64_t i = 0; i < n; i++) to[at + i] = static_cast<T>(bits53(drawn + 2 * i) < below ? 1 : 0);
    });
  });
  return true;
}

/** out, state, low, range: whole numbers from low on, fewer than 2^28 of them. */
bool whole(Args& args) {
  const View out = args.tensor(), state = args.tensor();
  const double low = args.number(), range = args.number();
  if (!out.contiguous() || !isState(state) || !(range < 268435456)) return false;
  const uint32_t modulus = static_cast<uint32_t>(range);
  const int64_t first = static_cast<int64_t>(low);
  withType(out.dtype, [&](auto zero) {
    using T = decltype(zero);
    T* to = out.as<T>();
    inPieces(state, out.count(), 1, [&](const uint32_t* drawn, int64_t at, int64_t n) {
      for (int64_t i = 0; i < n; i++) to[at + i] = static_cast<T>(first + static_cast<int64_t>(drawn[i] % modulus));
    });
  });
  return true;
}

/** The vector as it stands: what comes next is not fused with what made it. */
inline VecD rounded(VecD v) {
#if defined(__AVX512F__)
  asm("" : "+v"(v));
#elif defined(__SSE2__)
  asm("" : "+x"(v));
#elif defined(__aarch64__)
  asm("" : "+w"(v));
#endif
  return v;
}
inline VecD asSingle(VecD v) { return __builtin_convertvector(__builtin_convertvector(v, HalfF), VecD); }

/** log x for x in [2^-24, 1], to less than an ulp of float64 or so, so that float32 rounds it as the exact value. */
inline VecD logarithmOf(VecD x) {
  const int64_t root = 0x3fe6a09e667f3bcdLL;  // sqrt(1/2)
  const VecL moved = bitsAs<VecL>(x) - root;
  const VecD m = bitsAs<VecD>((moved & 0x000fffffffffffffLL) + root);
  const VecD e = bitsAs<VecD>((moved >> 52) + 0x4338000000000000LL) - 6755399441055744.0;
  const VecD s = (m - 1.0) / (m + 1.0);
  const VecD z = s * s;
  VecD p = z * (1.0 / 21) + 1.0 / 19;
  p = p * z + 1.0 / 17;
  p = p * z + 1.0 / 15;
  p = p * z + 1.0 / 13;
  p = p * z + 1.0 / 11;
  p = p * z + 1.0 / 9;
  p = p * z + 1.0 / 7;
  p = p * z + 1.0 / 5;
  p = p * z + 1.0 / 3;
  const VecD twice = s + s;
  return e * 6.93147180369123816490e-01 + (twice + (twice * z * p + e * 1.90821492927058770002e-10));
}

/** For angles from 0 to 2 pi that are float32 numbers, as exactly as `logarithmOf`. */
inline SinCos sineCosineOf(VecD x) {
  const Turned turn = turned(x);
  const VecD r = turn.rest;
  const VecD z = r * r;
  VecD s = z * (1.0 / 355687428096000) - 1.0 / 1307674368000;
  s = s * z + 1.0 / 6227020800;
  s = s * z - 1.0 / 39916800;
  s = s * z + 1.0 / 362880;
  s = s * z - 1.0 / 5040;
  s = s * z + 1.0 / 120;
  s = s * z - 1.0 / 6;
  s = s * z * r + r;
  VecD c = z * (1.0 / 20922789888000) - 1.0 / 87178291200;
  c = c * z + 1.0 / 479001600;
  c = c * z - 1.0 / 3628800;
  c = c * z + 1.0 / 40320;
  c = c * z - 1.0 / 720;
  c = c * z + 1.0 / 24;
  c = c * z * z + (1.0 - z * 0.5);
  return turn.back(s, c);
}

/** Box and Muller over a block of 16: eight uniform numbers for the radii, eight for the angles. */
inline void boxMuller(float* block, double mean, double std) {
  constexpr int L = lanes<double>;
  const float turn = 6.28318530717958647692f;
  for (int j = 0; j < 8; j += L) {
    HalfF first, second;
    memcpy(&first, block + j, sizeof first);
    memcpy(&second, block + 8 + j, sizeof second);
    const VecD log = asSingle(logarithmOf(__builtin_convertvector(1.0f - first, VecD)));
    const VecD radius = asSingle(squareRoot(log * -2.0));
    const SinCos at = sineCosineOf(__builtin_convertvector(second * turn, VecD));
    const VecD x = rounded(rounded(radius * asSingle(at.cosine)) * std) + mean;
    const VecD y = rounded(rounded(radius * asSingle(at.sine)) * std) + mean;
    first = __builtin_convertvector(x, HalfF);
    second = __builtin_convertvector(y, HalfF);
    memcpy(block + j, &first, sizeof first);
    memcpy(block + 8 + j, &second, sizeof second);
  }
}

/** out (float32, 16 elements or more), state, mean, std: the last block is drawn again where the size is no multiple of 16. */
bool normal(Args& args) {
  const View out = args.tensor(), state = args.tensor();
  const double mean = args.number(), std = args.number();
  const int64_t size = out.count();
  if (out.dtype != F32 || !out.contiguous() || !isState(state) || size < 16) return false;
  Stream stream(state.as<int32_t>());
  float* to = out.as<float>();
  constexpr int64_t stretch = 1 << 16;
  alignas(64) uint32_t drawn[piece];
  const auto uniforms = [&](float* at, int64_t n) {
    for (int64_t i = 0; i < n; i += piece) {
      const int64_t m = n - i < piece ? n - i : piece;
      stream.draw(drawn, m);
      for (int64_t k = 0; k < m; k++) at[i + k] = static_cast<float>(static_cast<int32_t>(drawn[k] & 0xffffff)) * 0x1p-24f;
    }
  };
  for (int64_t at = 0; at < size && !interrupted(); at += stretch) {
    const int64_t n = size - at < stretch ? size - at : stretch;
    uniforms(to + at, n);
    parallelRange(n / 16, 512, 1, [&](int64_t begin, int64_t end) {
      for (int64_t b = begin; b < end; b++) boxMuller(to + at + 16 * b, mean, std);
    });
  }
  if (size % 16 != 0) {
    uniforms(to + size - 16, 16);
    boxMuller(to + size - 16, mean, std);
  }
  return true;
}

}  // namespace

const Entry* randomKernels() {
  static const Entry entries[] = {{"random.uniform", uniform},
                                  {"random.bernoulli", bernoulli},
                                  {"random.whole", whole},
                                  {"random.normal", normal},
                                  {nullptr, nullptr}};
  return entries;
}

}  // namespace gradbook
