import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { type ServerType, serve } from '@hono/node-server';
import { Hono } from 'hono';
import { WebSocketServer } from 'ws';
import { binaryProtocol, relay } from './channels.ts';
import { Kernels, kernelRoutes } from './kernels.ts';

export interface ServerOptions {
  /** Where kernels work. */
  folder: string;
  /** 0 (default) takes a free one. */
  port?: number;
  /** Asked for on every request and socket. Default: a new one. */
  token?: string;
}

export interface JupyterServer {
  readonly url: string;
  readonly token: string;
  readonly kernels: Kernels;
  close(): Promise<void>;
}

/** Compares in constant time. */
function sameToken(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}

const tokenOf = (authorization: string | undefined, url: URL): string =>
  /^(?:token|bearer) (.+)$/i.exec(authorization ?? '')?.[1] ?? url.searchParams.get('token') ?? '';

/** Whether a request names this machine's loopback: a page elsewhere cannot reach the server under a name of its own. */
const isLocalHost = (host: string | undefined): boolean =>
  /^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/.test(host ?? '');

/** Starts a server with Jupyter's REST and WebSocket protocols for kernels, on the loopback address. */
export async function startServer({
  folder,
  port = 0,
  token = randomBytes(24).toString('hex'),
}: ServerOptions): Promise<JupyterServer> {
  const kernels = new Kernels(folder);
  const app = new Hono();
  app.use(async (c, next) => {
    if (!isLocalHost(c.req.header('host'))) return c.json({ message: 'this host is not allowed' }, 403);
    if (!sameToken(tokenOf(c.req.header('authorization'), new URL(c.req.url)), token))
      return c.json({ message: 'Forbidden' }, 403);
    await next();
  });
  app.onError((error, c) => c.json({ message: error.message }, 500));
  app.get('/api', (c) => c.json({ version: '2.17.0' }));
  app.get('/api/status', (c) =>
    c.json({
      started: started.toISOString(),
      kernels: kernels.list().length,
      connections: sockets.clients.size,
    }),
  );
  app.route('/api', kernelRoutes(kernels));
  const started = new Date();
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: 256 * 2 ** 20,
    handleProtocols: (offered) => (offered.has(binaryProtocol) ? binaryProtocol : false),
  });

  const http = await new Promise<ServerType>((resolve, reject) => {
    const server = serve({ fetch: app.fetch, hostname: '127.0.0.1', port }, () => resolve(server));
    server.on('error', reject);
  });
  http.on('upgrade', (request, socket, head) => {
    const url = new URL(request.url ?? '/', 'http://127.0.0.1');
    const id = /^\/api\/kernels\/([^/]+)\/channels$/.exec(url.pathname)?.[1];
    const kernel = id ? kernels.get(id) : undefined;
    const { origin } = request.headers;
    const foreign = origin !== undefined && !(URL.canParse(origin) && isLocalHost(new URL(origin).host));
    const refusal =
      !isLocalHost(request.headers.host) ||
      foreign ||
      !sameToken(tokenOf(request.headers.authorization, url), token)
        ? '403 Forbidden'
        : kernel
          ? null
          : '404 Not Found';
    if (refusal || !kernel) {
      socket.end(`HTTP/1.1 ${refusal}\r\nConnection: close\r\n\r\n`);
      return;
    }
    sockets.handleUpgrade(request, socket, head, (ws) => relay(ws, kernel));
  });
  const { port: bound } = http.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${bound}/`,
    token,
    kernels,
    close: async () => {
      await kernels.shutdownAll();
      for (const client of sockets.clients) client.terminate();
      await new Promise((resolve) => http.close(resolve));
    },
  };
}
