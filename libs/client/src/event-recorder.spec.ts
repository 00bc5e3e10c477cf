import { events } from '@navarch/api';
import { ApiError } from '@navarch/base';
import type { Event, ObjectReference } from '@navarch/proto/k8s/io/api/core/v1/core';

import { createEventRecorder, type EventRecorder } from './event-recorder';
import { clientHarness, type ClientHarness } from './testing/harness';

const pod: ObjectReference = { kind: 'Pod', apiVersion: 'v1', namespace: 'shop', name: 'web', uid: 'u1' };
const node: ObjectReference = { kind: 'Node', apiVersion: 'v1', name: 'node-1', uid: 'u2' };

describe('event recorder', () => {
  let harness: ClientHarness;
  let recorder: EventRecorder;
  beforeEach(() => {
    harness = clientHarness();
    const { clock, random, logger, api } = harness;
    recorder = createEventRecorder({ client: api.client, clock, random, logger, component: 'kubelet', host: 'node-1' });
  });
  const stored = async (): Promise<Event[]> => (await harness.api.client.resource(events).list()).items;

  it('writes an Event as Kubernetes does', async () => {
    recorder.event(pod, 'Normal', 'Started', 'Started container main');
    await recorder.flush();
    const [event] = await stored();
    const now = { seconds: harness.clock.now() / 1000 };
    expect(event).toMatchObject({
      involvedObject: pod, type: 'Normal', reason: 'Started', message: 'Started container main', count: 1, firstTimestamp: now, lastTimestamp: now,
      source: { component: 'kubelet', host: 'node-1' }, reportingComponent: 'kubelet', reportingInstance: 'node-1',
    });
    expect([event?.metadata?.namespace, event?.metadata?.name]).toEqual(['shop', expect.stringMatching(/^web\.[0-9a-f]{16}$/)]);
  });

  it('events on cluster-scoped objects live in default', async () => {
    recorder.event(node, 'Warning', 'NodeNotReady', 'x');
    await recorder.flush();
    expect((await stored())[0]?.metadata?.namespace).toBe('default');
  });

  it('the same again counts up the Event that is there', async () => {
    for (let n = 0; n < 3; n++) {
      recorder.event(pod, 'Warning', 'BackOff', 'Back-off restarting failed container');
      await recorder.flush();
      await harness.clock.advance(10_000);
    }
    const found = await stored();
    expect(found.map(({ count, firstTimestamp, lastTimestamp }) => [count, (lastTimestamp?.seconds ?? 0) - (firstTimestamp?.seconds ?? 0)])).toEqual([[3, 20]]);
  });

  it('what happens many times at once is one write', async () => {
    for (let n = 0; n < 20; n++) recorder.event(pod, 'Warning', 'Failed', 'Error');
    await recorder.flush();
    expect([(await stored()).map(({ count }) => count), harness.api.writes.length]).toEqual([[20], 1]);
  });

  it('from the eleventh message on, similar events share one', async () => {
    for (let n = 0; n < 15; n++) recorder.event(pod, 'Warning', 'Failed', `Error ${n}`);
    await recorder.flush();
    const messages = (await stored()).map(({ message, count }) => `${count} ${message}`);
    expect(messages).toHaveLength(11);
    expect(messages).toContain('5 (combined from similar events): Error 14');
  });

  it('one object cannot flood: 25 at once', async () => {
    for (let n = 0; n < 100; n++) recorder.event(pod, 'Warning', `Reason${n}`, 'x');
    await recorder.flush();
    expect(await stored()).toHaveLength(25);
  });

  it('an Event that expired is written anew, with its count', async () => {
    recorder.event(pod, 'Warning', 'BackOff', 'x');
    await recorder.flush();
    const [first] = await stored();
    await harness.api.client.resource(events).delete('shop', first?.metadata?.name ?? '');
    recorder.event(pod, 'Warning', 'BackOff', 'x');
    await recorder.flush();
    expect((await stored()).map(({ count }) => count)).toEqual([2]);
  });

  it('waits while the server is away and then writes; one of unknown outcome is not written twice', async () => {
    harness.api.failNext('create', new ApiError('Unavailable', 'down'));
    harness.api.failNext('create', new ApiError('Timeout', 'lost'), { landed: true });
    recorder.event(pod, 'Normal', 'Pulled', 'x');
    const flushed = recorder.flush();
    await harness.clock.advance(60_000);
    await flushed;
    expect(await stored()).toHaveLength(1);
    recorder.event(pod, 'Normal', 'Pulled', 'x');
    await recorder.flush();
    expect((await stored()).map(({ count }) => count)).toEqual([2]);
  });

  it('an Event that is refused, or five times not answered, is given up with a log line; the next ones go on', async () => {
    harness.api.failNext('create', new ApiError('Forbidden', 'namespace is being terminated'));
    for (let n = 0; n < 5; n++) harness.api.failNext('create', new ApiError('Unavailable', 'down'));
    recorder.event(pod, 'Normal', 'A', 'x');
    recorder.event(pod, 'Normal', 'B', 'x');
    recorder.event(pod, 'Normal', 'C', 'x');
    const flushed = recorder.flush();
    await harness.clock.advance(120_000);
    await flushed;
    expect((await stored()).map(({ reason }) => reason)).toEqual(['C']);
    expect(harness.logs.filter((line) => line.startsWith('warn: event is given up'))).toHaveLength(2);
  });

  it('a message is cut at 1024 bytes', async () => {
    recorder.event(pod, 'Normal', 'A', 'ä'.repeat(2000));
    await recorder.flush();
    const message = (await stored())[0]?.message ?? '';
    expect(Buffer.byteLength(message)).toBeLessThanOrEqual(1024);
    expect(message.endsWith('...')).toBe(true);
  });
});
