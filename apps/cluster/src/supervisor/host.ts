import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, statSync, copyFileSync, truncateSync } from 'node:fs';
import { connect } from 'node:net';

import type { Clock } from '@navarch/base';

import { identify, isRunning, signalProcess, type ProcessIdentity } from '../host/proc';
import type { Endpoint, ProcessSpec } from './specs';
import type { Host, RunningProcess } from './supervisor';

const adoptedPollMs = 200;
const endpointPollMs = 15;

/** The machine itself. */
export function machineHost(clock: Clock): Host {
  return {
    start: startProcess,
    adopt: (status) => (isRunning(status) ? adoptProcess(status, clock) : undefined),
    reachable: (endpoint, timeoutMs, signal) => waitReachable(endpoint, clock, timeoutMs, signal),
  };
}

/** Detached and with its log as a file: it outlives a supervisor that is killed. */
function startProcess(spec: ProcessSpec): RunningProcess {
  const [file = '', ...args] = spec.command;
  const log = openSync(spec.log, 'a', 0o600);
  try {
    const child = spawn(file, args, { env: { ...process.env, ...spec.env }, stdio: ['ignore', log, log], detached: true, cwd: '/' });
    const ended = new Promise<string>((resolve) => {
      child.once('error', (error) => resolve(error.message));
      child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
    });
    if (child.pid === undefined) return { pid: 0, startTicks: 0, ended, signal: () => undefined };
    const identity = identify(child.pid) ?? { pid: child.pid, startTicks: 0 };
    // child.kill knows whether the child was reaped, so that its pid cannot be another's yet.
    return { ...identity, ended, signal: (signal) => void child.kill(signal) };
  } finally {
    closeSync(log);
  }
}

/** The end of another's child can only be found by looking. */
function adoptProcess({ pid, startTicks }: ProcessIdentity, clock: Clock): RunningProcess {
  const identity = { pid, startTicks };
  const ended = new Promise<undefined>((resolve) => {
    const look = (): void => {
      if (isRunning(identity)) clock.setTimer(adoptedPollMs, look);
      else resolve(undefined);
    };
    look();
  });
  return { ...identity, ended, signal: (signal) => signalProcess(identity, signal) };
}

async function waitReachable(endpoint: Endpoint, clock: Clock, timeoutMs: number, signal: AbortSignal): Promise<boolean> {
  const deadline = clock.monotonic() + timeoutMs;
  while (!signal.aborted && clock.monotonic() < deadline) {
    if (await canConnect(endpoint)) return true;
    await new Promise<void>((resolve) => void clock.setTimer(endpointPollMs, resolve));
  }
  return false;
}

/** Whether something accepts connections there now. */
export function canConnect(endpoint: Endpoint): Promise<boolean> {
  if (endpoint.startsWith('/') && !existsSync(endpoint)) return Promise.resolve(false);
  const [host, port] = endpoint.split(':');
  return new Promise((resolve) => {
    const socket = endpoint.startsWith('/') ? connect(endpoint) : connect(Number(port), host);
    const answer = (reached: boolean) => (): void => {
      socket.destroy();
      resolve(reached);
    };
    socket.once('connect', answer(true)).once('error', answer(false));
  });
}

/** Copies a log that has grown beyond `maxBytes` to <log>.1 and empties it; its writer appends, so it goes on at the start. */
export function rotateLog(path: string, maxBytes: number): void {
  if (!existsSync(path) || statSync(path).size <= maxBytes) return;
  copyFileSync(path, `${path}.1`);
  truncateSync(path);
}
