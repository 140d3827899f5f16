import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Hono } from 'hono';
import { HTTPException } from 'hono/http-exception';
import json5 from 'json5';
import { writeWhole } from '../contents/atomic.ts';
import { jsonBody, pathBehind } from '../contents/routes.ts';
import { frontEndFolder, jupyterConfigFolder } from './folders.ts';
import { labConfig, layered } from './labConfig.ts';
import type { Labextension } from './labextensions.ts';

interface Schema {
  properties?: Record<string, { default?: unknown }>;
  [field: string]: unknown;
}

interface Described {
  schema: Schema;
  version: string;
}

interface Setting extends Described {
  id: string;
  raw: string;
  settings: object;
  created: string | null;
  last_modified: string | null;
  warning: string | null;
}

const isFields = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The schemas that the build collected, and those that prebuilt extensions bring. */
function describe(labextensions: readonly Labextension[]): Map<string, Described> {
  const file = join(frontEndFolder, 'schemas.json');
  const found = new Map<string, Described>(
    existsSync(file)
      ? Object.entries(JSON.parse(readFileSync(file, 'utf8')) as Record<string, Described>)
      : [],
  );
  for (const { name, version, folder } of labextensions) {
    const schemas = join(folder, 'schemas', name);
    if (!existsSync(schemas)) continue;
    for (const entry of readdirSync(schemas).filter((entry) => entry.endsWith('.json')))
      found.set(`${name}:${entry.slice(0, -'.json'.length)}`, {
        schema: JSON.parse(readFileSync(join(schemas, entry), 'utf8')) as Schema,
        version,
      });
  }
  return found;
}

/** The schema with the defaults that an administrator or the user set in its place. */
function override(schema: Schema, chosen: unknown): Schema {
  if (typeof chosen !== 'object' || chosen === null) return schema;
  const properties = { ...schema.properties };
  for (const [key, value] of Object.entries(chosen)) {
    const { default: before } = properties[key] ?? {};
    const merges = isFields(before) && isFields(value);
    properties[key] = { ...properties[key], default: merges ? layered(before, value) : value };
  }
  return { ...schema, properties };
}

/** `/lab/api/settings`: the schemas, and what the user wrote over their defaults (JSON with comments, kept as written). */
export function settingsRoutes(labextensions: readonly Labextension[]): Hono {
  const routes = new Hono();
  const described = describe(labextensions);
  const fileOf = (id: string): string => {
    const [name, plugin] = id.split(':');
    return join(jupyterConfigFolder(), 'lab', 'user-settings', name, `${plugin}.jupyterlab-settings`);
  };
  const known = (id: string): Described => {
    const found = described.get(id);
    if (!found) throw new HTTPException(404, { message: `Schema not found: ${id}` });
    return found;
  };
  const overrides = (): Record<string, unknown> => labConfig('default_setting_overrides', 'overrides');
  const read = (id: string, chosen = overrides()): Setting => {
    const { schema, version } = known(id);
    const file = fileOf(id);
    const base = { id, schema: override(schema, chosen[id]), version };
    if (!existsSync(file))
      return { ...base, raw: '{}', settings: {}, created: null, last_modified: null, warning: null };
    const { mtime, ctime } = statSync(file);
    const times = { created: ctime.toISOString(), last_modified: mtime.toISOString() };
    const raw = readFileSync(file, 'utf8') || '{}';
    try {
      return { ...base, raw, settings: json5.parse(raw) as object, ...times, warning: null };
    } catch (error) {
      const warning = `Failed loading settings (${id}): ${(error as Error).message}`;
      return { ...base, raw, settings: {}, ...times, warning };
    }
  };
  routes.get('/settings', (c) => {
    const ids = [...described.keys()].sort().reverse();
    if (c.req.query('ids_only') === 'true') return c.json({ settings: ids.map((id) => ({ id })) });
    const chosen = overrides();
    return c.json({ settings: ids.map((id) => read(id, chosen)) });
  });
  routes.get('/settings/*', (c) => c.json(read(pathBehind(c, '/lab/api/settings'))));
  routes.put('/settings/*', async (c) => {
    const id = pathBehind(c, '/lab/api/settings');
    known(id);
    const raw = (await jsonBody<{ raw: string }>(c))?.raw;
    if (typeof raw !== 'string')
      throw new HTTPException(400, {
        message: "Invalid format for JSON payload. Must be in the form {'raw': ...}",
      });
    try {
      json5.parse(raw === '' ? '{}' : raw);
    } catch (error) {
      throw new HTTPException(400, { message: `Failed validating input: ${(error as Error).message}` });
    }
    const file = fileOf(id);
    await mkdir(dirname(file), { recursive: true });
    await writeWhole(file, raw);
    return c.body(null, 204);
  });
  return routes;
}
