import { createConnection, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

import { startNatsServer, type NatsServer } from './nats-server';

/** Several nats-servers that are one cluster. Each reaches each other one by a way of its own, which a test can cut. */
export interface NatsCluster {
  readonly servers: readonly NatsServer[];
  /** All of them, for a client. */
  readonly urls: readonly string[];
  /** Which of them that server is, by the name that it bears. */
  indexOf(serverName: string): number;
  /** No byte passes between this server and the others any more; clients still reach it. */
  cutOff(index: number): void;
  heal(index: number): void;
  close(): Promise<void>;
}

export async function startNatsCluster(size: number): Promise<NatsCluster> {
  const ways: Way[] = [];
  const servers: NatsServer[] = [];
  for (let from = 0; from < size; from++) {
    for (let to = 0; to < size; to++) if (to !== from) ways.push(await Way.open(from, to, () => servers[to]?.routePort ?? -1));
  }
  const touching = (index: number): Way[] => ways.filter(({ from, to }) => from === index || to === index);
  const close = async (): Promise<void> => {
    for (const server of servers) await server.close();
    for (const way of ways) await way.close();
  };
  try {
    for (let index = 0; index < size; index++) {
      const routes = ways.filter(({ from }) => from === index).map(({ port }) => `nats://127.0.0.1:${port}`);
      servers.push(await startNatsServer({ cluster: { name: `test-${index}`, routes } }));
    }
  } catch (error) {
    await close();
    throw error;
  }
  return {
    servers, urls: servers.map(({ url }) => url), close,
    indexOf: (serverName) => Number(serverName.replace('test-', '')),
    cutOff: (index) => touching(index).forEach((way) => way.cut()),
    heal: (index) => touching(index).forEach((way) => way.heal()),
  };
}

/** A forwarder on loopback from one server to another. */
class Way {
  private open = true;
  private readonly sockets = new Set<Socket>();

  private constructor(readonly from: number, readonly to: number, private readonly listener: Server, private readonly target: () => number) {
    listener.on('connection', (near) => this.forward(near));
  }

  static async open(from: number, to: number, target: () => number): Promise<Way> {
    const listener = createServer();
    await new Promise<void>((resolve) => { listener.listen(0, '127.0.0.1', resolve); });
    return new Way(from, to, listener, target);
  }

  get port(): number {
    return (this.listener.address() as AddressInfo).port;
  }

  cut(): void {
    this.open = false;
    for (const socket of this.sockets) socket.destroy();
  }

  heal(): void {
    this.open = true;
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => { this.listener.close(resolve); });
  }

  private forward(near: Socket): void {
    const port = this.target();
    if (!this.open || port < 1) {
      near.destroy();
      return;
    }
    const far = createConnection(port, '127.0.0.1');
    for (const [socket, other] of [[near, far], [far, near]] as const) {
      this.sockets.add(socket);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        this.sockets.delete(socket);
        other.destroy();
      });
      socket.pipe(other);
    }
  }
}
