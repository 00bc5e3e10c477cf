import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { createServer, type Server, type Socket } from 'node:net';

import { doorId, type Door, type FromDoorkeeper, type ToDoorkeeper } from './messages';

const loopback = '127.0.0.1';

/** Hands a message on, and a connection with it; the connection is no longer ours then. */
export type Send = (message: FromDoorkeeper, connection?: Socket) => void;

interface OpenDoor {
  close(): void;
  reply?(message: Extract<ToDoorkeeper, { kind: 'reply' }>): void;
}

/** The half of the relay on the person's machine: holds ports on its loopback, and hands on who knocks. */
export class Doorkeeper {
  private readonly doors = new Map<string, OpenDoor>();

  constructor(private readonly send: Send) {}

  receive(message: ToDoorkeeper): void {
    if (message.kind === 'reply') this.doors.get(doorId({ protocol: 'udp', port: message.port }))?.reply?.(message);
    else if (message.kind === 'open') this.open(message.door);
    else this.shut(message.door);
  }

  close(): void {
    for (const door of this.doors.values()) door.close();
    this.doors.clear();
  }

  private open(door: Door): void {
    this.shut(door);
    const failed = (error: Error): void => {
      this.doors.delete(doorId(door));
      this.send({ kind: 'opened', door, error: error.message });
    };
    const opened = (): void => this.send({ kind: 'opened', door });
    this.doors.set(doorId(door), door.protocol === 'tcp' ? this.listenTcp(door.port, opened, failed) : this.listenUdp(door.port, opened, failed));
  }

  private shut(door: Door): void {
    this.doors.get(doorId(door))?.close();
    this.doors.delete(doorId(door));
  }

  private listenTcp(port: number, opened: () => void, failed: (error: Error) => void): OpenDoor {
    // Nothing is read here: who takes the connection over must get every byte.
    const server: Server = createServer({ pauseOnConnect: true, allowHalfOpen: true }, (socket) => {
      socket.on('error', () => undefined);
      this.send({ kind: 'connection', port }, socket);
    });
    server.once('error', failed).listen(port, loopback, opened);
    return { close: () => void server.close() };
  }

  private listenUdp(port: number, opened: () => void, failed: (error: Error) => void): OpenDoor {
    const socket: UdpSocket = createSocket('udp4');
    socket.on('message', (data, { address, port: from }) => this.send({ kind: 'datagram', port, client: { address, port: from }, data }));
    socket.once('error', (error) => {
      socket.close();
      failed(error);
    });
    socket.bind(port, loopback, opened);
    return {
      close: () => {
        try {
          socket.close();
        } catch {
          // It never came to be bound.
        }
      },
      reply: ({ client, data }) => socket.send(data, client.port, client.address, () => undefined),
    };
  }
}
