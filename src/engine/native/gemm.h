// Matrix products: C (M x N, rows `ldc` apart, columns together) = or += A (M x K) times B (K x N).
//
// Blocked as in BLIS: B is packed in panels of NR columns for KC values of k, A in panels of MR rows, and the micro-kernel keeps
// MR x NR sums in registers. KC does not depend on the number of threads, so that results do not either. Packing goes through a
// functor, so that a convolution packs straight from the image.
#pragma once
#include "args.h"
#include "simd.h"
#include "threads.h"

namespace gradbook {

template <class T>
struct Tile {
#if defined(__AVX512F__)
  static constexpr int MR = 14, NV = 2;
#elif defined(__AVX2__)
  static constexpr int MR = 6, NV = 2;
#elif defined(__aarch64__)
  static constexpr int MR = 8, NV = 3;
#else
  static constexpr int MR = 4, NV = 2;
#endif
  static constexpr int NR = NV * lanes<T>;
  static constexpr int KC = 256;
  static constexpr int MC = MR * 16;
  static constexpr int NC = NR * 64;
};

/** c += or = a x b over `k` steps for MR rows; `a` in panels of `Panel` rows, `b` of NR columns. */
template <class T, int MR, int NV, int Panel>
inline void microKernel(int64_t k, const T* __restrict a, const T* __restrict b, T* __restrict c, int64_t ldc, bool add) {
  constexpr int L = lanes<T>;
  Vec<T> sum[MR][NV];
#pragma GCC unroll 16
  for (int i = 0; i < MR; i++)
#pragma GCC unroll 4
    for (int j = 0; j < NV; j++) sum[i][j] = Vec<T>{};
  for (int64_t p = 0; p < k; p++) {
    Vec<T> right[NV];
#pragma GCC unroll 4
    for (int j = 0; j < NV; j++) right[j] = load<T>(b + j * L);
#pragma GCC unroll 16
    for (int i = 0; i < MR; i++) {
      const Vec<T> left = splat<T>(a[i]);
#pragma GCC unroll 4
      for (int j = 0; j < NV; j++) sum[i][j] += left * right[j];
    }
    a += Panel;
    b += NV * L;
  }
  if (add) {
#pragma GCC unroll 16
    for (int i = 0; i < MR; i++)
#pragma GCC unroll 4
      for (int j = 0; j < NV; j++) store<T>(c + i * ldc + j * L, load<T>(c + i * ldc + j * L) + sum[i][j]);
  } else {
#pragma GCC unroll 16
    for (int i = 0; i < MR; i++)
#pragma GCC unroll 4
      for (int j = 0; j < NV; j++) store<T>(c + i * ldc + j * L, sum[i][j]);
  }
}

/** to[j * toStep + i] = from[i * fromStep + j] for four by four. */
template <class T>
inline void turnFour(T* to, int64_t toStep, const T* from, int64_t fromStep) {
#if defined(__SSE2__)
  __m128 rows[4];
  for (int i = 0; i < 4; i++) memcpy(&rows[i], from + i * fromStep, sizeof rows[i]);
  _MM_TRANSPOSE4_PS(rows[0], rows[1], rows[2], rows[3]);
  for (int j = 0; j < 4; j++) memcpy(to + j * toStep, &rows[j], sizeof rows[j]);
#else
  T square[4][4];
  for (int i = 0; i < 4; i++) memcpy(square[i], from + i * fromStep, sizeof square[i]);
  for (int j = 0; j < 4; j++)
    for (int i = 0; i < 4; i++) to[j * toStep + i] = square[i][j];
#endif
}

/**
 * Packs rows of a strided matrix in panels of `R`: element (r, k) to panel r / R, place k * R + r % R; zeros beyond `rows`. Panels are
 * `panelDepth` values of k apart, so that several calls can fill them.
 */
template <class T, int R>
inline void packPanels(T* to, const T* from, int64_t rowStep, int64_t kStep, int64_t rows, int64_t depth, int64_t panelDepth) {
  for (int64_t r = 0; r < rows; r += R) {
    const T* at = from + r * rowStep;
    const int64_t n = rows - r < R ? rows - r : R;
    if (n < R) memset(static_cast<void*>(to), 0, static_cast<size_t>(R * depth) * sizeof(T));
    if (rowStep == 1) {
      if (n == R)
        for (int64_t k = 0; k < depth; k++) memcpy(to + k * R, at + k * kStep, R * sizeof(T));
      else
        for (int64_t k = 0; k < depth; k++) memcpy(to + k * R, at + k * kStep, static_cast<size_t>(n) * sizeof(T));
    } else if (kStep == 1 && n == R) {
      int64_t k = 0;
      if constexpr (sizeof(T) == 4 && R >= 4) {
        // Squares of four by four; the last one overlaps the one before it.
        for (; k + 4 <= depth; k += 4)
          for (int i = 0; i < R; i += 4) {
            const int row = i + 4 <= R ? i : R - 4;
            turnFour(to + k * R + row, R, at + row * rowStep + k, rowStep);
          }
      } else {
        // Eight values of k at a time, so that each row is read in whole lines.
        for (; k + 8 <= depth; k += 8)
          for (int i = 0; i < R; i++) {
            T line[8];
            memcpy(line, at + i * rowStep + k, sizeof line);
            for (int j = 0; j < 8; j++) to[(k + j) * R + i] = line[j];
          }
      }
      for (; k < depth; k++)
        for (int i = 0; i < R; i++) to[k * R + i] = at[i * rowStep + k];
    } else {
      for (int64_t i = 0; i < n; i++)
        for (int64_t k = 0; k < depth; k++) to[k * R + i] = at[i * rowStep + k * kStep];
    }
    to += R * panelDepth;
  }
}

/** Packs from a matrix in memory. */
template <class T>
struct Matrix {
  const T* data;
  int64_t rowStep, columnStep;
  /** The panels of A: rows `row`.., values of k from `k`. */
  void packLeft(T* to, int64_t row, int64_t rows, int64_t k, int64_t depth) const {
    packPanels<T, Tile<T>::MR>(to, data + row * rowStep + k * columnStep, rowStep, columnStep, rows, depth, depth);
  }
  /** The panels of B: columns `column`.., values of k from `k`. */
  void packRight(T* to, int64_t k, int64_t depth, int64_t column, int64_t columns) const {
    packPanels<T, Tile<T>::NR>(to, data + k * rowStep + column * columnStep, columnStep, rowStep, columns, depth, depth);
  }
};

/** A tile at an edge, with as few rows as hold `height`, into `part` (NR columns). */
template <class T>
inline void fewRows(int64_t height, int64_t k, const T* a, const T* b, T* part) {
  using S = Tile<T>;
  constexpr int MR = S::MR, NR = S::NR;
  if constexpr (MR >= 8) {
    if (height <= 2) return microKernel<T, 2, S::NV, MR>(k, a, b, part, NR, false);
    if (height <= 4) return microKernel<T, 4, S::NV, MR>(k, a, b, part, NR, false);
    if (height <= 8) return microKernel<T, 8, S::NV, MR>(k, a, b, part, NR, false);
  }
  microKernel<T, MR, S::NV, MR>(k, a, b, part, NR, false);
}

/** What becomes of sums that are complete, in runs of a row: nothing. */
struct Unchanged {
  static constexpr bool changes = false;
};

/** One thread's part of a product, packed. `finish(run, n, column)` changes each run of results while it is in the cache. */
template <class T, class Left, class Right, class Finish = Unchanged>
void packedProduct(int64_t rows, int64_t columns, int64_t depth, const Left& left, const Right& right, T* c, int64_t ldc,
                   int64_t firstRow, int64_t firstColumn, bool add, const Finish& finish = {}) {
  using S = Tile<T>;
  constexpr int MR = S::MR, NR = S::NR;
  const int64_t kc = depth < S::KC ? depth : S::KC;
  // A functor may write one vector past its last panel.
  T* b = static_cast<T*>(scratch(0, vectorBytes + (((columns < S::NC ? columns : S::NC) + NR - 1) / NR) * NR * kc * int64_t{sizeof(T)}));
  T* a = static_cast<T*>(scratch(1, (((rows < S::MC ? rows : S::MC) + MR - 1) / MR) * MR * kc * int64_t{sizeof(T)}));
  for (int64_t jc = 0; jc < columns; jc += S::NC) {
    const int64_t nc = columns - jc < S::NC ? columns - jc : S::NC;
    for (int64_t pc = 0; pc < depth; pc += kc) {
      const int64_t k = depth - pc < kc ? depth - pc : kc;
      const bool adds = add || pc > 0;
      right.packRight(b, pc, k, firstColumn + jc, nc);
      for (int64_t ic = 0; ic < rows; ic += S::MC) {
        if (interrupted()) return;
        const int64_t mc = rows - ic < S::MC ? rows - ic : S::MC;
        left.packLeft(a, firstRow + ic, mc, pc, k);
        for (int64_t jr = 0; jr < nc; jr += NR) {
          const int64_t width = nc - jr < NR ? nc - jr : NR;
          for (int64_t ir = 0; ir < mc; ir += MR) {
            const int64_t height = mc - ir < MR ? mc - ir : MR;
            T* target = c + (firstRow + ic + ir) * ldc + firstColumn + jc + jr;
            if (width == NR && height == MR) {
              microKernel<T, MR, S::NV, MR>(k, a + ir * k, b + jr * k, target, ldc, adds);
              continue;
            }
            alignas(64) T part[MR * NR];
            fewRows<T>(height, k, a + ir * k, b + jr * k, part);
            for (int64_t i = 0; i < height; i++) {
              T* row = target + i * ldc;
              if (adds)
                for (int64_t j = 0; j < width; j++) row[j] += part[i * NR + j];
              else
                memcpy(row, part + i * NR, static_cast<size_t>(width) * sizeof(T));
            }
          }
          if constexpr (Finish::changes)
            if (pc + k == depth)
              for (int64_t i = 0; i < mc; i++)
                finish(c + (firstRow + ic + i) * ldc + firstColumn + jc + jr, width, firstColumn + jc + jr);
        }
      }
    }
  }
}

/** A whole product, split over threads by columns or rows where it is worth it. */
template <class T, class Left, class Right, class Finish = Unchanged>
void product(int64_t rows, int64_t columns, int64_t depth, const Left& left, const Right& right, T* c, int64_t ldc, bool add,
             const Finish& finish = {}) {
  using S = Tile<T>;
  if (rows == 0 || columns == 0) return;
  if (depth == 0) {
    if (!add)
      for (int64_t i = 0; i < rows; i++) memset(static_cast<void*>(c + i * ldc), 0, static_cast<size_t>(columns) * sizeof(T));
    if constexpr (Finish::changes)
      for (int64_t i = 0; i < rows; i++) finish(c + i * ldc, columns, 0);
    return;
  }
  const double work = static_cast<double>(rows) * static_cast<double>(columns) * static_cast<double>(depth);
  if (threadCount() == 1 || work < 200000) {
    packedProduct<T>(rows, columns, depth, left, right, c, ldc, 0, 0, add, finish);
    return;
  }
  if (columns >= rows)
    parallelRange(columns, S::NR, S::NR, [&](int64_t begin, int64_t end) {
      packedProduct<T>(rows, end - begin, depth, left, right, c, ldc, 0, begin, add, finish);
    });
  else
    parallelRange(rows, S::MR, S::MR, [&](int64_t begin, int64_t end) {
      packedProduct<T>(end - begin, columns, depth, left, right, c, ldc, begin, 0, add, finish);
    });
}

/** The best way for matrices in memory: vectors and small matrices are not packed. */
template <class T>
void multiply(int64_t rows, int64_t columns, int64_t depth, Matrix<T> a, Matrix<T> b, T* c, int64_t ldc, bool add);

}  // namespace gradbook
