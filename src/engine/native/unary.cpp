// Operations that map each element by itself.
#include "activations.h"
#include "map.h"

namespace gradbook {
namespace {

template <class T, class F>
void each(void* out, const void* const* in, int64_t n, const void*) {
  const T* x = static_cast<const T*>(in[0]);
  T* y = static_cast<T*>(out);
  constexpr int L = lanes<T>;
  int64_t i = 0;
  // Two vectors at a time hide each other's waits.
  for (; i + 2 * L <= n; i += 2 * L) {
    const Vec<T> left = F::of(load<T>(x + i)), right = F::of(load<T>(x + i + L));
    store<T>(y + i, left);
    store<T>(y + i + L, right);
  }
  for (; i + L <= n; i += L) store<T>(y + i, F::of(load<T>(x + i)));
  if (i < n) storePart<T>(y + i, F::of(loadPart<T>(x + i, n - i)), n - i);
}

template <class T, class F>
void eachFlag(void* out, const void* const* in, int64_t n, const void*) {
  const T* x = static_cast<const T*>(in[0]);
  uint8_t* y = static_cast<uint8_t*>(out);
  for (int64_t i = 0; i < n; i++) y[i] = F::of(x[i]);
}

template <class F>
bool floating(Args& args) {
  View v[2] = {args.tensor(), args.tensor()};
  if (v[0].dtype != v[1].dtype || v[0].dtype > F64) return false;
  mapBlocks(makePlan(v, 2), v[0].dtype == F32 ? each<float, F> : each<double, F>, nullptr, F::cost);
  return true;
}

template <class F>
bool withIntegers(Args& args) {
  View v[2] = {args.tensor(), args.tensor()};
  if (v[0].dtype != v[1].dtype || v[0].dtype > I32) return false;
  const Block block = v[0].dtype == F32 ? each<float, F> : v[0].dtype == F64 ? each<double, F> : each<int32_t, F>;
  mapBlocks(makePlan(v, 2), block, nullptr, F::cost);
  return true;
}

template <class F>
bool flag(Args& args) {
  View v[2] = {args.tensor(), args.tensor()};
  if (v[0].dtype != BOOL) return false;
  Block block;
  switch (v[1].dtype) {
    case F32: block = eachFlag<float, F>; break;
    case F64: block = eachFlag<double, F>; break;
    case I32: block = eachFlag<int32_t, F>; break;
    default: block = eachFlag<uint8_t, F>;
  }
  mapBlocks(makePlan(v, 2), block, nullptr);
  return true;
}



struct Neg : Cheap {
  static VecF of(VecF x) { return -x; }
  static VecD of(VecD x) { return -x; }
  static VecI of(VecI x) { return -x; }
};
struct Abs : Cheap {
  static VecF of(VecF x) { return absolute(x); }
  static VecD of(VecD x) { return absolute(x); }
  static VecI of(VecI x) { return x < 0 ? -x : x; }
};
struct Square : Cheap {
  template <class V>
  static V of(V x) { return x * x; }
};
struct Sign : Cheap {
  static VecF of(VecF x) { return x > 0.0f ? splat(1.0f) : x < 0.0f ? splat(-1.0f) : x; }
  static VecD of(VecD x) { return x > 0.0 ? splat(1.0) : x < 0.0 ? splat(-1.0) : x; }
  static VecI of(VecI x) { return x > 0 ? splat(1) : x < 0 ? splat(-1) : x; }
};
struct Sqrt : Cheap {
  template <class V>
  static V of(V x) { return squareRoot(x); }
};
struct Rsqrt : Cheap {
  static VecF of(VecF x) {
    return throughDouble(x, [](VecD d) { return 1.0 / squareRoot(d); });
  }
  static VecD of(VecD x) { return 1.0 / squareRoot(x); }
};
struct Reciprocal : Cheap {
  static VecF of(VecF x) { return 1.0f / x; }
  static VecD of(VecD x) { return 1.0 / x; }
};

#define LANES(NAME, CALL)                                                  \
  struct NAME : Costly {                                                   \
    static VecF of(VecF x) { return eachLane(x, [](double v) { return CALL; }); } \
    static VecD of(VecD x) { return eachLane(x, [](double v) { return CALL; }); } \
  };
LANES(Asin, std::asin(v))
LANES(Acos, std::acos(v))
LANES(Atan, std::atan(v))
LANES(Asinh, std::asinh(v))
LANES(Acosh, std::acosh(v))
LANES(Atanh, std::atanh(v))
LANES(Lgamma, std::lgamma(v))

#define IN_DOUBLE(NAME, EXPRESSION, CALL)                                            \
  struct NAME : Costly {                                                             \
    static VecF of(VecF x) { return throughDouble(x, [](VecD v) -> VecD { return EXPRESSION; }); } \
    static VecD of(VecD x) { return eachLane(x, [](double v) { return CALL; }); }    \
  };

inline VecD infinite(VecD like, VecD value) { return like > 700.0 ? splat(static_cast<double>(INFINITY)) : value; }
inline VecD expMinusOne(VecD v) {
  const VecD small = v + v * v * 0.5 + v * v * v * 0.16666666666666666;
  return absolute(v) < 1e-4 ? small : infinite(v, exponential(v)) - 1.0;
}
inline VecD logOnePlus(VecD v) {
  const VecD small = v - v * v * 0.5 + v * v * v * 0.3333333333333333;
  return absolute(v) < 1e-4 ? small : logarithm(v + 1.0);
}
inline VecD hyperbolicSine(VecD v) {
  const VecD e = exponential(v);
  const VecD big = (infinite(v, e) - infinite(-v, exponential(-v))) * 0.5;
  return absolute(v) < 1e-3 ? v + v * v * v * 0.16666666666666666 : big;
}

IN_DOUBLE(Expm1, expMinusOne(v), std::expm1(v))
IN_DOUBLE(Exp2, infinite(v * 0.6931471805599453, exponential(v * 0.6931471805599453)), std::exp2(v))
IN_DOUBLE(Log, logarithm(v), std::log(v))
IN_DOUBLE(Log2, logarithm(v) * 1.4426950408889634, std::log2(v))
IN_DOUBLE(Log10, logarithm(v) * 0.4342944819032518, std::log10(v))
IN_DOUBLE(Log1p, logOnePlus(v), std::log1p(v))
IN_DOUBLE(Sinh, hyperbolicSine(v), std::sinh(v))
IN_DOUBLE(Cosh, (infinite(v, exponential(v)) + infinite(-v, exponential(-v))) * 0.5, std::cosh(v))

/** Beyond a million, or at infinity, the scalar library reduces the argument. */
template <class F, class G>
inline VecF trigonometric(VecF x, F near, G far) {
  const VecI outside = ~(absolute(x) <= 1e6f);
  bool any = false;
  for (int i = 0; i < lanes<float>; i++) any |= outside[i] != 0;
  if (any) return eachLane(x, far);
  return throughDouble(x, near);
}
struct Sin : Costly {
  static VecF of(VecF x) {
    return trigonometric(x, [](VecD v) { return sineCosine(v).sine; }, [](double v) { return std::sin(v); });
  }
  static VecD of(VecD x) { return eachLane(x, [](double v) { return std::sin(v); }); }
};
struct Cos : Costly {
  static VecF of(VecF x) {
    return trigonometric(x, [](VecD v) { return sineCosine(v).cosine; }, [](double v) { return std::cos(v); });
  }
  static VecD of(VecD x) { return eachLane(x, [](double v) { return std::cos(v); }); }
};
struct Tan : Costly {
  static VecF of(VecF x) {
    return trigonometric(
        x,
        [](VecD v) {
          const SinCos both = sineCosine(v);
          return both.sine / both.cosine;
        },
        [](double v) { return std::tan(v); });
  }
  static VecD of(VecD x) { return eachLane(x, [](double v) { return std::tan(v); }); }
};
struct Exp : Costly {
  static VecF of(VecF x) { return exponential(x); }
  static VecD of(VecD x) { return eachLane(x, [](double v) { return std::exp(v); }); }
};
struct Erf : Costly {
  static VecF of(VecF x) { return errorFunction(x); }
  static VecD of(VecD x) { return eachLane(x, [](double v) { return std::erf(v); }); }
};
struct GeluSlope : Costly {
  static VecF of(VecF x) {
    const Tail tail = normalTail(x);
    return (x < 0.0f ? tail.below : 1.0f - tail.below) + x * 0.39894228f * tail.density;
  }
  static VecD of(VecD x) {
    return eachLane(x, [](double v) {
      return 0.5 * (std::erf(v * 0.70710678118654752) + 1.0) + v * 0.39894228040143268 * std::exp(v * v * -0.5);
    });
  }
};
struct Erfc : Costly {
  static VecF of(VecF x) { return eachLane(x, [](double v) { return std::erfc(v); }); }
  static VecD of(VecD x) { return eachLane(x, [](double v) { return std::erfc(v); }); }
};

/** To whole numbers: what is at least 2^23 (2^52) is one already, and -0 stays. */
#define ROUNDING(NAME, CALL)                                                       \
  struct NAME : Cheap {                                                            \
    static VecF of(VecF x) {                                                       \
      for (int i = 0; i < lanes<float>; i++) x[i] = CALL##f(x[i]);                 \
      return x;                                                                    \
    }                                                                              \
    static VecD of(VecD x) {                                                       \
      for (int i = 0; i < lanes<double>; i++) x[i] = CALL(x[i]);                   \
      return x;                                                                    \
    }                                                                              \
    static VecI of(VecI x) { return x; }                                           \
  };
ROUNDING(Floor, __builtin_floor)
ROUNDING(Ceil, __builtin_ceil)
ROUNDING(Trunc, __builtin_trunc)

struct Frac : Cheap {
  template <class V>
  static V of(V x) { return x - Trunc::of(x); }
};

struct IsNan { template <class T> static uint8_t of(T x) { return x != x; } };
struct IsInf { template <class T> static uint8_t of(T x) { return std::fabs(static_cast<double>(x)) == INFINITY; } };
struct IsFinite { template <class T> static uint8_t of(T x) { return std::fabs(static_cast<double>(x)) < INFINITY; } };
struct Not { template <class T> static uint8_t of(T x) { return x == 0; } };

}  // namespace

const Entry* unaryKernels() {
  static const Entry entries[] = {
      {"unary.neg", withIntegers<Neg>},
      {"unary.abs", withIntegers<Abs>},
      {"unary.square", withIntegers<Square>},
      {"unary.relu", withIntegers<Relu>},
      {"unary.sign", withIntegers<Sign>},
      {"unary.sgn", withIntegers<Sign>},
      {"unary.sqrt", floating<Sqrt>},
      {"unary.rsqrt", floating<Rsqrt>},
      {"unary.reciprocal", floating<Reciprocal>},
      {"unary.asin", floating<Asin>},
      {"unary.acos", floating<Acos>},
      {"unary.atan", floating<Atan>},
      {"unary.asinh", floating<Asinh>},
      {"unary.acosh", floating<Acosh>},
      {"unary.atanh", floating<Atanh>},
      {"unary.exp", floating<Exp>},
      {"unary.exp2", floating<Exp2>},
      {"unary.expm1", floating<Expm1>},
      {"unary.log", floating<Log>},
      {"unary.log2", floating<Log2>},
      {"unary.log10", floating<Log10>},
      {"unary.log1p", floating<Log1p>},
      {"unary.sin", floating<Sin>},
      {"unary.cos", floating<Cos>},
      {"unary.tan", floating<Tan>},
      {"unary.sinh", floating<Sinh>},
      {"unary.cosh", floating<Cosh>},
      {"unary.tanh", floating<Tanh>},
      {"unary.sigmoid", floating<Sigmoid>},
      {"unary.erf", floating<Erf>},
      {"unary.erfc", floating<Erfc>},
      {"activation.gelu", floating<Gelu>},
      {"activation.geluSlope", floating<GeluSlope>},
      {"unary.lgamma", floating<Lgamma>},
      {"unary.floor", withIntegers<Floor>},
      {"unary.ceil", withIntegers<Ceil>},
      {"unary.trunc", withIntegers<Trunc>},
      {"unary.frac", floating<Frac>},
      {"unary.isnan", flag<IsNan>},
      {"unary.isinf", flag<IsInf>},
      {"unary.isfinite", flag<IsFinite>},
      {"unary.logicalNot", flag<Not>},
      {nullptr, nullptr},
  };
  return entries;
}

}  // namespace gradbook
