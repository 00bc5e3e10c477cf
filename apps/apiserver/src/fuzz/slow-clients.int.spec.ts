import { once } from 'node:events';
import { connect, type TLSSocket } from 'node:tls';
import { constants, connect as connectHttp2 } from 'node:http2';

import { openTwoDoors, type TwoDoors } from './two-doors';

describe('slow and broken clients of the REST door', () => {
  let doors: TwoDoors;
  beforeAll(async () => { doors = await openTwoDoors({ rest: { bodyTimeoutMs: 300 } }); });
  afterAll(() => doors.close());
  afterEach(async () => { expect((await doors.ask('/api/v1/namespaces/default/configmaps')).status).toBe(200); });

  async function socket(): Promise<TLSSocket> {
    const made = connect({ ...doors.rest, servername: 'localhost', ALPNProtocols: ['http/1.1'] });
    made.on('error', () => undefined);
    await once(made, 'secureConnect');
    return made;
  }

  async function exchange(text: string): Promise<string> {
    const raw = await socket();
    const parts: Buffer[] = [];
    raw.on('data', (part: Buffer) => parts.push(part));
    raw.write(text);
    await once(raw, 'data');
    raw.destroy();
    return Buffer.concat(parts).toString();
  }

  it('gives up a body that comes one byte at a time', async () => {
    const answer = await exchange(`POST /api/v1/namespaces/default/configmaps HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${doors.token}\r\nContent-Length: 1000\r\n\r\n{`);
    expect(answer).toMatch(/^HTTP\/1\.1 504 [\s\S]*did not arrive within 300 ms/);
  });

  it.each([
    ['two different lengths', 'Content-Length: 5\r\nContent-Length: 6\r\n'], ['a length and chunks', 'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n'],
    ['a length that is no number', 'Content-Length: +5\r\n'], ['a header with a blank before the colon', 'Content-Length : 5\r\n'],
  ])('refuses a request that could be read in two ways: %s', async (_what, headers) => {
    expect(await exchange(`POST /api/v1/namespaces/default/configmaps HTTP/1.1\r\nHost: x\r\n${headers}\r\nhello`)).toMatch(/^HTTP\/1\.1 400/);
  });

  it('refuses a URL or headers beyond their limit with 431 or 414', async () => {
    expect(await exchange(`GET /${'a'.repeat(2_000_000)} HTTP/1.1\r\nHost: x\r\n\r\n`)).toMatch(/^HTTP\/1\.1 (431|414)/);
    expect(await exchange(`GET / HTTP/1.1\r\nHost: x\r\nX: ${'a'.repeat(2_000_000)}\r\n\r\n`)).toMatch(/^HTTP\/1\.1 431/);
  });

  it('survives an HTTP/2 client that opens and resets streams as fast as it can', async () => {
    const session = connectHttp2(`https://${doors.rest.host}:${doors.rest.port}`, { ca: doors.rest.ca, servername: 'localhost' });
    session.on('error', () => undefined);
    await once(session, 'connect');
    for (let count = 0; count < 5_000 && !session.destroyed; count++) {
      const stream = session.request({ ':path': '/api/v1/namespaces/default/configmaps', authorization: `Bearer ${doors.token}` });
      stream.on('error', () => undefined);
      stream.close(constants.NGHTTP2_CANCEL);
    }
    session.destroy();
  });
});
