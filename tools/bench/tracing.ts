/**
 * What tracing costs: `npx tsx tools/bench/tracing.ts [--short]`. Three apiservers, each in a process of its own with the log in memory,
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
import { measureInTurns, printResults } from './lib/rounds';

const short = process.argv.includes('--short');
const rounds = short ? 5 : 15;
const creates = short ? 1_000 : 3_000;
const inFlight = 32;
const modes = ['off', 'rate:100', 'always'] as const;

interface Address {
  readonly address: string;
  readonly tls: TlsMaterial;
}

/** The other process: an apiserver with telemetry as told, until its parent goes. */
async function serve(mode: string, directory: string): Promise<void> {
  if (mode !== 'off') await startTelemetry({ serviceName: 'navarch-apiserver', spansFile: join(directory, `${mode}.jsonl`), sampler: mode, env: {}, logger: silentLogger });
  const bed = await createApiBed();
  const told: Address = { address: bed.address, tls: await bed.certificate('kubernetes-admin', ['system:masters']) };
  writeFileSync(join(directory, `${mode}.address`), JSON.stringify(told), { mode: 0o600 });
  process.send?.('ready');
  process.on('disconnect', () => process.exit(0));
}

async function start(mode: string, directory: string): Promise<{ readonly child: ChildProcess; readonly channel: GrpcChannel }> {
  const child = spawn(process.execPath, ['--import', 'tsx', __filename, '--serve', mode, directory], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  await new Promise<void>((resolve, reject) => {
    child.once('message', () => resolve());
    child.once('exit', (code) => reject(new Error(`the apiserver (${mode}) ended with ${code}`)));
  });
  const { address, tls } = JSON.parse(readFileSync(join(directory, `${mode}.address`), 'utf8')) as Address;
  return { child, channel: connectGrpc({ target: address, tls }) };
}

let next = 0;

/** Creates per second. */
async function createRate(channel: GrpcChannel): Promise<number> {
  const startMs = systemClock.monotonic();
  let left = creates;
  await Promise.all(Array.from({ length: inFlight }, async () => {
    while (left-- > 0) {
      const object = { metadata: { name: `pod-${next++}` }, spec: { containers: [{ name: 'main', image: 'registry.example/app:1', command: ['/bin/app'], env: [{ name: 'MODE', value: 'bench' }] }] } };
      await channel.unary(podService.create, { namespace: 'default', object });
    }
  }));
  return creates / ((systemClock.monotonic() - startMs) / 1_000);
}

async function main(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'nv-bench-'));
  const servers: Awaited<ReturnType<typeof start>>[] = [];
  try {
    for (const mode of modes) servers.push(await start(mode, directory));
    const names: Record<(typeof modes)[number], string> = { off: 'without tracing', 'rate:100': 'default (rate:100)', always: 'every trace recorded' };
    const candidates = modes.map((mode, index) => ({ name: names[mode], measure: () => createRate((servers[index] as (typeof servers)[number]).channel) }));
    printResults('pod creates through gRPC and TLS, log in memory', 'creates/s', await measureInTurns(candidates, rounds));
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
