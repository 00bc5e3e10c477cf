import { setMaxListeners } from 'node:events';

import { context, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace, type Span } from '@opentelemetry/api';

import type { ApiObject } from '@navarch/api';
import { ApiError, deadlineSignal, isApiError, toError, type Clock, type Logger, type Random } from '@navarch/base';

import { waitForSync, type Informer, type ObjectChange } from './informer';
import { contextUnder, linksTo } from './trace';
import { Wakes, wakeOf, type Wake } from './wakes';
import { createWorkQueue, type WorkQueue } from './work-queue';

/** The object to reconcile; namespace '' for cluster-scoped kinds. */
export interface Request {
  readonly namespace: string;
  readonly name: string;
}

/** `requeueAfterMs`: look again after that time, without counting as a failure. */
export interface ReconcileResult {
  readonly requeueAfterMs?: number;
}

export interface ReconcileContext {
  /** Aborts when the controller stops. */
  readonly signal: AbortSignal;
  readonly logger: Logger;
  /**
   * Waits until the informer has seen a write of this reconcile, so that the next one does not act on a stale read.
   * Give it what create, update, patch or delete answered. Throws Timeout (hence backs off) after 10 s; the key's next
   * reconcile begins only when the cache has seen it.
   */
  wrote<T extends ApiObject>(informer: Informer<T>, object: T): Promise<void>;
}

export interface ControllerWatch<T extends ApiObject = ApiObject> {
  readonly informer: Informer<T>;
  /** The requests that a change to this object concerns; asked for the old state as well. Must not block. */
  keys(object: T): readonly Request[];
  /** Which changes matter; all unless told. */
  when?(change: ObjectChange<T>): boolean;
  /** The object has not yet reached what its origin wanted: status events still belong to that trace. Never, unless told. */
  unfinished?(object: T): boolean;
}

/** A watch whose functions know the informer's kind. */
export function watching<T extends ApiObject>(informer: Informer<T>, watch: Omit<ControllerWatch<T>, 'informer'>): ControllerWatch {
  const { keys, when, unfinished } = watch;
  const typed: ControllerWatch<T> = { informer, keys, ...(when && { when }), ...(unfinished && { unfinished }) };
  return typed as unknown as ControllerWatch;
}

/** A watch that brings no work: only for its cache to be synced first. */
export function cacheOnly<T extends ApiObject>(informer: Informer<T>): ControllerWatch {
  return watching(informer, { keys: () => [], when: () => false });
}

export type ReconcileOutcome = 'done' | 'requeued' | 'failed' | 'panicked' | 'terminal';

export interface ReconcileRecord {
  readonly controller: string;
  readonly outcome: ReconcileOutcome;
  readonly durationMs: number;
  /** Keys that were ready in the queue when this one ended. */
  readonly queueLength: number;
}

export interface ControllerOptions {
  readonly name: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Workers; 1 unless told. One key is never in two workers. */
  readonly concurrency?: number;
  /** Most keys that wait; 100,000 unless told. */
  readonly queueCapacity?: number;
  readonly maxBackoffMs?: number;
  reconcile(request: Request, context: ReconcileContext): Promise<ReconcileResult | void>;
  /** Whoever made the informers starts them. */
  readonly watches: readonly ControllerWatch[];
  readonly signal: AbortSignal;
  /** Hears of each reconcile, for metrics. */
  observe?(record: ReconcileRecord): void;
}

export interface Controller {
  /** Resolves when the signal has aborted and the last reconcile has ended; never rejects. */
  readonly done: Promise<void>;
  enqueue(request: Request, afterMs?: number): void;
}

const terminalBrand = Symbol.for('navarch.TerminalError');

/** Trying again cannot help: counted and logged, not retried; the next change to the object brings its key back. */
export class TerminalError extends Error {
  readonly [terminalBrand] = true;
}

export function isTerminalError(error: unknown): error is TerminalError {
  return typeof error === 'object' && error !== null && (error as { [terminalBrand]?: unknown })[terminalBrand] === true;
}

const idOf = ({ namespace, name }: Request): string => `${namespace}/${name}`;
const seenWithinMs = 10_000;

class ControllerRuntime implements Controller {
  readonly done: Promise<void>;
  private readonly queue: WorkQueue<Request>;
  private readonly wakes = new Wakes();
  /** Writes of a key that its caches had not seen in time: to be waited for before the key's next reconcile. */
  private readonly unseen = new Map<string, readonly SeenWait[]>();
  private readonly logger: Logger;
  private readonly tracer = trace.getTracer('@navarch/client');
  private readonly capacity: number;
  private overflowed = false;
  /** What is still to be read again after an overflow. */
  private backlog: Iterator<Request, void> | undefined;

  constructor(private readonly options: ControllerOptions) {
    const { clock, random, maxBackoffMs, queueCapacity = 100_000 } = options;
    this.capacity = queueCapacity;
    this.logger = options.logger.child({ controller: options.name });
    this.queue = createWorkQueue({ clock, random, id: idOf, capacity: queueCapacity, ...(maxBackoffMs !== undefined && { maxBackoffMs }) });
    // Each worker and each wait listens; Node warns from 11 on.
    setMaxListeners(0, options.signal);
    this.done = context.with(ROOT_CONTEXT, () => this.run());
  }

  enqueue(request: Request, afterMs = 0): void {
    if (!this.queue.addAfter(request, afterMs)) this.onOverflow();
  }

  private async run(): Promise<void> {
    const { signal, watches, concurrency = 1 } = this.options;
    const stops = watches.map((watch) => watch.informer.onChange((change) => this.onChange(watch, change)));
    if (await waitForSync(watches.map(({ informer }) => informer), signal)) {
      for (const request of this.allRequests()) this.enqueue(request);
      await Promise.all(Array.from({ length: concurrency }, () => this.work()));
    }
    for (const stop of stops) stop();
    await this.queue.close({ discard: true });
  }

  private onChange(watch: ControllerWatch, change: ObjectChange<ApiObject>): void {
    if (watch.when && !watch.when(change)) return;
    const wake = wakeOf(change, watch.unfinished?.bind(watch));
    const requests = [...watch.keys(change.object), ...(change.old ? watch.keys(change.old) : [])];
    for (const request of requests) {
      if (!this.queue.add(request)) this.onOverflow();
      else if (wake) this.wakes.add(idOf(request), wake);
    }
  }

  private *allRequests(): Generator<Request> {
    for (const watch of this.options.watches) {
      for (const object of watch.informer.list()) yield* watch.keys(object);
    }
  }

  /** Nothing is lost when the queue is full: the keys of all present objects come again as room is made. */
  private onOverflow(): void {
    if (this.options.signal.aborted || this.overflowed) return;
    this.overflowed = true;
    this.logger.error('queue is full, will read everything again', { capacity: this.capacity });
  }

  /** Goes on reading everything again, up to half of the queue: the other half is for what happens meanwhile. */
  private refill(): void {
    if (!this.backlog && this.overflowed) {
      this.overflowed = false;
      this.backlog = this.allRequests();
    }
    while (this.backlog && this.queue.size < this.capacity / 2) {
      const { done, value } = this.backlog.next();
      if (done) this.backlog = undefined;
      else this.enqueue(value);
    }
  }

  private async work(): Promise<void> {
    const { signal } = this.options;
    for (;;) {
      const request = await this.queue.take(signal);
      if (!request) return;
      try {
        await this.reconcile(request);
      } finally {
        this.queue.done(request);
      }
      this.refill();
    }
  }

  private async reconcile(request: Request): Promise<void> {
    const { clock, name, observe } = this.options;
    const startMs = clock.monotonic();
    const wake = this.wakes.take(idOf(request));
    const outcome = wake ? await this.inSpan(request, wake) : await this.attempt(request);
    try {
      observe?.({ controller: name, outcome, durationMs: clock.monotonic() - startMs, queueLength: this.queue.size });
    } catch (thrown) {
      this.logger.error('metrics hook failed', { error: toError(thrown) });
    }
  }

  private inSpan(request: Request, wake: Wake): Promise<ReconcileOutcome> {
    const attributes = {
      'navarch.controller': this.options.name,
      'navarch.object': idOf(request),
      ...(request.namespace && { 'k8s.namespace.name': request.namespace }),
      ...(wake.commitTimeMs > 0 && { 'navarch.wait_ms': Math.max(0, this.options.clock.now() - wake.commitTimeMs) }),
    };
    const options = { kind: SpanKind.CONSUMER, links: linksTo(wake.links), attributes };
    return this.tracer.startActiveSpan('controller.reconcile', options, contextUnder(wake.parent), async (span) => {
      const outcome = await this.attempt(request, span);
      span.setAttribute('navarch.outcome', outcome);
      span.end();
      return outcome;
    });
  }

  /** Runs the reconcile and decides what becomes of its key; never throws. */
  private async attempt(request: Request, span?: Span): Promise<ReconcileOutcome> {
    const { signal } = this.options;
    const logger = this.logger.child({ key: idOf(request), ...(span && { traceId: span.spanContext().traceId }) });
    try {
      await this.catchUp(request);
      const result = await this.options.reconcile(request, { signal, logger, wrote: (informer, object) => this.wrote(request, informer, object) });
      this.queue.forget(request);
      if (result?.requeueAfterMs === undefined) return 'done';
      this.enqueue(request, result.requeueAfterMs);
      return 'requeued';
    } catch (thrown) {
      return this.onFailure(request, toError(thrown), logger, span);
    }
  }

  private onFailure(request: Request, error: Error, logger: Logger, span?: Span): ReconcileOutcome {
    // What a stop interrupts has not failed.
    if (this.options.signal.aborted) return 'requeued';
    span?.recordException(error);
    span?.setStatus({ code: SpanStatusCode.ERROR, message: error.message });
    if (isTerminalError(error)) {
      this.queue.forget(request);
      logger.error('reconcile failed for good', { error });
      return 'terminal';
    }
    const retryInMs = this.queue.retry(request);
    if (retryInMs === undefined) this.onOverflow();
    // An ApiError is the world's fault, anything else is ours.
    if (isApiError(error)) logger.warn('reconcile failed', { error, retryInMs });
    else logger.error('reconcile panicked', { error, retryInMs });
    return isApiError(error) ? 'failed' : 'panicked';
  }

  private async wrote<T extends ApiObject>(request: Request, informer: Informer<T>, object: T): Promise<void> {
    const version = object.metadata?.resourceVersion;
    if (version === undefined) throw new Error(`${informer.resource.kind} without a resourceVersion cannot be waited for`);
    const wait: SeenWait = { plural: informer.resource.plural, version, until: (signal) => informer.waitFor(version, signal) };
    try {
      await this.seen(wait);
    } catch (thrown) {
      this.unseen.set(idOf(request), [...(this.unseen.get(idOf(request)) ?? []), wait]);
      throw thrown;
    }
  }

  /** A key that backed off because a cache was behind must not be decided on that same cache. */
  private async catchUp(request: Request): Promise<void> {
    const waits = this.unseen.get(idOf(request));
    if (!waits) return;
    for (const wait of waits) await this.seen(wait);
    this.unseen.delete(idOf(request));
  }

  private async seen({ plural, version, until }: SeenWait): Promise<void> {
    const late = (): ApiError => new ApiError('Timeout', `the informer of ${plural} has not seen version ${version} within ${seenWithinMs} ms`);
    const { signal, dispose } = deadlineSignal(this.options.clock, seenWithinMs, late, this.options.signal);
    try {
      await until(signal);
    } finally {
      dispose();
    }
  }
}

/** A version that a cache has yet to see. */
interface SeenWait {
  readonly plural: string;
  readonly version: string;
  until(signal: AbortSignal): Promise<void>;
}

/**
 * Runs a level-triggered loop: waits for the informers' caches, then reconciles each key that a change names, one worker
 * per key. Throwing backs off (5 ms … 5 min, with jitter); TerminalError does not retry. Each reconcile that an event
 * caused has a span `controller.reconcile` (see wakes.ts); retries and timers have none.
 */
export function startController(options: ControllerOptions): Controller {
  return new ControllerRuntime(options);
}
