import type { PodLogOptions } from '@navarch/proto/k8s/io/api/core/v1/core';
import { VirtualClock } from '@navarch/base';

import { createMemoryHost } from '../host/memory-host';
import { turn } from '../testing/rig';
import { parseLogLine } from './cri-log';
import { createLogReader, tailOffset, type LoggedPod } from './log-reader';

const startMs = Date.UTC(2026, 0, 1, 12);
const paths = { rootDirectory: '/k', podLogsDirectory: '/logs' };
const file = '/logs/ns_web_u1/main/0.log';
const line = (second: number, text: string, stream = 'stdout', tag = 'F'): string => `2026-01-01T12:00:${String(second).padStart(2, '0')}.123456789Z ${stream} ${tag} ${text}\n`;

async function rig(content: string, containers = ['main']) {
  const clock = new VirtualClock(startMs + 60_000, async () => { for (let round = 0; round < 4; round += 1) await turn(); });
  const { files } = createMemoryHost();
  await files.makeDirectory('/logs/ns_web_u1/main');
  files.append(file, content);
  let running = true;
  const pod: LoggedPod = {
    identity: { namespace: 'ns', name: 'web', uid: 'u1' },
    current: { metadata: { namespace: 'ns', name: 'web', uid: 'u1' }, spec: { containers: containers.map((name) => ({ name })) }, status: { containerStatuses: [{ name: 'main', state: { waiting: { reason: 'ContainerCreating' } } }] } },
    containerFor: (name, previous) => (name !== 'main' || previous ? undefined : { attempt: 0, running }),
  };
  const reader = createLogReader({ workers: { byName: (namespace, name) => (namespace === 'ns' && name === 'web' ? pod : undefined) }, files, clock, paths });
  const open = (options: PodLogOptions = {}, name = 'web') => reader.read({ namespace: 'ns', pod: name, options }, new AbortController().signal);
  const read = async (options: PodLogOptions = {}, name = 'web'): Promise<string> => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of open(options, name)) chunks.push(chunk);
    return Buffer.concat(chunks).toString();
  };
  return { clock, files, read, end: () => { running = false; } };
}

const three = line(10, 'one') + line(20, 'two', 'stderr') + line(30, 'three');

describe('container logs', () => {
  it.each<[string, PodLogOptions, string]>([
    ['whole', {}, 'one\ntwo\nthree\n'],
    ['the last lines', { tailLines: 2 }, 'two\nthree\n'],
    ['none of the lines', { tailLines: 0 }, ''],
    ['more lines than there are', { tailLines: 9 }, 'one\ntwo\nthree\n'],
    ['since a time', { sinceTime: { seconds: (startMs + 20_000) / 1000 } }, 'two\nthree\n'],
    ['since some seconds ago', { sinceSeconds: 35 }, 'three\n'],
    ['with timestamps', { tailLines: 1, timestamps: true }, '2026-01-01T12:00:30.123456789Z three\n'],
    ['cut at limitBytes', { limitBytes: 6 }, 'one\ntw'],
    ['of one stream', { stream: 'Stderr' }, 'two\n'],
  ])('are read %s', async (_name, options, expected) => {
    expect(await (await rig(three)).read(options)).toBe(expected);
  });

  it('join the parts of a long line, with one timestamp', async () => {
    const { read } = await rig(line(1, 'long ', 'stdout', 'P') + line(1, 'line', 'stdout', 'F'));
    expect(await read()).toBe('long line\n');
    expect(await read({ timestamps: true })).toBe('2026-01-01T12:00:01.123456789Z long line\n');
  });

  it('are followed as they grow, over a rotation, until the container ends', async () => {
    const { clock, files, read, end } = await rig(line(1, 'a'));
    const followed = read({ follow: true });
    await clock.advance(1_000);
    files.append(file, line(2, 'b').slice(0, 20));
    await clock.advance(1_000);
    files.append(file, line(2, 'b').slice(20));
    await clock.advance(1_000);
    await files.write(`${file}.new`, line(3, 'c'));
    await files.remove(file);
    await clock.advance(1_000);
    files.append(file, line(3, 'c'));
    await clock.advance(1_000);
    end();
    await clock.advance(1_000);
    expect(await followed).toBe('a\nb\nc\n');
  });

  it.each<[string, PodLogOptions, string, string, string]>([
    ['a pod that is not here', {}, 'other', 'NotFound', 'pod "ns/other" not found'],
    ['a container that is not in the pod', { container: 'x' }, 'web', 'BadRequest', 'container x is not valid for pod web'],
    ['a previous container that never was', { previous: true }, 'web', 'BadRequest', 'previous terminated container "main" in pod "web" not found'],
  ])('of %s: the right error', async (_name, options, pod, reason, message) => {
    const { read } = await rig(three);
    await expect(read(options, pod)).rejects.toMatchObject({ reason, message });
  });

  it('of a pod with several containers need a container\'s name', async () => {
    const { read } = await rig(three, ['main', 'side']);
    await expect(read()).rejects.toMatchObject({ reason: 'BadRequest', message: 'a container name must be specified for pod web, choose one of: [main side]' });
    await expect(read({ container: 'side' })).rejects.toMatchObject({ reason: 'BadRequest', message: 'container "side" in pod "web" is waiting to start: ContainerCreating' });
  });

  it('find the last lines of a large file without reading all of it', async () => {
    const { files } = await rig(Array.from({ length: 5_000 }, (_unused, index) => line(index % 60, `line ${index}`)).join(''));
    const offset = await tailOffset(files, file, 1_500);
    const text = (await files.read(file)).subarray(offset).toString();
    expect([text.split('\n').length - 1, text.includes('line 3500\n'), text.includes('line 3499\n')]).toEqual([1_500, true, false]);
  });

  it('lines that are none are left out', () => {
    expect([parseLogLine('nonsense'), parseLogLine('2026-01-01T00:00:00Z stdout F ')]).toEqual([undefined, { time: '2026-01-01T00:00:00Z', stream: 'stdout', full: true, text: '\n' }]);
  });
});
