import type { ApiError } from '@navarch/base';
import type { CallContext, GrpcMethod } from '@navarch/service';
import { DiagnoseRequest, DiagnoseResponse } from '@navarch/proto/navarch/scheduler/v1/scheduler_service';

import type { PendingPod } from './observe/diagnoses';
import { readSchedulerConfiguration } from './configuration-file';
import { diagnoseService } from './diagnose-service';

const head = 'apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n';

describe('KubeSchedulerConfiguration', () => {
  it('sets profiles, plugins, their arguments and back-off', () => {
    const text = `${head}podInitialBackoffSeconds: 2
podMaxBackoffSeconds: 20
percentageOfNodesToScore: 30
profiles:
- plugins: { multiPoint: { enabled: [{ name: NodeResourcesFit, weight: 5 }], disabled: [{ name: NodePorts }] } }
- schedulerName: packer
  percentageOfNodesToScore: 100
  pluginConfig: [{ name: NodeResourcesFit, args: { scoringStrategy: { type: MostAllocated } } }]
`;
    expect(readSchedulerConfiguration(text)).toEqual({
      podInitialBackoffMs: 2_000, podMaxBackoffMs: 20_000,
      profiles: [
        { schedulerName: 'default-scheduler', percentageOfNodesToScore: 30, plugins: { enabled: [{ name: 'NodeResourcesFit', weight: 5 }], disabled: [{ name: 'NodePorts' }] } },
        { schedulerName: 'packer', percentageOfNodesToScore: 100, pluginConfig: [{ name: 'NodeResourcesFit', args: { scoringStrategy: { type: 'MostAllocated' } } }] },
      ],
    });
  });

  it.each([
    ['another kind', 'apiVersion: v1\nkind: Pod', /expected kubescheduler.config.k8s.io\/v1 KubeSchedulerConfiguration, got v1 Pod/],
    ['no mapping', '- a', /not readable/],
    ['a setting it does not have', `${head}parallelism: 16`, /parallelism is not a setting of this scheduler/],
    ['a single extension point', `${head}profiles: [{ plugins: { score: {} } }]`, /profiles\[0\].plugins.score: plugins are switched at multiPoint only/],
    ['a back-off that is none', `${head}podInitialBackoffSeconds: 0`, /podInitialBackoffSeconds: Invalid value: 0/],
  ])('refuses %s', (_name, text, message) => {
    expect(() => readSchedulerConfiguration(text)).toThrow(message);
  });
});

describe('Diagnose', () => {
  const pending: PendingPod = {
    uid: 'u', namespace: 'default', name: 'p', message: '0/2 nodes are available: 2 Insufficient cpu.', attempts: 3, triedAtMs: 1_700_000_000_123,
    diagnosis: { message: '', rejectedBy: new Set(['NodeResourcesFit']), pending: false, nodeCount: 2, nodesByReason: new Map([['Insufficient cpu', ['a', 'b']]]) },
  };
  const admin = { commonName: 'kubernetes-admin', organizations: ['system:masters'] };

  async function ask(request: DiagnoseRequest, peer: CallContext['peer'] = admin, leading = true): Promise<DiagnoseResponse> {
    const [method] = diagnoseService({ leading, diagnose: (namespace, name) => (`${namespace}/${name}` === 'default/p' ? pending : undefined) });
    if (method?.kind !== 'unary') throw new Error('not unary');
    const answer = await method.handle(Buffer.from(DiagnoseRequest.encode(request).finish()), { peer } as CallContext) as Awaited<ReturnType<Extract<GrpcMethod, { kind: 'unary' }>['handle']>>;
    return DiagnoseResponse.decode(answer);
  }

  it('tells per reason which nodes refused the pod', async () => {
    expect(await ask({ name: 'p' })).toEqual({
      uid: 'u', message: pending.message, attempts: 3, triedAtMs: 1_700_000_000_123, nodes: 2, rejectedBy: ['NodeResourcesFit'], refused: [{ reason: 'Insufficient cpu', nodes: ['a', 'b'] }],
    });
  });

  it.each<[string, DiagnoseRequest, CallContext['peer'], boolean, string]>([
    ['nobody', { name: 'p' }, undefined, true, 'Unauthorized'],
    ['a node', { name: 'p' }, { commonName: 'system:node:n', organizations: ['system:nodes'] }, true, 'Forbidden'],
    ['a pod that does not wait', { name: 'q' }, admin, true, 'NotFound'],
    ['no pod', {}, admin, true, 'BadRequest'],
    ['a scheduler that does not lead', { name: 'p' }, admin, false, 'Unavailable'],
  ])('refuses %s', async (_name, request, peer, leading, reason) => {
    const failure = await (peer === undefined ? askAsNobody(request) : ask(request, peer, leading)).catch((error: unknown) => error);
    expect((failure as ApiError).reason).toBe(reason);
  });

  async function askAsNobody(request: DiagnoseRequest): Promise<unknown> {
    const [method] = diagnoseService({ leading: true, diagnose: () => pending });
    if (method?.kind !== 'unary') throw new Error('not unary');
    return method.handle(Buffer.from(DiagnoseRequest.encode(request).finish()), {} as CallContext);
  }
});
