/** Changes of protocol at the REST door, as clients other than kubectl ask for them: WebSocket channels, watches, and what is refused. */
import { once } from 'node:events';
import { request as httpsRequest } from 'node:https';
import type { IncomingMessage } from 'node:http';

import type { JsonObject } from '@navarch/api';
import { WebSocket } from 'ws';

import { grpcKubelets } from '../grpc/kubelet-connector';
import { startProcessKubelet, startShouter, type ProcessKubelet } from '../testing/process-kubelet';
import { startRestBed, type RestBed } from './testing';

describe('changes of protocol', () => {
  let bed: RestBed;
  let kubelet: ProcessKubelet;
  let shouter: Awaited<ReturnType<typeof startShouter>>;

  beforeAll(async () => {
    kubelet = await startProcessKubelet();
    shouter = await startShouter();
    bed = await startRestBed({ kubelets: grpcKubelets('insecure') });
    await create('nodes', { metadata: { name: 'node-1', annotations: { 'navarch.io/kubelet-endpoint': kubelet.address } } });
    await create('nodes', { metadata: { name: 'silent', annotations: { 'navarch.io/kubelet-endpoint': '127.0.0.1:1' } } });
    for (const [name, nodeName] of [['web', 'node-1'], ['far', 'silent']] as const) {
      await create('namespaces/default/pods', { metadata: { name }, spec: { nodeName, containers: [{ name: 'main', image: 'busybox' }] } });
    }
  }, 30_000);
  afterAll(async () => {
    await bed.close();
    await kubelet.close();
    shouter.close();
  });

  const identity = () => ({ ca: bed.ca, cert: bed.admin.certificate, key: bed.admin.key });

  function ask(path: string, { method = 'GET', headers = {}, body, as = identity() }: { method?: string; headers?: Record<string, string>; body?: string; as?: object } = {}): Promise<{ status: number; json: JsonObject }> {
    const [host, port] = bed.address.split(':');
    return new Promise((resolve, reject) => {
      const request = httpsRequest({ host, port, path, method, agent: false, ca: bed.ca, ...as, headers }, (response: IncomingMessage) => {
        let text = '';
        response.on('data', (part: Buffer) => { text += part.toString(); });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, json: JSON.parse(text) as JsonObject }));
      });
      request.on('upgrade', () => reject(new Error('the protocol was changed')));
      request.on('error', reject);
      request.end(body);
    });
  }

  async function create(path: string, object: JsonObject): Promise<void> {
    expect(await ask(`/api/v1/${path}`, { method: 'POST', body: JSON.stringify(object) })).toMatchObject({ status: 201 });
  }

  const open = (path: string, protocols: string[], options: object = identity()): WebSocket => new WebSocket(`wss://${bed.address}${path}`, protocols, { ca: bed.ca, ...options });

  /** All messages of a channel, joined, and how the connection ended. */
  async function channels(socket: WebSocket): Promise<{ readonly text: Record<number, string>; readonly code: number }> {
    const text: Record<number, string> = {};
    socket.on('message', (message: Buffer) => { text[message[0] ?? -1] = (text[message[0] ?? -1] ?? '') + message.subarray(1).toString(); });
    const [code] = (await once(socket, 'close')) as [number];
    return { text, code };
  }

  const exec = '/api/v1/namespaces/default/pods/web/exec?stdout=true&stderr=true';

  it('exec by v4 channels, as the Python client asks for it: output, errors, and the exit code as a Status', async () => {
    const socket = open(`${exec}&stdin=False&tty=False&command=sh&command=-c&command=${encodeURIComponent('echo out; echo err >&2; exit 3')}`, ['v4.channel.k8s.io']);
    const { text, code } = await channels(socket);
    expect(socket.protocol).toBe('v4.channel.k8s.io');
    expect([text[1], text[2], code]).toEqual(['out\n', 'err\n', 1000]);
    expect(JSON.parse(text[3] ?? '')).toMatchObject({ status: 'Failure', reason: 'NonZeroExitCode', details: { causes: [{ reason: 'ExitCode', message: '3' }] } });
  });

  it('exec by v5 channels: stdin is closed by its message, and success is said', async () => {
    const socket = open(`${exec}&stdin=true&command=cat`, ['v5.channel.k8s.io', 'v4.channel.k8s.io']);
    await once(socket, 'open');
    socket.send(Buffer.concat([Buffer.from([0]), Buffer.from('hello')]));
    socket.send(Buffer.from([255, 0]));
    const { text } = await channels(socket);
    expect([socket.protocol, text[1]]).toEqual(['v5.channel.k8s.io', 'hello']);
    expect(JSON.parse(text[3] ?? '')).toMatchObject({ status: 'Success' });
  });

  it('port-forward by v4 channels for named ports, never v5, which those clients offer and do not speak', async () => {
    const socket = open(`/api/v1/namespaces/default/pods/web/portforward?ports=${shouter.port}`, ['v5.channel.k8s.io', 'v4.channel.k8s.io']);
    const messages: Buffer[] = [];
    socket.on('message', (message: Buffer) => messages.push(message));
    await once(socket, 'open');
    socket.send(Buffer.concat([Buffer.from([0]), Buffer.from('hey')]));
    while (!messages.some((message) => message.toString().endsWith('HEY'))) await once(socket, 'message');
    expect([socket.protocol, messages[0]?.readUInt16LE(1), messages[1]?.readUInt16LE(1)]).toEqual(['v4.channel.k8s.io', shouter.port, shouter.port]);
    socket.close();
    await once(socket, 'close');
  });

  it('watch: each event is a text message, beginning with what is there; by token too', async () => {
    const socket = open('/api/v1/namespaces/default/pods?watch=true&fieldSelector=metadata.name%3Dweb', [], { headers: { authorization: `Bearer ${bed.token}` } });
    const [message, isBinary] = (await once(socket, 'message')) as [Buffer, boolean];
    expect([isBinary, JSON.parse(message.toString())]).toEqual([false, { type: 'ADDED', object: expect.objectContaining({ kind: 'Pod' }) }]);
    expect(message.toString()).not.toContain('\n');
    socket.close();
    await once(socket, 'close');
  });

  const upgrade = { connection: 'Upgrade', upgrade: 'SPDY/3.1' };
  it.each<[string, string, Parameters<typeof ask>[1], number, string]>([
    ['a conversation without a change of protocol', `${exec}&command=ls`, {}, 400, 'Upgrade request required'],
    ['a conversation by PUT', `${exec}&command=ls`, { method: 'PUT' }, 405, 'does not allow this method'],
    ['a protocol that nobody speaks', `${exec}&command=ls`, { headers: { connection: 'Upgrade', upgrade: 'gopher' } }, 400, 'only websocket and SPDY/3.1'],
    ['a version of SPDY exec that is too old', `${exec}&command=ls`, { method: 'POST', headers: { ...upgrade, 'x-stream-protocol-version': 'channel.k8s.io' } }, 403, 'unable to negotiate protocol'],
    ['a WebSocket handshake that is wrong', `${exec}&command=ls`, { headers: { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-protocol': 'v4.channel.k8s.io', 'sec-websocket-version': '13', 'sec-websocket-key': 'short' } }, 400, 'Sec-WebSocket-Key'],
    ['a boolean that is none', `${exec}&command=ls&tty=maybe`, { headers: upgrade }, 400, 'tty'],
    ['a port that is none', '/api/v1/namespaces/default/pods/web/portforward?ports=http', { headers: upgrade }, 400, 'ports'],
    ['a node that does not answer', '/api/v1/namespaces/default/pods/far/exec?stdout=true&command=ls', { method: 'POST', headers: { ...upgrade, 'x-stream-protocol-version': 'v4.channel.k8s.io' } }, 503, '127.0.0.1:1'],
    ['nobody in particular', `${exec}&command=ls`, { headers: upgrade, as: {} }, 403, 'cannot create resource "pods/exec"'],
    ['a wrong token', `${exec}&command=ls`, { headers: { ...upgrade, authorization: 'Bearer wrong' }, as: {} }, 401, 'Unauthorized'],
    ['an ordinary request that wants to change', '/api/v1/namespaces/default/pods/none', { headers: upgrade }, 404, 'not found'],
  ])('answers %s with a Status', async (_what, path, options, status, message) => {
    const answer = await ask(path, options);
    expect([answer.status, answer.json['kind'], answer.json['message']]).toEqual([status, 'Status', expect.stringContaining(message)]);
  });

  it('refuses WebSocket protocols it does not have, before anything is started', async () => {
    const before = kubelet.asked.length;
    const socket = open(`${exec}&command=ls`, ['v1.channel.k8s.io']);
    socket.on('error', () => undefined);
    const [, response] = (await once(socket, 'unexpected-response')) as [unknown, IncomingMessage];
    expect([response.statusCode, kubelet.asked.length]).toEqual([400, before]);
    socket.terminate();
  });

  it('cuts off who sends messages beyond all measure', async () => {
    const socket = open(`${exec}&stdin=true&command=cat`, ['v4.channel.k8s.io']);
    await once(socket, 'open');
    socket.send(Buffer.alloc(5 * 1024 * 1024));
    const [code] = (await once(socket, 'close')) as [number];
    expect(code).toBe(1009);
  });
});
