/** Replays one seed with everybody's log lines: `npx tsx tools/sim/replay.ts [workloads:[TOPIC,…:]]SEED [LEVEL]` (debug, info, warn, error). */
import type { LogFields, Logger } from '@navarch/base';

import { runScenario, standardScenario } from './scenario';
import type { SimulatedCluster } from './simulated-cluster';
import { runWorkloads, standardWorkloads } from './workloads/run';

const levels = ['debug', 'info', 'warn', 'error'] as const;

function consoleLogger(least: number, nowMs: () => number, fields: LogFields = {}): Logger {
  const at = (level: number) => (message: string, more: LogFields = {}): void => {
    if (level < least) return;
    const text = Object.entries({ ...fields, ...more }).map(([key, value]) => `${key}=${value instanceof Error ? value.message : JSON.stringify(value)}`).join(' ');
    console.log(`${String(nowMs()).padStart(8)} ${levels[level]} ${message} ${text}`);
  };
  return { debug: at(0), info: at(1), warn: at(2), error: at(3), child: (more) => consoleLogger(least, nowMs, { ...fields, ...more }) };
}

async function main(which: string, level: string): Promise<void> {
  const [seed = '1', topics, kind] = which.split(':').reverse();
  let nowMs = (): number => 0;
  const logger = consoleLogger(Math.max(0, levels.findIndex((name) => name === level)), () => nowMs());
  const history: string[] = [];
  const common = { seed: Number(seed), logger, history, onCluster: (cluster: SimulatedCluster) => { nowMs = () => cluster.clock.monotonic(); } };
  try {
    if (topics !== undefined) {
      const chosen = kind !== undefined && { topics: topics.split(',') };
      const { violation, writes } = await runWorkloads({ ...standardWorkloads, ...common, ...chosen });
      console.log(`${writes} writes: ${violation ?? 'all is well'}`);
      return;
    }
    const { pods } = await runScenario({ ...standardScenario, ...common });
    for (const { metadata, spec, status } of pods) console.log(`${metadata?.name} ${spec?.nodeName} ${status?.phase} ${status?.podIP}`);
  } finally {
    for (const line of history) console.log(line);
  }
}

void main(process.argv[2] ?? '1', process.argv[3] ?? 'warn').catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
