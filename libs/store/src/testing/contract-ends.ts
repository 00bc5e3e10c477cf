import type { LogStream } from '../index';
import { bytes, put, subject, Watcher, writeOf, type LogHarness } from './harness';

export function endRules(h: () => LogHarness): void {
  /** An update of `a` that looks like a write, but is not what was written. */
  const damage = (stream: LogStream, headers: Record<string, string> = {}): Promise<unknown> => stream.publish({
    subject: subject('a'), body: bytes('garbage'), headers: { 'Navarch-Verb': 'update', 'Navarch-Uid': 'uid-a', 'Navarch-Checksum': '12345678', 'Navarch-Format': '1', ...headers },
  }, 5_000);

  describe('corruption', () => {
    it('is reported with the key at load, and nothing of it is served or dropped', async () => {
      const log = await h().open();
      await h().run(put(log, 'a', 'create', 0));
      await h().run(put(log, 'b', 'create', 0));
      await damage(h().stream);
      const watcher = new Watcher(log);
      expect(await h().run(watcher.failed())).toMatchObject({ reason: 'Internal', message: expect.stringMatching(/pods default\/a does not match its checksum/) as string });
      expect(watcher.events).toEqual([]);
    });

    it('ends a running reader with the key, after all that came before', async () => {
      const log = await h().open();
      const watcher = new Watcher(log);
      await h().run(watcher.until(() => watcher.snapshots.length === 1));
      const before = await h().run(put(log, 'a', 'create', 0));
      await damage(h().stream);
      await h().run(put(log, 'b', 'create', 0));
      expect(await h().run(watcher.failed())).toMatchObject({ reason: 'Internal', message: expect.stringContaining('pods default/a') as string });
      expect(watcher.entries.map(({ sequence }) => sequence)).toEqual([before]);
    });

    it.each([
      ['a format of another version', { 'Navarch-Format': '2' }, 'has format 2'],
      ['an unknown verb', { 'Navarch-Verb': 'merge' }, 'no valid verb'],
    ])('covers %s', async (_what, headers, message) => {
      const log = await h().open();
      await h().run(put(log, 'a', 'create', 0));
      await damage(h().stream, headers);
      expect(await h().run(new Watcher(log).failed())).toMatchObject({ reason: 'Internal', message: expect.stringContaining(message) as string });
    });

    it('is mended by writing the object anew', async () => {
      const log = await h().open();
      await h().run(put(log, 'a', 'create', 0));
      await damage(h().stream);
      const bad = (await h().stream.lastOf(subject('a')))?.sequence ?? 0;
      const good = await h().run(put(log, 'a', 'update', bad));
      const watcher = new Watcher(log);
      await h().run(watcher.until(() => watcher.snapshots.length === 1));
      expect(watcher.snapshots[0]?.entries.map(({ sequence }) => sequence)).toEqual([good]);
      await h().run(watcher.stop());
    });
  });

  describe('a second log', () => {
    it('has its own sequence, barrier and floor, so that events never move the objects\' versions', async () => {
      const objects = await h().open({ maxTimeoutMs: 1_500, graceMs: 1_500 });
      const events = await h().openEvents();
      const object = await h().run(put(objects, 'a', 'create', 0));
      let event = 0;
      for (let count = 0; count < 10; count++) event = await h().run(put(events, 'a', event === 0 ? 'create' : 'update', event));
      expect(await h().run(put(objects, 'b', 'create', 0))).toBe(object + 1);
      const watcher = new Watcher(events);
      await h().run(watcher.until(() => watcher.snapshots.length === 1));
      await h().run(objects.compact(await h().run(objects.barrier())));
      await h().run(watcher.reached(await h().run(events.barrier())));
      expect(watcher.floors).toEqual([]);
      expect(Object.keys(watcher.state)).toEqual(['a']);
      await h().run(watcher.stop());
    });
  });

  describe('ending', () => {
    it('settles when no publish is under way any more', async () => {
      const log = await h().open();
      await h().run(log.settle());
      log.line.faults.refusedWrites = 1;
      const writes = ['a', 'b', 'c'].map((name) => log.publish(writeOf(name, 'create', 0)));
      let settled = false;
      const settling = log.settle().then(() => { settled = true; });
      const other = await h().open();
      await h().run(other.barrier());
      expect(settled).toBe(false);
      log.line.faults.refusedWrites = 0;
      await h().run(settling);
      for (const name of ['a', 'b', 'c']) expect(await h().stream.lastOf(subject(name))).toBeDefined();
      await h().run(Promise.all(writes));
    });

    it('closes: readers and later calls end with Unavailable, a write under way says that it is unknown', async () => {
      const log = await h().open({ attemptTimeoutMs: 50 });
      const watcher = new Watcher(log);
      await h().run(watcher.until(() => watcher.snapshots.length === 1));
      log.line.faults.lostAcks = 1;
      const write = log.publish(writeOf('a', 'create', 0)).catch((error: unknown) => error);
      await h().run(log.close());
      expect(await h().run(watcher.failed())).toMatchObject({ reason: 'Unavailable' });
      expect(await h().run(write)).toMatchObject({ reason: 'Timeout', message: expect.stringContaining('unknown') as string });
      await expect(log.publish(writeOf('b', 'create', 0))).rejects.toMatchObject({ reason: 'Unavailable' });
      await expect(log.barrier()).rejects.toMatchObject({ reason: 'Unavailable' });
    });

    it('loses what a crashed replica had under way at most, and another replica goes on', async () => {
      const [crashing, other] = [await h().open({ attemptTimeoutMs: 50 }), await h().open()];
      const sure = await h().run(put(crashing, 'sure', 'create', 0));
      const watcher = new Watcher(crashing);
      await h().run(watcher.until(() => watcher.snapshots.length === 1));
      const maybe = crashing.publish(writeOf('maybe', 'create', 0)).catch((error: unknown) => error);
      crashing.line.crash();
      await h().run(crashing.close());
      expect(await h().run(maybe)).toMatchObject({ reason: 'Timeout' });
      const next = await h().run(put(other, 'sure', 'update', sure));
      const after = new Watcher(other);
      await h().run(after.until(() => after.snapshots.length === 1));
      expect(after.snapshots[0]?.entries.find(({ key }) => key.name === 'sure')?.sequence).toBe(next);
      expect(watcher.entries.some(({ sequence }) => sequence === next)).toBe(false);
      await h().run(after.stop());
    });
  });
}
