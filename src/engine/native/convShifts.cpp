// See `convShifts.h`.
#include "convShifts.h"

namespace gradbook {
namespace {

/** Outputs that the image's rows hold one after the other: a whole plane where rows of outputs follow rows of the image, else a row. */
struct Runs {
  int64_t count, length, rows, pitch;

  explicit Runs(const Geometry& g) {
    const bool planes = g.stride[1] == 1 && g.stride[2] == 1;
    rows = planes ? g.output[1] : 1;
    pitch = planes ? g.pitch : g.output[2];
    count = g.output[0] * g.output[1] / rows;
    length = (rows - 1) * pitch + g.output[2];
  }
};

/** The part of a tile that belongs to one row of outputs: from lane `lane` on, `length` outputs to place `position` of the plane. */
struct Piece {
  int64_t lane, length, position;
};

/** Cuts the lanes from `first` of run `run`. */
inline int piecesOf(const Runs& runs, int64_t width, int64_t run, int64_t first, int64_t lanesOf, Piece* to) {
  int n = 0;
  for (int64_t at = first; at < first + lanesOf && at < runs.length;) {
    const int64_t row = at / runs.pitch, x = at % runs.pitch;
    if (x < width) {
      const int64_t left = first + lanesOf - at, length = width - x < left ? width - x : left;
      to[n++] = {at - first, length, (run * runs.rows + row) * width + x};
    }
    at += runs.pitch - x;
  }
  return n;
}

/** Filters in panels of even heights that differ little: a panel of few rows would leave the multipliers waiting. */
template <class T>
struct Panels {
  static constexpr int64_t MR = Tile<T>::MR;
  int64_t filters, count;

  explicit Panels(int64_t f) : filters(f), count((f + MR - 1) / MR) {}
  /** The first filter of a panel. */
  int64_t first(int64_t panel) const {
    const int64_t pairs = (filters + 1) / 2;
    const int64_t from = panel * pairs / count * 2;
    return from < filters ? from : filters;
  }
  int64_t rows(int64_t panel) const { return first(panel + 1) - first(panel); }
  int64_t height(int64_t panel) const { return (rows(panel) + 1) / 2 * 2; }
  /** Filters with those that fill up the last panel. */
  int64_t padded() const { return (filters + 1) / 2 * 2; }
};

/** R filters at V vectors of positions; the sums go to `part`, its rows V vectors long. */
template <class T, int R, int V>
void tileOf(int64_t depth, const T* __restrict a, const T* image, const int64_t* __restrict offsets, const T* start, T* __restrict part) {
  constexpr int L = lanes<T>;
  Vec<T> sum[R][V];
#pragma GCC unroll 16
  for (int i = 0; i < R; i++)
#pragma GCC unroll 4
    for (int j = 0; j < V; j++) sum[i][j] = splat<T>(start[i]);
  for (int64_t k = 0; k < depth; k++) {
    const T* from = image + offsets[k];
    Vec<T> right[V];
#pragma GCC unroll 4
    for (int j = 0; j < V; j++) right[j] = load<T>(from + j * L);
#pragma GCC unroll 16
    for (int i = 0; i < R; i++) {
      const Vec<T> left = splat<T>(a[i]);
#pragma GCC unroll 4
      for (int j = 0; j < V; j++) sum[i][j] += left * right[j];
    }
    a += R;
  }
#pragma GCC unroll 16
  for (int i = 0; i < R; i++)
#pragma GCC unroll 4
    for (int j = 0; j < V; j++) store<T>(part + (i * V + j) * L, sum[i][j]);
}

template <class T, int V>
void tileOfHeight(int64_t height, int64_t depth, const T* a, const T* image, const int64_t* offsets, const T* start, T* part) {
  switch (height) {
    case 2: return tileOf<T, 2, V>(depth, a, image, offsets, start, part);
    case 4: return tileOf<T, 4, V>(depth, a, image, offsets, start, part);
    default: break;
  }
  if constexpr (Tile<T>::MR >= 6)
    if (height == 6) return tileOf<T, 6, V>(depth, a, image, offsets, start, part);
  if constexpr (Tile<T>::MR >= 8)
    if (height == 8) return tileOf<T, 8, V>(depth, a, image, offsets, start, part);
  if constexpr (Tile<T>::MR >= 14) {
    if (height == 10) return tileOf<T, 10, V>(depth, a, image, offsets, start, part);
    if (height == 12) return tileOf<T, 12, V>(depth, a, image, offsets, start, part);
    return tileOf<T, 14, V>(depth, a, image, offsets, start, part);
  }
}

/** What all tiles of a convolution read. */
template <class T>
struct Shifts {
  const Geometry& g;
  const Runs runs;
  const Panels<T> panels;
  const int64_t* offsets;

  /** Tiles `first`.. (of all runs, in order) of one group's filters, `weights` in panels; `starts` are the biases. */
  void tiles(const T* image, const T* weights, const T* starts, T* out, int64_t first, int64_t last) const {
    constexpr int64_t L = lanes<T>, NV = Tile<T>::NV, NR = NV * L;
    constexpr int64_t most = 8;
    const int64_t perRun = (runs.length + NR - 1) / NR;
    alignas(64) T part[Tile<T>::MR * NR + L];
    Piece pieces[most][NR];
    int counts[most];
    for (int64_t at = first; at < last && !interrupted(); at += most) {
      const int64_t n = last - at < most ? last - at : most;
      const T* from[most];
      // Whole vectors may be written up to here: what they write beyond their piece is written again, or belongs to nobody.
      int64_t end = 0;
      for (int64_t t = 0; t < n; t++) {
        const int64_t run = (at + t) / perRun, lane = (at + t) % perRun * NR;
        counts[t] = piecesOf(runs, g.output[2], run, lane, NR, pieces[t]);
        from[t] = image + g.rowStart(run * runs.rows) + lane;
        if (counts[t] > 0) end = pieces[t][counts[t] - 1].position + pieces[t][counts[t] - 1].length;
      }
      for (int64_t panel = 0; panel < panels.count; panel++) {
        const int64_t f = panels.first(panel), rows = panels.rows(panel), height = panels.height(panel);
        for (int64_t t = 0; t < n; t++) {
          if (counts[t] == 0) continue;
          const Piece& rest = pieces[t][counts[t] - 1];
          const int64_t used = (rest.lane + rest.length + L - 1) / L;
          const int64_t pitch = used == 1 ? L : NR;
          used == 1 ? tileOfHeight<T, 1>(height, g.depth, weights + f * g.depth, from[t], offsets, starts + f, part)
                    : tileOfHeight<T, NV>(height, g.depth, weights + f * g.depth, from[t], offsets, starts + f, part);
          for (int c = 0; c < counts[t]; c++) {
            const Piece& p = pieces[t][c];
            T* to = out + f * g.positions + p.position;
            const T* source = part + p.lane;
            if (p.position + (p.length + L - 1) / L * L <= end)
              for (int64_t i = 0; i < rows; i++) copyOver(to + i * g.positions, source + i * pitch, p.length);
            else
              for (int64_t i = 0; i < rows; i++)
                memcpy(to + i * g.positions, source + i * pitch, static_cast<size_t>(p.length) * sizeof(T));
          }
        }
      }
    }
  }
};

/** All groups' filters in panels, and their biases. */
template <class T>
void packFilters(const Panels<T>& panels, int64_t groups, int64_t depth, const T* w, const T* b, int64_t biasStep, T* weights, T* starts) {
  const int64_t padded = panels.padded();
  parallelRange(groups * panels.count, grain / (Tile<T>::MR * depth) + 1, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      const int64_t group = i / panels.count, panel = i % panels.count;
      const int64_t f = panels.first(panel), height = panels.height(panel), rows = panels.rows(panel);
      const T* from = w + (group * panels.filters + f) * depth;
      T* to = weights + (group * padded + f) * depth;
      for (int64_t k = 0; k < depth; k++)
        for (int64_t r = 0; r < height; r++) to[k * height + r] = r < rows ? from[r * depth + k] : T{0};
      for (int64_t r = 0; r < height; r++)
        starts[group * padded + f + r] = b && r < rows ? b[(group * panels.filters + f + r) * biasStep] : T{0};
    }
  });
}

}  // namespace

template <class T>
bool worthShifts(const Geometry& g) {
  constexpr int64_t L = lanes<T>;
  if (g.taps == 1 || g.filters < 4 || g.depth < 16) return false;
  const Runs runs(g);
  return (runs.length + L - 1) / L * L * runs.count * 2 <= g.positions * 3;
}

template <class T>
void correlateShifts(const Geometry& g, int64_t samples, int64_t groups, const View& input, const T* w, const T* b, int64_t biasStep,
                     T* out) {
  constexpr int64_t L = lanes<T>, NR = Tile<T>::NV * L;
  const Panels<T> panels(g.filters);
  const int64_t padded = panels.padded();
  int64_t* offsets = static_cast<int64_t*>(scratch(4, g.depth * int64_t{sizeof(int64_t)}));
  tapOffsets(g, offsets);
  T* weights = static_cast<T*>(scratch(1, groups * padded * (g.depth + 1) * int64_t{sizeof(T)}));
  T* starts = weights + groups * padded * g.depth;
  packFilters<T>(panels, groups, g.depth, w, b, biasStep, weights, starts);
  const Shifts<T> shifts{g, Runs(g), panels, offsets};
  const int64_t tiles = (shifts.runs.length + NR - 1) / NR * shifts.runs.count;
  const int64_t slack = 2 * NR;
  const int64_t units = samples * groups, threads = threadCount();
  const auto outOf = [&](int64_t unit) { return out + unit * g.filters * g.positions; };
  if (units % threads == 0 || units >= 4 * threads) {
    parallel(units, [&](int64_t unit) {
      const int64_t group = unit % groups;
      T* image = static_cast<T*>(scratch(2, (g.image + slack) * int64_t{sizeof(T)}));
      loadImage(g, input, unit / groups, group * g.channels, image);
      shifts.tiles(image, weights + group * padded * g.depth, starts + group * padded, outOf(unit), 0, tiles);
    });
    return;
  }
  T* image = static_cast<T*>(scratch(2, (g.image + slack) * int64_t{sizeof(T)}));
  for (int64_t unit = 0; unit < units && !interrupted(); unit++) {
    const int64_t group = unit % groups;
    loadImage(g, input, unit / groups, group * g.channels, image);
    parallelRange(tiles, 100000 / (g.filters * g.depth * NR) + 1, 1, [&](int64_t begin, int64_t end) {
      shifts.tiles(image, weights + group * padded * g.depth, starts + group * padded, outOf(unit), begin, end);
    });
  }
}

template bool worthShifts<float>(const Geometry&);
template bool worthShifts<double>(const Geometry&);
template void correlateShifts<float>(const Geometry&, int64_t, int64_t, const View&, const float*, const float*, int64_t, float*);
template void correlateShifts<double>(const Geometry&, int64_t, int64_t, const View&, const double*, const double*, int64_t, double*);

}  // namespace gradbook
