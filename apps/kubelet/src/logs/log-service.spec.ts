import { silentLogger } from '@navarch/base';
import { ContainerLogRequest, ContainerLogResponse } from '@navarch/proto/navarch/kubelet/v1/kubelet_service';
import type { CallContext, PeerIdentity } from '@navarch/service';

import { kubeletHttp } from '../http/kubelet-http';
import { kubeletMethods } from './log-service';

const asked: unknown[] = [];
const refuse = (): never => { throw new Error('only logs here'); };
const noStreams = { exec: refuse, attach: refuse, portForward: refuse };
const [method] = kubeletMethods({ logs: { async *read(request) { asked.push(request); yield Buffer.from('line\n'); } }, streams: noStreams, http: () => kubeletHttp({}, silentLogger) });

async function call(peer: PeerIdentity | undefined): Promise<string> {
  if (method?.kind !== 'serverStream') throw new Error('the log is a server stream');
  const request = Buffer.from(ContainerLogRequest.encode({ namespace: 'ns', pod: 'web', podUid: 'u1', options: { container: 'main', tailLines: 5 } }).finish());
  let text = '';
  for await (const bytes of method.handle(request, { peer, signal: new AbortController().signal } as CallContext)) text += Buffer.from(ContainerLogResponse.decode(bytes).data ?? []).toString();
  return text;
}

describe('the kubelet\'s log service', () => {
  it('streams a container\'s log to the apiserver', async () => {
    expect(await call({ commonName: 'kube-apiserver-kubelet-client', organizations: ['system:masters'] })).toBe('line\n');
    expect(asked).toEqual([{ namespace: 'ns', pod: 'web', podUid: 'u1', options: { container: 'main', tailLines: 5 } }]);
  });

  it.each<[string, PeerIdentity | undefined, string]>([
    ['nobody in particular', undefined, 'Unauthorized'],
    ['another node', { commonName: 'system:node:node-2', organizations: ['system:nodes'] }, 'Forbidden'],
  ])('refuses %s', async (_name, peer, reason) => {
    await expect(call(peer)).rejects.toMatchObject({ reason });
  });
});
