import type { WebSocket } from 'ws';
import type { Relayed } from './connection.ts';
import type { KernelProcess } from './kernelProcess.ts';
import { Outbox } from './outbox.ts';
import type { Replay } from './replay.ts';

/** The WebSocket subprotocol in which messages are binary; without it they are JSON text. */
export const binaryProtocol = 'v1.kernel.websocket.jupyter.org';

const names = ['header', 'parent_header', 'metadata', 'content'] as const;

/** offsets count, offsets, channel, four JSON parts, buffers: all little-endian 64-bit offsets. */
function encodeBinary({ channel, parts, buffers }: Relayed): Buffer {
  const pieces = [Buffer.from(channel), ...parts, ...buffers];
  const head = Buffer.alloc(8 * (pieces.length + 2));
  head.writeBigUInt64LE(BigInt(pieces.length + 1));
  let offset = head.length;
  pieces.forEach((piece, i) => {
    head.writeBigUInt64LE(BigInt(offset), 8 * (i + 1));
    offset += piece.length;
  });
  head.writeBigUInt64LE(BigInt(offset), 8 * (pieces.length + 1));
  return Buffer.concat([head, ...pieces]);
}

/** Error: offsets that do not fit the data. */
function decodeBinary(data: Buffer): Relayed {
  const count = data.length >= 8 ? Number(data.readBigUInt64LE(0)) : 0;
  if (count < 6 || data.length < 8 * (count + 1)) throw new Error(`a binary message with ${count} offsets`);
  const offsets = Array.from({ length: count }, (_, i) => Number(data.readBigUInt64LE(8 * (i + 1))));
  const pieces = offsets.slice(0, -1).map((start, i) => data.subarray(start, offsets[i + 1]));
  const [channel, ...rest] = pieces;
  return {
    channel: channel.toString() as Relayed['channel'],
    parts: rest.slice(0, 4),
    buffers: rest.slice(4),
  };
}

/** JSON text; with buffers a binary frame: count and offsets (32-bit, big-endian), the JSON, the buffers. */
function encodeJson({ channel, parts, buffers }: Relayed): string | Buffer {
  const fields = names.map((name, i) => `"${name}":${parts[i].toString()}`).join(',');
  const id = JSON.parse(parts[0].toString()) as { msg_id: string; msg_type: string };
  const json = `{${fields},"msg_id":${JSON.stringify(id.msg_id)},"msg_type":${JSON.stringify(id.msg_type)},"channel":"${channel}","buffers":[]}`;
  if (buffers.length === 0) return json;
  const pieces = [Buffer.from(json), ...buffers];
  const head = Buffer.alloc(4 * (pieces.length + 1));
  head.writeUInt32BE(pieces.length);
  let offset = head.length;
  pieces.forEach((piece, i) => {
    head.writeUInt32BE(offset, 4 * (i + 1));
    offset += piece.length;
  });
  return Buffer.concat([head, ...pieces]);
}

function decodeJson(data: Buffer, isBinary: boolean): Relayed {
  let text = data;
  let buffers: Buffer[] = [];
  if (isBinary) {
    const count = data.readUInt32BE(0);
    const offsets = Array.from({ length: count }, (_, i) => data.readUInt32BE(4 * (i + 1)));
    const pieces = offsets.map((start, i) => data.subarray(start, offsets[i + 1]));
    [text, ...buffers] = pieces;
  }
  const message = JSON.parse(text.toString()) as Record<string, unknown>;
  return {
    channel: (message.channel as Relayed['channel']) ?? 'shell',
    parts: names.map((name) => Buffer.from(JSON.stringify(message[name] ?? {}))),
    buffers,
  };
}

const sessionIn = (header: Buffer): unknown => {
  try {
    return (JSON.parse(header.toString()) as { session?: unknown }).session;
  } catch {
    return undefined;
  }
};

/**
 * Joins a front-end's socket to a kernel until either closes. Output goes to every front-end, a reply only to the one that
 * asked; what comes while it is away is kept for its return. A malformed message closes the socket with code 1003.
 *
 * @param session the front-end's name for itself, with which it returns.
 */
export function relay(socket: WebSocket, kernel: KernelProcess, session: string, replay: Replay): void {
  const binary = socket.protocol === binaryProtocol;
  const sessions = new Set<unknown>([session]);
  const outbox = new Outbox(socket);
  const isFor = ({ channel, parts }: Relayed): boolean =>
    channel === 'iopub' || sessions.has(sessionIn(parts[1]));
  const forward = (message: Relayed): Promise<void> | undefined =>
    outbox.send(binary ? encodeBinary(message) : encodeJson(message));
  for (const message of replay.return(kernel, session)) void forward(message);
  const stop = kernel.listen((message) => (isFor(message) ? forward(message) : undefined));
  socket.on('message', (data: Buffer, isBinary) => {
    try {
      const { channel, parts, buffers } = binary ? decodeBinary(data) : decodeJson(data, isBinary);
      if (channel !== 'shell' && channel !== 'control' && channel !== 'stdin')
        throw new Error(`'${channel}' is not a channel to write to`);
      if (parts.length < 4) throw new Error('a message without its four parts');
      const from = sessionIn(parts[0]);
      if (from === undefined) throw new Error('a header without a session');
      if (sessions.size < 16) sessions.add(from);
      kernel
        .send(channel, parts, buffers)
        .catch((error: Error) => socket.close(1011, error.message.slice(0, 120)));
    } catch (error) {
      socket.close(1003, (error as Error).message.slice(0, 120));
    }
  });
  socket.on('error', () => socket.terminate());
  socket.on('close', () => {
    stop();
    outbox.close();
    if (session !== '') replay.leave(kernel, session, isFor);
  });
}
