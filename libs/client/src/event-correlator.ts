import type { ObjectReference } from '@navarch/proto/k8s/io/api/core/v1/core';

import { RecentMap } from './recent-map';

/** One occurrence as a part reports it. */
export interface Occurrence {
  readonly regarding: ObjectReference;
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
}

/** Occurrences that one Event object stands for. */
export interface EventSeries {
  readonly key: string;
  readonly occurrence: Occurrence;
  readonly count: number;
  readonly firstMs: number;
  readonly lastMs: number;
}

interface Aggregate {
  readonly messages: Set<string>;
  readonly sinceMs: number;
}

interface Tokens {
  readonly left: number;
  readonly atMs: number;
}

const maxTracked = 4096;
const maxSimilar = 10;
const similarWithinMs = 600_000;
const burst = 25;
const msPerToken = 300_000;

/**
 * Keeps Events few, by client-go's rules: the same occurrence again counts up its Event; more than 10 messages of one reason
 * about one object within 10 minutes share one Event; one object gets 25 at once and then one per 5 minutes.
 * Tracks the 4096 most recent of each.
 */
export class EventCorrelator {
  private readonly series = new RecentMap<EventSeries>(maxTracked);
  private readonly aggregates = new RecentMap<Aggregate>(maxTracked);
  private readonly tokens = new RecentMap<Tokens>(maxTracked);

  /** The series this occurrence belongs to, counted up; undefined where its object has had too many. */
  correlate(occurrence: Occurrence, nowMs: number): EventSeries | undefined {
    const { regarding, type, reason, message } = occurrence;
    const about = [regarding.apiVersion, regarding.kind, regarding.namespace, regarding.name, regarding.uid, regarding.fieldPath].join('\0');
    if (!this.spend(about, nowMs)) return undefined;
    const similar = [about, type, reason].join('\0');
    const aggregated = this.isAggregated(similar, message, nowMs);
    const key = aggregated ? similar : `${similar}\0${message}`;
    const known = this.series.get(key);
    const series: EventSeries = {
      key,
      occurrence: aggregated ? { ...occurrence, message: `(combined from similar events): ${message}` } : occurrence,
      count: (known?.count ?? 0) + 1,
      firstMs: known?.firstMs ?? nowMs,
      lastMs: nowMs,
    };
    this.series.set(key, series);
    return series;
  }

  private spend(about: string, nowMs: number): boolean {
    const { left, atMs } = this.tokens.get(about) ?? { left: burst, atMs: nowMs };
    const filled = Math.min(burst, left + (nowMs - atMs) / msPerToken);
    const allowed = filled >= 1;
    this.tokens.set(about, { left: allowed ? filled - 1 : filled, atMs: nowMs });
    return allowed;
  }

  private isAggregated(similar: string, message: string, nowMs: number): boolean {
    const known = this.aggregates.get(similar);
    const aggregate = known && nowMs - known.sinceMs < similarWithinMs ? known : { messages: new Set<string>(), sinceMs: nowMs };
    if (aggregate.messages.size <= maxSimilar) aggregate.messages.add(message);
    this.aggregates.set(similar, aggregate);
    return aggregate.messages.size > maxSimilar;
  }
}
