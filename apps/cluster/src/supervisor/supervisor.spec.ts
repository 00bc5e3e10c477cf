import { deferred, seededRandom, silentLogger, VirtualClock, type Deferred } from '@navarch/base';

import type { ProcessSpec, ProcessStatus } from './specs';
import { runSupervisor, type Host, type RunningProcess } from './supervisor';

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A machine whose processes end when the test says so. */
function fakeHost(options: { reachable?: boolean; adoptable?: number; fails?: boolean } = {}) {
  const started: { name: string; atMs: number; end: Deferred<string | undefined>; signals: string[] }[] = [];
  const clock = new VirtualClock(0, settle);
  const make = (name: string, pid: number): RunningProcess => {
    const process = { name, atMs: clock.monotonic(), end: deferred<string | undefined>(), signals: [] as string[] };
    started.push(process);
    return {
      pid, startTicks: pid * 10, ended: process.end.promise,
      signal: (signal) => {
        process.signals.push(signal);
        if (signal === 'SIGKILL') process.end.resolve('SIGKILL');
      },
    };
  };
  const host: Host = {
    start: ({ name }) => {
      if (options.fails) throw new Error('no such program');
      return make(name, 100 + started.length);
    },
    adopt: ({ pid }) => (pid === options.adoptable ? make('adopted', pid) : undefined),
    reachable: async () => options.reachable ?? true,
  };
  return { host, clock, started };
}

const spec = (name: string, after: string[] = [], stage = 0): ProcessSpec => ({ name, command: [name], env: {}, log: `/log/${name}`, after, stage });

function supervise(fake: ReturnType<typeof fakeHost>, specs: ProcessSpec[], previous?: Record<string, ProcessStatus>) {
  let reported: Readonly<Record<string, ProcessStatus>> = {};
  const supervisor = runSupervisor({
    specs, host: fake.host, clock: fake.clock, random: seededRandom(1), logger: silentLogger, ...(previous && { previous }),
    report: (processes) => { reported = processes; },
  });
  return { supervisor, reported: () => reported };
}

describe('the supervisor', () => {
  it('starts a process that ended again at once', async () => {
    const fake = fakeHost();
    const { reported } = supervise(fake, [spec('apiserver')]);
    await settle();
    fake.started[0]?.end.resolve('SIGKILL');
    await settle();
    await fake.clock.advance(0);
    await settle();
    expect(fake.started.map(({ atMs }) => atMs)).toEqual([0, 0]);
    expect(reported().apiserver).toMatchObject({ pid: 101, restarts: 1, lastEnd: 'SIGKILL', state: 'running' });
  });

  it('waits longer after each further end, up to five seconds, and forgets them after ten seconds of running', async () => {
    const fake = fakeHost();
    supervise(fake, [spec('scheduler')]);
    const waits: number[] = [];
    for (let round = 0; round < 10; round += 1) {
      await settle();
      const endedAt = fake.clock.monotonic();
      fake.started.at(-1)?.end.resolve('exit code 1');
      await settle();
      for (const before = fake.started.length; fake.started.length === before;) {
        await fake.clock.advance(50);
        await settle();
      }
      waits.push((fake.started.at(-1)?.atMs ?? 0) - endedAt);
    }
    expect(waits[0]).toBe(0);
    expect(waits[2]).toBeGreaterThan(waits[1] ?? Infinity);
    expect(waits[3]).toBeGreaterThan(waits[2] ?? Infinity);
    expect(Math.max(...waits)).toBeLessThanOrEqual(5_000);

    await fake.clock.advance(10_000);
    const before = fake.started.length;
    fake.started.at(-1)?.end.resolve('SIGKILL');
    await settle();
    await fake.clock.advance(0);
    await settle();
    expect(fake.started.length).toBe(before + 1);
  });

  it('tells of a process that cannot be started, and goes on trying', async () => {
    const fake = fakeHost({ fails: true });
    const { reported } = supervise(fake, [spec('nats-server')]);
    await settle();
    expect(reported()['nats-server']).toMatchObject({ state: 'ended', lastEnd: 'could not be started' });
  });

  it('takes over the processes that an earlier supervisor started, and starts the others', async () => {
    const fake = fakeHost({ adoptable: 7 });
    const known = { startTicks: 70, restarts: 2, startedMs: 5, state: 'running' } as const;
    const { reported } = supervise(fake, [spec('a'), spec('b')], { a: { pid: 7, ...known }, b: { pid: 8, ...known } });
    await settle();
    expect(fake.started.map(({ name }) => name).sort()).toEqual(['adopted', 'b']);
    expect(reported().a).toMatchObject({ pid: 7, restarts: 2 });
    fake.started.find(({ name }) => name === 'adopted')?.end.resolve(undefined);
    await settle();
    await fake.clock.advance(0);
    await settle();
    expect(reported().a?.pid).not.toBe(7);
    expect(reported().a?.restarts).toBe(3);
  });

  it('starts a process even when what it waits for does not come', async () => {
    const fake = fakeHost({ reachable: false });
    supervise(fake, [spec('apiserver', ['127.0.0.1:4222'])]);
    await settle();
    expect(fake.started).toHaveLength(1);
  });

  it('asks all processes to end, insists after the grace, and starts none again', async () => {
    const fake = fakeHost();
    const { supervisor } = supervise(fake, [spec('polite'), spec('stubborn')]);
    await settle();
    const closed = supervisor.close(4_000);
    fake.started[0]?.end.resolve('SIGTERM');
    await settle();
    expect(fake.started[1]?.signals).toEqual(['SIGTERM']);
    await fake.clock.advance(4_000);
    await closed;
    expect(fake.started[1]?.signals).toEqual(['SIGTERM', 'SIGKILL']);
    expect(fake.started).toHaveLength(2);
  });

  it('ends clients before the servers they talk to', async () => {
    const fake = fakeHost();
    const { supervisor } = supervise(fake, [spec('nats-server', [], 0), spec('apiserver', [], 1), spec('kubelet', [], 2)]);
    await settle();
    const closed = supervisor.close(4_000);
    const asked = (): string[] => fake.started.filter(({ signals }) => signals.length > 0).map(({ name }) => name);
    for (const [index, names] of [['kubelet'], ['apiserver', 'kubelet'], ['nats-server', 'apiserver', 'kubelet']].entries()) {
      await settle();
      expect(asked()).toEqual(names);
      fake.started[2 - index]?.end.resolve('exit code 0');
    }
    await closed;
  });
});
