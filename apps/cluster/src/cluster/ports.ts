import { createServer, type ListenOptions, type Server } from 'node:net';

/**
 * The preferred port where it is free on loopback, else one that is. It is promised to this process, among all that ask here,
 * until the process ends: two clusters that start at the same moment get different ports.
 */
export async function freePort(preferred: number): Promise<number> {
  if (await claim(preferred)) return preferred;
  for (let left = 20; left > 0; left -= 1) {
    const port = await tryListen(0);
    if (port !== undefined && (await claim(port))) return port;
  }
  throw new Error('no port is free on 127.0.0.1');
}

async function claim(port: number): Promise<boolean> {
  // An abstract socket is a lock that the kernel lets go of with its process, however that ends.
  const lock = await listen({ path: `\0navarch-port-${port}` });
  if (!lock) return false;
  lock.unref();
  if ((await tryListen(port)) !== undefined) return true;
  lock.close();
  return false;
}

async function tryListen(port: number): Promise<number | undefined> {
  const server = await listen({ port, host: '127.0.0.1' });
  if (!server) return undefined;
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address ? address.port : undefined;
}

function listen(options: ListenOptions): Promise<Server | undefined> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(undefined));
    server.listen(options, () => resolve(server));
  });
}
