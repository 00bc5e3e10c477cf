import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';

import type { Logger } from '@navarch/base';

import type { Resolver } from '../resolver';
import type { DnsListener } from './udp';

/** A connection on which nothing is asked for so long is ended (RFC 7766, 6.2.3). */
const idleMs = 10_000;
const maxConnections = 500;
/** Questions of one connection that wait for their answers. */
const maxPipelined = 50;

/** DNS over TCP (RFC 7766): each message behind two bytes of length; several questions may be under way, answers come as they are ready. */
export async function listenTcp({ host, port, resolver, logger }: { host: string; port: number; resolver: Resolver; logger: Logger }): Promise<DnsListener> {
  const connections = new Set<Socket>();
  const server = createServer((socket) => {
    connections.add(socket);
    socket.on('close', () => connections.delete(socket));
    socket.on('error', () => undefined);
    socket.setTimeout(idleMs, () => socket.destroy());
    serve(socket, resolver).catch((error: unknown) => {
      logger.debug('a connection broke off', { error });
      socket.destroy();
    });
  });
  server.maxConnections = maxConnections;
  server.listen(port, host);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      for (const connection of connections) connection.destroy();
      await closed;
    },
  };
}

async function serve(socket: Socket, resolver: Resolver): Promise<void> {
  const running = new Set<Promise<void>>();
  let received = Buffer.alloc(0);
  for await (const data of socket as AsyncIterable<Buffer>) {
    received = Buffer.concat([received, data]);
    while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
      const packet = Buffer.from(received.subarray(2, 2 + received.readUInt16BE(0)));
      received = received.subarray(2 + packet.length);
      const one: Promise<void> = answer(socket, packet, resolver).finally(() => running.delete(one));
      running.add(one);
      if (running.size >= maxPipelined) await Promise.race(running);
    }
  }
  await Promise.all(running);
}

async function answer(socket: Socket, packet: Buffer, resolver: Resolver): Promise<void> {
  const reply = await resolver.resolve(packet, 'tcp');
  // To ask for nothing by TCP is to waste a connection.
  if (!reply) return void socket.destroy();
  const length = Buffer.alloc(2);
  length.writeUInt16BE(reply.length);
  if (!socket.destroyed) socket.write(Buffer.concat([length, reply]));
}
