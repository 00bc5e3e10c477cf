/**
 * A local cluster as a person meets it: time from the command to two Ready nodes (everything built and installed), and the memory of
 * each process (PSS) when it has come to rest. `npx tsx tools/bench/cluster.ts [--short]`; as root.
 */
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { sleep, systemClock } from '@navarch/base';

import { placesOf, repositoryRoot } from '../../apps/cluster/src/cluster/places';
import { readJson } from '../../apps/cluster/src/cluster/state';
import { run } from '../../apps/cluster/src/host/exec';
import type { SupervisorStatus } from '../../apps/cluster/src/supervisor/specs';
import { median, table } from './lib/rounds';

const short = process.argv.includes('--short');
const rounds = short ? 1 : 3;
/** Long enough for the first heartbeats and garbage collections. */
const restMs = short ? 5_000 : 15_000;
const cluster = 'bench';

async function navarch(home: string, ...args: readonly string[]): Promise<void> {
  await run([process.execPath, join(repositoryRoot(), 'bin', 'navarch'), ...args, '--name', cluster], { env: { ...process.env, NAVARCH_HOME: home } });
}

/** Proportional set size in MiB, and how much of it nobody shares. */
function memoryOf(pid: number): { pss: number; own: number } {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const field = (name: RegExp): number => [...rollup.matchAll(name)].reduce((sum, match) => sum + Number(match[1]), 0) / 1024;
  return { pss: field(/^Pss: +(\d+) kB/gm), own: field(/^Private_(?:Clean|Dirty): +(\d+) kB/gm) };
}

function supervisorPid(command: string): number | undefined {
  return readdirSync('/proc').map(Number).find((pid) => {
    try { return pid > 0 && readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').includes(command); } catch { return false; }
  });
}

async function measure(home: string): Promise<{ upMs: number; memory: Map<string, { pss: number; own: number }> }> {
  const startMs = systemClock.monotonic();
  await navarch(home, 'up', '--nodes', '2');
  const upMs = systemClock.monotonic() - startMs;
  await sleep(systemClock, restMs);
  const status = readJson<SupervisorStatus>(placesOf(home, cluster).supervisorFile);
  const pids = Object.entries(status?.processes ?? {}).map(([name, { pid }]): [string, number] => [name, pid]);
  const supervisor = supervisorPid(`supervise --name ${cluster}`);
  if (supervisor) pids.push(['supervisor', supervisor]);
  return { upMs, memory: new Map(pids.map(([name, pid]) => [name, memoryOf(pid)])) };
}

async function main(): Promise<void> {
  const home = mkdtempSync(join(tmpdir(), 'navarch-bench-'));
  const ups: number[] = [];
  const memories: Map<string, { pss: number; own: number }>[] = [];
  try {
    for (let round = 0; round < rounds; round++) {
      const { upMs, memory } = await measure(home);
      ups.push(upMs);
      memories.push(memory);
      await navarch(home, 'down');
    }
  } finally {
    await navarch(home, 'down');
    rmSync(home, { recursive: true, force: true });
  }
  const names = [...(memories[0]?.keys() ?? [])];
  const middle = (name: string, key: 'pss' | 'own'): number => median(memories.map((memory) => memory.get(name)?.[key] ?? NaN));
  const of = (wanted: (name: string) => boolean): number => names.filter(wanted).reduce((sum, name) => sum + middle(name, 'pss'), 0);
  console.log(`cold start of two nodes: median ${(median(ups) / 1000).toFixed(1)} s (${ups.map((ms) => (ms / 1000).toFixed(1)).join(', ')})\n`);
  console.log(table(['idle memory', 'PSS MiB', 'own MiB'], names.map((name) => [name, middle(name, 'pss').toFixed(0), middle(name, 'own').toFixed(0)])));
  const targeted = of((name) => !name.startsWith('node-2') && name !== 'supervisor');
  console.log(`\ncontrol plane and one node's agents: ${targeted.toFixed(0)} MiB; with the second node and the supervisor: ${of(() => true).toFixed(0)} MiB`);
  console.log(JSON.stringify({ title: 'cluster', upMs: ups, pssMiB: Object.fromEntries(names.map((name) => [name, middle(name, 'pss')])), targetedPssMiB: targeted }));
}

void main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
