import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { type ServerType, serve } from '@hono/node-server';
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { HTTPException } from 'hono/http-exception';
import { type WebSocket, WebSocketServer } from 'ws';
import { Credentials } from './access/credentials.ts';
import { guard } from './access/guard.ts';
import { securityHeaders } from './access/headers.ts';
import { loginRoutes } from './access/login.ts';
import { judge, type Policy } from './access/request.ts';
import { binaryProtocol, relay } from './channels.ts';
import { configurationRoutes } from './configuration.ts';
import { Checkpoints } from './contents/checkpoints.ts';
import { fileRoutes } from './contents/files.ts';
import { Reader } from './contents/model.ts';
import { Root } from './contents/root.ts';
import { type Contents, contentsRoutes } from './contents/routes.ts';
import { Notary } from './contents/trust.ts';
import { Writer } from './contents/writer.ts';
import { descriptionRoutes } from './description.ts';
import { Events, eventRoutes } from './events.ts';
import { informationRoutes } from './information.ts';
import { Kernels, kernelRoutes } from './kernels.ts';
import { kernelspecRoutes } from './kernelspecRoutes.ts';
import { nbconvertRoutes } from './nbconvert/routes.ts';
import { labextensionFolders, ownDataFolder } from './page/folders.ts';
import { builtFrontEnd, frontEndRoutes } from './page/frontEnd.ts';
import { findLabextensions } from './page/labextensions.ts';
import { licenseRoutes } from './page/licenses.ts';
import { noteRoutes } from './page/notes.ts';
import { settingsRoutes } from './page/settings.ts';
import { translationRoutes } from './page/translations.ts';
import { workspaceRoutes } from './page/workspaces.ts';
import { Sessions, sessionRoutes } from './sessions.ts';
import { Terminals, terminalRoutes } from './terminals.ts';
import { usageRoutes } from './usage.ts';

export interface ServerOptions {
  /** What the browser sees, and where kernels work. */
  folder: string;
  /** 0 (default) takes a free one. */
  port?: number;
  /** Ports to try behind `port` when it is in use. Default: none. */
  portRetries?: number;
  /** Default: the loopback address. */
  ip?: string;
  /** Asked for on every request and socket. Default: a new one. */
  token?: string;
  /** A password that the login page takes as well, as {@link hashPassword} makes it. */
  passwordHash?: string;
  /** Names besides the address under which browsers may reach the server. */
  hosts?: readonly string[];
  /** Where signatures of notebooks and layouts are kept. Default: a folder in Jupyter's data. */
  dataFolder?: string;
  /** Whether deleted files go to the desktop's bin. Default: false. */
  toTrash?: boolean;
  /** Called when the browser asks the server to end. */
  onShutdown?: () => void;
}

export interface JupyterServer {
  readonly url: string;
  readonly token: string;
  readonly kernels: Kernels;
  close(): Promise<void>;
}

/** The largest request: a notebook with its outputs. */
const requestLimit = 512 * 2 ** 20;
const messageLimit = 256 * 2 ** 20;
const pingInterval = 30_000;
const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'];

async function listen(
  fetch: Hono['fetch'],
  hostname: string,
  port: number,
  retries: number,
): Promise<{ http: ServerType; bound: number }> {
  for (let attempt = 0; ; attempt++) {
    try {
      const http = await new Promise<ServerType>((resolve, reject) => {
        const server = serve({ fetch, hostname, port: port === 0 ? 0 : port + attempt }, () =>
          resolve(server),
        );
        server.once('error', reject);
      });
      return { http, bound: (http.address() as AddressInfo).port };
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if ((code !== 'EADDRINUSE' && code !== 'EACCES') || attempt >= retries || port === 0) throw error;
    }
  }
}

/** Starts a server with Jupyter's REST and WebSocket protocols, and JupyterLab where it is built. */
export async function startServer(options: ServerOptions): Promise<JupyterServer> {
  const { port = 0, portRetries = 0, ip = '127.0.0.1', hosts = [], toTrash = false } = options;
  const token = options.token ?? randomBytes(24).toString('hex');
  const dataFolder = options.dataFolder ?? ownDataFolder();
  const root = await Root.at(options.folder);
  const events = new Events();
  const kernels = new Kernels(root.folder, (...action) => events.kernel(...action));
  const sessions = new Sessions(kernels, root);
  const terminals = new Terminals(root);
  const notary = new Notary(dataFolder);
  const checkpoints = new Checkpoints(root);
  const frontEnd = builtFrontEnd();
  const labextensions = findLabextensions(labextensionFolders()).filter(
    ({ name }) => !frontEnd?.builtIn.includes(name),
  );
  const policy: Policy = {
    credentials: new Credentials(token, options.passwordHash),
    hosts: new Set([ip, ...hosts].map((host) => (host.includes(':') ? `[${host}]` : host.toLowerCase()))),
    cookieName: '',
  };

  const app = new Hono();
  app.onError((error, c) => {
    const status = error instanceof HTTPException ? error.status : 500;
    return c.json({ message: error.message, reason: null }, status);
  });
  app.notFound((c) => {
    const allowed = methods.filter((method) =>
      app.router.match(method, c.req.path)[0].some(([[, route]]) => route.method === method),
    );
    if (allowed.length === 0 || allowed.includes(c.req.method))
      return c.json({ message: `there is nothing at ${c.req.path}`, reason: null }, 404);
    c.header('Allow', allowed.join(', '));
    if (c.req.method === 'OPTIONS') return c.body(null, 204);
    return c.json({ message: 'Method Not Allowed', reason: null }, 405);
  });
  app.use(securityHeaders);
  app.use(guard(policy));
  app.use(
    bodyLimit({
      maxSize: requestLimit,
      onError: () => {
        throw new HTTPException(413, { message: `a request is larger than ${requestLimit} bytes` });
      },
    }),
  );
  app.route('/', loginRoutes(policy));
  app.route(
    '/',
    informationRoutes(kernels, terminals, root, () => sockets.clients.size),
  );
  app.route('/', kernelspecRoutes());
  app.route('/api', kernelRoutes(kernels));
  app.route('/api', sessionRoutes(sessions));
  app.route('/api', terminalRoutes(terminals));
  app.route('/api', eventRoutes(events));
  app.route('/api', configurationRoutes());
  app.route('/api', usageRoutes(kernels));
  const writer = new Writer(root, notary, checkpoints);
  const reader = new Reader(root, notary);
  const done: Contents['done'] = (...action) => events.contents(...action);
  app.route('/api', contentsRoutes({ reader, writer, checkpoints, toTrash, done }));
  app.route('/', fileRoutes(root));
  app.route('/', nbconvertRoutes(root));
  app.route('/lab/api', settingsRoutes(labextensions));
  app.route('/lab/api', workspaceRoutes(join(dataFolder, 'workspaces')));
  app.route('/lab/api', translationRoutes());
  app.route('/lab/api', licenseRoutes());
  app.post('/api/shutdown', (c) => {
    setTimeout(() => options.onShutdown?.(), 50);
    return c.body(null, 200);
  });
  app.route('/lab/api', noteRoutes(root, writer));
  app.route(
    '/',
    frontEndRoutes({
      version: frontEnd?.version ?? '',
      root: root.folder,
      labextensions,
      deleteToTrash: toTrash,
      terminals: true,
    }),
  );
  app.route('/api', descriptionRoutes(app.routes));

  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: messageLimit,
    perMessageDeflate: false,
    handleProtocols: (offered) => (offered.has(binaryProtocol) ? binaryProtocol : false),
  });
  /** What a socket's address leads to. */
  const destination = ({ pathname, searchParams }: URL): ((socket: WebSocket) => void) | null => {
    const [, kernelId] = /^\/api\/kernels\/([^/]+)\/channels$/.exec(pathname) ?? [];
    const kernel = kernelId === undefined ? undefined : kernels.get(kernelId);
    if (kernel)
      return (socket) => relay(socket, kernel, searchParams.get('session_id') ?? '', kernels.replay);
    const [, name] = /^\/terminals\/websocket\/([^/]+)$/.exec(pathname) ?? [];
    const terminal = name === undefined ? undefined : terminals.get(name);
    if (terminal) return (socket) => terminal.attach(socket);
    return pathname === '/api/events/subscribe' ? (socket) => events.subscribe(socket) : null;
  };
  const upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    socket.on('error', () => socket.destroy());
    const url = new URL(request.url ?? '/', 'http://server');
    const header = (name: string): string | undefined => request.headers[name]?.toString();
    const verdict = judge({ method: 'GET', url, header }, policy);
    const open = verdict.refusal === undefined ? destination(url) : null;
    if (open) sockets.handleUpgrade(request, socket, head, open);
    else
      socket.end(
        `HTTP/1.1 ${verdict.refusal ? '403 Forbidden' : '404 Not Found'}\r\nConnection: close\r\n\r\n`,
      );
  };

  const { http, bound } = await listen(app.fetch, ip, port, portRetries);
  policy.cookieName = `gradbook-${bound}`;
  http.on('upgrade', upgrade);
  const pings = setInterval(() => {
    for (const socket of sockets.clients) if (socket.readyState === socket.OPEN) socket.ping();
  }, pingInterval);
  pings.unref();

  const shown = ip === '0.0.0.0' || ip === '::' ? 'localhost' : ip.includes(':') ? `[${ip}]` : ip;
  return {
    url: `http://${shown}:${bound}/`,
    token,
    kernels,
    close: async () => {
      clearInterval(pings);
      terminals.endAll();
      await kernels.shutdownAll();
      for (const client of sockets.clients) client.terminate();
      await new Promise<void>((resolve) => {
        http.close(() => resolve());
        if ('closeAllConnections' in http) http.closeAllConnections();
      });
    },
  };
}
