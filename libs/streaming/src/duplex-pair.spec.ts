import { once } from 'node:events';
import { createServer, request } from 'node:http';
import type { Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';

import { duplexPair } from './duplex-pair';

describe('two ends of a connection', () => {
  it('carry an HTTP exchange, far larger than what may wait', async () => {
    const server = createServer(async (incoming, response) => response.end(`${incoming.url} ${(await text(incoming)).length}`.padEnd(300_000, '.')));
    const [near, far] = duplexPair();
    server.emit('connection', far);
    const asked = request({ path: '/x', method: 'POST', createConnection: () => near });
    asked.end('y'.repeat(500_000));
    const [response] = (await once(asked, 'response')) as [AsyncIterable<Buffer>];
    const body = await text(response);
    expect([body.length, body.slice(0, 9)]).toEqual([300_000, '/x 500000']);
  });

  it('go together: an end that is destroyed takes the other along', async () => {
    const [near, far] = duplexPair();
    near.destroy();
    await once(far, 'close');
    expect(far.destroyed).toBe(true);
  });

  it('half-close: one way may end while the other goes on', async () => {
    const [near, far] = duplexPair();
    const heard = async (end: Duplex): Promise<string> => {
      let said = '';
      end.on('data', (data: Buffer) => { said += data.toString(); });
      await once(end, 'end');
      return said;
    };
    near.end('question');
    expect(await heard(far)).toBe('question');
    far.end('answer');
    expect(await heard(near)).toBe('answer');
  });
});
