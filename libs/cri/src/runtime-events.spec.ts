import { TaskExit, TaskOOM, TaskStart } from '@navarch/proto/containerd/events/task';

import { taskEvent, hasContainerEvents } from './runtime-events';

const envelope = (topic: string, value: Uint8Array) => ({ topic, namespace: 'k8s.io', event: { typeUrl: 'containerd.events', value: Buffer.from(value) } });

describe('containerd\'s task events', () => {
  it.each([
    ['/tasks/start', TaskStart.encode({ containerId: 'c', pid: 7 }).finish(), { type: 'started', containerId: 'c' }],
    ['/tasks/oom', TaskOOM.encode({ containerId: 'c' }).finish(), { type: 'oom', containerId: 'c' }],
    ['/tasks/exit', TaskExit.encode({ containerId: 'c', id: 'c', exitStatus: 3 }).finish(), { type: 'stopped', containerId: 'c' }],
  ] as const)('%s', (topic, bytes, expected) => {
    expect(taskEvent(envelope(topic, bytes))).toEqual(expected);
  });

  it('the end of a command that was run inside is not the container\'s', () => {
    expect(taskEvent(envelope('/tasks/exit', TaskExit.encode({ containerId: 'c', id: 'exec-1' }).finish()))).toBeUndefined();
    expect(taskEvent(envelope('/images/create', new Uint8Array()))).toBeUndefined();
  });
});

describe('where a runtime\'s events come from', () => {
  it.each([
    ['containerd', '1.6.20~ds1', false], ['containerd', 'v1.7.0', true], ['containerd', '2.1.4', true], ['containerd', '', false], ['cri-o', '1.20.0', true],
  ])('%s %s: CRI has them: %s', (name, version, expected) => {
    expect(hasContainerEvents(name, version)).toBe(expected);
  });
});
