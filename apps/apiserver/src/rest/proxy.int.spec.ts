/** Requests carried on to pods, Services and kubelets, over real connections: the kubelet here reaches this machine's loopback whatever the address. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';

import { WebSocket, WebSocketServer } from 'ws';

import { grpcKubelets } from '../grpc/kubelet-connector';
import { startProcessKubelet, type ProcessKubelet } from '../testing/process-kubelet';
import { startRestBed, type RestBed } from './testing';

const page = '<p><a href="/rewriteme">one</a> <A HREF=\'/two?x=1&amp;y\'>/two</a> <img src=/pic> <a href="https://elsewhere.example/x">no</a> <a href="relative">no</a></p>';

describe('proxy subresources', () => {
  let bed: RestBed;
  let kubelet: ProcessKubelet;
  let backend: Server;
  let port: number;
  const connections = new Set<Duplex>();

  beforeAll(async () => {
    const webSockets = new WebSocketServer({ noServer: true });
    backend = createServer(async (request, response) => {
      const path = (request.url ?? '').split('?')[0];
      if (path === '/page') return void response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(page);
      if (path === '/zipped') return void response.writeHead(200, { 'content-type': 'text/html', 'content-encoding': 'gzip' }).end(gzipSync(page));
      if (path === '/moved') return void response.writeHead(302, { location: `/there?from=${request.headers.host}` }).end();
      if (path === '/moved-far') return void response.writeHead(302, { location: 'https://elsewhere.example/there' }).end();
      if (path === '/teapot') return void response.writeHead(418, { 'x-own': 'kept', 'keep-alive': 'timeout=5' }).end('short and stout');
      if (path === '/break') return void request.socket.destroy();
      if (path === '/forever') return void response.write('begun');
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ method: request.method, url: request.url, headers: request.headers, length: (await text(request)).length }));
    });
    backend.on('connection', (socket) => {
      connections.add(socket);
      socket.on('close', () => connections.delete(socket));
    });
    backend.on('upgrade', (request, socket, head) => webSockets.handleUpgrade(request, socket, head, (webSocket) => webSocket.on('message', (data) => webSocket.send(`${request.url}: ${String(data)}`))));
    backend.listen(0, '127.0.0.1');
    await once(backend, 'listening');
    port = (backend.address() as AddressInfo).port;
    kubelet = await startProcessKubelet();
    bed = await startRestBed({ kubelets: grpcKubelets('insecure') });
    await make('/api/v1/nodes', { metadata: { name: 'node-1', annotations: { 'navarch.io/kubelet-endpoint': kubelet.address } } }, { addresses: [{ type: 'InternalIP', address: '10.89.0.2' }], conditions: [{ type: 'Ready', status: 'True' }] });
    await make('/api/v1/namespaces/default/pods', { metadata: { name: 'web' }, spec: { nodeName: 'node-1', containers: [{ name: 'main', image: 'busybox', ports: [{ containerPort: port }] }] } }, { podIP: '10.244.0.5', podIPs: [{ ip: '10.244.0.5' }] });
    await make('/api/v1/namespaces/default/pods', { metadata: { name: 'loop' }, spec: { nodeName: 'node-1', containers: [{ name: 'main', image: 'busybox' }] } }, { podIP: '127.0.0.1', podIPs: [{ ip: '127.0.0.1' }] });
    await make('/api/v1/namespaces/default/services', { metadata: { name: 'svc' }, spec: { clusterIP: 'None', ports: [{ name: 'http', port: 80 }, { name: 'empty', port: 81 }] } });
    await make('/apis/discovery.k8s.io/v1/namespaces/default/endpointslices', {
      metadata: { name: 'svc-1', labels: { 'kubernetes.io/service-name': 'svc' } }, addressType: 'IPv4', ports: [{ name: 'http', port, protocol: 'TCP' }],
      endpoints: [{ addresses: ['10.244.0.9'], conditions: { ready: false } }, { addresses: ['10.244.0.5'], nodeName: 'node-1', conditions: { ready: true } }],
    });
  }, 30_000);
  afterAll(async () => {
    await bed.close();
    await kubelet.close();
    for (const connection of connections) connection.destroy();
    backend.close();
  });

  interface Ask { method?: string; headers?: Record<string, string>; body?: string; as?: object }
  function open(path: string, { method = 'GET', headers = {}, body, as }: Ask = {}): Promise<IncomingMessage> {
    const [host, at] = bed.address.split(':');
    return new Promise((resolve, reject) => {
      const request = httpsRequest({ host, port: at, path, method, agent: false, ca: bed.ca, ...(as ?? { cert: bed.admin.certificate, key: bed.admin.key }), headers }, resolve);
      request.on('error', reject);
      if (body !== undefined && method !== 'PUT') request.setHeader('content-length', body.length);
      request.end(body);
    });
  }
  async function ask(path: string, options?: Ask): Promise<{ status: number; headers: IncomingMessage['headers']; text: string }> {
    const response = await open(path, options);
    return { status: response.statusCode ?? 0, headers: response.headers, text: await text(response) };
  }
  async function make(path: string, object: object, status?: object): Promise<void> {
    const { metadata } = object as { metadata: { name: string } };
    const made = await ask(path, { method: 'POST', body: JSON.stringify(object) });
    expect([made.status, made.text]).toEqual([201, expect.anything()]);
    if (status) expect(await ask(`${path}/${metadata.name}/status`, { method: 'PATCH', headers: { 'content-type': 'application/merge-patch+json' }, body: JSON.stringify({ status }) })).toMatchObject({ status: 200 });
  }

  const pod = (): string => `/api/v1/namespaces/default/pods/web:${port}/proxy`;

  it.each(['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])('carries a %s on to a pod, with its path, query and headers but not the caller\'s credentials', async (method) => {
    const { status, text: body } = await ask(`${pod()}/a%2Fb//c/?x=1&limit=none`, { method, headers: { 'x-own': 'kept', authorization: `Bearer ${bed.token}`, te: 'trailers' }, as: {}, ...(method !== 'GET' && { body: 'hello' }) });
    expect(status).toBe(200);
    const seen = JSON.parse(body) as { headers: Record<string, string> };
    expect(seen).toMatchObject({ method, url: '/a%2Fb//c/?x=1&limit=none', headers: { 'x-own': 'kept', 'x-forwarded-proto': 'https' }, length: method === 'GET' ? 0 : 5 });
    expect(Object.keys(seen.headers)).not.toContain('authorization');
    expect(Object.keys(seen.headers)).not.toContain('te');
  });

  it('carries bodies of any size, and answers of any status and header', async () => {
    expect(JSON.parse((await ask(`${pod()}/big`, { method: 'POST', body: 'x'.repeat(5_000_000) })).text)).toMatchObject({ length: 5_000_000 });
    const teapot = await ask(`${pod()}/teapot`);
    expect([teapot.status, teapot.headers['x-own'], teapot.headers['keep-alive'], teapot.text]).toEqual([418, 'kept', undefined, 'short and stout']);
    expect(await ask(`${pod()}/teapot`, { method: 'HEAD' })).toMatchObject({ status: 418, text: '' });
  });

  it('sends whoever leaves the slash out to the root of the proxy', async () => {
    expect(await ask(`${pod()}?a=b`)).toMatchObject({ status: 301, headers: { location: `${pod()}/?a=b` } });
    expect(JSON.parse((await ask(pod(), { method: 'POST' })).text)).toMatchObject({ url: '/' });
  });

  it('rewrites links and redirects so that they lead through the proxy again', async () => {
    const rewritten = `<p><a href="${pod()}/rewriteme">one</a> <A HREF='${pod()}/two?x=1&amp;y'>/two</a> <img src=${pod()}/pic> <a href="https://elsewhere.example/x">no</a> <a href="relative">no</a></p>`;
    expect((await ask(`${pod()}/page`)).text).toBe(rewritten);
    expect((await ask(`${pod()}/zipped`)).text).toBe(rewritten);
    expect((await ask(`${pod()}/moved`)).headers.location).toBe(`${pod()}/there?from=${bed.address}`);
    expect((await ask(`${pod()}/moved-far`)).headers.location).toBe('https://elsewhere.example/there');
  });

  it('takes the pod\'s first port where none is named', async () => {
    expect((await ask('/api/v1/namespaces/default/pods/web/proxy/teapot')).status).toBe(418);
    expect((await ask('/api/v1/namespaces/default/pods/http:web:/proxy/teapot')).status).toBe(418);
  });

  it('reaches a Service\'s ready endpoints by the port\'s name or number, through the endpoint\'s node', async () => {
    for (const name of ['svc:http', 'svc:80', 'http:svc:http']) expect((await ask(`/api/v1/namespaces/default/services/${name}/proxy/teapot`)).status).toBe(418);
    expect(kubelet.asked.filter(({ method }) => method === 'dial').at(-1)?.start).toEqual({ address: '10.244.0.5' });
  });

  it('reaches a kubelet\'s own documents, and other ports of the node', async () => {
    expect((await ask(`/api/v1/nodes/node-1:${port}/proxy/teapot`)).status).toBe(418);
    expect(kubelet.asked.at(-1)?.start).toEqual({ address: '10.89.0.2' });
    await ask('/api/v1/nodes/node-1/proxy/healthz');
    expect(kubelet.asked.at(-1)?.start).toEqual({ address: '' });
  });

  it('carries a WebSocket through', async () => {
    const socket = new WebSocket(`wss://${bed.address}${pod()}/chat?room=1`, { ca: bed.ca, cert: bed.admin.certificate, key: bed.admin.key });
    await once(socket, 'open');
    socket.send('hey');
    const [message] = (await once(socket, 'message')) as [Buffer];
    expect(message.toString()).toBe('/chat?room=1: hey');
    socket.close();
    await once(socket, 'close');
  });

  it('lets the pod go when the caller does', async () => {
    const response = await open(`${pod()}/forever`);
    await once(response, 'data');
    const [connection] = [...connections].slice(-1);
    response.destroy();
    if (connection && !connection.destroyed) await once(connection, 'close');
    expect(connection?.destroyed).toBe(true);
  });

  it.each<[string, () => string, Ask, number, string]>([
    ['a port where nobody listens', () => '/api/v1/namespaces/default/pods/web:1/proxy/', {}, 503, 'error trying to reach service'],
    ['a server that breaks off', () => `${pod()}/break`, {}, 503, 'error trying to reach service'],
    ['a port that is none', () => '/api/v1/namespaces/default/pods/web:http/proxy/', {}, 400, 'invalid port'],
    ['a scheme that is none', () => '/api/v1/namespaces/default/pods/ftp:web:80/proxy/', {}, 400, 'invalid proxy target'],
    ['a pod that is not there', () => '/api/v1/namespaces/default/pods/none/proxy/', {}, 404, 'pods "none" not found'],
    ['an address that only the node should reach', () => '/api/v1/namespaces/default/pods/loop:80/proxy/', {}, 400, 'address not allowed'],
    ['a Service without such a port', () => '/api/v1/namespaces/default/services/svc:82/proxy/', {}, 503, 'no service port "82" found'],
    ['a Service with several ports and none named', () => '/api/v1/namespaces/default/services/svc/proxy/', {}, 503, 'a port must be named'],
    ['a Service without endpoints', () => '/api/v1/namespaces/default/services/svc:empty/proxy/', {}, 503, 'no endpoints available for service "svc"'],
    ['a method that nobody knows', () => `${pod()}/`, { method: 'PROPFIND' }, 405, 'does not allow this method'],
    ['a stranger', () => `${pod()}/`, { as: {} }, 403, 'pods/proxy'],
  ])('answers %s with a Status', async (_what, path, options, status, message) => {
    const answer = await ask(path(), options);
    expect([answer.status, JSON.parse(answer.text)]).toEqual([status, expect.objectContaining({ kind: 'Status', message: expect.stringContaining(message) })]);
  });
});
