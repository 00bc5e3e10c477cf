import { hasReason } from '@navarch/base';

import { decodeRecord, encodeRecord } from '../compaction-record';
import { epochSubject, floorSubject, liveSubject } from '../context';
import { digestOf, encodeChunks } from '../live-set';
import type { LogStream, ObjectLog, StreamMessage } from '../index';
import { passOn } from './contract-writes';
import { put, sequenceOf, subject, Watcher, writeOf, type LogHarness, type OpenLog } from './harness';

const short = { maxTimeoutMs: 1_500, graceMs: 1_500 };

export function compactionRules(h: () => LogHarness): void {
  const compact = (log: ObjectLog, floor: number): Promise<Awaited<ReturnType<ObjectLog['compact']>>> => h().run(log.compact(floor));
  const load = async (log: ObjectLog): Promise<Watcher> => {
    const watcher = new Watcher(log);
    await h().run(watcher.until(() => watcher.snapshots.length === 1).finally(() => watcher.stop()));
    return watcher;
  };
  /** `kept` at three versions, `gone` deleted, `late` created after the floor; returns their sequences. */
  const history = async (log: OpenLog): Promise<{ kept: number; floor: number; late: number; gone: number }> => {
    let kept = await h().run(put(log, 'kept', 'create', 0));
    const gone = await h().run(put(log, 'gone', 'create', 0));
    for (let version = 0; version < 2; version++) kept = await h().run(put(log, 'kept', 'update', kept));
    await h().run(put(log, 'gone', 'delete', gone));
    const floor = await h().run(log.barrier());
    return { kept, floor, gone, late: await h().run(put(log, 'late', 'create', 0)) };
  };

  describe('compaction', () => {
    it('removes old versions and dead tombstones below the floor, and nothing else', async () => {
      const log = await h().open(short);
      const { kept, floor, late } = await history(log);
      const late2 = await h().run(put(log, 'late', 'update', late));
      expect(await compact(log, floor)).toMatchObject({ floor, live: 2 });
      const objects = (await readAll(h(), log)).filter((message) => !message.subject.includes('_sys'));
      expect(objects.map(({ sequence }) => sequence)).toEqual([kept, late, late2]);
      expect((await load(log)).state).toEqual({ kept: expect.stringContaining('kept update') as string, late: `late update ${late}` });
    });

    it('writes the floor first and purges only after the grace period', async () => {
      const log = await h().open(short);
      const { floor, kept } = await history(log);
      const watcher = new Watcher(log);
      await h().run(watcher.until(() => watcher.snapshots.length === 1));
      const done = log.compact(floor);
      await h().run(watcher.until(() => watcher.floors.length === 1));
      expect(watcher.floors).toEqual([floor]);
      expect((await h().stream.firstFrom(subject('kept'), 1))?.sequence).toBeLessThan(kept);
      await h().run(done);
      expect((await h().stream.firstFrom(subject('kept'), 1))?.sequence).toBe(kept);
      expect(watcher.snapshots).toHaveLength(1);
      await h().run(watcher.stop());
    });

    it('carries a count and a hash of the live set in its record', async () => {
      const log = await h().open(short);
      const { floor, kept } = await history(log);
      await compact(log, floor);
      const record = await h().stream.lastOf(floorSubject('kube'));
      expect(record && decodeRecord(record)).toMatchObject({ floor, ...digestOf([{ subject: subject('kept'), sequence: kept }]) });
    });

    it('gives a reader below the floor a snapshot and lets one at the floor resume', async () => {
      const log = await h().open(short);
      const { floor, late, gone } = await history(log);
      await compact(log, floor);
      const [below, at] = [new Watcher(log, gone), new Watcher(log, floor)];
      await h().run(Promise.all([below.until(() => below.snapshots.length === 1), at.reached(late)]));
      expect(below.snapshots[0]).toMatchObject({ floor });
      expect(below.entries).toEqual([]);
      expect(at.snapshots).toEqual([]);
      expect(at.entries.map(({ sequence }) => sequence)).toEqual([late]);
      await h().run(Promise.all([below.stop(), at.stop()]));
    });

    it('makes a reader that meets the floor only after the grace period load anew: it cannot know what it missed', async () => {
      let hold: StreamMessage[] | undefined;
      const readers: ((message: StreamMessage) => void)[] = [];
      const wrap = (stream: LogStream): LogStream => ({
        ...passOn(stream, (write, timeoutMs) => stream.publish(write, timeoutMs)),
        follow: (options, reader) => {
          readers.push(reader.onMessage);
          return stream.follow(options, { ...reader, onMessage: (message) => { if (hold) hold.push(message); else reader.onMessage(message); } });
        },
      });
      const [log, slow] = [await h().open(short), await h().open({ ...short, wrap })];
      const watcher = new Watcher(slow);
      await h().run(watcher.until(() => watcher.snapshots.length === 1));
      hold = [];
      const { floor } = await history(log);
      await compact(log, floor);
      const held = hold;
      hold = undefined;
      for (const message of held) readers[0]?.(message);
      await h().run(watcher.until(() => watcher.snapshots.length === 2));
      expect(watcher.snapshots[1]).toMatchObject({ floor });
      await h().run(watcher.stop());
    });

    it('lets a writer create over a tombstone that it removed', async () => {
      const log = await h().open(short);
      const created = await h().run(put(log, 'a', 'create', 0));
      const tombstone = await h().run(put(log, 'a', 'delete', created));
      await compact(log, await h().run(log.barrier()));
      expect(await h().stream.lastOf(subject('a'))).toBeUndefined();
      expect(sequenceOf(await h().run(log.publish(writeOf('a', 'create', tombstone))))).toBeGreaterThan(tombstone);
    });

    it('verifies at load: later changes and deletions are well, and each next compaction too', async () => {
      const log = await h().open(short);
      const { floor, kept, late } = await history(log);
      await compact(log, floor);
      await h().run(put(log, 'kept', 'delete', kept));
      const late2 = await h().run(put(log, 'late', 'update', late));
      expect(Object.keys((await load(log)).state)).toEqual(['late']);
      await compact(log, await h().run(log.barrier()));
      expect((await load(await h().open())).state).toEqual({ late: `late update ${late}` });
      expect((await readAll(h(), log)).filter((message) => !message.subject.includes('_sys')).map(({ sequence }) => sequence)).toEqual([late2]);
    });

    it('names at load a key that went', async () => {
      const log = await h().open(short);
      const { floor, kept } = await history(log);
      await compact(log, floor);
      await h().stream.purge(subject('kept'), kept + 1);
      const watcher = new Watcher(await h().open());
      expect(await h().run(watcher.failed())).toMatchObject({ reason: 'Internal', message: expect.stringMatching(/1 went \(pods default\/kept\)/) as string });
      expect(watcher.events).toEqual([]);
    });

    it('names at load a key that came back', async () => {
      const log = await h().open(short);
      const { floor } = await history(log);
      await forgeRecord(h().stream, floor, []);
      const watcher = new Watcher(await h().open());
      expect(await h().run(watcher.failed())).toMatchObject({ reason: 'Internal', message: expect.stringMatching(/1 came back \(pods default\/kept\)/) as string });
      expect(watcher.events).toEqual([]);
    });

    it('does not trust a list of live objects that is damaged itself', async () => {
      const log = await h().open(short);
      const { floor, kept } = await history(log);
      await forgeRecord(h().stream, floor, [{ subject: subject('kept'), sequence: kept }, { subject: subject('other'), sequence: 1 }], 'damaged');
      const watcher = new Watcher(await h().open());
      expect(await h().run(watcher.failed())).toMatchObject({ reason: 'Internal', message: expect.stringContaining('damaged') as string });
    });

    it('completes what a compactor that went away left undone, and never lowers the floor', async () => {
      const [first, second] = [await h().open(short), await h().open(short)];
      const { floor, kept } = await history(first);
      const controller = new AbortController();
      const watcher = new Watcher(first);
      const abandoned = first.compact(floor, { signal: controller.signal }).catch((error: unknown) => error);
      await h().run(watcher.until(() => watcher.floors.length === 1 || (watcher.snapshots[0]?.floor ?? 0) > 0));
      controller.abort(new Error('went away'));
      expect(await h().run(abandoned)).toMatchObject({ message: 'went away' });
      expect((await h().stream.firstFrom(subject('kept'), 1))?.sequence).toBeLessThan(kept);
      expect(await compact(second, floor - 1)).toMatchObject({ floor });
      expect((await h().stream.firstFrom(subject('kept'), 1))?.sequence).toBe(kept);
      await h().run(watcher.stop());
    });

    it('lets one of two compactors give way with Conflict, and the log stays whole', async () => {
      const [one, two] = [await h().open(short), await h().open(short)];
      const { floor } = await history(one);
      const results = await h().run(Promise.allSettled([one.compact(floor), two.compact(floor)]));
      expect(results.some(({ status }) => status === 'fulfilled')).toBe(true);
      for (const result of results) if (result.status === 'rejected') expect(hasReason(result.reason, 'Conflict')).toBe(true);
      expect(Object.keys((await load(one)).state)).toEqual(['kept', 'late']);
    });
  });

  describe('another history', () => {
    it('refuses to serve when the log was made anew below what was seen', async () => {
      const log = await h().open();
      const watcher = new Watcher(log);
      for (let name = 0; name < 20; name++) await h().run(put(log, `p${name}`, 'create', 0));
      await h().run(watcher.reached(await h().run(log.barrier())));
      await h().recreate(1);
      expect(await h().run(watcher.failed())).toMatchObject({ reason: 'Unavailable', message: expect.stringContaining('lost part of its history') as string });
      await expect(h().run(log.barrier())).rejects.toMatchObject({ reason: 'Unavailable' });
      await expect(h().run(log.publish(writeOf('a', 'create', 0)))).rejects.toMatchObject({ reason: 'Unavailable' });
    });

    it('refuses to serve when the log was made anew and has grown past what was seen', async () => {
      const log = await h().open();
      const watcher = new Watcher(log);
      await h().run(put(log, 'old', 'create', 0));
      await h().run(watcher.reached(await h().run(log.barrier())));
      await h().recreate(1);
      const stranger = await h().open();
      await h().run(Promise.all(Array.from({ length: 50 }, (_, index) => put(stranger, `new${index}`, 'create', 0))));
      expect(await h().run(watcher.failed())).toMatchObject({ reason: 'Unavailable', message: expect.stringContaining('made anew') as string });
      expect(watcher.entries.some(({ key }) => key.name.startsWith('new'))).toBe(false);
    });

    it('refuses to serve when the log lost its tail, though its epoch is the same', async () => {
      const log = await h().open();
      const watcher = new Watcher(log);
      for (let name = 0; name < 20; name++) await h().run(put(log, `p${name}`, 'create', 0));
      await h().run(watcher.reached(await h().run(log.barrier())));
      const epoch = await h().stream.lastOf(epochSubject('kube')) as StreamMessage;
      await h().recreate(1);
      await h().stream.publish({ subject: epoch.subject, headers: { 'Navarch-Epoch': epoch.header('Navarch-Epoch') as string }, body: new Uint8Array(0) }, 5_000);
      await expect(h().run(log.barrier())).rejects.toMatchObject({ reason: 'Unavailable', message: expect.stringContaining('lost part of its history') as string });
      expect(await h().run(watcher.failed())).toMatchObject({ reason: 'Unavailable' });
    });

    it('takes a restored log up, by a snapshot, when its sequence was advanced past the old end', async () => {
      const log = await h().open();
      const watcher = new Watcher(log);
      await h().run(put(log, 'old', 'create', 0));
      const end = await h().run(log.barrier());
      await h().run(watcher.reached(end));
      await h().recreate(end + 100);
      await h().run(watcher.until(() => watcher.snapshots.length === 2));
      expect(watcher.state).toEqual({});
      const restored = await h().run(put(log, 'restored', 'create', 0));
      expect(restored).toBeGreaterThan(end + 100);
      await h().run(watcher.reached(restored));
      await h().run(watcher.stop());
    });
  });
}

/** Every message of the stream, in order. */
async function readAll(h: LogHarness, log: ObjectLog): Promise<StreamMessage[]> {
  const messages: StreamMessage[] = [];
  let done = (): void => undefined;
  const finished = new Promise<void>((resolve) => { done = resolve; });
  const end = await h.run(log.barrier());
  const { stop } = await h.stream.follow({ start: 1 }, {
    onMessage: (message) => {
      messages.push(message);
      if (message.sequence >= end) done();
    },
    onEnd: () => undefined,
  }).then((subscription) => ({ stop: () => subscription.stop() }));
  await h.run(finished);
  stop();
  return messages;
}

async function forgeRecord(stream: LogStream, floor: number, live: readonly { subject: string; sequence: number }[], hash?: string): Promise<void> {
  const chunks = encodeChunks(live);
  for (const [index, body] of chunks.entries()) await stream.publish({ subject: liveSubject('kube', 'forged', index), headers: {}, body }, 5_000);
  const record = { floor, generation: 'forged', chunks: chunks.length, ...digestOf(live), ...(hash !== undefined && { hash }) };
  await stream.publish({ subject: floorSubject('kube'), headers: encodeRecord(record), body: new Uint8Array(0) }, 5_000);
}
