import { barrierSubject } from '../context';
import type { LogStream } from '../index';
import { passOn } from './contract-writes';
import { put, subject, Watcher, writeOf, type LogHarness } from './harness';

const names = (count: number): string[] => Array.from({ length: count }, (_, index) => `p${index}`);

export function readingRules(h: () => LogHarness): void {
  describe('barriers', () => {
    it('lie at or above every write acknowledged before, of any replica', async () => {
      const [one, two] = [await h().open(), await h().open()];
      const written = await h().run(put(one, 'a', 'create', 0));
      expect(await h().run(two.barrier())).toBeGreaterThanOrEqual(written);
    });

    it('share one message among all callers that wait', async () => {
      let sent = 0;
      const wrap = (stream: LogStream): LogStream => passOn(stream, (write, timeoutMs) => {
        if (write.subject === barrierSubject('kube')) sent++;
        return stream.publish(write, timeoutMs);
      });
      const log = await h().open({ wrap });
      const first = log.barrier();
      const crowd = Array.from({ length: 99 }, () => log.barrier());
      await h().run(Promise.all([first, ...crowd]));
      expect(sent).toBeLessThanOrEqual(2);
    });

    it('never share one that was sent before the call', async () => {
      let release = (): void => undefined;
      const held = new Promise<void>((resolve) => { release = resolve; });
      let stored = (): void => undefined;
      const firstStored = new Promise<void>((resolve) => { stored = resolve; });
      const wrap = (stream: LogStream): LogStream => passOn(stream, async (write, timeoutMs) => {
        const ack = await stream.publish(write, timeoutMs);
        if (write.subject === barrierSubject('kube')) {
          stored();
          await held;
        }
        return ack;
      });
      const log = await h().open({ wrap });
      const first = log.barrier();
      await h().run(firstStored);
      const written = await h().run(put(log, 'a', 'create', 0));
      const second = log.barrier();
      release();
      expect(await h().run(second)).toBeGreaterThan(written);
      expect(await h().run(first)).toBeLessThan(written);
    });

    it('show readers that everything up to them was delivered', async () => {
      const log = await h().open();
      const watcher = new Watcher(log);
      await h().run(put(log, 'a', 'create', 0));
      const barrier = await h().run(log.barrier());
      await h().run(watcher.reached(barrier));
      expect(watcher.state).toEqual({ a: 'a create 0' });
      await h().run(watcher.stop());
    });

    it('fail with Unavailable when the log does not answer in time', async () => {
      const log = await h().open({ attemptTimeoutMs: 30 });
      log.line.faults.lostAcks = 1;
      await expect(h().run(log.barrier({ timeoutMs: 100 }))).rejects.toMatchObject({ reason: 'Unavailable' });
    });
  });

  describe('reading', () => {
    it('begins with a snapshot of what lives and goes on with every write in order', async () => {
      const log = await h().open();
      const a = await h().run(put(log, 'a', 'create', 0));
      const b = await h().run(put(log, 'b', 'create', 0));
      await h().run(put(log, 'b', 'delete', b));
      const a2 = await h().run(put(log, 'a', 'update', a));
      const watcher = new Watcher(log);
      await h().run(watcher.until(() => watcher.snapshots.length === 1));
      expect(watcher.events[0]).toMatchObject({ type: 'snapshot', floor: 0, entries: [{ sequence: a2, verb: 'update', key: { name: 'a' } }] });
      const c = await h().run(put(log, 'c', 'create', 0));
      const gone = await h().run(put(log, 'a', 'delete', a2));
      await h().run(watcher.reached(gone));
      expect(watcher.entries.map(({ sequence, verb }) => [sequence, verb])).toEqual([[c, 'create'], [gone, 'delete']]);
      await h().run(watcher.stop());
    });

    it('resumes after a position with exactly what came after it, without a snapshot', async () => {
      const log = await h().open();
      const a = await h().run(put(log, 'a', 'create', 0));
      const b = await h().run(put(log, 'b', 'create', 0));
      const a2 = await h().run(put(log, 'a', 'update', a));
      const watcher = new Watcher(await h().open(), a);
      await h().run(watcher.reached(a2));
      expect(watcher.entries.map(({ sequence }) => sequence)).toEqual([b, a2]);
      expect(watcher.snapshots).toEqual([]);
      await h().run(watcher.stop());
    });

    it('takes gaps in the stream\'s sequence for what they are, and misses nothing around them', async () => {
      const log = await h().open();
      const start = await h().run(put(log, 'start', 'create', 0));
      let last = await h().run(put(log, 'a', 'create', 0));
      for (let version = 0; version < 20; version++) last = await h().run(put(log, 'a', 'update', last));
      await h().stream.purge(subject('a'), last);
      const b = await h().run(put(log, 'b', 'create', 0));
      const watcher = new Watcher(log, start);
      await h().run(watcher.reached(b));
      expect(watcher.entries.map(({ sequence }) => sequence)).toEqual([last, b]);
      await h().run(watcher.stop());
    });

    it('misses nothing and repeats nothing when its connection breaks again and again', async () => {
      const log = await h().open();
      const reading = await h().open();
      const watcher = new Watcher(reading);
      await h().run(watcher.until(() => watcher.snapshots.length === 1));
      reading.line.faults.disconnects = 0.05;
      const written: number[] = [];
      for (const name of names(120)) written.push(await h().run(put(log, name, 'create', 0)));
      reading.line.faults.disconnects = 0;
      await h().run(watcher.reached(await h().run(log.barrier())));
      expect(watcher.entries.map(({ sequence }) => sequence)).toEqual(written);
      expect(watcher.snapshots).toHaveLength(1);
      await h().run(watcher.stop());
    });

    it('loads while others write without losing or repeating a write', async () => {
      const log = await h().open();
      const writing = Promise.all(names(200).map(async (name) => {
        const created = await put(log, name, 'create', 0);
        return name.endsWith('7') ? put(log, name, 'delete', created) : put(log, name, 'update', created);
      }));
      const watchers = [new Watcher(log), new Watcher(await h().open()), new Watcher(await h().open())];
      await h().run(writing);
      const end = await h().run(log.barrier());
      for (const watcher of watchers) {
        await h().run(watcher.reached(end));
        expect(Object.keys(watcher.state)).toHaveLength(180);
        expect(Object.values(watcher.state).every((body) => body.includes('update'))).toBe(true);
        const sequences = watcher.entries.map(({ sequence }) => sequence);
        expect(sequences).toEqual([...new Set(sequences)].sort((a, b) => a - b));
        expect(sequences.every((sequence) => sequence > (watcher.snapshots[0]?.sequence ?? Infinity))).toBe(true);
        await h().run(watcher.stop());
      }
    });

    it('gives a new snapshot when the position was lost', async () => {
      const log = await h().open();
      const watcher = new Watcher(log);
      await h().run(watcher.until(() => watcher.snapshots.length === 1));
      log.line.faults.resets = 1;
      await h().run(put(log, 'a', 'create', 0));
      log.line.faults.resets = 0;
      await h().run(watcher.until(() => watcher.snapshots.length === 2));
      expect(watcher.state).toEqual({ a: 'a create 0' });
      await h().run(watcher.stop());
    });

    it('cuts off a reader that lies too far behind and lets it resume where it stands', async () => {
      const log = await h().open({ readerBacklog: 10 });
      let open = (): void => undefined;
      const watcher = new Watcher(log, undefined, new Promise<void>((resolve) => { open = resolve; }));
      await h().run(watcher.until(() => watcher.snapshots.length === 1));
      const written: number[] = [];
      for (const name of names(100)) written.push(await h().run(put(log, name, 'create', 0)));
      open();
      await h().run(watcher.reached(written.at(-1) as number));
      expect(watcher.entries.map(({ sequence }) => sequence)).toEqual(written);
      await h().run(watcher.stop());
    });

    it('refuses a position that lies beyond the end', async () => {
      const log = await h().open();
      const watcher = new Watcher(log, 1_000_000);
      expect(await h().run(watcher.failed())).toMatchObject({ reason: 'Invalid' });
      expect(await h().run(log.publish(writeOf('a', 'create', 0)))).toMatchObject({ outcome: 'committed' });
    });

    it('returns when its signal aborts', async () => {
      const log = await h().open();
      const watcher = new Watcher(log);
      await h().run(watcher.until(() => watcher.snapshots.length === 1));
      await h().run(watcher.stop());
      expect(await watcher.failed()).toBeUndefined();
    });
  });
}
