import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server } from 'node:net';

import { PortForwardFrame } from '@navarch/proto/navarch/meta/v1/session';

import { messagePortForward, messagePortForwardCaller } from './message-port-forward';
import { joinPortForward, type PortForwardTarget } from './port-forward';

async function* overTheWire(frames: AsyncIterable<PortForwardFrame>): AsyncGenerator<PortForwardFrame> {
  for await (const frame of frames) yield PortForwardFrame.decode(PortForwardFrame.encode(frame).finish());
}

describe('port-forward in messages', () => {
  let server: Server;
  let port: number;
  beforeAll(async () => {
    // Answers when the other side has said all: half-closes must come through.
    server = createServer({ allowHalfOpen: true }, (socket) => {
      const parts: Buffer[] = [];
      socket.on('error', () => undefined);
      socket.on('data', (part: Buffer) => parts.push(part));
      socket.on('end', () => socket.end(`${Buffer.concat(parts).length}`));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    port = (server.address() as AddressInfo).port;
  });
  afterAll(() => new Promise((resolve) => server.close(resolve)));

  /** Both ends of a session to this machine's ports. */
  function session(): { readonly target: PortForwardTarget; readonly life: AbortController; readonly joined: Promise<void> } {
    const life = new AbortController();
    const near = messagePortForward(() => undefined);
    const { caller, frames } = messagePortForwardCaller(overTheWire(near.frames), life.signal);
    let settle: () => void = () => undefined;
    const far: PortForwardTarget = {
      closed: new Promise((resolve) => { settle = resolve; }), close: () => settle(),
      open: async (wanted) => {
        const data = connect({ port: wanted, host: '127.0.0.1', allowHalfOpen: true });
        data.on('error', () => undefined);
        const failure = new Promise<string>((resolve) => { data.once('error', (error) => resolve(error.message)); data.once('close', () => resolve('')); });
        return Promise.resolve({ data, failure });
      },
    };
    return { life, joined: joinPortForward(caller, far), target: near.begin(overTheWire(frames)) };
  }

  async function count(target: PortForwardTarget, bytes: number): Promise<string> {
    const { data, failure } = await target.open(port);
    data.end(Buffer.alloc(bytes));
    let answer = '';
    data.on('data', (part: Buffer) => { answer += part.toString(); });
    await once(data, 'end');
    expect(await failure).toBe('');
    return answer;
  }

  it('carries several connections side by side, with half-closes', async () => {
    const { target, life, joined } = session();
    expect(await Promise.all([1, 70_000, 1_000_000].map((bytes) => count(target, bytes)))).toEqual(['1', '70000', '1000000']);
    life.abort(new Error('over'));
    await joined;
  });

  it('says why a connection failed, and goes on with others', async () => {
    const { target, life, joined } = session();
    const { data, failure } = await target.open(1);
    expect(await failure).toContain('ECONNREFUSED');
    expect(data.destroyed).toBe(true);
    expect(await count(target, 5)).toBe('5');
    life.abort(new Error('over'));
    await joined;
  });

  it('tells the other side of a connection that was let go', async () => {
    const { target, life, joined } = session();
    const connected = once(server, 'connection') as Promise<[{ once(event: 'close', handler: () => void): void }]>;
    const { data } = await target.open(port);
    data.write('x');
    const [socket] = await connected;
    const closed = new Promise<void>((resolve) => socket.once('close', resolve));
    data.destroy();
    await closed;
    life.abort(new Error('over'));
    await joined;
  });

  it('ends every connection when the session does', async () => {
    const { target, life } = session();
    const { data } = await target.open(port);
    const closed = once(data, 'close');
    life.abort(new Error('over'));
    await closed;
    await target.closed;
  });

  it('refuses a number that is in use, and passes over frames of connections that are no more', async () => {
    const frames = (async function* (): AsyncGenerator<PortForwardFrame> {
      yield { connection: 7, port: 80 };
      yield { connection: 7, port: 81 };
      yield { connection: 9, data: Buffer.from('to nobody') };
    })();
    const { caller, frames: answers } = messagePortForwardCaller(frames, new AbortController().signal);
    const ports: number[] = [];
    for await (const connection of caller.connections) ports.push(connection.port);
    expect(ports).toEqual([80]);
    const said: PortForwardFrame[] = [];
    for await (const answer of answers) said.push(answer);
    expect(said).toContainEqual({ connection: 7, failure: 'connection 7 cannot be opened: 1 are open' });
  });
});
