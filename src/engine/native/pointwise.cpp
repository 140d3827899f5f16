// Operations that no inner loop of learning is made of, element by element through the scalar functions, in float64; the triangles of
// matrices.
#include <cmath>

#include "map.h"
#include "walk.h"

namespace gradbook {
namespace {

constexpr double pi = 3.14159265358979323846;

using OfOne = double (*)(double);
using OfTwo = double (*)(double, double);

/** What integers become when they do not fit, as a typed array has it. */
template <class T>
T stored(double x) {
  if constexpr (std::is_floating_point_v<T>)
    return static_cast<T>(x);
  else
    return std::fabs(x) < 9e18 ? static_cast<T>(static_cast<int64_t>(x)) : T{0};
}

template <class Out, class In>
void onesTo(void* out, const void* const* in, int64_t n, const void* function) {
  const OfOne f = *static_cast<const OfOne*>(function);
  for (int64_t i = 0; i < n; i++) static_cast<Out*>(out)[i] = stored<Out>(f(static_cast<double>(static_cast<const In*>(in[0])[i])));
}

template <class T>
void twosTo(void* out, const void* const* in, int64_t n, const void* function) {
  const OfTwo f = *static_cast<const OfTwo*>(function);
  const T *x = static_cast<const T*>(in[0]), *y = static_cast<const T*>(in[1]);
  for (int64_t i = 0; i < n; i++) static_cast<T*>(out)[i] = stored<T>(f(static_cast<double>(x[i]), static_cast<double>(y[i])));
}

constexpr int64_t cost = 16;

/** out, a of one floating dtype. */
template <OfOne F>
bool one(Args& args) {
  const View v[2] = {args.tensor(), args.tensor()};
  if (v[0].dtype != v[1].dtype || v[0].dtype > F64) return false;
  const OfOne f = F;
  mapBlocks(makePlan(v, 2), v[0].dtype == F32 ? onesTo<float, float> : onesTo<double, double>, &f, cost);
  return true;
}

/** out bool, a of any dtype. */
template <OfOne F>
bool test(Args& args) {
  const View v[2] = {args.tensor(), args.tensor()};
  if (v[0].dtype != BOOL) return false;
  const OfOne f = F;
  withType(v[1].dtype, [&](auto zero) { mapBlocks(makePlan(v, 2), onesTo<uint8_t, decltype(zero)>, &f, cost); });
  return true;
}

/** out, a, b of one dtype. */
template <OfTwo F>
bool two(Args& args) {
  const View v[3] = {args.tensor(), args.tensor(), args.tensor()};
  if (v[0].dtype != v[1].dtype || v[1].dtype != v[2].dtype || v[0].dtype == BOOL) return false;
  const OfTwo f = F;
  withType(v[0].dtype, [&](auto zero) { mapBlocks(makePlan(v, 3), twosTo<decltype(zero)>, &f, cost); });
  return true;
}

double copySign(double x, double y) { return std::copysign(x, y == y ? y : 1.0); }
double logAddExp(double x, double y) {
  if (x == y) return x + 0.69314718055994530942;
  return (x > y || x != x ? x : y) + std::log1p(std::exp(-std::fabs(x - y)));
}
double logAddExp2(double x, double y) {
  if (x == y) return x + 1;
  return (x > y || x != x ? x : y) + std::log1p(std::exp2(-std::fabs(x - y))) / 0.69314718055994530942;
}
double xLogY(double x, double y) { return y != y ? y : x == 0 ? 0 : x * std::log(y); }
double toRadians(double x) { return x * pi / 180; }
double toDegrees(double x) { return x * 180 / pi; }
double logit(double x) { return std::log(x / (1 - x)); }
double sinc(double x) { return x == 0 ? 1 : std::sin(pi * x) / (pi * x); }
double truncated(double x, double y) { return std::trunc(x / y); }
/** From the remainder, so that it is exact where x / y is rounded. */
double floored(double x, double y) {
  if (y == 0) return x / y;
  const double near = std::floor(x / y);
  if (std::fabs(near) < 4503599627370496.0 && near != 0) {
    const double left = std::fma(-near, y, x), exact = left != 0 && (left < 0) != (y < 0) ? near - 1 : near;
    if (exact != 0) return exact;
  }
  const double rest = std::fmod(x, y), quotient = (x - rest) / y;
  const double down = rest != 0 && (rest < 0) != (y < 0) ? quotient - 1 : quotient;
  if (down == 0) return x / y < 0 ? -0.0 : 0.0;
  const double floor = std::floor(down);
  return down - floor > 0.5 ? floor + 1 : floor;
}
double isNegative(double x) { return x < 0 || (x == 0 && std::signbit(x)); }
double isPositiveInfinity(double x) { return x == static_cast<double>(INFINITY); }
double isNegativeInfinity(double x) { return x == -static_cast<double>(INFINITY); }

/** Bernoulli's numbers B2, B4, ... */
constexpr double bernoulli[] = {1.0 / 6, -1.0 / 30, 1.0 / 42, -1.0 / 30, 5.0 / 66, -691.0 / 2730, 7.0 / 6, -3617.0 / 510};

/** The derivative of log Gamma: the asymptotic series after raising x to 15 or more; reflection below 0. */
double digamma(double x) {
  if (x == 0) return -1 / x;
  if (x < 0) return std::floor(x) == x ? static_cast<double>(NAN) : digamma(1 - x) - pi / std::tan(pi * x);
  double sum = 0, z = x;
  for (; z < 15; z++) sum -= 1 / z;
  const double inverse = 1 / (z * z);
  double series = 0;
  for (int k = 7; k >= 0; k--) series = series * inverse + bernoulli[k] / (2 * k + 2);
  return sum + std::log(z) - 0.5 / z - series * inverse;
}

/** Winitzki's approximation, then Halley's steps. */
double inverseError(double y) {
  if (!(y >= -1 && y <= 1)) return static_cast<double>(NAN);
  if (y == 0) return y;
  if (y == 1 || y == -1) return y * static_cast<double>(INFINITY);
  const double size = std::fabs(y), log = std::log((1 - size) * (1 + size)), a = 0.147, mean = 2 / (pi * a) + log / 2;
  double x = std::sqrt(std::sqrt(mean * mean - log / a) - mean);
  for (int i = 0; i < 3; i++) {
    const double error = size < 0.5 ? std::erf(x) - size : 1 - size - std::erfc(x);
    const double step = error / (2 / std::sqrt(pi) * std::exp(-x * x));
    x -= step / (1 + x * step);
  }
  return y < 0 ? -x : x;
}

/**
 * The n-th derivative of digamma, n >= 1: n! times the sum of 1/(x + k)^(n+1) up to x + k = 15 + n, and the asymptotic series. Below 0 the
 * terms with x + k < 0 are themselves the difference of two such sums.
 */
double polygammaOf(int n, double x) {
  const double infinity = static_cast<double>(INFINITY);
  if (n == 0) return digamma(x);
  if (x <= 0 && std::floor(x) == x) return n % 2 == 1 ? infinity : -infinity;
  if (x < 0) {
    const double part = -x - std::floor(-x);
    return polygammaOf(n, 1 - part) + (n % 2 == 1 ? 1 : -1) * (polygammaOf(n, part) - polygammaOf(n, 1 - x));
  }
  double sum = 0, z = x, factorial = 1;
  for (; z < 15 + n; z++) sum += std::pow(z, -(n + 1));
  for (int k = 2; k < n; k++) factorial *= k;
  double term = factorial * n / (2 * std::pow(z, n + 1)), series = factorial / std::pow(z, n) + term;
  term = factorial * n * (n + 1) / (2 * std::pow(z, n + 2));
  for (int i = 0; i < 8; i++) {
    series += bernoulli[i] * term;
    const int k = 2 * i + 2;
    term *= static_cast<double>(k + n) * (k + n + 1) / (static_cast<double>(k + 1) * (k + 2) * z * z);
  }
  return (n % 2 == 1 ? 1 : -1) * (series + factorial * n * sum);
}

template <class T>
void polygammas(void* out, const void* const* in, int64_t n, const void* order) {
  const int degree = *static_cast<const int*>(order);
  for (int64_t i = 0; i < n; i++)
    static_cast<T*>(out)[i] = static_cast<T>(polygammaOf(degree, static_cast<double>(static_cast<const T*>(in[0])[i])));
}

/** out, a, n. */
bool polygamma(Args& args) {
  const View v[2] = {args.tensor(), args.tensor()};
  const double n = args.number();
  if (v[0].dtype > F64 || v[0].dtype != v[1].dtype || n > 1000) return false;
  const int order = static_cast<int>(n);
  mapBlocks(makePlan(v, 2), v[0].dtype == F32 ? polygammas<float> : polygammas<double>, &order, 4 * cost);
  return true;
}

template <class T, class F>
void bits(void* out, const void* const* in, int64_t n, const void*) {
  const T *x = static_cast<const T*>(in[0]), *y = static_cast<const T*>(in[1]);
  for (int64_t i = 0; i < n; i++) static_cast<T*>(out)[i] = F::of(x[i], y[i]);
}

struct And { template <class T> static T of(T x, T y) { return x & y; } };
struct Or { template <class T> static T of(T x, T y) { return x | y; } };
struct Xor { template <class T> static T of(T x, T y) { return x ^ y; } };
struct Left { template <class T> static T of(T x, T y) { return y > 31 ? T{0} : static_cast<T>(static_cast<uint32_t>(x) << (y & 31)); } };
struct Right { template <class T> static T of(T x, T y) { return static_cast<T>(x >> ((y < 31 ? y : T{31}) & 31)); } };

/** out, a, b of one dtype of whole numbers. */
template <class F>
bool bitwise(Args& args) {
  const View v[3] = {args.tensor(), args.tensor(), args.tensor()};
  if (v[0].dtype < I32 || v[0].dtype != v[1].dtype || v[1].dtype != v[2].dtype) return false;
  mapBlocks(makePlan(v, 3), v[0].dtype == I32 ? bits<int32_t, F> : bits<uint8_t, F>, nullptr);
  return true;
}

template <class T>
void turned(void* out, const void* const* in, int64_t n, const void*) {
  for (int64_t i = 0; i < n; i++) static_cast<T*>(out)[i] = static_cast<T>(~static_cast<const T*>(in[0])[i]);
}

/** out, a: every bit turned. */
bool bitwiseNot(Args& args) {
  const View v[2] = {args.tensor(), args.tensor()};
  if (v[0].dtype < I32 || v[0].dtype == BOOL || v[0].dtype != v[1].dtype) return false;
  mapBlocks(makePlan(v, 2), v[0].dtype == I32 ? turned<int32_t> : turned<uint8_t>, nullptr);
  return true;
}

struct Numbers {
  const double* list;
  int64_t count;
};

constexpr int mostNumbers = 64;

/** c0 + c1 x + c2 x² + ... */
template <class T>
void polynomialOf(void* out, const void* const* in, int64_t n, const void* context) {
  const Numbers& c = *static_cast<const Numbers*>(context);
  double total[64];
  for (int64_t at = 0; at < n; at += 64) {
    const int64_t length = n - at < 64 ? n - at : 64;
    const T* x = static_cast<const T*>(in[0]) + at;
    for (int64_t i = 0; i < length; i++) total[i] = 0;
    for (int64_t k = c.count - 1; k >= 0; k--)
      for (int64_t i = 0; i < length; i++) total[i] = total[i] * static_cast<double>(x[i]) + c.list[k];
    for (int64_t i = 0; i < length; i++) static_cast<T*>(out)[at + i] = static_cast<T>(total[i]);
  }
}

/** out, a, coefficients. */
bool polynomial(Args& args) {
  const View v[2] = {args.tensor(), args.tensor()};
  double list[mostNumbers];
  const Numbers c{list, args.length()};
  if (c.count > mostNumbers || v[0].dtype > F64 || v[0].dtype != v[1].dtype) return false;
  for (int64_t i = 0; i < c.count; i++) list[i] = args.number();
  mapBlocks(makePlan(v, 2), v[0].dtype == F32 ? polynomialOf<float> : polynomialOf<double>, &c, 1 + c.count);
  return true;
}

template <class T>
void roundedTo(void* out, const void* const* in, int64_t n, const void* context) {
  const double digits = *static_cast<const double*>(context), scale = std::pow(10, std::fabs(digits));
  const T* x = static_cast<const T*>(in[0]);
  T* y = static_cast<T*>(out);
  if (digits == 0)
    for (int64_t i = 0; i < n; i++) y[i] = static_cast<T>(__builtin_rint(static_cast<double>(x[i])));
  else if (digits > 0)
    for (int64_t i = 0; i < n; i++) y[i] = static_cast<T>(__builtin_rint(static_cast<double>(x[i]) * scale) / scale);
  else
    for (int64_t i = 0; i < n; i++) y[i] = static_cast<T>(__builtin_rint(static_cast<double>(x[i]) / scale) * scale);
}

/** out, a, decimals. */
bool round(Args& args) {
  const View v[2] = {args.tensor(), args.tensor()};
  const double decimals = args.number();
  if (v[0].dtype > F64 || v[0].dtype != v[1].dtype) return false;
  mapBlocks(makePlan(v, 2), v[0].dtype == F32 ? roundedTo<float> : roundedTo<double>, &decimals, 4);
  return true;
}

/** out, a, diagonal, upper: a below (or above) the diagonal of the last two dimensions, 0 elsewhere. */
bool triangle(Args& args) {
  const View out = args.tensor();
  View a = args.tensor();
  const int64_t diagonal = args.integer();
  const bool upper = args.number() != 0;
  const int rank = out.rank;
  if (out.dtype != a.dtype || rank < 2 || a.rank != rank) return false;
  const int64_t rows = out.size[rank - 2], columns = out.size[rank - 1];
  const int64_t so = out.stride[rank - 1], sa = a.size[rank - 1] == 1 ? 0 : a.stride[rank - 1];
  Walk<2> lines;
  for (int d = 0; d < rank - 1; d++) lines.push(out.size[d], {out.stride[d], a.size[d] == 1 ? 0 : a.stride[d]});
  withWidth(out.dtype, [&](auto zero) {
    using U = decltype(zero);
    parallelRange(lines.count, grain / (columns + 1) + 1, 1, [&](int64_t begin, int64_t end) {
      int64_t line = begin;
      lines.each(begin, end, [&](const int64_t* at, const int64_t* steps, int64_t n) {
        for (int64_t k = 0; k < n && !interrupted(); k++, line++) {
          const int64_t edge = line % rows + diagonal + (upper ? 0 : 1);
          const int64_t cut = edge < 0 ? 0 : edge > columns ? columns : edge;
          U* to = out.as<U>() + at[0] + k * steps[0];
          const U* from = a.as<U>() + at[1] + k * steps[1];
          const int64_t first = upper ? cut : 0, last = upper ? columns : cut;
          for (int64_t j = 0; j < first; j++) to[j * so] = 0;
          for (int64_t j = first; j < last; j++) to[j * so] = from[j * sa];
          for (int64_t j = last; j < columns; j++) to[j * so] = 0;
        }
      });
    });
  });
  return true;
}

}  // namespace

const Entry* pointwiseKernels() {
  static const Entry entries[] = {{"binary.bitwiseAnd", bitwise<And>},
                                  {"binary.bitwiseOr", bitwise<Or>},
                                  {"binary.bitwiseXor", bitwise<Xor>},
                                  {"binary.bitwiseLeftShift", bitwise<Left>},
                                  {"binary.bitwiseRightShift", bitwise<Right>},
                                  {"binary.copysign", two<copySign>},
                                  {"binary.truncDivide", two<truncated>},
                                  {"binary.floorDivide", two<floored>},
                                  {"binary.logaddexp", two<logAddExp>},
                                  {"binary.logaddexp2", two<logAddExp2>},
                                  {"binary.xlogy", two<xLogY>},
                                  {"unary.bitwiseNot", bitwiseNot},
                                  {"unary.deg2rad", one<toRadians>},
                                  {"unary.rad2deg", one<toDegrees>},
                                  {"unary.digamma", one<digamma>},
                                  {"unary.erfinv", one<inverseError>},
                                  {"unary.plainLogit", one<logit>},
                                  {"unary.sinc", one<sinc>},
                                  {"unary.signbit", test<isNegative>},
                                  {"unary.isposinf", test<isPositiveInfinity>},
                                  {"unary.isneginf", test<isNegativeInfinity>},
                                  {"special.polygamma", polygamma},
                                  {"polynomial", polynomial},
                                  {"round", round},
                                  {"triangle", triangle},
                                  {nullptr, nullptr}};
  return entries;
}

}  // namespace gradbook
