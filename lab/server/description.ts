import { Hono } from 'hono';
import { apiVersion } from './information.ts';

interface Route {
  method: string;
  path: string;
}

type Schema = Record<string, unknown>;

/** What each call does; those that are not here belong to the front end itself. */
const summaries: Record<string, string> = {
  'GET /api': 'The version of the REST API that this is',
  'GET /api/status': 'When the server started, and what runs',
  'GET /api/me': 'Who the user is',
  'GET /api/spec.yaml': 'This description',
  'POST /api/shutdown': 'Shuts the kernels down and ends the server',
  'GET /api/contents': 'The root folder',
  'GET /api/contents/{path}': 'A file, notebook or folder, or its checkpoints behind `/checkpoints`',
  'POST /api/contents': 'Makes an untitled file, notebook or folder in the root, or a copy of `copy_from`',
  'POST /api/contents/{path}':
    'Makes an untitled file, notebook or folder in a folder, a copy of `copy_from`, or a checkpoint, or restores one',
  'PUT /api/contents/{path}': 'Saves, whole or in chunks',
  'PATCH /api/contents/{path}': 'Renames',
  'DELETE /api/contents/{path}': 'Deletes a file, an empty folder, or a checkpoint',
  'GET /api/kernelspecs': 'The kernels that are installed',
  'GET /api/kernelspecs/{name}': 'A kernel that is installed',
  'GET /api/kernels': 'The kernels that run',
  'POST /api/kernels': 'Starts a kernel',
  'GET /api/kernels/{id}': 'A kernel that runs',
  'DELETE /api/kernels/{id}': 'Shuts a kernel down',
  'POST /api/kernels/{id}/interrupt': 'Interrupts what a kernel computes',
  'POST /api/kernels/{id}/restart': 'Starts a kernel anew under the same id',
  'GET /api/sessions': 'The sessions: a document and its kernel',
  'POST /api/sessions': 'Opens a session, or gives the one that the document has',
  'GET /api/sessions/{id}': 'A session',
  'PATCH /api/sessions/{id}': 'Renames a session, or gives it another kernel',
  'DELETE /api/sessions/{id}': 'Ends a session and its kernel',
  'GET /api/terminals': 'The terminals',
  'POST /api/terminals': 'Opens a terminal',
  'GET /api/terminals/{name}': 'A terminal',
  'DELETE /api/terminals/{name}': 'Ends a terminal',
  'GET /api/config/{section}': 'What extensions of the front end keep',
  'PUT /api/config/{section}': 'Replaces a section',
  'PATCH /api/config/{section}': 'Merges into a section; null removes',
  'GET /api/metrics/v1': 'Memory and processor time of the server and its kernels',
  'GET /api/metrics/v1/kernel_usage/get_usage/{id}': 'Memory and processor time of a kernel',
  'POST /api/events': 'Tells an event to those who listen',
  'GET /api/nbconvert': 'The formats that a notebook converts to',
  'GET /api/resolvePath': 'The path below the root of a path of the file system',
  'POST /api/security/csp-report': 'Takes a browser’s report',
};

const text: Schema = { type: 'string' };
const time: Schema = { type: 'string', format: 'date-time' };
const of = (name: string): Schema => ({ $ref: `#/components/schemas/${name}` });
const object = (properties: Record<string, Schema>): Schema => ({
  type: 'object',
  required: Object.keys(properties),
  properties,
});
const nullable = (schema: Schema): Schema => ({ ...schema, type: [schema.type, 'null'] });

const schemas: Record<string, Schema> = {
  Error: object({ message: text, reason: nullable(text) }),
  Kernel: object({
    id: { type: 'string', format: 'uuid' },
    name: text,
    last_activity: time,
    execution_state: { type: 'string', enum: ['starting', 'idle', 'busy', 'restarting', 'dead'] },
    connections: { type: 'integer', minimum: 0 },
  }),
  Session: object({
    id: { type: 'string', format: 'uuid' },
    path: text,
    name: text,
    type: text,
    kernel: of('Kernel'),
  }),
  Contents: object({
    name: text,
    path: text,
    type: { type: 'string', enum: ['directory', 'file', 'notebook'] },
    writable: { type: 'boolean' },
    created: time,
    last_modified: time,
    size: nullable({ type: 'integer' }),
    mimetype: nullable(text),
    format: nullable(text),
    content: {},
  }),
  Terminal: object({ name: text, last_activity: time }),
};

/** What a call without a name at its end lists, one with a name gives. */
const answers: Record<string, string> = {
  kernels: 'Kernel',
  sessions: 'Session',
  contents: 'Contents',
  terminals: 'Terminal',
};

const answerOf = (method: string, path: string): Schema => {
  const [, part, rest] = /^\/api\/([a-z]+)(\/\{[a-z]+\})?$/.exec(path) ?? [];
  const model = part === undefined ? undefined : answers[part];
  if (model === undefined || method === 'DELETE') return {};
  return method === 'GET' && rest === undefined && model !== 'Contents'
    ? { type: 'array', items: of(model) }
    : of(model);
};

/** OpenAPI's form of a route's path. */
const templated = (path: string): string =>
  path.replace(/:(\w+)(\{(?:[^{}]|\{[^}]*\})*\})?/g, '{$1}').replace('*', '{path}');

const json = (schema: Schema): Schema => ({ 'application/json': { schema } });

/** The server's own REST calls in OpenAPI 3.1, made from what it answers to. */
export function describeRoutes(routes: readonly Route[]): Schema {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of routes) {
    const path = templated(route.path);
    if (route.method === 'ALL' || !/^\/api(\/|$)/.test(path)) continue;
    const parameters = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
      name,
      in: 'path',
      required: true,
      schema: text,
    }));
    paths[path] ??= {};
    paths[path][route.method.toLowerCase()] = {
      summary: summaries[`${route.method} ${path}`] ?? '',
      parameters,
      ...(['POST', 'PUT', 'PATCH'].includes(route.method) && {
        requestBody: { content: json({ type: 'object' }) },
      }),
      responses: {
        '2XX': { description: 'Done', content: json(answerOf(route.method, path)) },
        default: { description: 'Refused, with the reason', content: json(of('Error')) },
      },
    };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'gradbook lab',
      version: apiVersion,
      description: "The REST API of Jupyter Server, and jupyter-resource-usage's metrics.",
    },
    security: [{ header: [] }, { query: [] }],
    paths,
    components: {
      schemas,
      securitySchemes: {
        header: { type: 'apiKey', in: 'header', name: 'Authorization', description: '`token <token>`' },
        query: { type: 'apiKey', in: 'query', name: 'token' },
      },
    },
  };
}

/** `/api/spec.yaml`: JSON, which every reader of YAML takes. */
export function descriptionRoutes(routes: readonly Route[]): Hono {
  const own = new Hono();
  own.get('/spec.yaml', (c) =>
    c.body(`${JSON.stringify(describeRoutes(routes), null, 2)}\n`, 200, { 'content-type': 'text/x-yaml' }),
  );
  return own;
}
