import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Hono } from 'hono';
import { HTTPException } from 'hono/http-exception';
import { frontEndFolder } from './folders.ts';

interface License {
  name: string;
  versionInfo: string;
  licenseId: string;
  extractedText: string;
}

const bundle = 'JupyterLab';

function packages(): License[] {
  const file = join(frontEndFolder, 'licenses.json');
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as License[]) : [];
}

const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`;

const csv = (found: readonly License[]): string =>
  [
    ['name', 'versionInfo', 'licenseId', 'extractedText'],
    ...found.map(({ name, versionInfo, licenseId, extractedText }) => [
      name,
      versionInfo,
      licenseId,
      extractedText,
    ]),
  ]
    .map((row) => `${row.map(quoted).join(',')}\n`)
    .join('');

const markdown = (found: readonly License[]): string =>
  [
    `# ${bundle}\n`,
    ...found.map(
      ({ name, versionInfo, licenseId, extractedText }) =>
        `## ${name} ${versionInfo}\n\n${licenseId}\n\n${extractedText.replace(/^/gm, '    ')}\n`,
    ),
  ].join('\n');

const reports: Record<
  string,
  { type: string; extension: string; of: (found: readonly License[]) => string }
> = {
  json: {
    type: 'application/json',
    extension: 'json',
    of: (found) => JSON.stringify({ bundles: { [bundle]: { packages: found } } }),
  },
  csv: { type: 'text/csv', extension: 'csv', of: csv },
  markdown: { type: 'text/markdown', extension: 'md', of: markdown },
};

/** `/lab/api/licenses`: what "Licenses" in the Help menu shows and downloads. */
export function licenseRoutes(): Hono {
  const routes = new Hono();
  // The front end asks with a slash at the end.
  routes.on('GET', ['/licenses', '/licenses/'], (c) => {
    const format = c.req.query('format') ?? 'json';
    if (!Object.hasOwn(reports, format))
      throw new HTTPException(400, {
        message: `no report as ${format}. There are: ${Object.keys(reports).join(', ')}`,
      });
    const { type, extension, of } = reports[format];
    c.header('Content-Type', `${type}; charset=utf-8`);
    if (c.req.query('download') === '1')
      c.header('Content-Disposition', `attachment; filename="jupyterlab-licenses.${extension}"`);
    return c.body(of(packages()));
  });
  return routes;
}
