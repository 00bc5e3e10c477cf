/** One stretch of work and what it took of this process. */
import { systemClock } from '@navarch/base';

export interface Phase {
  readonly name: string;
  /** 0 where nothing is counted. */
  readonly count: number;
  readonly seconds: number;
  readonly cpuSeconds: number;
  /** Resident after it. */
  readonly residentMiB: number;
}

export async function measured(name: string, count: number, work: () => Promise<void>): Promise<Phase> {
  const [beganMs, cpu] = [systemClock.monotonic(), process.cpuUsage()];
  await work();
  const { user, system } = process.cpuUsage(cpu);
  return { name, count, seconds: (systemClock.monotonic() - beganMs) / 1_000, cpuSeconds: (user + system) / 1e6, residentMiB: process.memoryUsage.rss() / 1024 ** 2 };
}

export function markdown(phases: readonly Phase[]): string {
  const rate = (count: number, seconds: number): string => (count === 0 ? '–' : (count / seconds).toFixed(0));
  const rows = phases.map(({ name, count, seconds, cpuSeconds, residentMiB }) =>
    `| ${name} | ${seconds.toFixed(2)} | ${rate(count, seconds)} | ${cpuSeconds.toFixed(2)} | ${rate(count, cpuSeconds)} | ${residentMiB.toFixed(0)} |`);
  return ['| what | s | per s | CPU s | per CPU s | resident MiB |', '| --- | ---: | ---: | ---: | ---: | ---: |', ...rows].join('\n');
}

export function option(name: string, otherwise: number): number {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? otherwise : Number(process.argv[at + 1]);
}
