import { readFileSync } from 'node:fs';

/** What a Jupyter client tells a kernel about its sockets (JEP 106). */
export interface ConnectionFile {
  transport: 'tcp' | 'ipc';
  ip: string;
  shell_port: number;
  control_port: number;
  stdin_port: number;
  iopub_port: number;
  hb_port: number;
  key: string;
  signature_scheme: string;
  curve_publickey?: string;
  curve_secretkey?: string;
}

export type Channel = 'shell' | 'control' | 'stdin' | 'iopub' | 'hb';

const channels: readonly Channel[] = ['shell', 'control', 'stdin', 'iopub', 'hb'];

/** Reads and checks a connection file. Errors name the file and the field. */
export function readConnectionFile(path: string): ConnectionFile {
  let parsed: Partial<ConnectionFile>;
  try {
    parsed = JSON.parse(readFileSync(path, 'utf8')) as Partial<ConnectionFile>;
  } catch (error) {
    throw new Error(`connection file ${path}: ${(error as Error).message}`);
  }
  const file = {
    transport: 'tcp',
    ip: '127.0.0.1',
    key: '',
    signature_scheme: 'hmac-sha256',
    ...parsed,
  } as ConnectionFile;
  if (file.transport !== 'tcp' && file.transport !== 'ipc')
    throw new Error(
      `connection file ${path}: transport '${file.transport}' is not supported: use tcp or ipc`,
    );
  for (const channel of channels)
    if (!Number.isInteger(file[`${channel}_port`]))
      throw new Error(
        `connection file ${path}: ${channel}_port is ${String(file[`${channel}_port`])}, not a port number`,
      );
  return file;
}

/** Where a channel is bound: `tcp://ip:port` or `ipc://ip-port`. */
export const endpoint = (file: ConnectionFile, channel: Channel): string =>
  `${file.transport}://${file.ip}${file.transport === 'tcp' ? ':' : '-'}${file[`${channel}_port`]}`;
