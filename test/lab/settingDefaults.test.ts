import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { beforeAll, expect, test } from 'vitest';
import { fill, type Schema } from '../../lab/app/src/schemaDefaults.ts';
import { buildFrontEnd } from './browserPage.ts';

const app = new URL('../../lab/app/', import.meta.url);
beforeAll(buildFrontEnd, 600_000);

interface Ajv {
  compile(schema: object): (values: unknown) => boolean;
  addSchema(schema: object, name: string): void;
  validate(name: string, values: unknown): boolean;
  errors: unknown;
}

/** JupyterLab's own validator, with the options that its setting registry gives it. */
function ajv(options: object): Ajv {
  const require = createRequire(fileURLToPath(new URL('node_modules/', app)));
  const { default: Class } = require('ajv') as { default: new (options: object) => Ajv };
  return new Class({ strict: false, ...options });
}

test('the built-in extensions’ schemas are valid, and their defaults are what JupyterLab’s validator makes of them', () => {
  const schemas = JSON.parse(readFileSync(new URL('build/schemas.json', app), 'utf8')) as Record<
    string,
    { schema: object }
  >;
  const validator = ajv({});
  const source = new URL('node_modules/@jupyterlab/settingregistry/lib/plugin-schema.json', app);
  validator.addSchema(JSON.parse(readFileSync(source, 'utf8')), 'plugin');
  const composer = ajv({ useDefaults: true });
  expect(Object.keys(schemas).length).toBeGreaterThan(60);
  for (const [id, { schema }] of Object.entries(schemas)) {
    expect(validator.validate('plugin', schema), `${id}: ${JSON.stringify(validator.errors)}`).toBe(true);
    const expected = {};
    expect(composer.compile(schema)(expected), id).toBe(true);
    const filled = {};
    fill(filled, schema as Schema);
    expect(filled, id).toEqual(expected);
  }
}, 120_000);

test('defaults of nested values are those that Ajv gives', () => {
  const schema: object = {
    type: 'object',
    definitions: {
      item: {
        properties: { rank: { default: 500 }, args: { $ref: '#/definitions/args' } },
      },
      args: { properties: { insert: { default: [1, { a: 2 }] } }, default: {} },
    },
    properties: {
      list: {
        items: { $ref: '#/definitions/item' },
        default: [{ rank: 1 }, {}, { args: { insert: 0 } }],
      },
      pair: { type: 'array', items: [{ default: 'x' }, { properties: { y: { default: 1 } } }], default: [] },
      open: {
        additionalProperties: { properties: { on: { default: true } } },
        patternProperties: { '^s': { properties: { off: { default: false } } } },
        default: { some: {}, none: {}, scalar: 3 },
      },
      both: {
        allOf: [{ properties: { a: { default: 1 } } }, { properties: { b: { default: 2 } } }],
        default: {},
      },
      either: { anyOf: [{ properties: { a: { default: 1 } } }], default: {} },
      unset: { properties: { a: { default: 1 } } },
      empty: { default: null },
    },
  };
  for (const user of [
    {},
    { list: [], open: { solo: { off: 1 } }, unset: {} },
    { pair: [0, {}], both: { a: 5 } },
  ]) {
    const expected = structuredClone(user);
    ajv({ useDefaults: true }).compile(schema)(expected);
    const filled = structuredClone(user);
    fill(filled, schema as Schema);
    expect(filled).toEqual(expected);
  }
});
