/** APIs of other servers behind this one, over real connections: the kubelet here reaches this machine's loopback whatever the address. */
import { once } from 'node:events';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { createServer as createTlsServer, request as httpsRequest, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { TLSSocket } from 'node:tls';

import { WebSocket, WebSocketServer } from 'ws';

import { grpcKubelets } from '../grpc/kubelet-connector';
import { startProcessKubelet, type ProcessKubelet } from '../testing/process-kubelet';
import { startRestBed, type RestBed } from './testing';

interface Heard { readonly method: string; readonly url: string; readonly headers: IncomingHttpHeaders; readonly client: string; readonly body: string }
interface Answer { readonly status: number; readonly json: { [key: string]: unknown }; readonly text: string }

const ships = { kind: 'APIResourceList', apiVersion: 'v1', groupVersion: 'harbour.example/v1', resources: [
  { name: 'ships', singularName: 'ship', namespaced: true, kind: 'Ship', verbs: ['get', 'list', 'watch'], shortNames: ['sh'] },
  { name: 'ships/status', singularName: '', namespaced: true, kind: 'Ship', verbs: ['get'] },
] };

describe('aggregated APIs', () => {
  let bed: RestBed;
  let kubelet: ProcessKubelet;
  let far: Server;
  let port: number;
  let answers = true;
  const heard: Heard[] = [];
  const connections = new Set<Duplex>();

  beforeAll(async () => {
    kubelet = await startProcessKubelet();
    bed = await startRestBed({ kubelets: grpcKubelets('insecure') });
    const keys = await bed.issue({ commonName: 'harbour', dnsNames: ['harbour.docks.svc'], usages: ['server'] });
    const webSockets = new WebSocketServer({ noServer: true });
    far = createTlsServer({ cert: keys.certificate, key: keys.key, ca: bed.ca, requestCert: true, rejectUnauthorized: false }, (request, response) => void serve(request).then(([status, body]) => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    }));
    far.on('secureConnection', (socket) => {
      connections.add(socket);
      socket.on('error', () => undefined);
    });
    far.on('upgrade', (request, socket, head) => webSockets.handleUpgrade(request, socket, head, (webSocket) => webSocket.send(`hello ${request.headers['x-remote-user']}`)));
    far.listen(0, '127.0.0.1');
    await once(far, 'listening');
    port = (far.address() as AddressInfo).port;
    await make('/api/v1/nodes', { metadata: { name: 'node-1', annotations: { 'navarch.io/kubelet-endpoint': kubelet.address } } }, { conditions: [{ type: 'Ready', status: 'True' }] });
    await make('/api/v1/namespaces', { metadata: { name: 'docks' } });
    await make('/api/v1/namespaces/docks/services', { metadata: { name: 'harbour' }, spec: { ports: [{ name: 'https', port: 443 }] } });
    await make('/apis/discovery.k8s.io/v1/namespaces/docks/endpointslices', {
      metadata: { name: 'harbour-1', labels: { 'kubernetes.io/service-name': 'harbour' } }, addressType: 'IPv4', ports: [{ name: 'https', port, protocol: 'TCP' }],
      endpoints: [{ addresses: ['10.244.0.5'], nodeName: 'node-1', conditions: { ready: true } }],
    });
    await make('/apis/apiregistration.k8s.io/v1/apiservices', {
      metadata: { name: 'v1.harbour.example' },
      spec: { group: 'harbour.example', version: 'v1', groupPriorityMinimum: 100, versionPriority: 100, service: { namespace: 'docks', name: 'harbour' }, caBundle: Buffer.from(bed.ca).toString('base64') },
    });
    await available('v1.harbour.example', 'True Passed');
  }, 30_000);
  afterAll(async () => {
    await bed.close();
    await kubelet.close();
    for (const connection of connections) connection.destroy();
    far.close();
  });

  async function serve(request: IncomingMessage): Promise<[number, object]> {
    const { method = '', url = '', headers } = request;
    heard.push({ method, url, headers, client: String((request.socket as TLSSocket).getPeerCertificate().subject?.CN), body: await text(request) });
    if (!answers) return [500, { message: 'aground' }];
    if (url === '/apis/harbour.example/v1') return [200, ships];
    if (url.startsWith('/apis/harbour.example/v1/namespaces/a/ships/sunk')) return [404, { kind: 'Status', apiVersion: 'v1', status: 'Failure', reason: 'NotFound', code: 404, message: 'no such ship' }];
    return [200, { kind: 'ShipList', apiVersion: 'harbour.example/v1', items: [{ metadata: { name: 'argo' } }] }];
  }

  function ask(path: string, { method = 'GET', headers = {}, body, as }: { method?: string; headers?: Record<string, string>; body?: string; as?: object } = {}): Promise<Answer> {
    const [host, at] = bed.address.split(':');
    return new Promise((resolve, reject) => {
      const request = httpsRequest({ host, port: at, path, method, agent: false, ca: bed.ca, ...(as ?? { cert: bed.admin.certificate, key: bed.admin.key }), headers }, async (response) => {
        const said = await text(response);
        let json: Answer['json'] = {};
        try { json = JSON.parse(said) as Answer['json']; } catch { /* not every answer is JSON */ }
        resolve({ status: response.statusCode ?? 0, json, text: said });
      });
      request.on('error', reject);
      if (body !== undefined) request.setHeader('content-length', Buffer.byteLength(body));
      request.end(body);
    });
  }
  async function make(path: string, object: object, status?: object): Promise<void> {
    const made = await ask(path, { method: 'POST', body: JSON.stringify(object) });
    expect([made.status, made.text]).toEqual([201, expect.anything()]);
    const { metadata } = object as { metadata: { name: string } };
    if (status) expect(await ask(`${path}/${metadata.name}/status`, { method: 'PATCH', headers: { 'content-type': 'application/merge-patch+json' }, body: JSON.stringify({ status }) })).toMatchObject({ status: 200 });
  }
  async function available(name: string, wanted: string): Promise<string> {
    for (;;) {
      const { json } = await ask(`/apis/apiregistration.k8s.io/v1/apiservices/${name}`);
      const [condition] = (json['status'] as { conditions?: { status: string; reason: string; message: string }[] } | undefined)?.conditions ?? [];
      if (condition && `${condition.status} ${condition.reason}` === wanted) return condition.message;
      await new Promise((resolve) => { setTimeout(resolve, 50); });
    }
  }

  it('answer through this one: path, query and body go on whole, with who asks in headers and our certificate to believe them by', async () => {
    heard.length = 0;
    const answer = await ask('/apis/harbour.example/v1/namespaces/a/ships?labelSelector=x%3Dy', { headers: { 'x-remote-user': 'somebody-else', 'x-remote-group': 'system:masters' }, as: {} });
    expect(answer.status).toBe(403);
    const admitted = await ask('/apis/harbour.example/v1/namespaces/a/ships?labelSelector=x%3Dy', { method: 'POST', body: '{"kind":"Ship"}', headers: { 'x-remote-user': 'somebody-else', 'content-type': 'application/json', authorization: `Bearer ${bed.token}` }, as: {} });
    expect([admitted.status, admitted.json['kind']]).toEqual([200, 'ShipList']);
    expect(heard).toHaveLength(1);
    const [request] = heard;
    expect(request).toMatchObject({ method: 'POST', url: '/apis/harbour.example/v1/namespaces/a/ships?labelSelector=x%3Dy', client: 'front-proxy', body: '{"kind":"Ship"}' });
    expect(request?.headers['x-remote-user']).toBe('tokenuser');
    expect(request?.headers['x-remote-group']).toContain('system:masters');
    expect(request?.headers).not.toHaveProperty('authorization');
  });

  it('hand back the far server\'s own failures', async () => {
    expect(await ask('/apis/harbour.example/v1/namespaces/a/ships/sunk')).toMatchObject({ status: 404, json: { message: 'no such ship', reason: 'NotFound' } });
  });

  it('are found by discovery: among the groups, as a group, and aggregated with kinds, short names and subresources', async () => {
    const groups = (await ask('/apis')).json['groups'] as { name: string; preferredVersion: object }[];
    expect(groups.at(-1)).toMatchObject({ name: 'harbour.example', preferredVersion: { groupVersion: 'harbour.example/v1' } });
    expect((await ask('/apis/harbour.example')).json).toMatchObject({ kind: 'APIGroup', versions: [{ version: 'v1' }] });
    expect((await ask('/apis/harbour.example/v1')).json).toEqual(ships);
    const { items } = (await ask('/apis', { headers: { accept: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList' } })).json as { items: { metadata: { name: string } }[] };
    expect(items.find(({ metadata }) => metadata.name === 'harbour.example')).toMatchObject({ versions: [{ version: 'v1', freshness: 'Current', resources: [
      { resource: 'ships', responseKind: { group: 'harbour.example', version: 'v1', kind: 'Ship' }, scope: 'Namespaced', shortNames: ['sh'], subresources: [{ subresource: 'status' }] },
    ] }] });
  });

  it('change protocols: a WebSocket reaches the far server with who asks', async () => {
    const socket = new WebSocket(`wss://${bed.address}/apis/harbour.example/v1/ships?watch=true`, { ca: bed.ca, headers: { authorization: `Bearer ${bed.token}` } });
    const [message] = await once(socket, 'message') as [Buffer];
    expect(message.toString()).toBe('hello tokenuser');
    socket.close();
  });

  it('are refused with the reason while their server cannot be trusted, is missing, or fails its check; never in place of our own', async () => {
    const spec = { groupPriorityMinimum: 100, versionPriority: 100 };
    const register = (group: string, service: object, more: object = {}): Promise<void> => make('/apis/apiregistration.k8s.io/v1/apiservices', { metadata: { name: `v1.${group}` }, spec: { ...spec, group, version: 'v1', service, ...more } });
    await register('untrusted.example', { namespace: 'docks', name: 'harbour' });
    expect(await available('v1.untrusted.example', 'False FailedDiscoveryCheck')).toMatch(/certificate/);
    expect(await ask('/apis/untrusted.example/v1/things')).toMatchObject({ status: 503, json: { reason: 'ServiceUnavailable', message: expect.stringContaining('service unavailable') as string } });
    await register('missing.example', { namespace: 'docks', name: 'nobody' });
    expect(await available('v1.missing.example', 'False FailedDiscoveryCheck')).toContain('service/nobody in "docks" is not present');
    await register('trusting.example', { namespace: 'docks', name: 'harbour' }, { insecureSkipTLSVerify: true });
    expect(await available('v1.trusting.example', 'False FailedDiscoveryCheck')).toContain('no APIResourceList');
    await register('apps', { namespace: 'docks', name: 'harbour' }, { insecureSkipTLSVerify: true });
    expect((await ask('/apis/apps/v1/deployments')).json['kind']).toBe('DeploymentList');
    answers = false;
    await make('/apis/apiregistration.k8s.io/v1/apiservices', { metadata: { name: 'v2.harbour.example' }, spec: { ...spec, group: 'harbour.example', version: 'v2', service: { namespace: 'docks', name: 'harbour' }, insecureSkipTLSVerify: true } });
    expect(await available('v2.harbour.example', 'False FailedDiscoveryCheck')).toContain('bad status: 500');
    answers = true;
  });

  it('tell their servers by a ConfigMap whose word to take', async () => {
    const { json } = await ask('/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication');
    expect(json['data']).toMatchObject({ 'requestheader-client-ca-file': bed.ca, 'requestheader-allowed-names': '["front-proxy"]', 'requestheader-username-headers': '["X-Remote-User"]' });
  });
});
