/** Rows of numbers, `count` × `width`, row by row. */
export interface Rows {
  values: Float64Array;
  count: number;
  width: number;
}

/** A small generator of its own (mulberry32), so that pictures do not change the library's random stream. */
export function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Two normal numbers from two even ones (Box and Muller). */
export const normal = (random: () => number): number =>
  Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

/**
 * Principal components by orthogonal iteration on the centred rows. @returns coordinates `count` × `dims`, and the share of the variance
 * that each explains.
 */
export function pca(
  { values, count, width }: Rows,
  dims: number,
): { coordinates: Float64Array[]; explained: number[] } {
  const centred = Float64Array.from(values);
  let total = 0;
  for (let j = 0; j < width; j++) {
    let mean = 0;
    for (let i = 0; i < count; i++) mean += values[i * width + j] / count;
    for (let i = 0; i < count; i++) {
      const x = (centred[i * width + j] -= mean);
      total += x * x;
    }
  }
  const random = generator(7);
  const directions: Float64Array[] = [];
  const project = (direction: Float64Array): Float64Array => {
    const out = new Float64Array(count);
    for (let i = 0; i < count; i++) {
      let sum = 0;
      for (let j = 0; j < width; j++) sum += centred[i * width + j] * direction[j];
      out[i] = sum;
    }
    return out;
  };
  for (let d = 0; d < Math.min(dims, width); d++) {
    let direction = Float64Array.from({ length: width }, () => normal(random));
    for (let round = 0; round < 200; round++) {
      for (const earlier of directions) {
        let dot = 0;
        for (let j = 0; j < width; j++) dot += direction[j] * earlier[j];
        for (let j = 0; j < width; j++) direction[j] -= dot * earlier[j];
      }
      const length = Math.hypot(...direction) || 1;
      for (let j = 0; j < width; j++) direction[j] /= length;
      const along = project(direction);
      const next = new Float64Array(width);
      for (let i = 0; i < count; i++)
        for (let j = 0; j < width; j++) next[j] += along[i] * centred[i * width + j];
      const size = Math.hypot(...next) || 1;
      let change = 0;
      for (let j = 0; j < width; j++) change += Math.abs(next[j] / size - direction[j]);
      if (change < 1e-9 * width) break;
      direction = next.map((x) => x / size);
    }
    directions.push(direction);
  }
  const coordinates = directions.map(project);
  const explained = coordinates.map((c) => c.reduce((sum, x) => sum + x * x, 0) / (total || 1));
  return { coordinates, explained };
}

/** Conditional probabilities of neighbours at a perplexity, made symmetric: the target of t-SNE. */
function affinities({ values, count, width }: Rows, perplexity: number): Float64Array {
  const squared = new Float64Array(count * count);
  for (let i = 0; i < count; i++)
    for (let j = i + 1; j < count; j++) {
      let sum = 0;
      for (let k = 0; k < width; k++) {
        const d = values[i * width + k] - values[j * width + k];
        sum += d * d;
      }
      squared[i * count + j] = squared[j * count + i] = sum;
    }
  const wanted = Math.log(perplexity);
  const p = new Float64Array(count * count);
  for (let i = 0; i < count; i++) {
    let low = 0;
    let high = Number.POSITIVE_INFINITY;
    let beta = 1;
    for (let round = 0; round < 60; round++) {
      let sum = 0;
      let weighted = 0;
      for (let j = 0; j < count; j++) {
        if (j === i) continue;
        const e = Math.exp(-squared[i * count + j] * beta);
        p[i * count + j] = e;
        sum += e;
        weighted += e * squared[i * count + j];
      }
      const entropy = Math.log(sum || 1e-300) + (beta * weighted) / (sum || 1e-300);
      for (let j = 0; j < count; j++) p[i * count + j] /= sum || 1e-300;
      if (Math.abs(entropy - wanted) < 1e-5) break;
      if (entropy > wanted) {
        low = beta;
        beta = high === Number.POSITIVE_INFINITY ? beta * 2 : (beta + high) / 2;
      } else {
        high = beta;
        beta = (beta + low) / 2;
      }
    }
  }
  const symmetric = new Float64Array(count * count);
  for (let i = 0; i < count; i++)
    for (let j = 0; j < count; j++)
      symmetric[i * count + j] = Math.max(1e-12, (p[i * count + j] + p[j * count + i]) / (2 * count));
  return symmetric;
}

/**
 * t-SNE, exact, from the principal components on: gradient descent with momentum and early exaggeration (van der Maaten and Hinton 2008).
 * @returns coordinates by dimension.
 */
export function tsne(rows: Rows, dims: number, perplexity: number, iterations: number): Float64Array[] {
  const { count } = rows;
  const target = affinities(rows, perplexity);
  const start = pca(rows, dims).coordinates;
  const y = new Float64Array(count * dims);
  start.forEach((c, d) => {
    const spread = Math.sqrt(c.reduce((sum, x) => sum + x * x, 0) / count) || 1;
    for (let i = 0; i < count; i++) y[i * dims + d] = (1e-4 * c[i]) / spread;
  });
  const velocity = new Float64Array(y.length);
  const gains = new Float64Array(y.length).fill(1);
  const kernel = new Float64Array(count * count);
  const rate = Math.max(count / 12 / 4, 50);
  for (let step = 0; step < iterations; step++) {
    let sum = 0;
    for (let i = 0; i < count; i++)
      for (let j = i + 1; j < count; j++) {
        let d2 = 0;
        for (let k = 0; k < dims; k++) {
          const d = y[i * dims + k] - y[j * dims + k];
          d2 += d * d;
        }
        const q = 1 / (1 + d2);
        kernel[i * count + j] = kernel[j * count + i] = q;
        sum += 2 * q;
      }
    const exaggeration = step < 250 ? 12 : 1;
    const momentum = step < 250 ? 0.5 : 0.8;
    for (let i = 0; i < count; i++)
      for (let k = 0; k < dims; k++) {
        let gradient = 0;
        for (let j = 0; j < count; j++) {
          const q = kernel[i * count + j];
          gradient +=
            4 * (exaggeration * target[i * count + j] - q / sum) * q * (y[i * dims + k] - y[j * dims + k]);
        }
        const at = i * dims + k;
        gains[at] = Math.max(
          0.01,
          Math.sign(gradient) === Math.sign(velocity[at]) ? gains[at] * 0.8 : gains[at] + 0.2,
        );
        velocity[at] = momentum * velocity[at] - rate * gains[at] * gradient;
      }
    for (let at = 0; at < y.length; at++) y[at] += velocity[at];
  }
  return Array.from({ length: dims }, (_, d) =>
    Float64Array.from({ length: count }, (_, i) => y[i * dims + d]),
  );
}
