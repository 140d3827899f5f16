// See `convPhases.h`.
#include "convPhases.h"

#include "winograd.h"

namespace gradbook {
namespace {

/** The convolution of one phase, its padding part of the image; phases that end a position before others get one more. */
Geometry phaseOf(const Geometry& g) {
  Geometry h = g;
  for (int d = 1; d < 3; d++) {
    h.dilation[d] = 1;
    h.padding[d] = 0;
    h.output[d] = (g.output[d] + g.dilation[d] - 1) / g.dilation[d];
    h.input[d] = h.padded[d] = h.output[d] + g.kernel[d] - 1;
  }
  h.settle();
  return h;
}

/** to[j] = from[j * step], which the compiler turns into shuffles where it knows the step. */
template <class T>
inline void takeEvery(T* __restrict to, const T* __restrict from, int64_t step, int64_t n) {
  if (step == 1)
    memcpy(to, from, static_cast<size_t>(n) * sizeof(T));
  else if (step == 2)
    for (int64_t j = 0; j < n; j++) to[j] = from[2 * j];
  else
    for (int64_t j = 0; j < n; j++) to[j] = from[j * step];
}

/** Images of `height` by `width`, one for each phase of `from`'s positions from -padding on; zeros where there is nothing. */
void split(const Geometry& g, const View& from, int64_t samples, int64_t channels, const int64_t* padding, const int64_t* sizes,
           int64_t height, int64_t width, float* to) {
  const int64_t down = g.dilation[1], across = g.dilation[2], plane = height * width;
  parallelRange(samples * channels, grain / (down * across * plane) + 1, 1, [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end && !interrupted(); t++) {
      const int64_t n = t / channels, c = t % channels;
      const float* source = from.as<float>() + n * from.stride[0] + c * from.stride[1];
      for (int64_t b = 0; b < down; b++)
        for (int64_t a = 0; a < across; a++) {
          float* target = to + (((n * down + b) * across + a) * channels + c) * plane;
          // The columns whose place a + across * j - padding lies within a row.
          int64_t first = padding[2] > a ? (padding[2] - a + across - 1) / across : 0;
          int64_t last = (sizes[2] + padding[2] - a + across - 1) / across;
          if (last > width) last = width;
          if (last < first) last = first = 0;
          for (int64_t i = 0; i < height; i++, target += width) {
            const int64_t y = b + down * i - padding[1];
            if (y < 0 || y >= sizes[1]) {
              memset(target, 0, static_cast<size_t>(width) * sizeof(float));
              continue;
            }
            for (int64_t j = 0; j < first; j++) target[j] = 0;
            if (last > first)
              takeEvery(target + first, source + y * from.stride[2] + (a + across * first - padding[2]) * from.stride[3],
                        across * from.stride[3], last - first);
            for (int64_t j = last; j < width; j++) target[j] = 0;
          }
        }
    }
  });
}

/** Puts the outputs of all phases where they belong. */
void join(const Geometry& g, const Geometry& h, int64_t samples, const float* from, float* to) {
  const int64_t down = g.dilation[1], across = g.dilation[2], width = g.output[2];
  parallelRange(samples * g.filters, grain / g.positions + 1, 1, [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end && !interrupted(); t++)
      for (int64_t y = 0; y < g.output[1]; y++) {
        const int64_t n = t / g.filters, f = t % g.filters;
        const float* rows = from + ((n * down + y % down) * across * g.filters + f) * h.positions + y / down * h.output[2];
        float* row = to + t * g.positions + y * width;
        const int64_t apart = g.filters * h.positions;
        if (across == 2) {
          const float *__restrict even = rows, *__restrict odd = rows + apart;
          float* __restrict pairs = row;
          for (int64_t j = 0; j < width / 2; j++) {
            pairs[2 * j] = even[j];
            pairs[2 * j + 1] = odd[j];
          }
          if (width % 2 == 1) row[width - 1] = even[width / 2];
          continue;
        }
        for (int64_t a = 0; a < across; a++)
          for (int64_t x = a, j = 0; x < width; x += across, j++) row[x] = rows[a * apart + j];
      }
  });
}

/** A row-major tensor (images, channels, height, width). */
View imagesAt(const float* data, int64_t images, int64_t channels, const int64_t* sizes) {
  View v;
  v.data = reinterpret_cast<char*>(const_cast<float*>(data));
  v.rank = 4;
  const int64_t shape[4] = {images, channels, sizes[1], sizes[2]};
  for (int64_t d = 3, stride = 1; d >= 0; d--) {
    v.size[d] = shape[d];
    v.stride[d] = stride;
    stride *= shape[d];
  }
  return v;
}

}  // namespace

bool phasesFit(const Geometry& g, int64_t samples, int64_t groups, const View& input) {
  if (input.rank != 4 || g.dilation[1] * g.dilation[2] == 1 || g.stride[1] != 1 || g.stride[2] != 1) return false;
  const Geometry h = phaseOf(g);
  const int64_t images = samples * g.dilation[1] * g.dilation[2];
  const int64_t count = images * (h.image + (g.filters > g.channels ? g.filters : g.channels) * h.positions);
  return count <= int64_t{1} << 24 && winogradFits(h, images, groups, input);
}

void correlatePhases(const Geometry& g, int64_t samples, const View& input, const float* w, const float* b, int64_t biasStep, float* out) {
  const Geometry h = phaseOf(g);
  const int64_t phaseCount = g.dilation[1] * g.dilation[2], size = phaseCount * (h.image + g.filters * h.positions);
  // As many samples at a time as stay in the caches, but enough to transform the filters for.
  int64_t together = threadCount() * ((int64_t{1} << 19) / size + 1);
  const int64_t least = 2048 / (phaseCount * h.positions) + 1;
  if (together < least) together = least;
  if (together > samples) together = samples;
  float* phases = static_cast<float*>(scratch(7, together * size * int64_t{sizeof(float)}));
  for (int64_t first = 0; first < samples && !interrupted(); first += together) {
    const int64_t count = samples - first < together ? samples - first : together, images = count * phaseCount;
    float* results = phases + images * h.image;
    View part = input;
    part.data += first * input.stride[0] * int64_t{sizeof(float)};
    split(g, part, count, g.channels, g.padding, g.input, h.input[1], h.input[2], phases);
    winogradCorrelate(h, images, imagesAt(phases, images, g.channels, h.input), w, b, biasStep, results);
    join(g, h, count, results, out + first * g.filters * g.positions);
  }
}

void phasesGradWeight(const Geometry& g, int64_t samples, const float* grads, const View& input, float* out) {
  const Geometry h = phaseOf(g);
  const int64_t images = samples * g.dilation[1] * g.dilation[2], none[3] = {0, 0, 0};
  float* phases = static_cast<float*>(scratch(7, images * (h.image + g.filters * h.positions) * int64_t{sizeof(float)}));
  float* slopes = phases + images * h.image;
  split(g, input, samples, g.channels, g.padding, g.input, h.input[1], h.input[2], phases);
  split(g, imagesAt(grads, samples, g.filters, g.output), samples, g.filters, none, g.output, h.output[1], h.output[2], slopes);
  winogradGradWeight(h, images, slopes, imagesAt(phases, images, g.channels, h.input), out);
}

}  // namespace gradbook
