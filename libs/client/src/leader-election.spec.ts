import { leases } from '@navarch/api';
import { ApiError, seededRandom, silentLogger } from '@navarch/base';

import type { ApiClient } from './api-client';
import { runLeaderElection } from './leader-election';
import { clientHarness, type ClientHarness } from './testing/harness';

interface Candidate {
  leading: boolean;
  terms: number;
  readonly stop: AbortController;
  readonly done: Promise<void>;
}

describe('leader election', () => {
  let harness: ClientHarness;
  let candidates: Candidate[];
  beforeEach(() => {
    harness = clientHarness();
    candidates = [];
  });
  afterEach(async () => {
    for (const { stop } of candidates) stop.abort(new Error('test over'));
    const ended = Promise.all(candidates.map(({ done }) => done.catch(() => undefined)));
    await harness.clock.advance(60_000);
    await ended;
  });

  function run(identity: string, over: { client?: ApiClient; lead?: (signal: AbortSignal) => Promise<void> } = {}): Candidate {
    const stop = new AbortController();
    const candidate: Candidate = {
      leading: false, terms: 0, stop,
      done: runLeaderElection({
        client: over.client ?? harness.api.client, clock: harness.clock, random: seededRandom(identity.charCodeAt(0)), logger: silentLogger,
        identity, namespace: 'kube-system', name: 'lock', signal: stop.signal,
        lead: over.lead ?? (async (signal) => {
          candidate.leading = true;
          candidate.terms++;
          await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
          candidate.leading = false;
        }),
      }),
    };
    candidate.done.catch(() => undefined);
    candidates.push(candidate);
    return candidate;
  }

  const leaders = (): number => candidates.filter(({ leading }) => leading).length;
  const lease = () => harness.api.client.resource(leases).get('kube-system', 'lock');

  it('one of several leads, and goes on leading by renewing', async () => {
    for (const identity of ['a', 'b', 'c']) run(identity);
    await harness.clock.advance(5_000);
    expect(leaders()).toBe(1);
    const first = await lease();
    await harness.clock.advance(300_000);
    expect([leaders(), candidates.reduce((sum, { terms }) => sum + terms, 0)]).toEqual([1, 1]);
    const later = await lease();
    expect(later.spec?.renewTime?.seconds).toBeGreaterThanOrEqual((first.spec?.renewTime?.seconds ?? 0) + 298);
    expect(later.spec).toMatchObject({ holderIdentity: first.spec?.holderIdentity, acquireTime: first.spec?.acquireTime, leaseDurationSeconds: 15, leaseTransitions: 0 });
  });

  it('a leader that closes gives the lease back, and the next one leads within its retry period', async () => {
    const a = run('a');
    await harness.clock.advance(100);
    const b = run('b');
    await harness.clock.advance(5_000);
    a.stop.abort(new Error('stop'));
    await a.done;
    expect((await lease()).spec?.holderIdentity).toBeUndefined();
    await harness.clock.advance(2_400);
    expect([a.leading, b.leading, (await lease()).spec?.leaseTransitions]).toEqual([false, true, 1]);
  });

  it('a leader that vanished is followed when its lease has not changed for its whole duration by our own clock', async () => {
    await harness.api.client.resource(leases).create({
      // The holder's clock is a year ahead: it must not matter.
      metadata: { namespace: 'kube-system', name: 'lock' }, spec: { holderIdentity: 'gone', leaseDurationSeconds: 15, renewTime: { seconds: harness.clock.now() / 1000 + 31_536_000 } },
    });
    const a = run('a');
    await harness.clock.advance(14_900);
    expect(a.leading).toBe(false);
    await harness.clock.advance(2_600);
    expect(a.leading).toBe(true);
  });

  it('a leader that cannot renew stops leading at the renew deadline, before another may take over', async () => {
    const cut = { away: false };
    const a = run('a', { client: sometimesAway(harness.api.client, cut) });
    await harness.clock.advance(100);
    run('b');
    await harness.clock.advance(4_000);
    cut.away = true;
    let overlapped = false;
    let handedOverMs: number | undefined;
    const cutAtMs = harness.clock.now();
    for (let step = 0; step < 300; step++) {
      await harness.clock.advance(100);
      overlapped ||= leaders() > 1;
      if (!a.leading) handedOverMs ??= harness.clock.now() - cutAtMs;
    }
    expect(overlapped).toBe(false);
    expect(handedOverMs).toBeLessThanOrEqual(12_100);
    expect(handedOverMs).toBeGreaterThan(6_000);
    expect([a.leading, candidates[1]?.leading]).toEqual([false, true]);
    cut.away = false;
    await harness.clock.advance(30_000);
    expect(leaders()).toBe(1);
  });

  it('a short outage costs nobody the lead', async () => {
    const cut = { away: false };
    const a = run('a', { client: sometimesAway(harness.api.client, cut) });
    await harness.clock.advance(4_000);
    cut.away = true;
    await harness.clock.advance(5_000);
    cut.away = false;
    await harness.clock.advance(30_000);
    expect([a.leading, a.terms]).toEqual([true, 1]);
  });

  it('a write that landed although its answer was lost does not cost the lead', async () => {
    const a = run('a');
    await harness.clock.advance(4_000);
    harness.api.failNext('update', new ApiError('Timeout', 'answer lost'), { plural: 'leases', landed: true });
    await harness.clock.advance(30_000);
    expect([a.leading, a.terms, (await lease()).spec?.leaseTransitions]).toEqual([true, 1, 0]);
  });

  it('a leader whose lease was taken from it stops at its next renewal and waits for its work to end before it competes again', async () => {
    let ended = false;
    let terms = 0;
    const a = run('a', {
      lead: async (signal) => {
        terms++;
        ended = false;
        await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
        await new Promise<void>((resolve) => harness.clock.setTimer(5_000, resolve));
        ended = true;
      },
    });
    await harness.clock.advance(4_000);
    const held = await lease();
    await harness.api.client.resource(leases).update({ ...held, spec: { ...held.spec, holderIdentity: 'thief' } });
    await harness.clock.advance(8_000);
    expect([terms, ended]).toEqual([1, false]);
    await harness.clock.advance(30_000);
    expect([terms, (await lease()).spec?.holderIdentity]).toEqual([2, 'a']);
    expect(a.stop.signal.aborted).toBe(false);
  });

  it('what the leader throws while it leads is thrown on, and the lease is given back', async () => {
    const a = run('a', {
      lead: async () => {
        throw new Error('broken');
      },
    });
    await harness.clock.advance(100);
    await expect(a.done).rejects.toThrow('broken');
    expect((await lease()).spec?.holderIdentity).toBeUndefined();
  });

  it.each([
    [{ leaseDurationMs: 10_000, renewDeadlineMs: 10_000 }, 'leaseDurationMs must be greater'],
    [{ renewDeadlineMs: 2_000, retryPeriodMs: 2_000 }, 'renewDeadlineMs must be greater'],
  ])('%j is refused', async (timing, message) => {
    const { clock, random, api } = harness;
    const election = async (): Promise<void> => runLeaderElection({
      client: api.client, clock, random, logger: silentLogger, identity: 'a', namespace: 'n', name: 'l', signal: AbortSignal.abort(), lead: async () => undefined, ...timing,
    });
    await expect(election()).rejects.toThrow(message);
  });
});

/** Fails every call while it is away. */
function sometimesAway(client: ApiClient, cut: { away: boolean }): ApiClient {
  return {
    bindPod: (binding) => client.bindPod(binding),
    createToken: (...args) => client.createToken(...args),
    getForeign: (...args) => client.getForeign(...args),
    resource: (resource) => new Proxy(client.resource(resource), {
      get: (target, name) => {
        const method = Reflect.get(target, name) as (...args: unknown[]) => unknown;
        return (...args: unknown[]) => (cut.away ? Promise.reject(new ApiError('Unavailable', 'away')) : method.apply(target, args));
      },
    }),
  };
}
