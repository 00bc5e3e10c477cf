import { createServer, type AddressInfo } from 'node:net';

import { freePort } from './ports';

describe('a free port', () => {
  it('is another for each of many that ask at the same time, though all prefer the same', async () => {
    const ports = await Promise.all(Array.from({ length: 8 }, () => freePort(26_443)));
    expect(new Set(ports).size).toBe(8);
  });

  it('is the preferred one only where nobody listens on it', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    expect(await freePort(port)).not.toBe(port);
    await new Promise((resolve) => server.close(resolve));
    expect(await freePort(port)).toBe(port);
  });
});
