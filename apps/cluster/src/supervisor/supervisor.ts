/**
 * Keeps the cluster's processes running: starts each when what it needs is there, and starts it again when it ends, at
 * once the first time and then with back-off. Processes do not depend on it to live: their logs are files, and a
 * supervisor that starts anew takes over those it finds running.
 */
import { backoffDelayMs, sleep, type Clock, type Logger, type Random } from '@navarch/base';

import type { Endpoint, ProcessSpec, ProcessStatus } from './specs';

/** A running process and how to wait for its end. */
export interface RunningProcess {
  readonly pid: number;
  readonly startTicks: number;
  /** Resolves with how it ended; undefined where nobody saw. */
  readonly ended: Promise<string | undefined>;
  signal(signal: NodeJS.Signals): void;
}

/** What the supervisor needs of the machine. */
export interface Host {
  /** Throws where it cannot be started at all. */
  start(spec: ProcessSpec): RunningProcess;
  /** The process that an earlier supervisor noted, if it still runs. */
  adopt(status: ProcessStatus): RunningProcess | undefined;
  /** Resolves true as soon as the endpoint accepts connections, false after `timeoutMs` or when the signal aborts. */
  reachable(endpoint: Endpoint, timeoutMs: number, signal: AbortSignal): Promise<boolean>;
}

export interface SupervisorOptions {
  readonly specs: readonly ProcessSpec[];
  readonly host: Host;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** What an earlier supervisor knew. */
  readonly previous?: Readonly<Record<string, ProcessStatus>>;
  /** Called after every change with all that is known. */
  report(processes: Readonly<Record<string, ProcessStatus>>): void;
}

export interface Supervisor {
  /** Ends all processes, stage by stage: asks, and after `graceMs` insists. Resolves when all have ended. */
  close(graceMs: number): Promise<void>;
}

const startWaitMs = 10_000;
/** A process that ran this long has recovered: its next end is a first one again. */
const stableMs = 10_000;
const restartBackoff = { initialMs: 100, maxMs: 5_000, jitter: 0.2 };

export function runSupervisor(options: SupervisorOptions): Supervisor {
  const { specs, clock } = options;
  const stop = new AbortController();
  const statuses: Record<string, ProcessStatus> = {};
  const running = new Map<string, RunningProcess>();
  const loops = specs.map((spec) => ({ spec, ended: keepRunning(spec, options, {
    signal: stop.signal,
    onChange: (status, process) => {
      statuses[spec.name] = status;
      if (process) running.set(spec.name, process);
      else running.delete(spec.name);
      options.report({ ...statuses });
    },
  }) }));
  const endStage = async (stage: number, graceMs: number): Promise<void> => {
    const members = loops.filter(({ spec }) => spec.stage === stage);
    const signalAll = (signal: NodeJS.Signals): void => members.forEach(({ spec }) => running.get(spec.name)?.signal(signal));
    signalAll('SIGTERM');
    const cancel = clock.setTimer(graceMs, () => signalAll('SIGKILL'));
    await Promise.all(members.map(({ ended }) => ended));
    cancel();
  };
  return {
    close: async (graceMs) => {
      stop.abort();
      const stages = [...new Set(specs.map(({ stage }) => stage))].sort((a, b) => b - a);
      for (const stage of stages) await endStage(stage, graceMs);
    },
  };
}

interface Loop {
  readonly signal: AbortSignal;
  onChange(status: ProcessStatus, process?: RunningProcess): void;
}

async function keepRunning(spec: ProcessSpec, options: SupervisorOptions, loop: Loop): Promise<void> {
  const { clock, host, logger } = options;
  let status: ProcessStatus = options.previous?.[spec.name] ?? { pid: 0, startTicks: 0, restarts: 0, startedMs: 0, state: 'waiting' };
  let process = options.previous?.[spec.name] ? host.adopt(status) : undefined;
  let adopted = process !== undefined;
  if (!adopted) {
    const reached = await Promise.all(spec.after.map((endpoint) => host.reachable(endpoint, startWaitMs, loop.signal)));
    if (reached.includes(false)) logger.warn('starting without what it waits for', { process: spec.name, after: spec.after });
  }
  for (let failures = 0; !loop.signal.aborted;) {
    const startedAt = clock.monotonic();
    process ??= tryStart(spec, options);
    if (process) {
      status = { ...status, pid: process.pid, startTicks: process.startTicks, startedMs: adopted ? status.startedMs : clock.now(), state: 'running' };
      adopted = false;
      loop.onChange(status, process);
    }
    const lastEnd = process ? await process.ended : 'could not be started';
    process = undefined;
    status = { ...status, lastEnd, state: 'ended' };
    loop.onChange(status);
    if (loop.signal.aborted) return;
    failures = clock.monotonic() - startedAt >= stableMs ? 0 : failures + 1;
    const delayMs = failures <= 1 ? 0 : backoffDelayMs(failures - 1, restartBackoff, options.random);
    logger.warn('process ended', { process: spec.name, how: lastEnd, restartInMs: delayMs });
    await sleep(clock, delayMs, loop.signal).catch(() => undefined); // Told to stop: the loop ends by itself.
    status = { ...status, restarts: status.restarts + 1 };
  }
}

function tryStart(spec: ProcessSpec, { host, logger }: SupervisorOptions): RunningProcess | undefined {
  try {
    return host.start(spec);
  } catch (error) {
    logger.error('process cannot be started', { process: spec.name, error });
    return undefined;
  }
}
