/**
 * What tracing costs: `npx tsx tools/bench/tracing.ts [--short]`. Apiservers, each in a process of its own with the log in memory,
 * differ only in telemetry; this process creates pods through gRPC and TLS on each in turn. The target: with the default
 * sampling at most 3 % below the one without tracing.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { silentLogger, systemClock } from '@navarch/base';
import { PodServiceService as podService } from '@navarch/proto/navarch/core/v1/pod_service';
import { connectGrpc, startTelemetry, type GrpcChannel, type TlsMaterial } from '@navarch/service';

import { createApiBed } from '../../apps/apiserver/src/testing/api-bed';
import { measureInTurns, median, printResults } from './lib/rounds';

const short = process.argv.includes('--short');
const rounds = short ? 5 : 15;
const creates = short ? 1_000 : 3_000;
const inFlight = 32;
const modes = ['off', 'rate:100', 'always', 'async'] as const;

interface Address {
  readonly address: string;
  readonly tls: TlsMaterial;
}

/** The other process: an apiserver with telemetry as told, until its parent goes. */
async function serve(mode: string, directory: string): Promise<void> {
  if (mode !== 'off') await startTelemetry({ serviceName: 'navarch-apiserver', spansFile: join(directory, `${mode}.jsonl`), sampler: mode === 'async' ? 'rate:100' : mode, contextPropagation: mode === 'async' ? 'async' : 'explicit', env: {}, logger: silentLogger });
  const bed = await createApiBed();
  const told: Address = { address: bed.address, tls: await bed.certificate('kubernetes-admin', ['system:masters']) };
  writeFileSync(join(directory, `${mode}.address`), JSON.stringify(told), { mode: 0o600 });
  process.send?.('ready');
  // Asked for its CPU time so far, in microseconds: what it costs whatever else the machine does meanwhile.
  process.on('message', () => {
    const { user, system } = process.cpuUsage();
    process.send?.(user + system);
  });
  process.on('disconnect', () => process.exit(0));
}

interface BenchServer {
  readonly child: ChildProcess;
  readonly channel: GrpcChannel;
}

async function start(mode: string, directory: string): Promise<BenchServer> {
  const child = spawn(process.execPath, ['--import', 'tsx', __filename, '--serve', mode, directory], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  await new Promise<void>((resolve, reject) => {
    child.once('message', () => resolve());
    child.once('exit', (code) => reject(new Error(`the apiserver (${mode}) ended with ${code}`)));
  });
  const { address, tls } = JSON.parse(readFileSync(join(directory, `${mode}.address`), 'utf8')) as Address;
  return { child, channel: connectGrpc({ target: address, tls }) };
}

let next = 0;

function cpuMicros(child: ChildProcess): Promise<number> {
  return new Promise((resolve) => {
    child.once('message', (micros) => resolve(Number(micros)));
    child.send('cpu');
  });
}

/** Creates per second; the server's CPU time per create goes to `costs`. */
async function createRate({ child, channel }: BenchServer, costs: number[]): Promise<number> {
  const before = await cpuMicros(child);
  const startMs = systemClock.monotonic();
  let left = creates;
  await Promise.all(Array.from({ length: inFlight }, async () => {
    while (left-- > 0) {
      const object = { metadata: { name: `pod-${next++}` }, spec: { containers: [{ name: 'main', image: 'registry.example/app:1', command: ['/bin/app'], env: [{ name: 'MODE', value: 'bench' }] }] } };
      await channel.unary(podService.create, { namespace: 'default', object });
    }
  }));
  const elapsedMs = systemClock.monotonic() - startMs;
  costs.push((await cpuMicros(child) - before) / creates);
  return creates / (elapsedMs / 1_000);
}

async function main(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'nv-bench-'));
  const servers: BenchServer[] = [];
  try {
    for (const mode of modes) servers.push(await start(mode, directory));
    const names: Record<(typeof modes)[number], string> = { off: 'without tracing', 'rate:100': 'default (rate:100)', always: 'every trace recorded', async: 'default, contexts follow async calls' };
    const costs = modes.map((): number[] => []);
    const candidates = modes.map((mode, index) => ({ name: names[mode], measure: () => createRate(servers[index] as BenchServer, costs[index] ?? []) }));
    printResults('pod creates through gRPC and TLS, log in memory', 'creates/s', await measureInTurns(candidates, rounds));
    // The first value of each is the warm-up.
    const perCreate = costs.map((values) => values.slice(1));
    printResults('CPU time of the apiserver per create', 'µs', modes.map((mode, index) => {
      const values = perCreate[index] ?? [];
      return { name: names[mode], values, median: median(values), ratio: median(values.map((value, round) => value / (perCreate[0]?.[round] ?? NaN))) };
    }));
  } finally {
    for (const { child, channel } of servers) {
      channel.close();
      child.removeAllListeners('exit');
      child.disconnect();
    }
    rmSync(directory, { recursive: true, force: true });
  }
}

const serving = process.argv.indexOf('--serve');
void (serving > 0 ? serve(process.argv[serving + 1] ?? 'off', process.argv[serving + 2] ?? '.') : main()).catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
