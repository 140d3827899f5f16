type Path = (string | number)[];

/** A state without its binary parts, which go beside it, each with the path where it belongs. */
export interface Split {
  state: Record<string, unknown>;
  paths: Path[];
  buffers: Uint8Array[];
}

const bytesOf = (value: unknown): Uint8Array | null =>
  ArrayBuffer.isView(value)
    ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
    : value instanceof ArrayBuffer
      ? new Uint8Array(value)
      : null;

/** Takes the binary values out of a state: removed from objects, null in lists, as the widget protocol has it. */
export function splitBuffers(state: Readonly<Record<string, unknown>>): Split {
  const paths: Path[] = [];
  const buffers: Uint8Array[] = [];
  const take = (value: unknown, path: Path): { kept: unknown; isBuffer: boolean } => {
    const bytes = bytesOf(value);
    if (bytes) {
      paths.push(path);
      buffers.push(bytes);
      return { kept: null, isBuffer: true };
    }
    if (Array.isArray(value))
      return { kept: value.map((v, i) => take(v, [...path, i]).kept), isBuffer: false };
    if (typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype) {
      const out: Record<string, unknown> = {};
      for (const [key, inner] of Object.entries(value)) {
        const { kept, isBuffer } = take(inner, [...path, key]);
        if (!isBuffer) out[key] = kept;
      }
      return { kept: out, isBuffer: false };
    }
    return { kept: value, isBuffer: false };
  };
  return { state: take(state, []).kept as Record<string, unknown>, paths, buffers };
}

/** Puts the binary parts back where they belong. A path that leads nowhere is an error that names it. */
export function joinBuffers(
  state: Record<string, unknown>,
  paths: readonly Path[],
  buffers: readonly Uint8Array[],
): Record<string, unknown> {
  paths.forEach((path, i) => {
    let at = state as Record<string | number, unknown>;
    for (const key of path.slice(0, -1)) {
      if (typeof at[key] !== 'object' || at[key] === null)
        throw new RangeError(`widget: the buffer path ${path.join('.')} leads nowhere`);
      at = at[key] as Record<string | number, unknown>;
    }
    at[path.at(-1)!] = buffers[i];
  });
  return state;
}
