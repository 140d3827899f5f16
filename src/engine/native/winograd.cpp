// See `winograd.h`. Lavin and Gray 2015, "Fast Algorithms for Convolutional Neural Networks", with other points.
#include "winograd.h"

namespace gradbook {
namespace {

constexpr int points = 36;
constexpr int L = lanes<float>;
constexpr int MR = Tile<float>::MR, NV = Tile<float>::NV, NR = Tile<float>::NR;

// The points, their squares and cubes, and the factors of the filters' transform.
constexpr float p = 0.75f, q = 1.5f, pp = p * p, qq = q * q, ppp = pp * p, qqq = qq * q;
constexpr float product2 = pp * qq, sum2 = pp + qq;
constexpr float f0 = static_cast<float>(1 / (0.5625 * 2.25)), fp = static_cast<float>(1 / (2 * 0.5625 * (0.5625 - 2.25))),
                fq = static_cast<float>(1 / (2 * 2.25 * (2.25 - 0.5625)));

/** Six inputs along one dimension, each `step` vectors apart. */
inline void inputs(const VecF* d, int step, VecF* t, int to) {
  const VecF d0 = d[0], d1 = d[step], d2 = d[2 * step], d3 = d[3 * step], d4 = d[4 * step], d5 = d[5 * step];
  const VecF u = d4 - qq * d2, v = p * (d3 - qq * d1), x = d4 - pp * d2, y = q * (d3 - pp * d1);
  t[0] = product2 * d0 - sum2 * d2 + d4;
  t[to] = u + v;
  t[2 * to] = u - v;
  t[3 * to] = x + y;
  t[4 * to] = x - y;
  t[5 * to] = product2 * d1 - sum2 * d3 + d5;
}

/** Six products to four outputs. */
inline void outputs(const VecF* m, int step, VecF* y, int to) {
  const VecF s = m[step] + m[2 * step], d = m[step] - m[2 * step], t = m[3 * step] + m[4 * step], e = m[3 * step] - m[4 * step];
  y[0] = m[0] + s + t;
  y[to] = p * d + q * e;
  y[2 * to] = pp * s + qq * t;
  y[3 * to] = ppp * d + qqq * e + m[5 * step];
}

/** Three taps to six factors. */
inline void taps(const VecF* g, int step, VecF* v, int to) {
  const VecF e = fp * (g[0] + pp * g[2 * step]), o = fp * p * g[step], x = fq * (g[0] + qq * g[2 * step]), y = fq * q * g[step];
  v[0] = f0 * g[0];
  v[to] = e + o;
  v[2 * to] = e - o;
  v[3 * to] = x + y;
  v[4 * to] = x - y;
  v[5 * to] = g[2 * step];
}

/** Four gradients of outputs to six: `outputs` transposed. */
inline void slopes(const VecF* y, int step, VecF* s, int to) {
  const VecF a = y[0] + pp * y[2 * step], b = p * y[step] + ppp * y[3 * step];
  const VecF c = y[0] + qq * y[2 * step], d = q * y[step] + qqq * y[3 * step];
  s[0] = y[0];
  s[to] = a + b;
  s[2 * to] = a - b;
  s[3 * to] = c + d;
  s[4 * to] = c - d;
  s[5 * to] = y[3 * step];
}

/** Six sums to three gradients of taps: `taps` transposed. */
inline void tapSlopes(const VecF* n, int step, VecF* g, int to) {
  const VecF s = fp * (n[step] + n[2 * step]), d = fp * p * (n[step] - n[2 * step]);
  const VecF t = fq * (n[3 * step] + n[4 * step]), e = fq * q * (n[3 * step] - n[4 * step]);
  g[0] = f0 * n[0] + s + t;
  g[to] = d + e;
  g[2 * to] = pp * s + qq * t + n[5 * step];
}

/**
 * A vector of a panel of MR rows at every point. Where MR is less than a vector, it reaches into the place behind, which is written after
 * it; only the `last` one keeps to its own.
 */
inline void storeLanes(float* at, int64_t pointStep, const VecF* whole, bool last) {
  constexpr int own = MR < L ? MR : L;
  static_assert(MR < L || MR % L == 0);
  if (own < L && last)
    for (int k = 0; k < points; k++) storePart<float>(at + k * pointStep, whole[k], own);
  else
    for (int k = 0; k < points; k++) store<float>(at + k * pointStep, whole[k]);
}

/** How the outputs of all samples are cut into tiles. */
struct Grid {
  int64_t down, across;  // of one image
  explicit Grid(const Geometry& g) : down((g.output[1] + 3) / 4), across((g.output[2] + 3) / 4) {}
};

/** Calls `body(i)` for each, by this thread alone or by all. */
template <class F>
void each(bool alone, int64_t count, const F& body) {
  if (!alone) return parallel(count, body);
  for (int64_t i = 0; i < count; i++) body(i);
}

/** Rows from `first` on of a channel, padded with zeros, `pitch` elements apart and as long; each element `step` from the next. */
void loadRows(const Geometry& g, const View& input, int64_t sample, int64_t channel, int64_t first, int64_t count, float* to, int64_t width,
              int64_t pitch, int64_t step) {
  const float* plane = input.as<float>() + sample * input.stride[0] + channel * input.stride[1];
  const int64_t x0 = g.padding[2] > 0 ? g.padding[2] : 0;
  int64_t x1 = g.input[2] + g.padding[2];
  if (x1 > width) x1 = width;
  for (int64_t r = 0; r < count; r++, to += pitch) {
    const int64_t y = first + r - g.padding[1];
    if (y < 0 || y >= g.input[1] || x1 <= x0) {
      for (int64_t x = 0; x < width; x++) to[x * step] = 0;
      continue;
    }
    const float* row = plane + y * input.stride[2] - g.padding[2] * input.stride[3];
    for (int64_t x = 0; x < x0; x++) to[x * step] = 0;
    if (step == 1 && input.stride[3] == 1)
      memcpy(to + x0, row + x0, static_cast<size_t>(x1 - x0) * sizeof(float));
    else
      for (int64_t x = x0; x < x1; x++) to[x * step] = row[x * input.stride[3]];
    for (int64_t x = x1; x < width; x++) to[x * step] = 0;
  }
}

/** Cuts tile rows `begin` to `end` into runs of one image: `run(sample, first tile row of the image, how many, tiles before)`. */
template <class F>
void eachRun(const Grid& grid, int64_t begin, int64_t end, const F& run) {
  for (int64_t r = begin; r < end;) {
    const int64_t sample = r / grid.down, first = r % grid.down;
    const int64_t count = grid.down - first < end - r ? grid.down - first : end - r;
    run(sample, first, count, (r - begin) * grid.across);
    r += count;
  }
}

/** The transformed filters: for each point panels of MR filters, channel by channel. */
struct Filters {
  int64_t channels, filters, pointStep;
  float* data;

  Filters(const Geometry& g, const float* weight) : channels(g.channels), filters(g.filters) {
    const int64_t panels = (filters + MR - 1) / MR;
    pointStep = panels * MR * channels + 2 * L;
    data = static_cast<float*>(scratch(0, points * pointStep * int64_t{sizeof(float)}));
    constexpr int64_t block = 16;
    const int64_t blocks = (channels + block - 1) / block;
    parallelRange(panels * blocks, grain / (block * MR * 16) + 1, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; i++) {
        const int64_t first = i / blocks * MR, from = i % blocks * block;
        const int64_t to = from + block < channels ? from + block : channels;
        for (int64_t c = from; c < to; c++)
          for (int v = 0; v < MR; v += L) transform(weight, first, v, c, c + 1 == to);
      }
    });
  }

 private:
  void transform(const float* weight, int64_t first, int v, int64_t c, bool last) {
    VecF g[9], half[18], whole[points];
    float column[9][L] = {};
    const int64_t there = filters - first - v;
    const int n = static_cast<int>(there < L ? there < 0 ? 0 : there : L);
    for (int i = 0; i < n; i++) {
      const float* from = weight + ((first + v + i) * channels + c) * 9;
      for (int t = 0; t < 9; t++) column[t][i] = from[t];
    }
    for (int t = 0; t < 9; t++) g[t] = load<float>(column[t]);
    for (int x = 0; x < 3; x++) taps(g + x, 3, half + x, 3);
    for (int y = 0; y < 6; y++) taps(half + 3 * y, 1, whole + 6 * y, 1);
    float* at = data + first * channels + c * MR + v;
    storeLanes(at, pointStep, whole, last);
  }
};

/** Where six rows of a channel lie, from row `first` of the padded plane on; `zeros` stands for those outside. */
inline void rowsOf(const Geometry& g, const View& input, const float* plane, int64_t first, const float* zeros, const float** rows) {
  for (int i = 0; i < 6; i++) {
    const int64_t y = first + i - g.padding[1];
    rows[i] = y < 0 || y >= g.input[1] ? zeros : plane + y * input.stride[2];
  }
}

/** `count` columns of six rows, transformed, to `line` (rows `pitch` apart): the last vector overlaps the one before it. */
inline void transformColumns(const float* const* rows, int64_t count, float* line, int64_t pitch) {
  for (int64_t x = 0; x < count; x += L) {
    const int64_t at = x + L <= count ? x : count - L;
    VecF d[6], t[6];
    for (int i = 0; i < 6; i++) d[i] = load<float>(rows[i] + at);
    inputs(d, 1, t, 1);
    for (int i = 0; i < 6; i++) store<float>(line + i * pitch + at, t[i]);
  }
}

/**
 * One channel's tiles in the rows `begin` to `end`, transformed: `to` is the channel's row of tiles at the first point. Up to a vector is
 * written behind them.
 */
void transformInput(const Geometry& g, const Grid& grid, const View& input, int64_t channel, int64_t begin, int64_t end, float* to,
                    int64_t pointStep) {
  const int64_t width = 4 * grid.across + 2, whole = (grid.across + L - 1) / L * L, pitch = 4 * whole + 2 * L, phase = whole + L;
  const int64_t longest = grid.down < end - begin ? grid.down : end - begin;
  float* line = static_cast<float*>(scratch(2, ((4 * longest + 9) * pitch + 24 * phase) * int64_t{sizeof(float)}));
  float *phases = line + 6 * pitch, *zeros = phases + 24 * phase, *copy = zeros + pitch;
  // Rows are read where they lie when they hold a vector and need no cropping.
  const bool inPlace = input.stride[3] == 1 && g.padding[2] >= 0 && g.input[2] >= L && g.input[2] + g.padding[2] <= width;
  memset(static_cast<void*>(line), 0, static_cast<size_t>(6 * pitch) * sizeof(float));
  memset(static_cast<void*>(zeros), 0, static_cast<size_t>(pitch) * sizeof(float));
  eachRun(grid, begin, end, [&](int64_t sample, int64_t first, int64_t count, int64_t before) {
    const float* plane = input.as<float>() + sample * input.stride[0] + channel * input.stride[1];
    if (!inPlace) loadRows(g, input, sample, channel, 4 * first, 4 * count + 2, copy, width, pitch, 1);
    for (int64_t r = 0; r < count; r++) {
      const float* rows[6];
      if (inPlace) {
        rowsOf(g, input, plane, 4 * (first + r), zeros, rows);
        transformColumns(rows, g.input[2], line + g.padding[2], pitch);
      } else {
        for (int i = 0; i < 6; i++) rows[i] = copy + (4 * r + i) * pitch;
        transformColumns(rows, (width + L - 1) / L * L, line, pitch);
      }
      for (int64_t x = 0; x < whole; x += L)
        for (int i = 0; i < 6; i++) {
          const float* __restrict from = line + i * pitch + 4 * x;
          float* __restrict split = phases + 4 * i * phase + x;
          for (int t = 0; t < L; t++) {
            split[t] = from[4 * t];
            split[phase + t] = from[4 * t + 1];
            split[2 * phase + t] = from[4 * t + 2];
            split[3 * phase + t] = from[4 * t + 3];
          }
        }
      for (int i = 0; i < 6; i++) {
        phases[4 * i * phase + whole] = line[i * pitch + 4 * whole];
        phases[(4 * i + 1) * phase + whole] = line[i * pitch + 4 * whole + 1];
      }
      for (int64_t x = 0; x < grid.across; x += L) {
        float* at = to + before + r * grid.across + x;
        for (int i = 0; i < 6; i++) {
          const float* split = phases + 4 * i * phase + x;
          VecF d[6], t[6];
          for (int j = 0; j < 4; j++) d[j] = load<float>(split + j * phase);
          d[4] = load<float>(split + 1);
          d[5] = load<float>(split + phase + 1);
          inputs(d, 1, t, 1);
          // What a whole vector writes beyond the row belongs to the next one, which comes after it.
          for (int j = 0; j < 6; j++) store<float>(at + (6 * i + j) * pointStep, t[j]);
        }
      }
    }
  });
}

/** One filter's products back to its rows of outputs. */
void transformOutput(const Geometry& g, const Grid& grid, int64_t filter, float bias, int64_t begin, int64_t end, const float* from,
                     int64_t pointStep, float* out) {
  const int64_t pitch = 4 * (grid.across + L);
  float* line = static_cast<float*>(scratch(2, 4 * pitch * int64_t{sizeof(float)}));
  const int64_t height = g.output[1], width = g.output[2];
  eachRun(grid, begin, end, [&](int64_t sample, int64_t first, int64_t count, int64_t before) {
    float* plane = out + (sample * g.filters + filter) * g.positions;
    for (int64_t r = 0; r < count; r++) {
      for (int64_t x = 0; x < grid.across; x += L) {
        const float* at = from + before + r * grid.across + x;
        VecF m[points], half[24], y[16];
        for (int k = 0; k < points; k++) m[k] = load<float>(at + k * pointStep);
        for (int j = 0; j < 6; j++) outputs(m + j, 6, half + j, 6);
        for (int i = 0; i < 4; i++) outputs(half + 6 * i, 1, y + 4 * i, 1);
        for (int i = 0; i < 4; i++) {
          float values[4][L];
          for (int j = 0; j < 4; j++) store<float>(values[j], y[4 * i + j] + bias);
          float* __restrict to = line + i * pitch + 4 * x;
          for (int t = 0; t < L; t++) {
            to[4 * t] = values[0][t];
            to[4 * t + 1] = values[1][t];
            to[4 * t + 2] = values[2][t];
            to[4 * t + 3] = values[3][t];
          }
        }
      }
      for (int64_t i = 0; i < 4 && 4 * (first + r) + i < height; i++)
        memcpy(plane + (4 * (first + r) + i) * width, line + i * pitch, static_cast<size_t>(width) * sizeof(float));
    }
  });
}

/** c (R rows, `ldc` apart) = or += a panel of filters times V vectors of tiles, `ldb` apart. */
template <int R, int V>
inline void tileKernel(int64_t depth, const float* __restrict a, const float* __restrict b, int64_t ldb, float* __restrict c, int64_t ldc,
                       bool add) {
  VecF sum[R][V];
#pragma GCC unroll 16
  for (int i = 0; i < R; i++)
#pragma GCC unroll 4
    for (int j = 0; j < V; j++) sum[i][j] = VecF{};
  for (int64_t k = 0; k < depth; k++) {
    VecF right[V];
#pragma GCC unroll 4
    for (int j = 0; j < V; j++) right[j] = load<float>(b + j * L);
#pragma GCC unroll 16
    for (int i = 0; i < R; i++) {
      const VecF left = splat<float>(a[i]);
#pragma GCC unroll 4
      for (int j = 0; j < V; j++) sum[i][j] += left * right[j];
    }
    a += MR;
    b += ldb;
  }
#pragma GCC unroll 16
  for (int i = 0; i < R; i++)
#pragma GCC unroll 4
    for (int j = 0; j < V; j++) {
      float* at = c + i * ldc + j * L;
      store<float>(at, add ? load<float>(at) + sum[i][j] : sum[i][j]);
    }
}

/** At least `height` rows, which there is room for. */
template <int V>
inline void tileRows(int64_t height, int64_t depth, const float* a, const float* b, int64_t ldb, float* c, int64_t ldc, bool add) {
  if constexpr (MR > 8)
    if (height <= 8) return height <= 4 ? tileKernel<4, V>(depth, a, b, ldb, c, ldc, add) : tileKernel<8, V>(depth, a, b, ldb, c, ldc, add);
  tileKernel<MR, V>(depth, a, b, ldb, c, ldc, add);
}

/** c (rows, `ldc` apart, as many as there are panels for) = or += panels of `rows` by `columns` (a multiple of L), `ldb` apart. */
void tileProduct(int64_t rows, int64_t columns, int64_t depth, const float* a, const float* b, int64_t ldb, float* c, int64_t ldc) {
  constexpr int64_t most = 256;
  for (int64_t from = 0; from < depth; from += most) {
    const int64_t k = depth - from < most ? depth - from : most;
    for (int64_t j = 0; j < columns; j += NR)
      for (int64_t i = 0; i < rows; i += MR) {
        const float* left = a + i * depth + from * MR;
        const float* right = b + from * ldb + j;
        float* to = c + i * ldc + j;
        const int64_t width = columns - j;
        if (width >= NR)
          tileRows<NV>(rows - i, k, left, right, ldb, to, ldc, from > 0);
        else
          for (int64_t x = 0; x < width; x += L) tileRows<1>(rows - i, k, left, right + x, ldb, to + x, ldc, from > 0);
      }
  }
}

/** As many rows of tiles as fill `tiles`, and as leave the least of their last vector empty. */
int64_t rowsAtOnce(const Grid& grid, int64_t tiles, int64_t total) {
  int64_t best = 1;
  double filled = 0;
  for (int64_t rows = 1; rows == 1 || rows * grid.across <= tiles; rows++) {
    const int64_t n = rows * grid.across;
    const double part = static_cast<double>(n) / static_cast<double>((n + L - 1) / L * L);
    if (part >= filled) best = rows, filled = part;
  }
  return best < total ? best : total;
}

}  // namespace

bool winogradFits(const Geometry& g, int64_t samples, int64_t groups, const View& input) {
  if (groups != 1 || input.rank != 4 || input.dtype != F32 || g.kernel[1] != 3 || g.kernel[2] != 3) return false;
  for (int d = 1; d < 3; d++)
    if (g.stride[d] != 1 || g.dilation[d] != 1) return false;
  if (g.channels < 16 || g.filters < 16) return false;
  const Grid grid(g);
  const int64_t tiles = samples * grid.down * grid.across;
  return tiles >= 24 && samples * g.positions * 2 >= tiles * 16;
}

void winogradCorrelate(const Geometry& g, int64_t samples, const View& input, const float* weight, const float* bias, int64_t biasStep,
                       float* out) {
  const Grid grid(g);
  const int64_t channels = g.channels, filters = g.filters, total = samples * grid.down;
  const Filters left(g, weight);
  // Where the filters stay in the second-level cache, so should the tiles; where they do not, they should be read but once.
  const int64_t tileBytes = points * (channels + filters) * int64_t{sizeof(float)};
  const bool few = left.pointStep * points <= 300000;
  const int64_t rows = rowsAtOnce(grid, (int64_t{few ? 2 : 24} << 20) / tileBytes, total);
  const int64_t blocks = (total + rows - 1) / rows;
  const bool alone = few && blocks >= threadCount();
  const auto block = [&](int64_t index) {
    const int64_t begin = index * rows, end = begin + rows < total ? begin + rows : total;
    const int64_t room = ((end - begin) * grid.across + L - 1) / L * L;
    const int64_t apart = room + L, inputStep = channels * apart + L, outputStep = (filters + MR) * room + L;
    float* from = static_cast<float*>(scratch(1, (points * inputStep + L) * int64_t{sizeof(float)}));
    float* to = static_cast<float*>(scratch(3, (points * outputStep + L) * int64_t{sizeof(float)}));
    each(alone, channels, [&](int64_t c) { transformInput(g, grid, input, c, begin, end, from + c * apart, inputStep); });
    each(alone, points, [&](int64_t k) {
      tileProduct(filters, room, channels, left.data + k * left.pointStep, from + k * inputStep, apart, to + k * outputStep, room);
    });
    each(alone, filters, [&](int64_t f) {
      transformOutput(g, grid, f, bias ? bias[f * biasStep] : 0.0f, begin, end, to + f * room, outputStep, out);
    });
  };
  if (alone)
    parallel(blocks, block);
  else
    for (int64_t i = 0; i < blocks && !interrupted(); i++) block(i);
}

namespace {

/** Transformed tiles of one vector of channels or filters: `height` rows of each tile are read, `to` is the tile's place at a point. */
template <int Size, class F, class G>
void transformLanes(const Geometry& g, const Grid& grid, const View& from, int64_t first, int64_t count, int64_t begin, int64_t end,
                    const F& transform, const G& put) {
  const int64_t width = 4 * grid.across + Size - 4;
  float* planes = static_cast<float*>(scratch(2, Size * width * L * int64_t{sizeof(float)}));
  eachRun(grid, begin, end, [&](int64_t sample, int64_t row, int64_t rows, int64_t before) {
    for (int64_t r = 0; r < rows; r++) {
      for (int64_t i = 0; i < L; i++)
        if (i < count)
          loadRows(g, from, sample, first + i, 4 * (row + r), Size, planes + i, width, width * L, L);
        else
          for (int64_t x = 0; x < Size * width; x++) planes[x * L + i] = 0;
      for (int64_t t = 0; t < grid.across; t++) {
        VecF d[Size * Size], half[Size * 6], whole[points];
        for (int y = 0; y < Size; y++)
          for (int x = 0; x < Size; x++) d[y * Size + x] = load<float>(planes + (y * width + 4 * t + x) * L);
        for (int x = 0; x < Size; x++) transform(d + x, Size, half + x, Size);
        for (int y = 0; y < 6; y++) transform(half + Size * y, 1, whole + 6 * y, 1);
        put(before + r * grid.across + t, whole);
      }
    }
  });
}

}  // namespace

void winogradGradWeight(const Geometry& g, int64_t samples, const float* grads, const View& input, float* out) {
  const Grid grid(g);
  const int64_t channels = g.channels, filters = g.filters, total = samples * grid.down;
  const int64_t panels = (filters + MR - 1) / MR, columns = (channels + NR - 1) / NR * NR;
  const int64_t sumStep = panels * MR * columns + L, sumCount = points * sumStep;
  // The outputs' gradients, seen as an image that is not padded.
  Geometry flat = g;
  View slope;
  slope.data = reinterpret_cast<char*>(const_cast<float*>(grads));
  slope.rank = 4;
  slope.stride[3] = 1;
  slope.stride[2] = g.output[2];
  slope.stride[1] = g.positions;
  slope.stride[0] = filters * g.positions;
  for (int d = 0; d < 3; d++) flat.padding[d] = 0, flat.input[d] = g.output[d];
  const int64_t tileBytes = points * (columns + panels * MR) * int64_t{sizeof(float)};
  // Where the sums fit into the second-level cache, four parts of the tiles have sums of their own, whatever the number of threads; where
  // they do not, all threads share the work on one.
  const bool few = sumCount * int64_t{sizeof(float)} <= (int64_t{1} << 20);
  const int64_t budget = int64_t{few ? 1 : 16} << 20;
  int64_t tiles = budget / tileBytes;
  if (tiles > 256) tiles = 256;
  int64_t rows = tiles / grid.across;
  if (rows < 1) rows = 1;
  if (rows > total) rows = total;
  const int64_t share = few && total >= 8 * rows ? (total + 3) / 4 : total, shares = (total + share - 1) / share;
  float* sums = static_cast<float*>(scratch(0, shares * sumCount * int64_t{sizeof(float)}));
  constexpr int parts = (MR + L - 1) / L;
  const int64_t channelGroups = columns / L, lanesOfAll = channelGroups + panels * parts;
  const auto add = [&](bool alone, int64_t start, int64_t stop, float* to) {
    const int64_t room = rows * grid.across, rightStep = room * columns + L, leftStep = room * panels * MR + 2 * L;
    float* right = static_cast<float*>(scratch(1, points * rightStep * int64_t{sizeof(float)}));
    float* left = static_cast<float*>(scratch(3, points * leftStep * int64_t{sizeof(float)}));
    for (int64_t begin = start; begin < stop && !interrupted(); begin += rows) {
      const int64_t end = begin + rows < stop ? begin + rows : stop, depth = (end - begin) * grid.across;
      each(alone, lanesOfAll, [&](int64_t lane) {
        if (lane < channelGroups) {
          const int64_t first = lane * L;
          float* at = right + first / NR * NR * depth + first % NR;
          transformLanes<6>(g, grid, input, first, channels - first, begin, end, inputs, [&](int64_t tile, const VecF* whole) {
            for (int k = 0; k < points; k++) store<float>(at + k * rightStep + tile * NR, whole[k]);
          });
          return;
        }
        const int64_t panel = (lane - channelGroups) / parts, part = (lane - channelGroups) % parts * L;
        const int64_t first = panel * MR + part, own = MR - part < L ? MR - part : L;
        float* at = left + panel * MR * depth + part;
        transformLanes<4>(flat, grid, slope, first, filters - first < own ? filters - first : own, begin, end, slopes,
                          [&](int64_t tile, const VecF* whole) { storeLanes(at + tile * MR, leftStep, whole, tile + 1 == depth); });
      });
      each(alone, points, [&](int64_t k) {
        for (int64_t j = 0; j < columns; j += NR)
          for (int64_t i = 0; i < filters; i += MR)
            tileRows<NV>(filters - i, depth, left + k * leftStep + i * depth, right + k * rightStep + j * depth, NR,
                         to + k * sumStep + i * columns + j, columns, begin > start);
      });
    }
  };
  if (shares == 1)
    add(false, 0, total, sums);
  else
    parallel(shares, [&](int64_t i) { add(true, i * share, (i + 1) * share < total ? (i + 1) * share : total, sums + i * sumCount); });
  parallelRange(filters, grain / (channels * 32) + 1, 1, [&](int64_t begin, int64_t end) {
    for (int64_t f = begin; f < end; f++)
      for (int64_t c = 0; c < channels; c += L) {
        VecF n[points], half[18], d[9];
        for (int k = 0; k < points; k++) {
          const float* from = sums + k * sumStep + f * columns + c;
          n[k] = load<float>(from);
          for (int64_t i = 1; i < shares; i++) n[k] += load<float>(from + i * sumCount);
        }
        for (int x = 0; x < 6; x++) tapSlopes(n + x, 6, half + x, 6);
        for (int y = 0; y < 3; y++) tapSlopes(half + 6 * y, 1, d + 3 * y, 1);
        float values[9][L];
        for (int t = 0; t < 9; t++) store<float>(values[t], d[t]);
        float* to = out + (f * channels + c) * 9;
        const int64_t count = channels - c < L ? channels - c : L;
        for (int64_t i = 0; i < count; i++)
          for (int t = 0; t < 9; t++) to[i * 9 + t] = values[t][i];
      }
  });
}

}  // namespace gradbook
