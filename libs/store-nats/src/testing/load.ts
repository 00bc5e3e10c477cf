import { hasReason, randomInt, type Random } from '@navarch/base';
import type { LogVerb, ObjectLog } from '@navarch/store';
import { bytes, writeOf, type Watcher } from '@navarch/store/testing';

/** What a writer knows of one key. `unsure` holds the message ids of writes whose outcome nobody told. */
interface Known { sequence: number; verb: LogVerb; messageId: string }

/** Writers that own their keys and remember every answer. */
export class Load {
  readonly acknowledged = new Map<number, string>();
  readonly unsure = new Set<string>();
  readonly failures: unknown[] = [];
  readonly known = new Map<string, Known>();
  private readonly lost = new Set<string>();
  private readonly body = bytes('x'.repeat(1_400));

  constructor(private readonly log: ObjectLog, private readonly random: Random, private readonly names = '') {}

  /** `writes` writes by 64 writers, each to keys of its own; goes on through failures. */
  async run(writes: number): Promise<void> {
    let left = writes;
    await Promise.all(Array.from({ length: 64 }, async (_, writer) => {
      while (left-- > 0) await this.write(`${this.names}w${writer}-${randomInt(this.random, 5)}`);
    }));
  }

  private async write(name: string): Promise<void> {
    if (this.lost.has(name)) return;
    const now = this.known.get(name);
    const verb = !now || now.verb === 'delete' ? 'create' : randomInt(this.random, 4) === 0 ? 'delete' : 'update';
    const write = writeOf(name, verb, now?.sequence ?? 0, { body: this.body });
    try {
      const result = await this.log.publish(write);
      if (result.outcome !== 'committed') throw new Error(`conflict on ${name}, which nobody else writes: ${JSON.stringify(result)}`);
      this.acknowledged.set(result.sequence, write.messageId);
      this.known.set(name, { sequence: result.sequence, verb, messageId: write.messageId });
    } catch (error) {
      this.failures.push(error);
      if (!hasReason(error, 'Timeout')) return;
      this.unsure.add(write.messageId);
      this.lost.add(name);
    }
  }

  /** What a load must hold: live keys whose last write is known, with their sequences. */
  get live(): [string, number][] {
    return [...this.known].filter(([name, { verb }]) => verb !== 'delete' && !this.lost.has(name)).map(([name, { sequence }]): [string, number] => [name, sequence]).sort(byName);
  }

  liveIn(snapshot: Watcher): [string, number][] {
    return (snapshot.snapshots[0]?.entries ?? []).filter(({ key }) => !this.lost.has(key.name)).map(({ key, sequence }): [string, number] => [key.name, sequence]).sort(byName);
  }
}

const byName = (a: [string, number], b: [string, number]): number => (a[0] < b[0] ? -1 : 1);
