// Convolutions without packing: at stride 1, what a tap reads for a run of outputs is a run of the padded image, so that the micro-kernel
// takes its right sides from the image itself. Rows of outputs are as far apart as the image's, and what falls between them is left out.
#pragma once
#include "conv.h"

namespace gradbook {

/** Whether runs of outputs fill their vectors, and there is enough to do for each that is written. */
template <class T>
bool worthShifts(const Geometry& g);

/** As `correlate`. */
template <class T>
void correlateShifts(const Geometry& g, int64_t samples, int64_t groups, const View& input, const T* weight, const T* bias,
                     int64_t biasStep, T* out);

}  // namespace gradbook
