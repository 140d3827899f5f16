// Operations on pairs of elements, comparisons, and `where`.
#include "map.h"
#include "mathematics.h"

namespace gradbook {
namespace {

template <class T, class F>
void pairs(void* out, const void* const* in, int64_t n, const void*) {
  const T* x = static_cast<const T*>(in[0]);
  const T* y = static_cast<const T*>(in[1]);
  T* z = static_cast<T*>(out);
  constexpr int L = lanes<T>;
  int64_t i = 0;
  for (; i + L <= n; i += L) store<T>(z + i, F::of(load<T>(x + i), load<T>(y + i)));
  if (i < n) storePart<T>(z + i, F::of(loadPart<T>(x + i, n - i), loadPart<T>(y + i, n - i)), n - i);
}

template <class T, class F>
void compare(void* out, const void* const* in, int64_t n, const void*) {
  const T* x = static_cast<const T*>(in[0]);
  const T* y = static_cast<const T*>(in[1]);
  uint8_t* z = static_cast<uint8_t*>(out);
  for (int64_t i = 0; i < n; i++) z[i] = F::of(x[i], y[i]);
}

template <class F>
bool floating(Args& args) {
  View v[3] = {args.tensor(), args.tensor(), args.tensor()};
  if (v[0].dtype != v[1].dtype || v[1].dtype != v[2].dtype || v[0].dtype > F64) return false;
  mapBlocks(makePlan(v, 3), v[0].dtype == F32 ? pairs<float, F> : pairs<double, F>, nullptr, F::cost);
  return true;
}

template <class F>
bool withIntegers(Args& args) {
  View v[3] = {args.tensor(), args.tensor(), args.tensor()};
  if (v[0].dtype != v[1].dtype || v[1].dtype != v[2].dtype || v[0].dtype > I32) return false;
  const Block block = v[0].dtype == F32 ? pairs<float, F> : v[0].dtype == F64 ? pairs<double, F> : pairs<int32_t, F>;
  mapBlocks(makePlan(v, 3), block, nullptr, F::cost);
  return true;
}

template <class F>
bool comparison(Args& args) {
  View v[3] = {args.tensor(), args.tensor(), args.tensor()};
  if (v[0].dtype != BOOL || v[1].dtype != v[2].dtype) return false;
  Block block;
  switch (v[1].dtype) {
    case F32: block = compare<float, F>; break;
    case F64: block = compare<double, F>; break;
    case I32: block = compare<int32_t, F>; break;
    default: block = compare<uint8_t, F>;
  }
  mapBlocks(makePlan(v, 3), block, nullptr);
  return true;
}

struct Cheap { static constexpr int cost = 1; };
struct Costly { static constexpr int cost = 8; };

struct Add : Cheap { template <class V> static V of(V x, V y) { return x + y; } };
struct Sub : Cheap { template <class V> static V of(V x, V y) { return x - y; } };
struct Mul : Cheap { template <class V> static V of(V x, V y) { return x * y; } };
struct Div : Cheap { template <class V> static V of(V x, V y) { return x / y; } };

/** 0 and -0 are told apart, as JavaScript's Math.max does; NaN wins. */
struct Maximum : Cheap {
  static VecI of(VecI x, VecI y) { return x > y ? x : y; }
  template <class V>
  static V of(V x, V y) {
    V tie = x + y;
    V r = x > y ? x : x < y ? y : x;
    r = (x == y) & (x == 0) ? tie : r;
    return x != x ? x : y != y ? y : r;
  }
};
struct Minimum : Cheap {
  static VecI of(VecI x, VecI y) { return x < y ? x : y; }
  template <class V>
  static V of(V x, V y) {
    V tie = -(-x - y);
    V r = x < y ? x : x > y ? y : x;
    r = (x == y) & (x == 0) ? tie : r;
    return x != x ? x : y != y ? y : r;
  }
};
struct Fmax : Cheap { template <class V> static V of(V x, V y) { return x != x ? y : y != y ? x : Maximum::of(x, y); } };
struct Fmin : Cheap { template <class V> static V of(V x, V y) { return x != x ? y : y != y ? x : Minimum::of(x, y); } };
struct Heaviside : Cheap {
  static VecF of(VecF x, VecF y) { return x == 0.0f ? y : x > 0.0f ? splat(1.0f) : VecF{}; }
  static VecD of(VecD x, VecD y) { return x == 0.0 ? y : x > 0.0 ? splat(1.0) : VecD{}; }
};

template <class V, class F>
inline V eachPair(V x, V y, F f) {
  using T = decltype(x[0] + 0);
  for (unsigned i = 0; i < sizeof(V) / sizeof(T); i++)
    x[i] = static_cast<T>(f(static_cast<double>(x[i]), static_cast<double>(y[i])));
  return x;
}
#define LANES(NAME, CALL)                                                                    \
  struct NAME : Costly {                                                                     \
    template <class V>                                                                       \
    static V of(V x, V y) { return eachPair(x, y, [](double a, double b) -> double { return CALL; }); } \
  };
LANES(Fmod, std::fmod(a, b))
LANES(Atan2, std::atan2(a, b))
LANES(Hypot, std::hypot(a, b))

struct Pow : Costly {
  static VecF of(VecF x, VecF y) { return powerOf(x, y); }
  static VecD of(VecD x, VecD y) {
    return eachPair(x, y, [](double a, double b) {
      // JavaScript and PyTorch differ at (-1)^Infinity: PyTorch (and C) give 1.
      return a == 1 || b == 0 ? 1.0 : std::pow(a, b);
    });
  }
};
struct Remainder : Costly {
  template <class V>
  static V of(V x, V y) {
    return eachPair(x, y, [](double a, double b) {
      const double rest = std::fmod(a, b);
      return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
    });
  }
};

struct Eq { template <class T> static uint8_t of(T x, T y) { return x == y; } };
struct Ne { template <class T> static uint8_t of(T x, T y) { return x != y; } };
struct Lt { template <class T> static uint8_t of(T x, T y) { return x < y; } };
struct Le { template <class T> static uint8_t of(T x, T y) { return x <= y; } };
struct Gt { template <class T> static uint8_t of(T x, T y) { return x > y; } };
struct Ge { template <class T> static uint8_t of(T x, T y) { return x >= y; } };
struct And { template <class T> static uint8_t of(T x, T y) { return (x != 0) & (y != 0); } };
struct Or { template <class T> static uint8_t of(T x, T y) { return (x != 0) | (y != 0); } };
struct Xor { template <class T> static uint8_t of(T x, T y) { return (x != 0) != (y != 0); } };

template <class T>
void choose(void* out, const void* const* in, int64_t n, const void*) {
  const uint8_t* c = static_cast<const uint8_t*>(in[0]);
  const T* x = static_cast<const T*>(in[1]);
  const T* y = static_cast<const T*>(in[2]);
  T* z = static_cast<T*>(out);
  for (int64_t i = 0; i < n; i++) z[i] = c[i] ? x[i] : y[i];
}

bool where(Args& args) {
  View v[4] = {args.tensor(), args.tensor(), args.tensor(), args.tensor()};
  if (v[1].dtype < U8 || v[0].dtype != v[2].dtype || v[0].dtype != v[3].dtype) return false;
  const int bytes = bytesOf(v[0].dtype);
  mapBlocks(makePlan(v, 4), bytes == 4 ? choose<uint32_t> : bytes == 8 ? choose<uint64_t> : choose<uint8_t>, nullptr);
  return true;
}

}  // namespace

const Entry* binaryKernels() {
  static const Entry entries[] = {
      {"binary.plainAdd", withIntegers<Add>},
      {"binary.plainSub", withIntegers<Sub>},
      {"binary.mul", withIntegers<Mul>},
      {"binary.trueDivide", floating<Div>},
      {"binary.maximum", withIntegers<Maximum>},
      {"binary.minimum", withIntegers<Minimum>},
      {"binary.fmax", floating<Fmax>},
      {"binary.fmin", floating<Fmin>},
      {"binary.pow", floating<Pow>},
      {"binary.remainder", floating<Remainder>},
      {"binary.fmod", floating<Fmod>},
      {"binary.atan2", floating<Atan2>},
      {"binary.hypot", floating<Hypot>},
      {"binary.heaviside", floating<Heaviside>},
      {"binary.eq", comparison<Eq>},
      {"binary.ne", comparison<Ne>},
      {"binary.lt", comparison<Lt>},
      {"binary.le", comparison<Le>},
      {"binary.gt", comparison<Gt>},
      {"binary.ge", comparison<Ge>},
      {"binary.logicalAnd", comparison<And>},
      {"binary.logicalOr", comparison<Or>},
      {"binary.logicalXor", comparison<Xor>},
      {"where", where},
      {nullptr, nullptr},
  };
  return entries;
}

}  // namespace gradbook
