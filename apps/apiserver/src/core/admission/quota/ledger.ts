/**
 * ResourceQuota, exactly, also where many create at once at many replicas: what a write will use is first promised on the quota
 * (compare and set: used and promise in one), then the object is written, then the promise is struck off when it is seen in the
 * caches. A write that fails gives its promise back; one whose end nobody knows keeps it until it cannot land any more.
 */
import { ROOT_CONTEXT } from '@opentelemetry/api';
import { addQuantity, compareQuantity, deepEqual, isZeroQuantity, subtractQuantity, type ApiObject, type ResourceList } from '@navarch/api';
import { deferred, isNotFound, randomUuid, toError, type Clock, type Deferred, type Logger, type Random } from '@navarch/base';
import type { Pod, ResourceQuota } from '@navarch/proto/k8s/io/api/core/v1/core';

import { parseSelection } from '../../cache/selection';
import type { StoredObject } from '../../cache/stored-object';
import { defaultTimeoutMs, startDeadline } from '../../deadline';
import { forbidden } from '../../errors';
import type { Reservation as Held } from '../../kind-extension';
import type { Kind, Kinds } from '../../kinds';
import { becomeCurrent } from '../../read/freshness';
import { leftNothing } from '../../services/reservations';
import type { Decision } from '../../write/mutate';
import type { CommonReservations } from '../../write/reserved-write';
import type { WriteContext } from '../../write/writer';
import { chargedUsage, recount, type Recount } from './recount';
import { reservationsOf, withReservations, type Reservation } from './reservations';
import { missingAmounts } from './usage';

export interface LedgerDependencies {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** A write that wants its usage promised. */
interface Charge {
  readonly id: string;
  readonly kind: Kind;
  readonly next: ApiObject;
  readonly previous: ApiObject | undefined;
  /** Names of the quotas that hold a promise of it. */
  readonly promised: string[];
  readonly done: Deferred<void>;
}

const maxBatch = 256;
/** Of writes whose end this replica knows; what is forgotten only waits for its time. */
const maxEnded = 20_000;

export class QuotaLedger implements CommonReservations {
  private readonly waiting = new Map<string, Charge[]>();
  /** Sequence at which the object of a promise was written. */
  private readonly ended = new Map<string, number>();

  constructor(private readonly kinds: () => Kinds, private readonly deps: LedgerDependencies) {}

  /** Promises what the write will use on every quota that counts it. Throws Forbidden in Kubernetes' words where one has too little left. */
  async reserve(kind: Kind, next: ApiObject, previous: ApiObject | undefined, ctx: WriteContext): Promise<Held | undefined> {
    const namespace = kind.resource.namespaced ? next.metadata?.namespace ?? '' : '';
    const quotas = namespace === '' ? [] : this.quotasIn(namespace);
    const charge: Charge = { id: randomUuid(this.deps.random), kind, next, previous, promised: [], done: deferred<void>() };
    if (!quotas.some(({ object }) => this.concerns(object as ResourceQuota, charge))) return undefined;
    if (ctx.dryRun) {
      for (const { object } of quotas) this.checkOnly(object as ResourceQuota, charge);
      return undefined;
    }
    this.enqueue(namespace, charge);
    await charge.done.promise;
    return {
      confirm: () => undefined,
      commit: (written) => {
        this.end(charge.id, written.sequence);
        return Promise.resolve();
      },
      abandon: async (error) => {
        if (error === undefined || leftNothing(error)) await this.giveBack(namespace, new Map(charge.promised.map((quota) => [quota, new Set([charge.id])])));
      },
    };
  }

  /**
   * An object that went before anybody had struck off its promise takes it along: this replica has seen the object, hence every
   * promise made for it before.
   */
  async removed({ metadata = {} }: ApiObject): Promise<void> {
    const { namespace = '', uid } = metadata;
    if (namespace === '') return;
    const back = this.quotasIn(namespace).map(({ name, object }) => [name, new Set(reservationsOf(object).filter((each) => each.uid === uid).map(({ id }) => id))] as const);
    await this.giveBack(namespace, new Map(back.filter(([, ids]) => ids.size > 0)));
  }

  /** The quota with what is used now, and without promises that were kept. */
  recounted(quota: ResourceQuota): ResourceQuota {
    return withCount(quota, this.count(quota));
  }

  private count(quota: ResourceQuota): Recount {
    const { feed } = this.kinds().get('', 'resourcequotas');
    return recount(this.kinds(), quota, this.deps.clock.now(), ({ id }) => (this.ended.get(id) ?? Infinity) <= feed.position);
  }

  private quotasIn(namespace: string): StoredObject[] {
    const { cache, resource } = this.kinds().get('', 'resourcequotas');
    return [...cache.select(parseSelection(resource, { group: '', version: resource.version, resource: resource.plural, namespace }, {}))];
  }

  // ---- one namespace's writes, many at a time

  private enqueue(namespace: string, charge: Charge): void {
    const queue = this.waiting.get(namespace);
    if (queue) queue.push(charge);
    else {
      this.waiting.set(namespace, [charge]);
      void this.work(namespace);
    }
  }

  private async work(namespace: string): Promise<void> {
    for (;;) {
      // What comes in the same turn goes into the same write.
      await Promise.resolve();
      const batch = this.waiting.get(namespace)?.splice(0, maxBatch) ?? [];
      if (batch.length === 0) break;
      await this.promiseAll(namespace, batch);
    }
    this.waiting.delete(namespace);
  }

  private async promiseAll(namespace: string, batch: readonly Charge[]): Promise<void> {
    const refused = new Map<Charge, Error>();
    for (const { name, object } of this.quotasIn(namespace)) {
      const concerned = batch.filter((charge) => !refused.has(charge) && this.concerns(object as ResourceQuota, charge));
      if (concerned.length === 0) continue;
      try {
        for (const [charge, error] of await this.promiseOn(namespace, name, concerned)) refused.set(charge, error);
        for (const charge of concerned) if (!refused.has(charge)) charge.promised.push(name);
      } catch (thrown) {
        // A quota that went limits nothing.
        if (!isNotFound(thrown)) for (const charge of concerned) refused.set(charge, toError(thrown));
      }
    }
    const back = new Map<string, Set<string>>();
    for (const { id, promised } of refused.keys()) for (const quota of promised) back.set(quota, (back.get(quota) ?? new Set<string>()).add(id));
    await this.giveBack(namespace, back);
    for (const charge of batch) {
      const error = refused.get(charge);
      if (error) charge.done.reject(error);
      else charge.done.resolve();
    }
  }

  /** Answers who was refused, and why. */
  private async promiseOn(namespace: string, name: string, charges: readonly Charge[]): Promise<ReadonlyMap<Charge, Error>> {
    let refused = new Map<Charge, Error>();
    await this.mutate(namespace, name, async (quota, ctx) => {
      refused = new Map();
      let counted = initialized(quota) ? undefined : this.count(quota);
      let state: Recount = counted ?? { used: quota.status?.used ?? {}, reservations: reservationsOf(quota) };
      const promised: Reservation[] = [];
      for (const charge of charges) {
        let refusal = this.refusal(quota, charge, state.used);
        if (refusal && !counted) {
          // Something may have gone since it was last counted: only what is used now refuses.
          await becomeCurrent(this.kinds().get('', 'resourcequotas').feed, ctx.deadline);
          counted = this.count(withReservations(quota, [...reservationsOf(quota), ...promised]));
          state = counted;
          refusal = this.refusal(quota, charge, state.used);
        }
        if (refusal) {
          refused.set(charge, refusal);
          continue;
        }
        const reservation = { id: charge.id, uid: charge.next.metadata?.uid ?? '', usage: this.usage(quota, charge, charge.next), sinceMs: this.deps.clock.now() };
        promised.push(reservation);
        state = { used: total(state.used, this.increase(quota, charge)), reservations: [...state.reservations, reservation] };
      }
      return { type: 'update', next: withCount(quota, state) };
    });
    return refused;
  }

  private async giveBack(namespace: string, back: ReadonlyMap<string, ReadonlySet<string>>): Promise<void> {
    for (const [name, ids] of back) {
      try {
        await this.mutate(namespace, name, (quota) => ({ type: 'update', next: this.recounted(withReservations(quota, reservationsOf(quota).filter(({ id }) => !ids.has(id)))) }));
      } catch (thrown) {
        if (!isNotFound(thrown)) this.deps.logger.warn('quota not given back, its promise runs out by itself', { namespace, quota: name, error: toError(thrown) });
      }
    }
  }

  private async mutate(namespace: string, name: string, decide: (quota: ResourceQuota, ctx: WriteContext) => Decision | Promise<Decision>): Promise<void> {
    const deadline = startDeadline(this.deps.clock, defaultTimeoutMs, new AbortController().signal);
    const ctx: WriteContext = { deadline, dryRun: false, context: ROOT_CONTEXT };
    try {
      await this.kinds().get('', 'resourcequotas').store.mutate(namespace, name, ({ object }) => decide(object as ResourceQuota, ctx), ctx);
    } finally {
      deadline.dispose();
    }
  }

  // ---- one quota and one write

  private usage(quota: ResourceQuota, { kind }: Charge, object: ApiObject | undefined): ResourceList {
    return chargedUsage(quota, kind, object, this.deps.clock.now());
  }

  /** What the write adds, without what it takes away: that is free when it is seen. */
  private increase(quota: ResourceQuota, charge: Charge): ResourceList {
    const before = this.usage(quota, charge, charge.previous);
    const difference = Object.entries(this.usage(quota, charge, charge.next)).map(([name, amount]) => [name, subtractQuantity(amount, before[name])] as const);
    return Object.fromEntries(difference.filter(([, amount]) => compareQuantity(amount, undefined) > 0));
  }

  private concerns(quota: ResourceQuota, charge: Charge): boolean {
    return Object.keys(this.increase(quota, charge)).length > 0 || this.lacking(quota, charge) !== undefined;
  }

  private lacking(quota: ResourceQuota, { kind: { resource }, next, previous }: Charge): string | undefined {
    if (resource.group !== '' || resource.plural !== 'pods' || previous) return undefined;
    return Object.keys(chargedUsage(withPods(quota), { resource }, next, 0)).length > 0 ? missingAmounts(next as Pod, Object.keys(quota.spec?.hard ?? {})) : undefined;
  }

  private refusal(quota: ResourceQuota, charge: Charge, used: ResourceList): Error | undefined {
    const { kind: { resource }, next } = charge;
    const name = quota.metadata?.name ?? '';
    const refuse = (why: string): Error => forbidden(resource, next.metadata?.name ?? '', why);
    const lacking = this.lacking(quota, charge);
    if (lacking !== undefined) return refuse(`failed quota: ${name}: ${lacking}`);
    const asked = this.increase(quota, charge);
    const hard = quota.spec?.hard ?? {};
    const exceeded = Object.keys(asked).filter((each) => compareQuantity(addQuantity(used[each], asked[each]), hard[each]) > 0);
    if (exceeded.length === 0) return undefined;
    return refuse(`exceeded quota: ${name}, requested: ${listed(asked, exceeded)}, used: ${listed(used, exceeded)}, limited: ${listed(hard, exceeded)}`);
  }

  private checkOnly(quota: ResourceQuota, charge: Charge): void {
    const refusal = this.concerns(quota, charge) ? this.refusal(quota, charge, this.count(quota).used) : undefined;
    if (refusal) throw refusal;
  }

  private end(id: string, sequence: number): void {
    const oldest = this.ended.size >= maxEnded ? this.ended.keys().next().value : undefined;
    if (oldest !== undefined) this.ended.delete(oldest);
    this.ended.set(id, sequence);
  }
}

/** In the quota's scopes, whatever it limits: every pod counts as one. */
const withPods = (quota: ResourceQuota): ResourceQuota => ({ ...quota, spec: { ...quota.spec, hard: { pods: { string: '1' } } } });

const initialized = ({ spec, status }: ResourceQuota): boolean => deepEqual(spec?.hard ?? {}, status?.hard ?? {}) && Object.keys(spec?.hard ?? {}).every((name) => status?.used?.[name]);

function withCount(quota: ResourceQuota, { used, reservations }: Recount): ResourceQuota {
  return { ...withReservations(quota, reservations), status: { ...quota.status, hard: quota.spec?.hard ?? {}, used: { ...used } } };
}

function total(used: ResourceList, more: ResourceList): ResourceList {
  return { ...used, ...Object.fromEntries(Object.entries(more).map(([name, amount]) => [name, addQuantity(used[name], amount)])) };
}

/** `cpu=2,pods=3`. */
function listed(list: ResourceList, names: readonly string[]): string {
  return [...names].sort().map((name) => `${name}=${isZeroQuantity(list[name]) ? '0' : list[name]?.string ?? '0'}`).join(',');
}
