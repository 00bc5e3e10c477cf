import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { leases, nodes } from '@navarch/api';
import { systemClock } from '@navarch/base';
import type { ApiClient } from '@navarch/client';
import { connectGrpc, grpcApiClient, type GrpcChannel } from '@navarch/service';
import { startNatsServer, type NatsServer } from '@navarch/store-nats/testing';

const root = join(__dirname, '..', '..');
const services = ['apiserver', 'scheduler', 'controllers'];

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Tries until it works; the test's own time limit ends it. */
async function until<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch {
      await new Promise((resolve) => { systemClock.setTimer(200, () => resolve(undefined)); });
    }
  }
}

function living(pids: readonly number[]): number[] {
  return pids.filter((pid) => {
    try { return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8')); } catch { return false; }
  });
}

function descendants(pid: number): number[] {
  let children: number[] = [];
  try { children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number); } catch { return []; }
  return [...children, ...children.flatMap(descendants)];
}

describe('nx run-many -t serve', () => {
  const home = mkdtempSync(join(tmpdir(), 'navarch-serve-'));
  let nats: NatsServer;
  let serving: ChildProcess;
    let channel: GrpcChannel;
  let client: ApiClient;

  beforeAll(async () => {
    nats = await startNatsServer();
    const port = await freePort();
    serving = spawn('npx', ['nx', 'run-many', '-t', 'serve', '-p', ...services, '--outputStyle=stream'], {
      cwd: root, detached: true, stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env, NAVARCH_HOME: home, NAVARCH_NATS: `127.0.0.1:${nats.port}`, NX_DAEMON: 'false', NX_TUI: 'false', NAVARCH_APISERVER: `127.0.0.1:${port}`,
        NAVARCH_LOG_FORMAT: 'json',
      },
    });
    // Read, so that a full pipe stops nobody.
    for (const stream of [serving.stdout, serving.stderr]) stream?.resume();
    const read = (name: string): string => readFileSync(join(home, 'serve', name), 'utf8');
    const tls = await until(() => Promise.resolve({ ca: read('ca.crt'), certificate: read('admin.crt'), key: read('admin.key') }));
    channel = connectGrpc({ target: `127.0.0.1:${port}`, tls, clock: systemClock });
    client = grpcApiClient(channel);
    await until(() => client.resource(nodes).list());
  }, 120_000);

  afterAll(async () => {
    channel?.close();
    await nats?.stop();
    rmSync(home, { recursive: true, force: true });
  }, 30_000);

  it('starts each service as a process of its own, and they work together', async () => {
    const holders = await until(async () => {
      const found = (await client.resource(leases).list({ namespace: 'kube-system' })).items.map(({ metadata, spec }) => [metadata?.name, spec?.holderIdentity]);
      if (!['kube-scheduler', 'kube-controller-manager'].every((name) => found.some(([lease, holder]) => lease === name && holder))) throw new Error('not yet');
      return found;
    });
    expect(holders.length).toBeGreaterThanOrEqual(2);
    await client.resource(nodes).create({ metadata: { name: 'n' } });
    const podCidr = await until(async () => {
      const { spec } = await client.resource(nodes).get('', 'n');
      if (!spec?.podCIDR) throw new Error('not yet');
      return spec.podCIDR;
    });
    expect(podCidr).toBe('10.244.0.0/24');
    const commands = descendants(serving.pid as number).map((pid) => { try { return readFileSync(`/proc/${pid}/cmdline`, 'utf8'); } catch { return ''; } });
    for (const app of services) expect(commands.filter((command) => command.includes(`dist/apps/${app}/main.js`) && !command.includes('serve.ts'))).toHaveLength(1);
  }, 90_000);

  it('stops them all at Ctrl-C', async () => {
    const pids = descendants(serving.pid as number);
    expect(pids.length).toBeGreaterThanOrEqual(services.length);
    const ended = new Promise((resolve) => serving.on('exit', resolve));
    // What a terminal does: the signal goes to the whole foreground group.
    process.kill(-(serving.pid as number), 'SIGINT');
    await ended;
    await until(() => (living(pids).length === 0 ? Promise.resolve() : Promise.reject(new Error('not yet'))));
    expect(living(pids)).toEqual([]);
  }, 60_000);
});
