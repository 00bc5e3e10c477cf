import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, type AddressInfo } from 'node:net';

import { send } from './exchange';

describe('sending an answer', () => {
  it('to a client that does not read ends when its watch is cut off', async () => {
    const cutOff = new AbortController();
    let written = 0;
    async function* endless(): AsyncGenerator<Buffer> {
      for (;;) {
        written += 1;
        yield Buffer.alloc(64 * 1024);
      }
    }
    let finished: Promise<void> | undefined;
    const server = createServer((request, response) => {
      finished = send({ status: 200, headers: {}, body: endless(), cutOff: cutOff.signal }, request, response, new AbortController().signal).catch(() => undefined);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
    client.on('error', () => undefined);
    client.pause();
    client.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await once(server, 'request');
    // The writer stands still once the sockets between them are full.
    for (let before = -1; before !== written; await new Promise((resolve) => setTimeout(resolve, 50))) before = written;
    cutOff.abort();
    await finished;
    client.destroy();
    await new Promise((resolve) => server.close(resolve));
    expect(written).toBeGreaterThan(0);
  });
});
