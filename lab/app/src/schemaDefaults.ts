/** The parts of a JSON schema in which the defaults of settings are found. */
export interface Schema {
  $ref?: string;
  default?: unknown;
  properties?: Record<string, Schema>;
  patternProperties?: Record<string, Schema>;
  additionalProperties?: Schema | boolean;
  items?: Schema | Schema[] | boolean;
  allOf?: Schema[];
}

type Values = Record<string, unknown>;

const isObject = (value: unknown): value is Values =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const own = (values: object, key: string): boolean => Object.hasOwn(values, key);

/** `#/definitions/name` in the schema that it stands in. */
function referred(pointer: string, root: Schema): Schema {
  let found: unknown = root;
  for (const step of pointer.split('/').slice(1))
    found = (found as Values | undefined)?.[
      decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~')
    ];
  return (found ?? {}) as Schema;
}

function fillObject(values: Values, schema: Schema, root: Schema): void {
  const properties = schema.properties ?? {};
  for (const [key, property] of Object.entries(properties)) {
    if (values[key] === undefined && property.default !== undefined)
      values[key] = structuredClone(property.default);
    if (own(values, key)) fill(values[key], property, root);
  }
  const patterns = Object.entries(schema.patternProperties ?? {});
  for (const key of Object.keys(values)) {
    const matching = patterns.filter(([pattern]) => new RegExp(pattern, 'u').test(key));
    for (const [, property] of matching) fill(values[key], property, root);
    if (matching.length === 0 && !own(properties, key) && typeof schema.additionalProperties === 'object')
      fill(values[key], schema.additionalProperties, root);
  }
}

/** Gives `values`, in place, the defaults that Ajv's `useDefaults` would: not those inside of `anyOf`, `oneOf`, `not` and `if`. */
export function fill(values: unknown, schema: Schema, root: Schema = schema): void {
  if (schema.$ref) fill(values, referred(schema.$ref, root), root);
  for (const part of schema.allOf ?? []) fill(values, part, root);
  if (isObject(values)) fillObject(values, schema, root);
  if (!Array.isArray(values) || typeof schema.items !== 'object') return;
  const { items } = schema;
  if (Array.isArray(items))
    items.forEach((item, i) => {
      if (values[i] === undefined && item.default !== undefined) values[i] = structuredClone(item.default);
      if (i < values.length) fill(values[i], item, root);
    });
  else for (const value of values) fill(value, items, root);
}
