import { silentLogger } from '@navarch/base';
import { ContainerLogRequest, ContainerLogResponse, StatsResponse } from '@navarch/proto/navarch/kubelet/v1/kubelet_service';
import type { CallContext, PeerIdentity } from '@navarch/service';

import { kubeletHttp } from '../http/kubelet-http';
import { kubeletMethods } from './log-service';

const asked: unknown[] = [];
const refuse = (): never => { throw new Error('only logs here'); };
const noStreams = { exec: refuse, attach: refuse, portForward: refuse };
const usage = { atMs: 90_000, windowMs: 10_000.5, cpuNanocores: 250_000_000, cpuNanoseconds: 1, workingSetBytes: 4_096 };
const [method, ...others] = kubeletMethods({ stats: () => ({ node: usage, pods: [{ identity: { namespace: 'ns', name: 'web', uid: 'u1' }, startedAtMs: 0, containers: [{ name: 'main', startedAtMs: 0, usage }] }] }), logs: { async *read(request) { asked.push(request); yield Buffer.from('line\n'); } }, streams: noStreams, http: () => kubeletHttp({}, silentLogger) });

const contextOf = (peer: PeerIdentity | undefined): CallContext => ({ peer, signal: new AbortController().signal }) as unknown as CallContext;

async function call(peer: PeerIdentity | undefined): Promise<string> {
  if (method?.kind !== 'serverStream') throw new Error('the log is a server stream');
  const request = Buffer.from(ContainerLogRequest.encode({ namespace: 'ns', pod: 'web', podUid: 'u1', options: { container: 'main', tailLines: 5 } }).finish());
  let text = '';
  for await (const bytes of method.handle(request, contextOf(peer))) text += Buffer.from(ContainerLogResponse.decode(bytes).data ?? []).toString();
  return text;
}

describe('the kubelet\'s log service', () => {
  it('streams a container\'s log to the apiserver', async () => {
    expect(await call({ commonName: 'kube-apiserver-kubelet-client', organizations: ['system:masters'] })).toBe('line\n');
    expect(asked).toEqual([{ namespace: 'ns', pod: 'web', podUid: 'u1', options: { container: 'main', tailLines: 5 } }]);
  });

  it('tells the apiserver what the node and its pods use, and nobody else', async () => {
    const stats = others.find(({ path }) => path.endsWith('/Stats'));
    if (stats?.kind !== 'unary') throw new Error('stats is unary');
    const peer: PeerIdentity = { commonName: 'kube-apiserver-kubelet-client', organizations: ['system:masters'] };
    const answer = StatsResponse.decode(await stats.handle(Buffer.alloc(0), contextOf(peer)));
    const message = { timeMs: 90_000, windowMs: 10_001, cpuNanocores: 250_000_000, workingSetBytes: 4_096 };
    expect(answer).toEqual({ node: message, pods: [{ namespace: 'ns', pod: 'web', podUid: 'u1', containers: [{ name: 'main', usage: message }] }] });
    await expect(stats.handle(Buffer.alloc(0), contextOf({ commonName: 'system:node:node-2', organizations: ['system:nodes'] }))).rejects.toMatchObject({ reason: 'Forbidden' });
  });

  it.each<[string, PeerIdentity | undefined, string]>([
    ['nobody in particular', undefined, 'Unauthorized'],
    ['another node', { commonName: 'system:node:node-2', organizations: ['system:nodes'] }, 'Forbidden'],
  ])('refuses %s', async (_name, peer, reason) => {
    await expect(call(peer)).rejects.toMatchObject({ reason });
  });
});
