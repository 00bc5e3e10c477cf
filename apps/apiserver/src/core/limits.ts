import { tooManyRequests } from './errors';
import type { User, Verb } from './request';

interface Bound {
  readonly total: number;
  readonly perUser: number;
}

/** Requests under way at once. A user's share is smaller than the whole, so that nobody's flood starves the others. */
export interface InFlightLimits {
  readonly reads: Bound;
  readonly writes: Bound;
  readonly watches: Bound;
}

export const defaultLimits: InFlightLimits = {
  reads: { total: 1_000, perUser: 400 },
  writes: { total: 1_000, perUser: 500 },
  watches: { total: 50_000, perUser: 12_000 },
};

class Slots {
  total = 0;
  private readonly users = new Map<string, number>();

  constructor(private readonly bound: Bound) {}

  take(user: string): () => void {
    const own = this.users.get(user) ?? 0;
    if (this.total >= this.bound.total || own >= this.bound.perUser) throw tooManyRequests();
    this.total++;
    this.users.set(user, own + 1);
    let held = true;
    return () => {
      if (held) this.giveBack(user);
      held = false;
    };
  }

  private giveBack(user: string): void {
    this.total--;
    const left = (this.users.get(user) ?? 1) - 1;
    if (left > 0) this.users.set(user, left);
    else this.users.delete(user);
  }
}

/** Counts requests under way. `take` throws TooManyRequests beyond a bound; what it answers gives the place back, once. */
export class InFlight {
  private readonly reads: Slots;
  private readonly writes: Slots;
  private readonly watches: Slots;

  constructor(limits: InFlightLimits) {
    this.reads = new Slots(limits.reads);
    this.writes = new Slots(limits.writes);
    this.watches = new Slots(limits.watches);
  }

  /** Requests under way now. */
  counts(): { readonly readOnly: number; readonly mutating: number; readonly streams: number } {
    return { readOnly: this.reads.total, mutating: this.writes.total, streams: this.watches.total };
  }

  take({ name }: User, verb: Verb, streams: boolean): () => void {
    if (streams) return this.watches.take(name);
    return (verb === 'get' || verb === 'list' ? this.reads : this.writes).take(name);
  }
}
