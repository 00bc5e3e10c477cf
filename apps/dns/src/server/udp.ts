import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';

import type { Logger } from '@navarch/base';

import type { Resolver } from '../resolver';

export interface DnsListener {
  /** The port it listens on. */
  readonly port: number;
  close(): Promise<void>;
}

export async function listenUdp({ host, port, resolver, logger }: { host: string; port: number; resolver: Resolver; logger: Logger }): Promise<DnsListener> {
  const socket = createSocket({ type: isIPv6(host) ? 'udp6' : 'udp4', recvBufferSize: 4 << 20 });
  let closed = false;
  const serve = async (packet: Buffer, peer: { readonly port: number; readonly address: string }): Promise<void> => {
    const reply = await resolver.resolve(packet, 'udp');
    if (reply && !closed) socket.send(reply, peer.port, peer.address, (error) => { if (error) logger.debug('an answer could not be sent', { error: error.message }); });
  };
  socket.on('message', (packet, peer) => void serve(packet, peer));
  socket.bind(port, host);
  await once(socket, 'listening');
  socket.on('error', (error) => logger.warn('the UDP socket failed', { error: error.message }));
  return {
    port: socket.address().port,
    close: () => new Promise((resolve) => {
      closed = true;
      socket.close(() => resolve());
    }),
  };
}
