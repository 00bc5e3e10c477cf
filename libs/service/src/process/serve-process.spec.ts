import { silentLogger, VirtualClock } from '@navarch/base';

import type { Served } from './serve-process';
import { serveProcess, type ProcessContext, type ProcessHost } from './serve-process';

interface TestProcess {
  readonly clock: VirtualClock;
  readonly exits: number[];
  readonly log: string[];
  emit(event: string, value?: unknown): void;
  readonly over: Promise<void>;
  context(): ProcessContext;
}

const config = {
  logLevel: 'info', logFormat: 'json', otlpEndpoint: undefined, spansFile: undefined, traceSampler: undefined, healthListen: undefined, drainTimeout: 10_000,
} as const;
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function start(run: (context: ProcessContext) => Promise<Served>): TestProcess {
  const listeners = new Map<string, (value?: unknown) => void>();
  const exits: number[] = [];
  const log: string[] = [];
  const say = (message: string): void => void log.push(message);
  const host: ProcessHost = { env: {}, exit: (code) => void exits.push(code), on: (event, listener) => listeners.set(event, listener as (value?: unknown) => void) };
  const clock = new VirtualClock(0, settle);
  let seen: ProcessContext | undefined;
  const over = serveProcess({
    name: 'navarch-test', config, host, clock, logger: { ...silentLogger, info: say, warn: say, error: say },
    run: (context) => {
      seen = context;
      return run(context);
    },
  });
  return {
    clock, exits, log, over, emit: (event, value) => listeners.get(event)?.(value),
    context: () => {
      if (!seen) throw new Error('not run yet');
      return seen;
    },
  };
}

const idle = (close: () => Promise<void> = () => Promise.resolve()): Promise<Served> => Promise.resolve({ close });

describe('a process', () => {
  it('is ready once it runs, drains at SIGTERM and exits with 0', async () => {
    const closed: string[] = [];
    const subject = start(() => idle(() => {
      closed.push('closed');
      return Promise.resolve();
    }));
    await settle();
    expect(subject.context().health.ready).toBe(true);
    subject.emit('SIGTERM');
    expect(subject.context().health.ready).toBe(false);
    expect(subject.context().signal.aborted).toBe(true);
    await subject.over;
    expect([closed, subject.exits]).toEqual([['closed'], [0]]);
  });

  it('that cannot start says why and exits with 1', async () => {
    const subject = start(() => Promise.reject(new Error('no store')));
    await subject.over;
    expect([subject.exits, subject.log]).toEqual([[1], expect.arrayContaining(['could not start'])]);
  });

  it('that does not drain in time exits with 1 after the drain time', async () => {
    const subject = start(() => idle(() => new Promise(() => undefined)));
    await settle();
    subject.emit('SIGTERM');
    await subject.clock.advance(9_999);
    expect(subject.exits).toEqual([]);
    await subject.clock.advance(1);
    await subject.over;
    expect([subject.exits, subject.log]).toEqual([[1], expect.arrayContaining(['work under way did not end in time'])]);
  });

  it('that fails to close exits with 1', async () => {
    const subject = start(() => idle(() => Promise.reject(new Error('stuck'))));
    await settle();
    subject.emit('SIGTERM');
    await subject.over;
    expect(subject.exits).toEqual([1]);
  });

  it.each([['SIGTERM', 143], ['SIGINT', 130]])('told %s twice ends at once with %d', async (signal, code) => {
    const subject = start(() => idle(() => new Promise(() => undefined)));
    await settle();
    subject.emit(signal);
    subject.emit(signal);
    expect(subject.exits).toEqual([code]);
  });

  it.each(['uncaughtException', 'unhandledRejection'])('with an %s logs it and exits with 1', async (event) => {
    const subject = start(() => idle());
    await settle();
    subject.emit(event, new Error('boom'));
    await settle();
    expect([subject.exits, subject.log.some((line) => line.startsWith('un'))]).toEqual([[1], true]);
  });

  it('whose work ends by itself drains: with 0 where it ended well, with 1 where it failed', async () => {
    for (const [done, code] of [[Promise.resolve(), 0], [Promise.reject(new Error('lost')), 1]] as const) {
      const subject = start(() => Promise.resolve({ close: () => Promise.resolve(), done }));
      await subject.over;
      expect(subject.exits).toEqual([code]);
    }
  });

  it('told to stop while it is starting hands the signal to the start, and exits with 0', async () => {
    const subject = start(({ signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))));
    await settle();
    subject.emit('SIGTERM');
    await subject.over;
    expect(subject.exits).toEqual([0]);
  });

  it('whose start does not notice the signal is given the drain time', async () => {
    const subject = start(() => new Promise(() => undefined));
    await settle();
    subject.emit('SIGTERM');
    await subject.clock.advance(10_000);
    await subject.over;
    expect(subject.exits).toHaveLength(1);
  });
});
