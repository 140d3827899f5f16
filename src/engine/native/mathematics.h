// Vector mathematics. float32 functions are within 1 ULP (exp) or 2 (the others); those that no deep-learning loop is made of go
// through float64 vectors, where simple approximations leave float32 almost correctly rounded.
// Polynomials are minimax fits of our own on the stated ranges.
#pragma once
#include "simd.h"

namespace gradbook {

inline VecF absolute(VecF x) { return bitsAs<VecF>(bitsAs<VecI>(x) & 0x7fffffff); }
inline VecD absolute(VecD x) { return bitsAs<VecD>(bitsAs<VecL>(x) & 0x7fffffffffffffffLL); }
inline VecF withSignOf(VecF x, VecF sign) {
  return bitsAs<VecF>((bitsAs<VecI>(x) & 0x7fffffff) | (bitsAs<VecI>(sign) & INT32_MIN));
}
inline VecD withSignOf(VecD x, VecD sign) {
  return bitsAs<VecD>((bitsAs<VecL>(x) & 0x7fffffffffffffffLL) | (bitsAs<VecL>(sign) & INT64_MIN));
}

/** e^x: x = n ln 2 + r, a polynomial of degree 7 in r, then 2^n in two steps so that denormals are exact. */
inline VecF exponential(VecF x) {
  x = atLeast(atMost(x, 88.8f), -104.0f);
  const float shift = 12582912.0f;
  const VecF shifted = x * 1.44269504088896341f + shift;
  const VecF n = shifted - shift;
  VecF r = n * -0.693359375f + x;
  r = n * 2.12194440e-4f + r;
  VecF p = r * 1.9918381e-4f + 1.3946071e-3f;
  p = p * r + 8.3332643e-3f;
  p = p * r + 4.1666269975e-2f;
  p = p * r + 1.6666666861e-1f;
  p = p * r + 0.5f;
  const VecF y = p * (r * r) + r + 1.0f;
#if defined(__AVX512F__)
  VecF scaled;
  asm("vscalefps %2, %1, %0" : "=v"(scaled) : "v"(y), "v"(n));
  return scaled;
#else
  const VecI whole = bitsAs<VecI>(shifted) - 0x4b400000;
  const VecI half = whole >> 1;
  return y * bitsAs<VecF>((half + 127) << 23) * bitsAs<VecF>((whole - half + 127) << 23);
#endif
}

/** e^x in float64, to 1e-12, for |x| up to 700. */
inline VecD exponential(VecD x) {
  x = x > 700.0 ? splat(700.0) : x;
  x = x < -700.0 ? splat(-700.0) : x;
  const double shift = 6755399441055744.0;
  const VecD shifted = x * 1.4426950408889634 + shift;
  const VecD n = shifted - shift;
  VecD r = n * -0.693147180369123816490 + x;
  r = n * -1.90821492927058770002e-10 + r;
  VecD p = r * 2.4887610649271513e-05 + 0.00019909243172169864;
  p = p * r + 0.0013888796423989491;
  p = p * r + 0.008333281271764942;
  p = p * r + 0.04166666705419275;
  p = p * r + 0.16666666786625528;
  p = p * r + 0.4999999999951954;
  const VecD y = p * (r * r) + r + 1.0;
  const VecL scale = (bitsAs<VecL>(shifted) << 52) + bitsAs<VecL>(splat(1.0));
  return y * bitsAs<VecD>(scale);
}

/** log x in float64 for normal x (every positive float32 is one), to 1e-14; -Infinity at 0, NaN below. */
inline VecD logarithm(VecD x) {
  const int64_t root = 0x3fe6a09e667f3bcdLL;  // sqrt(1/2)
  // Below 0 this wraps around, and the result is not used.
  const VecL moved = bitsAs<VecL>(bitsAs<Vec<uint64_t>>(x) - static_cast<uint64_t>(root));
  const VecL exponent = moved >> 52;
  const VecD m = bitsAs<VecD>((moved & 0x000fffffffffffffLL) + root);
  const VecD e = bitsAs<VecD>(exponent + 0x4338000000000000LL) - 6755399441055744.0;
  const VecD s = (m - 1.0) / (m + 1.0);
  const VecD z = s * s;
  VecD p = z * 0.09792028381448421 + 0.11088097117724725;
  p = p * z + 0.14286054526841113;
  p = p * z + 0.19999997811262085;
  p = p * z + 0.3333333333789999;
  VecD y = e * 0.69314718055994530942 + (s + s + (s + s) * z * p);
  y = x == 0.0 ? splat(-INFINITY + 0.0) : y;
  y = x < 0.0 ? splat(static_cast<double>(NAN)) : y;
  y = x == static_cast<double>(INFINITY) ? x : y;
  return x != x ? x : y;
}

struct SinCos {
  VecD sine, cosine;
};

/** An angle as quarter turns and a rest of at most an eighth of a turn. */
struct Turned {
  VecL quarters;
  VecD rest;

  /** What is sine and cosine of the whole angle, given those of the rest. */
  SinCos back(VecD sine, VecD cosine) const {
    const VecL swap = (quarters & 1) != 0;
    const VecD s = swap ? cosine : sine, c = swap ? sine : cosine;
    return {bitsAs<VecD>(bitsAs<VecL>(s) ^ (quarters & 2) << 62), bitsAs<VecD>(bitsAs<VecL>(c) ^ ((quarters + 1) & 2) << 62)};
  }
};

/** For |x| up to a million. */
inline Turned turned(VecD x) {
  const double shift = 6755399441055744.0;
  const VecD shifted = x * 0.63661977236758134308 + shift;
  const VecD n = shifted - shift;
  VecD r = n * -1.57079632673412561417e+00 + x;
  r = n * -6.07710050630396597660e-11 + r;
  r = n * -2.02226624879595063154e-21 + r;
  return {bitsAs<VecL>(shifted), r};
}

/** For |x| up to a million. */
inline SinCos sineCosine(VecD x) {
  const Turned turn = turned(x);
  const VecD r = turn.rest;
  const VecD z = r * r;
  VecD s = z * 1.6059043836821613e-10 - 2.505210838544172e-08;
  s = s * z + 2.7557319223985893e-06;
  s = s * z - 0.0001984126984126984;
  s = s * z + 0.008333333333333333;
  s = s * z - 0.16666666666666666;
  s = s * z * r + r;
  VecD c = z * -1.1470745597729725e-11 + 2.08767569878681e-09;
  c = c * z - 2.755731922398589e-07;
  c = c * z + 2.48015873015873e-05;
  c = c * z - 0.001388888888888889;
  c = c * z + 0.041666666666666664;
  c = c * z - 0.5;
  c = c * z + 1.0;
  return turn.back(s, c);
}

/** Applies a float64 function to a float32 vector. */
template <class F>
inline VecF throughDouble(VecF x, F f) {
  HalfF half[2];
  memcpy(half, &x, sizeof x);
  for (int i = 0; i < 2; i++)
    half[i] = __builtin_convertvector(f(__builtin_convertvector(half[i], VecD)), HalfF);
  memcpy(&x, half, sizeof x);
  return x;
}
template <class F>
inline VecF throughDouble(VecF x, VecF y, F f) {
  HalfF left[2], right[2];
  memcpy(left, &x, sizeof x);
  memcpy(right, &y, sizeof y);
  for (int i = 0; i < 2; i++)
    left[i] = __builtin_convertvector(
        f(__builtin_convertvector(left[i], VecD), __builtin_convertvector(right[i], VecD)), HalfF);
  memcpy(&x, left, sizeof x);
  return x;
}

/** Applies a scalar function to each lane, in float64. */
template <class V, class F>
inline V eachLane(V x, F f) {
  using T = decltype(x[0] + 0);
  for (unsigned i = 0; i < sizeof(V) / sizeof(T); i++) x[i] = static_cast<T>(f(static_cast<double>(x[i])));
  return x;
}

inline VecF tangentHyperbolic(VecF x) {
  const VecF z = x * x;
  VecF p = z * 0.0021475397f - 0.0081826773f;
  p = p * z + 0.0217029686f;
  p = p * z - 0.0539472046f;
  p = p * z + 0.1333320977f;
  p = p * z - 0.3333333091f;
  const VecF small = p * z * x + x;
  const VecF a = absolute(x);
  const VecF big = 1.0f - 2.0f / (exponential(a + a) + 1.0f);
  return a < 0.625f ? small : withSignOf(big, x);
}

inline VecF logistic(VecF x) {
  const VecF z = exponential(-absolute(x));
  return (x >= 0.0f ? splat(1.0f) : z) / (1.0f + z);
}

/** erf x: a polynomial below 0.92, 1 - e^(-t q(t)) above. */
inline VecF errorFunction(VecF x) {
  const VecF t = absolute(x);
  const VecF s = x * x;
  VecF p = s * 8.3452275e-05f - 0.00081374382f;
  p = p * s + 0.0052006344f;
  p = p * s - 0.0268592708f;
  p = p * s + 0.1128369394f;
  p = p * s - 0.376126337f;
  p = p * s + 0.1283791666f;
  const VecF small = p * x + x;
  const VecF c = t > 4.0f ? splat(4.0f) : t;
  VecF q = c * 4.8065205e-06f - 4.4000506e-05f;
  q = q * c - 5.7510338e-05f;
  q = q * c + 0.0029516643f;
  q = q * c - 0.0227082866f;
  q = q * c + 0.1052944339f;
  q = q * c + 0.6356092801f;
  q = q * c + 0.1285551221f;
  const VecF big = 1.0f - exponential(-(q * c + c));
  return t < 0.92f ? small : withSignOf(big, x);
}

inline VecF powerOf(VecF x, VecF y) {
  return throughDouble(x, y, [](VecD a, VecD b) {
    VecD l = logarithm(absolute(a));
    // 1 and powers of 0 and Infinity come out right through the logarithm; what is left are negative bases and NaN rules.
    VecD e = b * l;
    VecD r = exponential(e);
    r = e > 700.0 ? splat(static_cast<double>(INFINITY)) : r;
    r = e < -700.0 ? splat(0.0) : r;
    const VecD size = absolute(b);
    const double shift = 4503599627370496.0;
    const VecD whole = size >= shift ? size : (size + shift) - shift;
    const VecD halfSize = size * 0.5;
    const VecD wholeHalf = halfSize >= shift ? halfSize : (halfSize + shift) - shift;
    const VecL isWhole = whole == size;
    const VecL isOdd = isWhole & (wholeHalf != halfSize);
    const VecL negative = bitsAs<VecL>(a) < 0;
    r = (negative & isOdd) ? -r : r;
    r = (a < 0.0) & ~isWhole & (absolute(a) < static_cast<double>(INFINITY)) ? splat(static_cast<double>(NAN)) : r;
    r = (b == 0.0) | (a == 1.0) ? splat(1.0) : r;
    const VecL onesInf = (absolute(a) == 1.0) & (size == static_cast<double>(INFINITY));
    r = onesInf & (a < 0.0) ? splat(1.0) : r;
    return r;
  });
}

}  // namespace gradbook
