// Activations that products end with, too: an element has the same bits wherever it is computed.
#pragma once
#include "mathematics.h"

namespace gradbook {

/** Whether a function is worth more threads than its memory is. */
struct Cheap { static constexpr int cost = 1; };
struct Costly { static constexpr int cost = 8; };

struct Identity : Cheap {
  template <class V>
  static V of(V x) { return x; }
};
struct Relu : Cheap {
  static VecF of(VecF x) { return x <= 0.0f ? VecF{} : x; }
  static VecD of(VecD x) { return x <= 0.0 ? VecD{} : x; }
  static VecI of(VecI x) { return x <= 0 ? VecI{} : x; }
};
struct Tanh : Costly {
  static VecF of(VecF x) { return tangentHyperbolic(x); }
  static VecD of(VecD x) { return eachLane(x, [](double v) { return std::tanh(v); }); }
};
struct Sigmoid : Costly {
  static VecF of(VecF x) { return logistic(x); }
  static VecD of(VecD x) {
    return eachLane(x, [](double v) {
      const double e = std::exp(-std::fabs(v));
      return (v >= 0 ? 1.0 : e) / (1.0 + e);
    });
  }
};
/** The normal distribution's density without its factor, e^(-x^2/2), and how much of it lies below -|x|. */
struct Tail {
  VecF density, below;
};
/** Below -t lies e^(-t^2/2) times a polynomial in 1 / (1 + 0.23 t). */
inline Tail normalTail(VecF x) {
  const VecF u = 1.0f / (absolute(x) * 0.23f + 1.0f);
  VecF p = u * -0.07846925f + 0.29042265f;
  p = p * u - 0.27814418f;
  p = p * u + 0.30149195f;
  p = p * u - 0.03293303f;
  p = p * u + 0.11951934f;
  p = p * u + 0.08576161f;
  p = p * u + 0.09237863f;
  p = p * u - 2.7772252e-5f;
  const VecF density = exponential(x * x * -0.5f);
  return {density, p * density};
}
/** x Phi(x), and its derivative Phi(x) + x phi(x), which are for the normal distribution. */
struct Gelu : Costly {
  static VecF of(VecF x) {
    const VecF below = normalTail(x).below;
    return x * (x < 0.0f ? below : 1.0f - below);
  }
  static VecD of(VecD x) { return eachLane(x, [](double v) { return v * 0.5 * (std::erf(v * 0.70710678118654752) + 1.0); }); }
};

}  // namespace gradbook
