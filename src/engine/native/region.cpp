// Features of regions: bilinear samples (both directions) and maxima, and elements at places that an index tensor names.
#include <cmath>

#include "walk.h"

namespace gradbook {
namespace {

double numberAt(const View& v, int64_t r, int64_t c) {
  const int64_t place = r * v.stride[0] + c * v.stride[1];
  return v.dtype == F32 ? double{v.as<float>()[place]} : v.as<double>()[place];
}

/** One of the four neighbours of a sample: where in the plane, and its share. */
struct Tap {
  int64_t place;
  double weight;
};

/** A region of an image, cut into bins that are sampled on a grid. */
struct Region {
  int64_t image, height, width, rows, columns, gridY, gridX;
  double x0, y0, w, h;

  Region(const View& rois, int64_t r, int64_t imageHeight, int64_t imageWidth, const int64_t* size, double scale, int64_t ratio, bool aligned)
      : height(imageHeight), width(imageWidth), rows(size[0]), columns(size[1]) {
    const double shift = aligned ? 0.5 : 0;
    image = static_cast<int64_t>(numberAt(rois, r, 0));
    x0 = numberAt(rois, r, 1) * scale - shift;
    y0 = numberAt(rois, r, 2) * scale - shift;
    w = numberAt(rois, r, 3) * scale - shift - x0;
    h = numberAt(rois, r, 4) * scale - shift - y0;
    if (!aligned) {
      w = w < 1 ? 1 : w;
      h = h < 1 ? 1 : h;
    }
    gridY = ratio > 0 ? ratio : cells(h / static_cast<double>(rows));
    gridX = ratio > 0 ? ratio : cells(w / static_cast<double>(columns));
  }

  /** What no finite image has so many pixels for is not sampled; nor is what is not a number. */
  static int64_t cells(double x) { return x > 0 && x < 1e9 ? static_cast<int64_t>(std::ceil(x)) : 0; }

  /** Writes the taps of a bin and returns how many; `taps` has room for four of each sample. */
  int64_t tapsOf(int64_t i, int64_t j, Tap* taps) const {
    const int64_t samples = gridY * gridX;
    const double share = 1 / static_cast<double>(samples > 1 ? samples : 1);
    int64_t n = 0;
    for (int64_t sy = 0; sy < gridY; sy++) {
      const double y = y0 + static_cast<double>(i) * h / static_cast<double>(rows) +
                       (static_cast<double>(sy) + 0.5) * h / static_cast<double>(rows * gridY);
      if (!(y >= -1 && y <= static_cast<double>(height))) continue;
      const double cy = y > 0 ? y : 0;
      const int64_t top = static_cast<int64_t>(cy) < height - 1 ? static_cast<int64_t>(cy) : height - 1;
      const int64_t bottom = top + 1 < height ? top + 1 : height - 1;
      const double fy = top == height - 1 ? 0 : cy - static_cast<double>(top);
      for (int64_t sx = 0; sx < gridX; sx++) {
        const double x = x0 + static_cast<double>(j) * w / static_cast<double>(columns) +
                         (static_cast<double>(sx) + 0.5) * w / static_cast<double>(columns * gridX);
        if (!(x >= -1 && x <= static_cast<double>(width))) continue;
        const double cx = x > 0 ? x : 0;
        const int64_t left = static_cast<int64_t>(cx) < width - 1 ? static_cast<int64_t>(cx) : width - 1;
        const int64_t right = left + 1 < width ? left + 1 : width - 1;
        const double fx = left == width - 1 ? 0 : cx - static_cast<double>(left);
        taps[n++] = {top * width + left, (1 - fy) * (1 - fx) * share};
        taps[n++] = {top * width + right, (1 - fy) * fx * share};
        taps[n++] = {bottom * width + left, fy * (1 - fx) * share};
        taps[n++] = {bottom * width + right, fy * fx * share};
      }
    }
    return n;
  }
};

struct Alignment {
  int64_t size[2];
  double scale;
  int64_t ratio;
  bool aligned;
};

bool readAlignment(Args& args, Alignment& a) {
  if (args.list(a.size, 2) != 2) return false;
  a.scale = args.number();
  const double ratio = args.number();
  a.ratio = static_cast<int64_t>(ratio);
  a.aligned = args.flag();
  return ratio == static_cast<double>(a.ratio);
}

/** How many samples one bin may have for its taps to be kept. */
constexpr int64_t mostSamples = 1 << 20;

/** features (K, C, h, w) and images (N, C, H, W), both row-major: the first from the second, or with `Back` added to it. */
template <class T, bool Back>
void align(const View& features, const View& images, const View& rois, const Alignment& a) {
  const int64_t channels = images.size[1], height = images.size[2], width = images.size[3], plane = height * width;
  const int64_t bins = a.size[0] * a.size[1], count = rois.size[0];
  const auto region = [&](int64_t r) { return Region(rois, r, height, width, a.size, a.scale, a.ratio, a.aligned); };
  const auto eachBin = [&](int64_t r, int64_t from, int64_t to) {
    const Region own = region(r);
    Tap* taps = static_cast<Tap*>(scratch(2, (own.gridY * own.gridX * 4 + 4) * int64_t{sizeof(Tap)}));
    for (int64_t bin = 0; bin < bins && !interrupted(); bin++) {
      const int64_t n = own.tapsOf(bin / a.size[1], bin % a.size[1], taps);
      for (int64_t c = from; c < to; c++) {
        T* pixels = images.as<T>() + (own.image * channels + c) * plane;
        T* feature = features.as<T>() + (r * channels + c) * bins + bin;
        if constexpr (Back) {
          const double g = *feature;
          for (int64_t k = 0; k < n; k++) pixels[taps[k].place] += static_cast<T>(taps[k].weight * g);
        } else {
          double total = 0;
          for (int64_t k = 0; k < n; k++) total += taps[k].weight * pixels[taps[k].place];
          *feature = static_cast<T>(total);
        }
      }
    }
  };
  // Regions overlap, so going back threads share out the channels.
  if (Back)
    parallelRange(channels, grain / (count * bins * 16 + 1) + 1, 1, [&](int64_t from, int64_t to) {
      for (int64_t r = 0; r < count && !interrupted(); r++) eachBin(r, from, to);
    });
  else
    parallelRange(count, grain / (channels * bins * 16 + 1) + 1, 1, [&](int64_t from, int64_t to) {
      for (int64_t r = from; r < to && !interrupted(); r++) eachBin(r, 0, channels);
    });
}

/** out, input (or its gradient), rois (K, 5), size, scale, ratio, aligned. */
template <bool Back>
bool roiAlign(Args& args) {
  const View out = args.tensor(), in = args.tensor(), rois = args.tensor();
  Alignment a;
  if (!readAlignment(args, a) || out.dtype > F64 || in.dtype != out.dtype || rois.dtype > F64 || !out.contiguous() || !in.contiguous())
    return false;
  const View &features = Back ? in : out, &images = Back ? out : in;
  for (int64_t r = 0; r < rois.size[0]; r++) {
    const Region own(rois, r, images.size[2], images.size[3], a.size, a.scale, a.ratio, a.aligned);
    if (own.gridY > mostSamples || own.gridX > mostSamples || own.gridY * own.gridX > mostSamples) return false;
  }
  withFloat(out.dtype, [&](auto zero) { align<decltype(zero), Back>(features, images, rois, a); });
  return true;
}

double roundAway(double x) { return x < 0 ? -std::floor(0.5 - x) : std::floor(x + 0.5); }

int64_t clipped(double v, int64_t size) {
  return v > 0 ? (v < static_cast<double>(size) ? static_cast<int64_t>(v) : size) : 0;
}

/** indices int32 and present (K, C, h, w), row-major, input (N, C, H, W), rois (K, 5), scale. */
bool roiPool(Args& args) {
  const View indices = args.tensor(), present = args.tensor(), input = args.tensor(), rois = args.tensor();
  const double scale = args.number();
  if (input.dtype > F64 || present.dtype != input.dtype || rois.dtype > F64 || indices.dtype != I32 || !indices.contiguous() ||
      !present.contiguous())
    return false;
  const int64_t channels = input.size[1], height = input.size[2], width = input.size[3], rows = indices.size[2], columns = indices.size[3];
  withFloat(input.dtype, [&](auto zero) {
    using T = decltype(zero);
    parallelRange(rois.size[0] * channels, grain / (rows * columns * 16 + 1) + 1, 1, [&](int64_t begin, int64_t end) {
      for (int64_t t = begin; t < end && !interrupted(); t++) {
        const int64_t r = t / channels, c = t % channels, image = static_cast<int64_t>(numberAt(rois, r, 0));
        double corner[4];
        for (int k = 0; k < 4; k++) corner[k] = roundAway(numberAt(rois, r, k + 1) * scale);
        const double tall = corner[3] - corner[1] + 1, wide = corner[2] - corner[0] + 1;
        const double binHeight = (tall > 1 ? tall : 1) / static_cast<double>(rows), binWidth = (wide > 1 ? wide : 1) / static_cast<double>(columns);
        const T* plane = input.as<T>() + image * input.stride[0] + c * input.stride[1];
        for (int64_t bin = 0; bin < rows * columns; bin++) {
          const double i = static_cast<double>(bin / columns), j = static_cast<double>(bin % columns);
          const int64_t top = clipped(std::floor(i * binHeight) + corner[1], height);
          const int64_t bottom = clipped(std::ceil((i + 1) * binHeight) + corner[1], height);
          const int64_t left = clipped(std::floor(j * binWidth) + corner[0], width);
          const int64_t right = clipped(std::ceil((j + 1) * binWidth) + corner[0], width);
          const bool any = top < bottom && left < right;
          T best = any ? plane[top * input.stride[2] + left * input.stride[3]] : T{0};
          int64_t found = top * width + left;
          for (int64_t y = top; y < bottom; y++)
            for (int64_t x = left; x < right; x++) {
              const T value = plane[y * input.stride[2] + x * input.stride[3]];
              found = value > best ? y * width + x : found;
              best = value > best ? value : best;
            }
          indices.as<int32_t>()[t * rows * columns + bin] =
              any ? static_cast<int32_t>((image * channels + c) * height * width + found) : 0;
          present.as<T>()[t * rows * columns + bin] = any ? T{1} : T{0};
        }
      }
    });
  });
  return true;
}

/** Where in a plane of a (N, C, ...) tensor its element `index`, counted row-major, lies. */
int64_t placeIn(const View& v, int64_t index, bool flat) {
  if (flat) return index;
  int64_t place = 0;
  for (int d = v.rank - 1; d >= 2; d--) {
    place += index % v.size[d] * v.stride[d];
    index /= v.size[d];
  }
  return place;
}

/** Whether the planes are row-major. */
bool hasFlatPlanes(const View& v) {
  int64_t expected = 1;
  for (int d = v.rank - 1; d >= 2; d--) {
    if (v.size[d] != 1 && v.stride[d] != expected) return false;
    expected *= v.size[d];
  }
  return true;
}

/** Calls `body(plane, place in walked, index)` for the elements of each plane; the planes in parallel. */
template <class F>
void eachPlane(const View& walked, const View& indices, const F& body) {
  const int64_t channels = walked.size[1];
  const bool flat = hasFlatPlanes(walked), flatIndices = hasFlatPlanes(indices);
  int64_t count = 1;
  for (int d = 2; d < walked.rank; d++) count *= walked.size[d];
  parallelRange(walked.size[0] * channels, grain / (8 * count + 1) + 1, 1, [&](int64_t begin, int64_t end) {
    for (int64_t plane = begin; plane < end && !interrupted(); plane++) {
      const int64_t n = plane / channels, c = plane % channels;
      const int64_t at = n * walked.stride[0] + c * walked.stride[1], other = n * indices.stride[0] + c * indices.stride[1];
      for (int64_t i = 0; i < count; i++)
        body(plane, at + placeIn(walked, i, flat), int64_t{indices.as<int32_t>()[other + placeIn(indices, i, flatIndices)]});
    }
  });
}

/** out (row-major), input, indices: the elements of input's planes that the indices name. */
bool pick(Args& args) {
  const View out = args.tensor(), input = args.tensor(), indices = args.tensor();
  if (out.dtype != input.dtype || indices.dtype != I32 || !out.contiguous()) return false;
  withWidth(out.dtype, [&](auto zero) {
    using U = decltype(zero);
    const int64_t channels = input.size[1];
    const bool flat = hasFlatPlanes(input);
    eachPlane(out, indices, [&](int64_t plane, int64_t place, int64_t index) {
      const int64_t from = plane / channels * input.stride[0] + plane % channels * input.stride[1];
      out.as<U>()[place] = input.as<U>()[from + placeIn(input, index, flat)];
    });
  });
  return true;
}

/** out (row-major), input, indices: zeros, and the inputs where the indices say; the last of equal places wins. */
bool unpool(Args& args) {
  const View out = args.tensor(), input = args.tensor(), indices = args.tensor();
  if (out.dtype != input.dtype || indices.dtype != I32 || !out.contiguous()) return false;
  int64_t size = 1;
  for (int d = 2; d < out.rank; d++) size *= out.size[d];
  withWidth(out.dtype, [&](auto zero) {
    using U = decltype(zero);
    memset(out.data, 0, static_cast<size_t>(out.count()) * sizeof(U));
    eachPlane(input, indices, [&](int64_t plane, int64_t place, int64_t index) {
      out.as<U>()[plane * size + index] = input.as<U>()[place];
    });
  });
  return true;
}

}  // namespace

const Entry* regionKernels() {
  static const Entry entries[] = {{"vision.roiAlign", roiAlign<false>},
                                  {"vision.roiAlignBackward", roiAlign<true>},
                                  {"vision.roiPool", roiPool},
                                  {"pool.pick", pick},
                                  {"pool.unpool", unpool},
                                  {nullptr, nullptr}};
  return entries;
}

}  // namespace gradbook
