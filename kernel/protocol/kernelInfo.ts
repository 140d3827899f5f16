import { readFileSync } from 'node:fs';
import { protocolVersion } from './message.ts';

const readJson = (path: string): { version: string } =>
  JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8')) as { version: string };

/** The nearest package.json above, both from the sources and from `dist`. */
function ownVersion(): string {
  for (const path of ['../../package.json', '../../../package.json'])
    try {
      return readJson(path).version;
    } catch {
      // Not in this layout: try the next one.
    }
  return '0.0.0';
}

/** The content of `kernel_info_reply`. */
export function kernelInfo(): Record<string, unknown> {
  const version = ownVersion();
  return {
    status: 'ok',
    protocol_version: protocolVersion,
    implementation: 'gradbook',
    implementation_version: version,
    language_info: {
      name: 'typescript',
      version: '7.0.2',
      mimetype: 'text/typescript',
      file_extension: '.ts',
      pygments_lexer: 'typescript',
      codemirror_mode: 'typescript',
      nbconvert_exporter: 'script',
    },
    banner: `gradbook ${version}: TypeScript 7 on Node.js ${process.versions.node}`,
    help_links: [
      { text: 'TypeScript', url: 'https://www.typescriptlang.org/docs/' },
      {
        text: 'PyTorch (the names and numbers of the library)',
        url: 'https://docs.pytorch.org/docs/stable/',
      },
    ],
    debugger: false,
    supported_features: ['kernel subshells'],
  };
}
