import { tensor } from '../../tensor/creation.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import irisTable from './iris.json' with { type: 'json' };
import penguinsTable from './penguins.json' with { type: 'json' };

/** Measurements and the class of each row. */
export interface Table {
  /** `(N, D)`, float32. */
  data: Tensor;
  /** `(N,)`, int32: the class of each row. */
  target: Tensor;
  /** What the D columns are, with their units. */
  featureNames: readonly string[];
  /** What the classes are. */
  targetNames: readonly string[];
}

/** Columns `from` to `to` of the rows. */
const columns = (rows: readonly (readonly number[])[], from: number, to: number): Tensor =>
  tensor(rows.map((row) => row.slice(from, to)));

const column = (rows: readonly (readonly number[])[], at: number): Tensor =>
  tensor(
    rows.map((row) => row[at]),
    { dtype: 'int32' },
  );

/**
 * 150 iris flowers of three species: four lengths in cm. Public domain.
 *
 * Source: Fisher, The use of multiple measurements in taxonomic problems, 1936, with the values as printed there (two rows of the
 * widespread UCI copy differ).
 */
export const iris = (): Table => ({
  data: columns(irisTable.rows, 0, 4),
  target: column(irisTable.rows, 4),
  featureNames: irisTable.columns.slice(0, 4),
  targetNames: ['setosa', 'versicolor', 'virginica'],
});

/**
 * 342 penguins of three species from three islands: bill length and depth and flipper length in mm, body mass in g. CC0.
 *
 * Rows without measurements are left out; `sex` is 0 female, 1 male, -1 unknown. Source: Horst, Hill and Gorman, palmerpenguins, 2020.
 */
export const penguins = (): Table & { island: Tensor; islandNames: readonly string[]; sex: Tensor } => ({
  data: columns(penguinsTable.rows, 0, 4),
  target: column(penguinsTable.rows, 4),
  featureNames: penguinsTable.columns.slice(0, 4),
  targetNames: ['Adelie', 'Chinstrap', 'Gentoo'],
  island: column(penguinsTable.rows, 5),
  islandNames: ['Biscoe', 'Dream', 'Torgersen'],
  sex: column(penguinsTable.rows, 6),
});

const x1 = [10, 8, 13, 9, 11, 14, 6, 4, 12, 7, 5];
const x4 = [8, 8, 8, 8, 8, 8, 8, 19, 8, 8, 8];
const quartet: Record<'I' | 'II' | 'III' | 'IV', [x: number[], y: number[]]> = {
  I: [x1, [8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68]],
  II: [x1, [9.14, 8.14, 8.74, 8.77, 9.26, 8.1, 6.13, 3.1, 9.13, 7.26, 4.74]],
  III: [x1, [7.46, 6.77, 12.74, 7.11, 7.81, 8.84, 6.08, 5.39, 8.15, 6.42, 5.73]],
  IV: [x4, [6.58, 5.76, 7.71, 8.84, 8.47, 7.04, 5.25, 12.5, 5.56, 7.91, 6.89]],
};

/** Four sets of 11 points with the same mean, variance and regression line, and nothing else in common. Source: Anscombe 1973. */
export const anscombe = (): Record<keyof typeof quartet, { x: Tensor; y: Tensor }> => {
  const set = ([x, y]: [number[], number[]]) => ({
    x: tensor(x, { dtype: 'float64' }),
    y: tensor(y, { dtype: 'float64' }),
  });
  return { I: set(quartet.I), II: set(quartet.II), III: set(quartet.III), IV: set(quartet.IV) };
};
