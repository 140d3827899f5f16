// Convolutions of planes with 3x3 filters, by Winograd's minimal filtering: tiles of 4x4 outputs become 36 products of matrices, a quarter
// of the multiplications. The points 0, 3/4, -3/4, 3/2, -3/2 keep the error at that of a direct sum.
#pragma once
#include "conv.h"

namespace gradbook {

/** Whether a convolution is of that kind, and large enough for it. */
bool winogradFits(const Geometry& g, int64_t samples, int64_t groups, const View& input);

/** As `correlate`, of one group. */
void winogradCorrelate(const Geometry& g, int64_t samples, const View& input, const float* weight, const float* bias, int64_t biasStep,
                       float* out);

/** out (filters, depth) = the gradient of the filters; `grads` (samples, filters, positions) lie together. */
void winogradGradWeight(const Geometry& g, int64_t samples, const float* grads, const View& input, float* out);

}  // namespace gradbook
