import { Hono } from 'hono';
import { HTTPException } from 'hono/http-exception';
import type { WebSocket } from 'ws';
import { type ContentsAction, jsonBody } from './contents/routes.ts';
import type { KernelAction } from './kernels.ts';

interface Event {
  schema_id: string;
  version: string;
  data: Record<string, unknown>;
}

const pastOf: Record<KernelAction, string> = {
  start: 'started',
  interrupt: 'interrupted',
  restart: 'restarted',
  shutdown: 'shutdown',
};

const jupyter = 'https://events.jupyter.org/jupyter_server';

/** What can be told: others have no schema here. */
const schemas: readonly string[] = [
  `${jupyter}/contents_service/v1`,
  `${jupyter}/gateway_client/v1`,
  `${jupyter}/kernel_actions/v1`,
];

/** Tells those who listen what happens on the server, as Jupyter's event system does. */
export class Events {
  readonly #listeners = new Set<WebSocket>();

  subscribe(socket: WebSocket): void {
    this.#listeners.add(socket);
    socket.on('error', () => socket.terminate());
    socket.on('close', () => this.#listeners.delete(socket));
  }

  emit({ schema_id, data }: Event): void {
    const text = JSON.stringify({ schema_id, ...data });
    for (const socket of this.#listeners) if (socket.readyState === socket.OPEN) socket.send(text);
  }

  contents(action: ContentsAction, path: string, source_path?: string): void {
    const data = { action, path, ...(source_path !== undefined && { source_path }) };
    this.emit({ schema_id: `${jupyter}/contents_service/v1`, version: '1', data });
  }

  kernel(action: KernelAction, kernel_id: string, kernel_name: string): void {
    const msg = `Kernel ${kernel_id} was ${pastOf[action]}.`;
    const data = { kernel_name, action, status: 'success', msg, kernel_id };
    this.emit({ schema_id: `${jupyter}/kernel_actions/v1`, version: '1', data });
  }
}

/** `/api/events`: an extension posts what others hear. */
export function eventRoutes(events: Events): Hono {
  const routes = new Hono();
  routes.post('/events', async (c) => {
    const event = await jsonBody<Event>(c);
    if (typeof event?.schema_id !== 'string' || typeof event.data !== 'object' || event.version === undefined)
      throw new HTTPException(400, { message: 'an event has schema_id, version and data' });
    if (!schemas.includes(event.schema_id))
      throw new HTTPException(400, { message: `there is no schema ${event.schema_id}` });
    events.emit(event as Event);
    return c.body(null, 204);
  });
  return routes;
}
