import { cpSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import type { SupervisorStatus } from '../supervisor/specs';
import type { Places } from './places';
import { readJson } from './state';

const tailLines = 15;
/** A process that ended this often while the cluster starts will not make it. */
const hopelessRestarts = 6;

/** A start that failed because of one process. */
export class ProcessFailure extends Error {
  constructor(readonly process: string, how: string) {
    super(`${process} ${how}`);
    this.name = 'ProcessFailure';
  }
}

/** Throws where a process ends again and again. */
export function checkProcesses(places: Places): void {
  const processes = readJson<SupervisorStatus>(places.supervisorFile)?.processes ?? {};
  for (const [name, { restarts, lastEnd }] of Object.entries(processes)) {
    if (restarts >= hopelessRestarts) throw new ProcessFailure(name, `ended ${restarts} times (last: ${lastEnd ?? 'unknown'})`);
  }
}

/** What failed, the last lines of its log, and where all logs are: those outlive the removal of the rest. */
export function describeFailure(places: Places, error: Error): string {
  if (!existsSync(places.logs)) return error.message;
  rmSync(places.failedLogs, { recursive: true, force: true });
  cpSync(places.logs, places.failedLogs, { recursive: true });
  const process = error instanceof ProcessFailure ? error.process : undefined;
  const log = process && join(places.failedLogs, `${process}.log`);
  const shown = log ? [`The last lines of ${log}:`, ...lastLines(log).map((line) => `  ${line}`)] : [];
  return [error.message, ...shown, `All logs of this start are in ${places.failedLogs}`].join('\n');
}

function lastLines(file: string): string[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-tailLines).filter((line) => line !== '').map((line) => line.slice(0, 400));
}
