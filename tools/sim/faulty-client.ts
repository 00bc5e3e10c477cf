import type { ApiObject, Resource } from '@navarch/api';
import { ApiError, randomInt, sleep, type Clock, type Random } from '@navarch/base';
import type { ApiClient, ResourceClient, WatchEvent, WatchOptions } from '@navarch/client';

/** How often each fault strikes, as a share of calls (0 … 1); latency in milliseconds of virtual time. */
export interface FaultRates {
  /** The request never arrives. */
  readonly lostRequest: number;
  /** The server did it, but its answer never arrives. */
  readonly lostAnswer: number;
  /** Each event of a watch: the stream breaks before it. */
  readonly brokenWatch: number;
  /** Each event of a watch: it and those behind it come late, seconds instead of milliseconds. */
  readonly lateEvent?: number;
  /** Each write: the process dies of it, before it is sent or when it has landed. */
  readonly deathAtWrite?: number;
  readonly maxLatencyMs: number;
}

export const noFaults: FaultRates = { lostRequest: 0, lostAnswer: 0, brokenWatch: 0, maxLatencyMs: 0 };
const maxLatenessMs = 5_000;

export interface FaultyClientOptions {
  readonly client: ApiClient;
  readonly clock: Clock;
  readonly random: Random;
  /** Read at every call, so that a run can end its faults. */
  readonly rates: () => FaultRates;
  /** The process behind this client: once it aborts nothing it had under way completes for it. */
  readonly life: AbortSignal;
  /** Resolves while the process runs: nothing reaches one that is paused. */
  readonly awake?: () => Promise<void>;
  /** Kills the process. */
  readonly die?: () => void;
}

const unavailable = (what: string): ApiError => new ApiError('Unavailable', `simulated: ${what}`);

/** An ApiClient over a network that loses, delays and breaks, by the random source alone. */
export function faultyClient({ client, clock, random, rates, life, awake, die }: FaultyClientOptions): ApiClient {
  const strikes = (rate = 0): boolean => rate > 0 && random.next() < rate;
  const latency = async (): Promise<void> => {
    const { maxLatencyMs } = rates();
    if (maxLatencyMs > 0) await sleep(clock, randomInt(random, maxLatencyMs + 1), life);
    await awake?.();
    if (life.aborted) throw unavailable('the process is dead');
  };

  const call = async <R>(work: () => Promise<R>): Promise<R> => {
    await latency();
    if (strikes(rates().lostRequest)) throw unavailable('request lost');
    const result = await work();
    await latency();
    if (strikes(rates().lostAnswer)) throw unavailable('answer lost');
    return result;
  };

  const write = <R>(work: () => Promise<R>): Promise<R> => {
    if (!die || !strikes(rates().deathAtWrite)) return call(work);
    const landed = strikes(0.5);
    return call(async () => {
      if (!landed) die();
      if (life.aborted) throw unavailable('the process died before its write');
      await work();
      die();
      throw unavailable('the process died after its write');
    });
  };

  async function* watch<T extends ApiObject>(inner: ResourceClient<T>, options: WatchOptions): AsyncGenerator<WatchEvent<T>> {
    await latency();
    if (strikes(rates().lostRequest)) throw unavailable('watch refused');
    const broken = new AbortController();
    for await (const event of inner.watch({ ...options, signal: AbortSignal.any([options.signal, life, broken.signal]) })) {
      if (strikes(rates().brokenWatch)) {
        broken.abort();
        throw unavailable('watch broken');
      }
      await latency();
      if (strikes(rates().lateEvent)) await sleep(clock, randomInt(random, maxLatenessMs), life);
      yield event;
    }
  }

  const wrap = <T extends ApiObject>(inner: ResourceClient<T>): ResourceClient<T> => ({
    get: (...args) => call(() => inner.get(...args)),
    list: (...args) => call(() => inner.list(...args)),
    watch: (options) => watch(inner, options),
    create: (...args) => write(() => inner.create(...args)),
    update: (...args) => write(() => inner.update(...args)),
    updateStatus: (...args) => write(() => inner.updateStatus(...args)),
    patch: (...args) => write(() => inner.patch(...args)),
    delete: (...args) => write(() => inner.delete(...args)),
  });

  return {
    resource: <T extends ApiObject>(resource: Resource<T>) => wrap(client.resource(resource)),
    bindPod: (...args) => write(() => client.bindPod(...args)),
    createToken: (...args) => call(() => client.createToken(...args)),
    getForeign: (...args) => call(() => client.getForeign(...args)),
  };
}
