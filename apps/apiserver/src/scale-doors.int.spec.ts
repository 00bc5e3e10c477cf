import { request } from 'node:https';

import { decodeEnvelope } from '@navarch/api';
import { Scale } from '@navarch/proto/k8s/io/api/autoscaling/v1/autoscaling';
import type { Deployment } from '@navarch/proto/k8s/io/api/apps/v1/apps';
import { DeploymentServiceService as deploymentService } from '@navarch/proto/navarch/apps/v1/deployment_service';

import { startRestBed, type RestBed } from './rest/testing';
import { createApiBed, type ApiBed } from './testing/api-bed';

jest.setTimeout(60_000);

const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'main', image: 'web:1' }] } };
const deployment: Deployment = { metadata: { name: 'web' }, spec: { selector: { matchLabels: { app: 'web' } }, template } };
const one = { namespace: 'default', name: 'web' };

describe('the scale of a deployment over gRPC', () => {
  let bed: ApiBed;
  beforeAll(async () => { bed = await createApiBed(); });
  afterAll(() => bed.close());

  it('is read, updated and patched as a Scale', async () => {
    const channel = await bed.connect();
    await channel.unary(deploymentService.create, { namespace: 'default', object: deployment });
    const scale = await channel.unary(deploymentService.getScale, one);
    expect(scale).toMatchObject({ metadata: { name: 'web', namespace: 'default' }, spec: { replicas: 1 }, status: { selector: 'app=web' } });
    expect((await channel.unary(deploymentService.updateScale, { object: { ...scale, spec: { replicas: 4 } } })).spec).toEqual({ replicas: 4 });
    await expect(channel.unary(deploymentService.updateScale, { object: { ...scale, spec: { replicas: 5 } } })).rejects.toMatchObject({ reason: 'Conflict' });
    const patch = { ...one, patchType: 'application/merge-patch+json', patch: Buffer.from('{"spec":{"replicas":2}}') };
    expect((await channel.unary(deploymentService.patchScale, patch)).spec).toEqual({ replicas: 2 });
    expect((await channel.unary(deploymentService.get, one)).spec?.replicas).toBe(2);
  });
});

describe('the scale of a deployment over REST', () => {
  let bed: RestBed;
  beforeAll(async () => { bed = await startRestBed(); });
  afterAll(() => bed.close());

  function ask(method: string, path: string, contentType?: string, body?: unknown, accept = 'application/json'): Promise<{ status: number; body: Buffer }> {
    return new Promise((resolve, reject) => {
      const [host, port] = bed.address.split(':');
      const headers = { accept, ...(contentType !== undefined && { 'content-type': contentType }) };
      const sent = request({ host, port, method, path: `/apis/apps/v1/namespaces/default/deployments${path}`, headers, ca: bed.ca, cert: bed.admin.certificate, key: bed.admin.key, agent: false }, (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(parts) }));
      });
      sent.on('error', reject);
      sent.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }
  const read = ({ body }: { body: Buffer }): unknown => JSON.parse(body.toString());

  it('is read, put and patched as autoscaling/v1, in JSON and protobuf', async () => {
    expect((await ask('POST', '', 'application/json', { apiVersion: 'apps/v1', kind: 'Deployment', ...deployment })).status).toBe(201);
    expect(read(await ask('GET', '/web/scale'))).toMatchObject({ apiVersion: 'autoscaling/v1', kind: 'Scale', metadata: { name: 'web' }, spec: { replicas: 1 }, status: { replicas: 0, selector: 'app=web' } });
    const put = await ask('PUT', '/web/scale', 'application/json', { apiVersion: 'autoscaling/v1', kind: 'Scale', metadata: { name: 'web' }, spec: { replicas: 3 } });
    expect([put.status, read(put)]).toMatchObject([200, { kind: 'Scale', spec: { replicas: 3 } }]);
    expect(read(await ask('PATCH', '/web/scale', 'application/merge-patch+json', { spec: { replicas: 0 } }))).toMatchObject({ kind: 'Scale', metadata: { name: 'web' } });
    const envelope = decodeEnvelope((await ask('GET', '/web/scale', undefined, undefined, 'application/vnd.kubernetes.protobuf')).body);
    expect([envelope.apiVersion, envelope.kind, Scale.decode(envelope.raw).spec?.replicas ?? 0]).toEqual(['autoscaling/v1', 'Scale', 0]);
    expect(read(await ask('GET', '/web'))).toMatchObject({ kind: 'Deployment', metadata: { generation: 3 }, spec: { replicas: 0 } });
  });
});
