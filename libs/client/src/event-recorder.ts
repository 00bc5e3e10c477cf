import { context, type Context } from '@opentelemetry/api';

import { events, timeFromMs, timeToText, type JsonObject } from '@navarch/api';
import { backoffDelayMs, hasReason, isAlreadyExists, isNotFound, randomInt, sleep, toError, type Clock, type Logger, type Random } from '@navarch/base';
import type { Event, ObjectReference } from '@navarch/proto/k8s/io/api/core/v1/core';

import type { ApiClient, ResourceClient } from './api-client';
import { EventCorrelator, type EventSeries } from './event-correlator';
import { RecentMap } from './recent-map';

export interface EventRecorder {
  /** Reports that something happened to an object. Never throws, never waits; see EventCorrelator for what is held back. */
  event(regarding: ObjectReference, type: 'Normal' | 'Warning', reason: string, message: string): void;
  /** Resolves when everything reported so far is written or given up. */
  flush(): Promise<void>;
}

export interface EventRecorderOptions {
  readonly client: ApiClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** source.component, such as `kubelet`. */
  readonly component: string;
  /** source.host: the node, where there is one. */
  readonly host?: string;
}

interface Write {
  readonly series: EventSeries;
  readonly context: Context;
}

const maxPending = 1000;
const maxTries = 5;
const retryBackoff = { initialMs: 500, maxMs: 10_000, jitter: 0.5 };
const maxMessageBytes = 1024;

class Recorder implements EventRecorder {
  private readonly events: ResourceClient<Event>;
  private readonly correlator = new EventCorrelator();
  /** By series: while one waits, further occurrences only replace it. */
  private readonly pending = new Map<string, Write>();
  /** Names of the Event objects written, by series. */
  private readonly written = new RecentMap<string>(4096);
  private readonly logger: Logger;
  private writing: Promise<void> | undefined;

  constructor(private readonly options: EventRecorderOptions) {
    this.events = options.client.resource(events);
    this.logger = options.logger.child({ recorder: options.component });
  }

  event(regarding: ObjectReference, type: 'Normal' | 'Warning', reason: string, message: string): void {
    const series = this.correlator.correlate({ regarding, type, reason, message: cut(message) }, this.options.clock.now());
    if (!series) return;
    if (!this.pending.has(series.key) && this.pending.size >= maxPending) {
      this.logger.warn('too many events wait, one is dropped', { reason, object: regarding.name });
      return;
    }
    this.pending.set(series.key, { series, context: context.active() });
    this.writing ??= this.drain();
  }

  async flush(): Promise<void> {
    await this.writing;
  }

  private async drain(): Promise<void> {
    // Lets what happens in the same moment gather first.
    await Promise.resolve();
    for (let next = this.pending.values().next(); !next.done; next = this.pending.values().next()) {
      const { series, context: active } = next.value;
      this.pending.delete(series.key);
      await context.with(active, () => this.write(series));
    }
    this.writing = undefined;
  }

  private async write(series: EventSeries): Promise<void> {
    const { reason, regarding } = series.occurrence;
    const event = this.eventOf(series);
    for (let tries = 1; ; tries++) {
      try {
        await this.writeOnce(series, event);
        return;
      } catch (thrown) {
        if (tries === maxTries || !hasReason(thrown, 'Unavailable', 'Timeout', 'ServerTimeout', 'TooManyRequests')) {
          this.logger.warn('event is given up', { error: toError(thrown), reason, object: regarding.name, tries });
          return;
        }
        await sleep(this.options.clock, backoffDelayMs(tries, retryBackoff, this.options.random));
      }
    }
  }

  private async writeOnce(series: EventSeries, event: Event): Promise<void> {
    const name = this.written.get(series.key);
    if (name !== undefined) {
      try {
        await this.events.patch(namespaceOf(series), name, 'application/merge-patch+json', this.countPatch(series));
        return;
      } catch (thrown) {
        // It expired meanwhile: a new one takes over the count.
        if (!isNotFound(thrown)) throw thrown;
        this.written.delete(series.key);
      }
    }
    try {
      await this.events.create(event);
    } catch (thrown) {
      // The try before, of unknown outcome, was ours.
      if (!isAlreadyExists(thrown)) throw thrown;
    }
    this.written.set(series.key, event.metadata?.name ?? '');
  }

  private countPatch({ count, lastMs, occurrence }: EventSeries): JsonObject {
    return { count, lastTimestamp: timeToText(timeFromMs(lastMs)), message: occurrence.message };
  }

  private eventOf(series: EventSeries): Event {
    const { random, component, host } = this.options;
    const { regarding, type, reason, message } = series.occurrence;
    // client-go's form: the object's name and the time in nanoseconds, here with chance for the part below milliseconds.
    const suffix = (BigInt(Math.trunc(series.firstMs)) * 1_000_000n + BigInt(randomInt(random, 1_000_000))).toString(16);
    return {
      metadata: { namespace: namespaceOf(series), name: `${(regarding.name ?? 'unknown').slice(0, 230)}.${suffix}` },
      involvedObject: regarding,
      type,
      reason,
      message,
      count: series.count,
      firstTimestamp: timeFromMs(series.firstMs),
      lastTimestamp: timeFromMs(series.lastMs),
      source: { component, ...(host !== undefined && { host }) },
      reportingComponent: component,
      ...(host !== undefined && { reportingInstance: host }),
    };
  }
}

/** Events on cluster-scoped objects live in `default`. */
function namespaceOf({ occurrence }: EventSeries): string {
  return occurrence.regarding.namespace ?? 'default';
}

function cut(message: string): string {
  return Buffer.byteLength(message) <= maxMessageBytes ? message : `${Buffer.from(message).subarray(0, maxMessageBytes - 6).toString('utf8')}...`;
}

/** Reports Events about objects: aggregated, counted and held within bounds. */
export function createEventRecorder(options: EventRecorderOptions): EventRecorder {
  return new Recorder(options);
}
