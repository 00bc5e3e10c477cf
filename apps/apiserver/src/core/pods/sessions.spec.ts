import { nodes, pods, type Resource } from '@navarch/api';
import { ApiError } from '@navarch/base';
import type { RunningCommand } from '@navarch/streaming';

import { startCore, type Harness } from '../../testing/harness';
import type { SessionResponse } from '../request';
import { noKubelets } from './kubelet-connector';

const po = pods as unknown as Resource;
const running = { close: () => undefined } as unknown as RunningCommand;
let asked: unknown[];
let cluster: Harness;

beforeEach(async () => {
  asked = [];
  const note = (method: string) => async (node: { metadata?: { name?: string | undefined } | undefined }, request: object) => {
    asked.push([method, node.metadata?.name, request]);
    return Promise.resolve(running);
  };
  cluster = await startCore({
    kubelets: { ...noKubelets(new ApiError('Unavailable', 'not in this test')), exec: note('exec'), attach: note('attach') },
    limits: { reads: { total: 10, perUser: 10 }, writes: { total: 10, perUser: 10 }, watches: { total: 2, perUser: 2 } },
  });
  await cluster.one({ verb: 'create', resource: nodes as unknown as Resource, object: { metadata: { name: 'node-a' } } });
  for (const [name, spec] of [['web', { nodeName: 'node-a' }], ['loose', {}], ['lost', { nodeName: 'node-z' }]] as const) {
    await cluster.one({ verb: 'create', resource: po, object: { metadata: { name }, spec: { containers: [{ name: 'main', image: 'busybox' }], ...spec } } as never });
  }
});
afterEach(() => cluster.stop());

const signal = new AbortController().signal;

async function open(subresource: string, options: object, where: { name?: string; user?: { name: string; groups: string[] }; verb?: 'get' | 'create' } = {}): Promise<SessionResponse> {
  const response = await cluster.ask({ verb: 'create', resource: po, name: 'web', subresource, body: { object: options }, ...where });
  if (response.type !== 'session') throw new Error(`a ${response.type}`);
  return response;
}

describe('conversations with a pod', () => {
  it('begin at the kubelet of the pod\'s node when they are started, not before', async () => {
    const { session } = await open('exec', { command: ['ls'], stdout: true, stderr: true });
    expect(asked).toEqual([]);
    if (session.kind !== 'command') throw new Error(session.kind);
    expect(await session.start(signal)).toBe(running);
    const { uid } = (await cluster.one({ verb: 'get', resource: po, name: 'web' }));
    expect(asked).toEqual([['exec', 'node-a', { namespace: 'default', pod: 'web', podUid: uid, options: { command: ['ls'], container: 'main', stdin: false, stdout: true, stderr: true, tty: false } }]]);
  });

  it('have no stderr of their own with a terminal', async () => {
    const { session } = await open('attach', { stdin: true, stdout: true, stderr: true, tty: true });
    expect(session).toMatchObject({ kind: 'command', streams: { stdin: true, stdout: true, stderr: false, tty: true } });
  });

  it.each<[string, string, object, string, string | undefined]>([
    ['exec without a command', 'exec', { stdout: true }, 'you must specify at least one command for the container', undefined],
    ['exec without a stream', 'exec', { command: ['ls'] }, 'you must specify at least 1 of stdin, stdout, stderr', undefined],
    ['attach without a stream', 'attach', {}, 'you must specify at least 1 of stdin, stdout, stderr', undefined],
    ['a container that is not of the pod', 'exec', { command: ['ls'], stdout: true, container: 'side' }, 'container side is not valid for pod web', undefined],
    ['a pod without a node', 'exec', { command: ['ls'], stdout: true }, 'pod loose does not have a host assigned', 'loose'],
    ['a port that is none', 'portforward', { ports: [70_000] }, 'ports: Invalid value: 70000: must be between 1 and 65535, inclusive', undefined],
  ])('refuse %s as a bad request', async (_what, subresource, options, message, name) => {
    await expect(open(subresource, options, name ? { name } : {})).rejects.toMatchObject({ reason: 'BadRequest', message });
  });

  it('say NotFound of a pod and of a node that are not there', async () => {
    await expect(open('portforward', {}, { name: 'none' })).rejects.toMatchObject({ reason: 'NotFound', message: 'pods "none" not found' });
    await expect(open('portforward', {}, { name: 'lost' })).rejects.toMatchObject({ reason: 'NotFound', message: 'nodes "node-z" not found' });
  });

  it('need the verb create, whoever asks', async () => {
    const user = { name: 'pat', groups: ['system:authenticated'] };
    await expect(open('exec', { command: ['ls'], stdout: true }, { user })).rejects.toMatchObject({ reason: 'Forbidden', message: expect.stringContaining('cannot create resource "pods/exec"') });
    await expect(open('exec', { command: ['ls'], stdout: true }, { verb: 'get' })).rejects.toMatchObject({ reason: 'MethodNotAllowed' });
  });

  it('hold a place among long requests until they are released', async () => {
    const first = await open('exec', { command: ['ls'], stdout: true });
    const second = await open('portforward', {});
    await expect(open('portforward', {})).rejects.toMatchObject({ reason: 'TooManyRequests' });
    first.release();
    first.release();
    const third = await open('portforward', {});
    await expect(open('portforward', {})).rejects.toMatchObject({ reason: 'TooManyRequests' });
    second.release();
    third.release();
  });

  it('begin no more when the server is shutting down', async () => {
    cluster.core.drain();
    await expect(open('portforward', {})).rejects.toMatchObject({ reason: 'Unavailable' });
  });
});
