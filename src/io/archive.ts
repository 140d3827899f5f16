import { createRequire } from 'node:module';

/** The package is loaded at its first use: few programs read archives, and all would wait for it at their start. */
const fflate = () => createRequire(import.meta.url)('fflate') as typeof import('fflate');

/** The files of a zip archive, by name. Error: it is none. */
export const unzip = (bytes: Uint8Array): Record<string, Uint8Array> => fflate().unzipSync(bytes);

/** A zip archive of files, compressed. */
export const zip = (files: Record<string, Uint8Array>): Uint8Array => fflate().zipSync(files);
