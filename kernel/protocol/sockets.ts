import { Reply, Router, XPublisher } from 'zeromq';
import { type Channel, type ConnectionFile, endpoint } from './connectionFile.ts';

export interface Sockets {
  shell: Router;
  control: Router;
  stdin: Router;
  iopub: XPublisher;
  hb: Reply;
}

/** Binds the five sockets, encrypted where the connection file has CurveZMQ keys. Error: a port that is taken, by name. */
export async function bindSockets(file: ConnectionFile): Promise<Sockets> {
  const curve =
    file.curve_secretkey && file.curve_publickey
      ? { curveServer: true, curveSecretKey: file.curve_secretkey, curvePublicKey: file.curve_publickey }
      : {};
  // Without limits a send never has to wait: it has happened when the call returns, so that messages keep their order by themselves.
  const options = { linger: 500, sendHighWaterMark: 0, receiveHighWaterMark: 0, sendTimeout: 0, ...curve };
  const sockets: Sockets = {
    shell: new Router(options),
    control: new Router(options),
    stdin: new Router(options),
    iopub: new XPublisher({ ...options, verbosity: 'allSubs' }),
    hb: new Reply({ linger: 0, ...curve }),
  };
  await Promise.all(
    (Object.keys(sockets) as Channel[]).map(async (channel) => {
      const address = endpoint(file, channel);
      try {
        await sockets[channel].bind(address);
      } catch (error) {
        throw new Error(`cannot bind ${channel} at ${address}: ${(error as Error).message}`);
      }
    }),
  );
  return sockets;
}
