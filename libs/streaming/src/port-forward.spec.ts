import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { createServer as createHttpServer } from 'node:http';

import { createWebSocketStream, WebSocket, WebSocketServer } from 'ws';

import { SpdyPortForward, spdyPortForwardCaller, webSocketPortForwardCaller, type PortForwardCaller } from './port-forward';
import { upgradeToSpdy } from './upgrade';

async function socketPair(): Promise<[client: Socket, server: Socket, close: () => void]> {
  const listener = createServer();
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const client = connect((listener.address() as AddressInfo).port, '127.0.0.1');
  const [server] = (await once(listener, 'connection')) as [Socket];
  return [client, server, () => { client.destroy(); server.destroy(); listener.close(); }];
}

/** Answers each connection with its port and what it sent, in capitals; port 81 fails. */
async function shout({ connections }: PortForwardCaller): Promise<void> {
  for await (const { port, data, fail } of connections) {
    data.on('error', () => undefined);
    if (port === 81) fail('nothing listens on 81');
    else data.on('data', (piece: Buffer) => data.end(`${port}:${piece.toString().toUpperCase()}`));
  }
}

describe('port-forward', () => {
  it('carries several connections over SPDY, and says why one failed', async () => {
    const [near, far, close] = await socketPair();
    const serving = shout(spdyPortForwardCaller(far));
    const client = new SpdyPortForward(near);
    const answers = await Promise.all([80, 8080].map(async (port) => {
      const { data, failure } = await client.open(port);
      data.write('hello');
      const [answer] = (await once(data, 'data')) as [Buffer];
      data.end();
      return [answer.toString(), await failure];
    }));
    expect(answers).toEqual([['80:HELLO', ''], ['8080:HELLO', '']]);
    const { failure } = await client.open(81);
    expect(await failure).toBe('nothing listens on 81');
    client.close();
    await serving;
    close();
  });

  it('carries SPDY inside a WebSocket, as kubectl sends it', async () => {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    await once(server, 'listening');
    const serving = new Promise<void>((resolve) => server.on('connection', (socket) => void shout(spdyPortForwardCaller(createWebSocketStream(socket))).then(resolve)));
    const socket = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
    await once(socket, 'open');
    const client = new SpdyPortForward(createWebSocketStream(socket));
    const { data } = await client.open(80);
    data.write('x');
    expect(((await once(data, 'data')) as [Buffer])[0].toString()).toBe('80:X');
    client.close();
    await serving;
    await new Promise((resolve) => server.close(resolve));
  });

  it('carries a port over channels, which begin with its number', async () => {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    await once(server, 'listening');
    server.on('connection', (socket) => void shout(webSocketPortForwardCaller(socket, [80])));
    const socket = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const received: Buffer[] = [];
    socket.on('message', (message: Buffer) => received.push(message));
    await once(socket, 'open');
    socket.send(Buffer.concat([Buffer.from([0]), Buffer.from('abc')]));
    while (received.length < 3) await once(socket, 'message');
    expect(received.map((message) => [...message.subarray(0, 3)])).toEqual([[0, 80, 0], [1, 80, 0], [0, ...Buffer.from('80')]]);
    socket.terminate();
    await new Promise((resolve) => server.close(resolve));
  });
});

describe('the change to SPDY', () => {
  it('hands over the connection and the chosen protocol, or the server\'s words', async () => {
    const server = createHttpServer((_request, response) => { response.statusCode = 403; response.end('no such token'); });
    server.on('upgrade', (request, socket) => {
      if (request.url === '/exec/good') socket.end('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: v4.channel.k8s.io\r\n\r\nfirst');
      else socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 13\r\n\r\nno such token');
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/exec`;
    const { transport, protocol } = await upgradeToSpdy(`${url}/good`, ['v4.channel.k8s.io']);
    expect(protocol).toBe('v4.channel.k8s.io');
    expect(((await once(transport, 'data')) as [Buffer])[0].toString()).toBe('first');
    transport.destroy();
    await expect(upgradeToSpdy(`${url}/bad`, ['v4.channel.k8s.io'])).rejects.toThrow('refused (403): no such token');
    await new Promise((resolve) => server.close(resolve));
  });
});
