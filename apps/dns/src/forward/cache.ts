import type { Clock } from '@navarch/base';
import { LRUCache } from 'lru-cache';

import { withTtlsReduced, lifetimeSeconds } from './raw-message';

export interface CachedKey {
  readonly name: string;
  readonly type: string;
  /** Whether the client speaks EDNS: others must not be sent its record. */
  readonly edns: boolean;
  readonly dnssecOk: boolean;
  readonly checkingDisabled: boolean;
}

interface Entry {
  readonly message: Buffer;
  readonly storedMs: number;
  readonly untilMs: number;
}

/** Nobody is trusted for longer than this, in seconds. */
const maxPositiveSeconds = 3_600;
const maxNegativeSeconds = 60;

/** Answers of other servers, for as long as they may be kept. Least used ones leave first. */
export class AnswerCache {
  private readonly entries: LRUCache<string, Entry>;

  constructor(private readonly clock: Clock, maxEntries: number) {
    this.entries = new LRUCache({ max: maxEntries });
  }

  get size(): number {
    return this.entries.size;
  }

  /** The message with the id 0, and its times as they are by now. */
  get(key: CachedKey): Buffer | undefined {
    const entry = this.entries.get(textOf(key));
    const nowMs = this.clock.monotonic();
    if (!entry) return undefined;
    if (nowMs < entry.untilMs) return withTtlsReduced(entry.message, Math.floor((nowMs - entry.storedMs) / 1_000));
    this.entries.delete(textOf(key));
    return undefined;
  }

  set(key: CachedKey, message: Buffer): void {
    const seconds = lifetimeSeconds(message, { maxPositiveSeconds, maxNegativeSeconds });
    if (seconds === undefined || seconds <= 0) return;
    const storedMs = this.clock.monotonic();
    this.entries.set(textOf(key), { message: Buffer.from(message), storedMs, untilMs: storedMs + seconds * 1_000 });
  }
}

export const textOf = ({ name, type, edns, dnssecOk, checkingDisabled }: CachedKey): string =>
  `${name.toLowerCase()} ${type} ${edns ? 'e' : ''}${dnssecOk ? 'd' : ''}${checkingDisabled ? 'c' : ''}`;
