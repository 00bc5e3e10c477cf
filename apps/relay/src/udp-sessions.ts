import { createSocket, type Socket } from 'node:dgram';

import type { CancelTimer, Clock } from '@navarch/base';

import type { UdpClient } from './messages';

export interface UdpSessionsOptions {
  readonly clock: Clock;
  /** The node to which a new client's packets go; undefined where there is none. */
  addressFor(port: number): string | undefined;
  reply(port: number, client: UdpClient, data: Uint8Array): void;
  /** A client that is silent for so long is forgotten, milliseconds. */
  readonly idleMs?: number;
  readonly maxSessions?: number;
}

interface Session {
  readonly socket: Socket;
  readonly address: string;
  readonly port: number;
  cancel: CancelTimer;
}

/** A socket for each client, so that answers find the way back to it. */
export class UdpSessions {
  /** The one that spoke least recently comes first. */
  private readonly sessions = new Map<string, Session>();

  constructor(private readonly options: UdpSessionsOptions) {}

  forward(port: number, client: UdpClient, data: Uint8Array): void {
    const id = `${port}/${client.address}:${client.port}`;
    const session = this.sessions.get(id) ?? this.begin(id, port, client);
    if (!session) return;
    session.cancel();
    session.cancel = this.options.clock.setTimer(this.options.idleMs ?? 60_000, () => this.end(id));
    this.sessions.delete(id);
    this.sessions.set(id, session);
    session.socket.send(data, session.port, session.address, () => undefined);
  }

  close(): void {
    for (const id of [...this.sessions.keys()]) this.end(id);
  }

  private begin(id: string, port: number, client: UdpClient): Session | undefined {
    const address = this.options.addressFor(port);
    if (address === undefined) return undefined;
    const oldest = this.sessions.keys().next();
    if (this.sessions.size >= (this.options.maxSessions ?? 1_000) && !oldest.done) this.end(oldest.value);
    const socket = createSocket('udp4');
    socket.on('message', (answer) => this.options.reply(port, client, answer));
    socket.on('error', () => this.end(id)); // Refused or unreachable: as with any UDP service, the next packet may do better.
    return { socket, address, port, cancel: () => undefined };
  }

  private end(id: string): void {
    const session = this.sessions.get(id);
    this.sessions.delete(id);
    session?.cancel();
    session?.socket.close();
  }
}
