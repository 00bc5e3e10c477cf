import type { LogStream } from '../index';
import { bytes, pod, put, sequenceOf, subject, text, Watcher, writeOf, type LogHarness } from './harness';

const trace = (id: string): string => `00-${id.repeat(32)}-${id.repeat(16)}-01`;

export function writeRules(h: () => LogHarness): void {
  describe('writing', () => {
    it('creates where nothing is and gives every write a higher sequence', async () => {
      const log = await h().open();
      const first = await h().run(put(log, 'a', 'create', 0));
      const second = await h().run(put(log, 'b', 'create', 0));
      expect(first).toBeGreaterThan(0);
      expect(second).toBeGreaterThan(first);
    });

    it('updates and deletes only what is as the writer last saw it, and otherwise tells the current sequence', async () => {
      const log = await h().open();
      const created = await h().run(put(log, 'a', 'create', 0));
      const updated = await h().run(put(log, 'a', 'update', created));
      const stale = { outcome: 'conflict', currentSequence: updated };
      expect(await h().run(log.publish(writeOf('a', 'update', created)))).toEqual(stale);
      expect(await h().run(log.publish(writeOf('a', 'delete', created)))).toEqual(stale);
      expect(await h().run(put(log, 'a', 'delete', updated))).toBeGreaterThan(updated);
    });

    it('lets exactly one of many concurrent writers of several replicas win each round', async () => {
      const logs = [await h().open(), await h().open()];
      let expected = 0;
      for (let round = 0; round < 5; round++) {
        const verb = round === 0 ? 'create' : 'update';
        const results = await h().run(Promise.all(Array.from({ length: 20 }, (_, index) => (logs[index % 2] as (typeof logs)[0]).publish(writeOf('a', verb, expected)))));
        const won = results.filter(({ outcome }) => outcome === 'committed');
        expect(won).toHaveLength(1);
        expected = sequenceOf(won[0] as (typeof won)[0]);
      }
    });

    it('refuses to create what lives', async () => {
      const log = await h().open();
      const created = await h().run(put(log, 'a', 'create', 0));
      expect(await h().run(log.publish(writeOf('a', 'create', 0)))).toEqual({ outcome: 'conflict', currentSequence: created });
    });

    it('deletes by a tombstone that carries the last state, so that every watcher can tell what went', async () => {
      const log = await h().open();
      const created = await h().run(put(log, 'a', 'create', 0));
      const deleted = await h().run(put(log, 'a', 'delete', created, { body: bytes('last state') }));
      const watcher = new Watcher(log, created - 1);
      await h().run(watcher.reached(deleted));
      expect(watcher.entries.map(({ verb, body }) => [verb, text(body)])).toEqual([['create', 'a create 0'], ['delete', 'last state']]);
      await h().run(watcher.stop());
    });

    it('creates over a tombstone, with its sequence or without having known of it', async () => {
      const log = await h().open();
      const created = await h().run(put(log, 'a', 'create', 0));
      const deleted = await h().run(put(log, 'a', 'delete', created));
      const again = await h().run(put(log, 'a', 'create', deleted));
      await h().run(put(log, 'a', 'delete', again));
      const unaware = await h().run(put(log, 'a', 'create', 0));
      expect(await h().run(log.publish(writeOf('a', 'create', 0)))).toEqual({ outcome: 'conflict', currentSequence: unaware });
    });

    it('does not update over a tombstone', async () => {
      const log = await h().open();
      const created = await h().run(put(log, 'a', 'create', 0));
      const deleted = await h().run(put(log, 'a', 'delete', created));
      expect(await h().run(log.publish(writeOf('a', 'update', created)))).toEqual({ outcome: 'conflict', currentSequence: deleted });
    });

    it('refuses malformed message ids, uids, sequences and keys that are too long', async () => {
      const log = await h().open();
      for (const bad of [{ messageId: 'a\r\nb' }, { messageId: '' }, { uid: 'ü' }, { expectedSequence: -1 }, { expectedSequence: 0.5 }, { key: pod('x'.repeat(3_000)) }]) {
        await expect(log.publish(writeOf('a', 'create', 0, bad))).rejects.toMatchObject({ reason: 'Invalid' });
      }
    });
  });

  describe('unknown outcomes', () => {
    it('writes once though the acknowledgement was lost: the repetition has the same message id', async () => {
      const log = await h().open({ attemptTimeoutMs: 50 });
      log.line.faults.lostAcks = 1;
      const write = log.publish(writeOf('a', 'create', 0));
      const landed = new Watcher(await h().open());
      await h().run(landed.until(() => Object.keys(landed.state).length === 1));
      log.line.faults.lostAcks = 0;
      const sequence = sequenceOf(await h().run(write));
      const end = await h().run(log.barrier());
      await h().run(landed.reached(end));
      expect([...landed.snapshots.flatMap(({ entries }) => entries), ...landed.entries].map((entry) => entry.sequence)).toEqual([sequence]);
      await h().run(landed.stop());
    });

    it('knows its own write by the first message after the expected sequence, though others followed and the stream no longer knows the id', async () => {
      const other = await h().open();
      let attempts = 0;
      const wrap = (stream: LogStream): LogStream => passOn(stream, async (write, timeoutMs) => {
        if (write.subject !== subject('a')) return stream.publish(write, timeoutMs);
        if (attempts++ > 0) return stream.publish({ ...write, messageId: `${write.messageId}-forgotten` }, timeoutMs);
        const ack = await stream.publish(write, timeoutMs);
        if (ack.outcome === 'stored') await put(other, 'a', 'update', ack.sequence);
        return { outcome: 'unknown', error: new Error('lost') };
      });
      const log = await h().open({ wrap });
      const created = sequenceOf(await h().run(log.publish(writeOf('a', 'create', 0))));
      expect((await h().stream.firstFrom(subject('a'), 1))?.sequence).toBe(created);
      expect(attempts).toBe(2);
    });

    it('reports a conflict when the first message after the expected sequence is someone else\'s', async () => {
      const other = await h().open();
      const created = await h().run(put(other, 'a', 'create', 0));
      let theirs = 0;
      const wrap = (stream: LogStream): LogStream => passOn(stream, async (write, timeoutMs) => {
        if (write.subject !== subject('a') || theirs > 0) return stream.publish(write, timeoutMs);
        theirs = await put(other, 'a', 'update', created);
        return { outcome: 'unknown', error: new Error('lost') };
      });
      const log = await h().open({ wrap });
      expect(await h().run(log.publish(writeOf('a', 'update', created)))).toEqual({ outcome: 'conflict', currentSequence: theirs });
    });

    it('is sure again once what it expected can no longer be: a create that met a tombstone and then finds no way says Unavailable, not unknown', async () => {
      const other = await h().open();
      const created = await h().run(put(other, 'a', 'create', 0));
      await h().run(put(other, 'a', 'delete', created));
      let attempts = 0;
      const wrap = (stream: LogStream): LogStream => passOn(stream, async (write, timeoutMs) => {
        attempts++;
        if (attempts === 1) return { outcome: 'unknown', error: new Error('lost') };
        return attempts === 2 ? stream.publish(write, timeoutMs) : { outcome: 'refused', error: new Error('busy') };
      });
      const log = await h().open({ wrap });
      await expect(h().run(log.publish(writeOf('a', 'create', 0), { timeoutMs: 1_000 }))).rejects.toMatchObject({ reason: 'Unavailable' });
      expect(attempts).toBeGreaterThan(2);
    });

    it('answers a repeated message id with the first one\'s sequence', async () => {
      const log = await h().open();
      const write = writeOf('a', 'create', 0);
      const first = await h().run(log.publish(write));
      expect(await h().run(log.publish(write))).toEqual(first);
    });

    it('says at the deadline that the outcome is unknown, and the write may have landed', async () => {
      const log = await h().open({ attemptTimeoutMs: 30 });
      log.line.faults.lostAcks = 1;
      await expect(h().run(log.publish(writeOf('a', 'create', 0), { timeoutMs: 120 }))).rejects.toMatchObject({ reason: 'Timeout', message: expect.stringContaining('unknown') as string });
      expect(await h().stream.lastOf(subject('a'))).toBeDefined();
    });

    it('says Unavailable at the deadline when nothing can have been written', async () => {
      const log = await h().open({ attemptTimeoutMs: 30 });
      log.line.faults.refusedWrites = 1;
      await expect(h().run(log.publish(writeOf('a', 'create', 0), { timeoutMs: 120 }))).rejects.toMatchObject({ reason: 'Unavailable' });
      expect(await h().stream.lastOf(subject('a'))).toBeUndefined();
    });

    it('waits within the deadline for a stream that cannot take messages now', async () => {
      const log = await h().open();
      log.line.faults.refusedWrites = 1;
      const write = log.publish(writeOf('a', 'create', 0));
      h().clock.setTimer(60, () => { log.line.faults.refusedWrites = 0; });
      expect(await h().run(write)).toMatchObject({ outcome: 'committed' });
    });

    it('ends a write as soon as its caller gives up, and says whether it may have landed', async () => {
      const log = await h().open();
      await h().run(log.barrier());
      log.line.faults.lostAcks = 1;
      const controller = new AbortController();
      const write = log.publish(writeOf('a', 'create', 0), { signal: controller.signal });
      controller.abort();
      await expect(h().run(write)).rejects.toMatchObject({ reason: 'Timeout', message: expect.stringContaining('unknown') as string });
      await expect(h().run(log.publish(writeOf('b', 'create', 0), { signal: controller.signal }))).rejects.toMatchObject({ reason: 'Canceled' });
    });
  });

  describe('what travels with a write', () => {
    it('gives readers and snapshots the verb, uid, message id, commit time, body, traceparent and origin', async () => {
      const log = await h().open();
      const live = new Watcher(log);
      await h().run(live.until(() => live.snapshots.length === 1));
      const write = writeOf('a', 'create', 0, { traceparent: trace('1'), origin: trace('2'), body: Uint8Array.from([0, 255, 10, 13]) });
      const before = h().clock.now();
      const sequence = sequenceOf(await h().run(log.publish(write)));
      await h().run(live.reached(sequence));
      const later = new Watcher(log);
      await h().run(later.until(() => later.snapshots.length === 1));
      const { key, verb, uid, messageId, traceparent, origin } = write;
      for (const entry of [live.entries[0], later.snapshots[0]?.entries[0]]) {
        expect(entry).toMatchObject({ sequence, key, verb, uid, messageId, traceparent, origin });
        expect([...(entry?.body ?? [])]).toEqual([0, 255, 10, 13]);
        expect(Math.abs((entry?.timeMs ?? 0) - before)).toBeLessThan(60_000);
      }
      await h().run(Promise.all([live.stop(), later.stop()]));
    });

    it('carries no malformed trace header and does not fail the write for it', async () => {
      const log = await h().open();
      const created = await h().run(put(log, 'a', 'create', 0, { traceparent: 'x\r\ny: z', origin: trace('0') }));
      const watcher = new Watcher(log, created - 1);
      await h().run(watcher.reached(created));
      expect(watcher.entries[0]).not.toHaveProperty('traceparent');
      expect(watcher.entries[0]).not.toHaveProperty('origin');
      await h().run(watcher.stop());
    });

    it('keeps keys of any spelling and bodies of any size apart', async () => {
      const log = await h().open();
      const names = ['a.b', 'a%2Eb', 'system:node:x', 'ü', ' ', '*', '>', '_', 'A', 'a'];
      const big = new Uint8Array(1024 * 1024).fill(7);
      for (const name of names) await h().run(put(log, name, 'create', 0, { body: name === 'a' ? big : bytes(name) }));
      await h().run(put(log, 'a', 'create', 0, { key: { group: 'rbac.authorization.k8s.io', resource: 'clusterroles', namespace: '', name: 'a' }, body: new Uint8Array(0) }));
      const watcher = new Watcher(log);
      await h().run(watcher.until(() => watcher.snapshots.length === 1));
      const entries = watcher.snapshots[0]?.entries ?? [];
      expect(entries.map(({ key, body }) => [key.name, body.length])).toEqual([...names.map((name) => [name, name === 'a' ? big.length : bytes(name).length]), ['a', 0]]);
      expect(entries.at(-1)?.key).toEqual({ group: 'rbac.authorization.k8s.io', resource: 'clusterroles', namespace: '', name: 'a' });
      await h().run(watcher.stop());
    });
  });
}

/** The stream with another publish. */
export function passOn(stream: LogStream, publish: LogStream['publish']): LogStream {
  return {
    publish, follow: (options, reader) => stream.follow(options, reader), firstFrom: (name, sequence) => stream.firstFrom(name, sequence),
    lastOf: (name) => stream.lastOf(name), purge: (name, below) => stream.purge(name, below), close: () => stream.close(),
  };
}
