// Dilated convolutions with 3x3 filters: positions that are a dilation apart only meet each other, so that each phase of them is an image
// of its own, whose convolution is not dilated and suits Winograd.
#pragma once
#include "conv.h"

namespace gradbook {

/** Whether a convolution is of that kind, and its phases are large enough. */
bool phasesFit(const Geometry& g, int64_t samples, int64_t groups, const View& input);

/** As `correlate`, of one group. */
void correlatePhases(const Geometry& g, int64_t samples, const View& input, const float* weight, const float* bias, int64_t biasStep,
                     float* out);

/** As `winogradGradWeight`. */
void phasesGradWeight(const Geometry& g, int64_t samples, const float* grads, const View& input, float* out);

}  // namespace gradbook
