import { leases } from '@navarch/api';
import { deadlineSignal, isAlreadyExists, isConflict, isNotFound, sleep, toError, ApiError, type Clock, type Logger, type Random } from '@navarch/base';
import type { Lease } from '@navarch/proto/k8s/io/api/coordination/v1/coordination';

import type { ApiClient, ResourceClient } from './api-client';
import { leaseTaken, leaseReleased, mayTake } from './leader-lease';

export interface LeaderElectionOptions {
  readonly client: ApiClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Unique per process: host name and something random. */
  readonly identity: string;
  /** Where the Lease object lives. */
  readonly namespace: string;
  readonly name: string;
  /** How long others wait after the last renewal they saw; 15,000 unless told. */
  readonly leaseDurationMs?: number;
  /** A leader that could not renew for so long stops leading; 10,000 unless told; less than leaseDurationMs. */
  readonly renewDeadlineMs?: number;
  /** Between tries; 2,000 unless told; 1.2 times it must be less than renewDeadlineMs. */
  readonly retryPeriodMs?: number;
  /** The leader's work; its signal aborts when leadership is lost or the election's signal aborts. */
  lead(signal: AbortSignal): Promise<void>;
  readonly signal: AbortSignal;
}

/** The lease as last read, and when by our own clock it last changed: the holder's clock is never trusted. */
interface Observation {
  readonly lease: Lease;
  readonly atMs: number;
}

class Election {
  private readonly leases: ResourceClient<Lease>;
  private readonly leaseDurationMs: number;
  private readonly renewDeadlineMs: number;
  private readonly retryPeriodMs: number;
  private readonly logger: Logger;
  private observed: Observation | undefined;

  constructor(private readonly options: LeaderElectionOptions) {
    const { leaseDurationMs = 15_000, renewDeadlineMs = 10_000, retryPeriodMs = 2_000 } = options;
    if (leaseDurationMs <= renewDeadlineMs) throw new Error('leaseDurationMs must be greater than renewDeadlineMs');
    if (renewDeadlineMs <= retryPeriodMs * 1.2) throw new Error('renewDeadlineMs must be greater than 1.2 × retryPeriodMs');
    this.leaseDurationMs = leaseDurationMs;
    this.renewDeadlineMs = renewDeadlineMs;
    this.retryPeriodMs = retryPeriodMs;
    this.leases = options.client.resource(leases);
    this.logger = options.logger.child({ lease: `${options.namespace}/${options.name}`, identity: options.identity });
  }

  async run(): Promise<void> {
    const { signal } = this.options;
    while (await this.acquire()) {
      this.logger.info('became leader');
      const renewal = new AbortController();
      const stop = (): void => renewal.abort(signal.reason);
      signal.addEventListener('abort', stop, { once: true });
      try {
        if (signal.aborted) stop();
        await this.leadWhileRenewing(renewal);
      } finally {
        signal.removeEventListener('abort', stop);
        await this.release();
      }
    }
  }

  /** Tries until the lease is ours; false when the signal aborts first. */
  private async acquire(): Promise<boolean> {
    const { clock, random, signal } = this.options;
    while (!signal.aborted) {
      if (await this.tryOnce(this.renewDeadlineMs, signal)) return true;
      await sleep(clock, this.retryPeriodMs * (1 + 0.2 * random.next()), signal).catch(() => undefined);
    }
    return false;
  }

  private async leadWhileRenewing(renewal: AbortController): Promise<void> {
    const renewing = this.renew(renewal.signal).then(() => renewal.abort(new ApiError('Canceled', 'leadership lost')));
    try {
      await this.options.lead(renewal.signal);
      if (!renewal.signal.aborted) throw new Error('the leader ended its work by itself');
    } catch (thrown) {
      // Work that ends because it was told to ends well, whatever it throws.
      if (!renewal.signal.aborted) throw thrown;
    } finally {
      renewal.abort(new ApiError('Canceled', 'the leader ended'));
      await renewing;
    }
  }

  /** Returns when the lease could not be renewed within the deadline, was taken by another, or the signal aborts. */
  private async renew(signal: AbortSignal): Promise<void> {
    const { clock } = this.options;
    let renewedMs = clock.monotonic();
    while (!signal.aborted) {
      await sleep(clock, this.retryPeriodMs, signal).catch(() => undefined);
      if (signal.aborted) return;
      // Counted from before the write: others may have seen it that early.
      const startMs = clock.monotonic();
      const leftMs = renewedMs + this.renewDeadlineMs - startMs;
      if (leftMs > 0 && (await this.tryOnce(leftMs, signal))) {
        renewedMs = startMs;
        continue;
      }
      const holder = this.observed?.lease.spec?.holderIdentity;
      const taken = this.observed !== undefined && !this.holds(this.observed.lease);
      if (taken) this.logger.warn('lost leadership: the lease has another holder', { holder });
      else if (clock.monotonic() - renewedMs >= this.renewDeadlineMs) this.logger.warn('lost leadership: the lease could not be renewed in time', { renewDeadlineMs: this.renewDeadlineMs });
      else continue;
      return;
    }
  }

  /** One attempt to take or renew the lease; failures other than losing the race are logged. */
  private async tryOnce(timeoutMs: number, parent: AbortSignal): Promise<boolean> {
    const { clock } = this.options;
    const late = (): ApiError => new ApiError('Timeout', 'the lease could not be written in time');
    const { signal, dispose } = deadlineSignal(clock, timeoutMs, late, parent);
    try {
      return await this.takeOrRenew(signal);
    } catch (thrown) {
      // A conflict means our copy is stale: the next try reads it anew.
      if (this.holds(this.observed?.lease)) this.observed = undefined;
      if (!parent.aborted && !isConflict(thrown) && !isAlreadyExists(thrown)) this.logger.warn('could not take or renew the lease', { error: toError(thrown) });
      return false;
    } finally {
      dispose();
    }
  }

  private async takeOrRenew(signal: AbortSignal): Promise<boolean> {
    const { clock, namespace, name, identity } = this.options;
    const call = { signal, timeoutMs: this.renewDeadlineMs };
    // While ours is fresh, renewing needs no read.
    const known = this.holds(this.observed?.lease) ? this.observed?.lease : await this.read(signal);
    const now = { nowMs: clock.now(), monotonicMs: clock.monotonic() };
    if (!known) {
      const fresh = leaseTaken({ metadata: { namespace, name } }, identity, this.leaseDurationMs, now.nowMs);
      this.observe(await this.leases.create(fresh, call));
      return true;
    }
    if (!mayTake(known, identity, this.observed?.atMs ?? now.monotonicMs, now.monotonicMs, this.leaseDurationMs)) return false;
    this.observe(await this.leases.update(leaseTaken(known, identity, this.leaseDurationMs, now.nowMs), call));
    return true;
  }

  private async read(signal: AbortSignal): Promise<Lease | undefined> {
    const { namespace, name } = this.options;
    try {
      const lease = await this.leases.get(namespace, name, { signal, timeoutMs: this.renewDeadlineMs });
      if (lease.metadata?.resourceVersion !== this.observed?.lease.metadata?.resourceVersion) this.observe(lease);
      return lease;
    } catch (thrown) {
      if (isNotFound(thrown)) return undefined;
      throw thrown;
    }
  }

  private observe(lease: Lease): void {
    const { identity, clock } = this.options;
    const holder = lease.spec?.holderIdentity;
    if (holder !== this.observed?.lease.spec?.holderIdentity && holder !== identity) this.logger.info('leader is', { holder });
    this.observed = { lease, atMs: clock.monotonic() };
  }

  private holds(lease: Lease | undefined): boolean {
    return lease?.spec?.holderIdentity === this.options.identity;
  }

  /** Lets the next one in at once. A best effort: without it they wait out the lease. */
  private async release(): Promise<void> {
    const { clock } = this.options;
    const held = this.observed?.lease;
    if (!held || !this.holds(held)) return;
    this.observed = undefined;
    const { signal, dispose } = deadlineSignal(clock, this.retryPeriodMs, () => new ApiError('Timeout', 'the lease could not be released in time'));
    try {
      await this.leases.update(leaseReleased(held, clock.now()), { signal, timeoutMs: this.retryPeriodMs });
    } catch (thrown) {
      this.logger.info('could not release the lease', { error: toError(thrown) });
    } finally {
      dispose();
    }
  }
}

/**
 * Elects one leader through a Lease object, with client-go's algorithm, and runs `lead` in it; when leadership is lost it waits
 * for `lead` to end and competes again. Resolves when the signal has aborted and the lease is released; rejects with what
 * `lead` threw while it was leader.
 *
 * Fencing: a paused leader may go on for a moment after another took over. Nothing may rely on the lease alone: every write
 * is compare-and-set on what its writer read, so that a stale leader can only lose.
 */
export function runLeaderElection(options: LeaderElectionOptions): Promise<void> {
  return new Election(options).run();
}
