import { Hono } from 'hono';
import { HTTPException } from 'hono/http-exception';
import type { WebSocket } from 'ws';
import { jsonBody } from './contents/routes.ts';

interface Event {
  schema_id: string;
  version: string;
  data: Record<string, unknown>;
  timestamp?: string;
}

/** Tells those who listen what happens on the server, as Jupyter's event system does. */
export class Events {
  readonly #listeners = new Set<WebSocket>();

  subscribe(socket: WebSocket): void {
    this.#listeners.add(socket);
    socket.on('error', () => socket.terminate());
    socket.on('close', () => this.#listeners.delete(socket));
  }

  emit({ schema_id, version, data, timestamp }: Event): void {
    const text = JSON.stringify({
      ...data,
      __schema__: schema_id,
      __schema_version__: version,
      __metadata_version__: 1,
      __timestamp__: timestamp ?? new Date().toISOString(),
    });
    for (const socket of this.#listeners) if (socket.readyState === socket.OPEN) socket.send(text);
  }
}

/** `/api/events`: an extension posts what others hear. */
export function eventRoutes(events: Events): Hono {
  const routes = new Hono();
  routes.post('/events', async (c) => {
    const event = await jsonBody<Event>(c);
    if (typeof event?.schema_id !== 'string' || typeof event.data !== 'object' || event.version === undefined)
      throw new HTTPException(400, { message: 'an event has schema_id, version and data' });
    events.emit(event as Event);
    return c.body(null, 204);
  });
  return routes;
}
