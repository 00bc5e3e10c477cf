/** Both halves of the relay in one process, with real sockets; a node is an address of the loopback. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

import { endpointSlices, events, nodes, services } from '@navarch/api';
import { seededRandom, silentLogger, systemClock } from '@navarch/base';
import { createMemoryApi, type MemoryApi } from '@navarch/client/testing';
import type { ServicePort } from '@navarch/proto/k8s/io/api/core/v1/core';
import type { Endpoint, EndpointSlice } from '@navarch/proto/k8s/io/api/discovery/v1/discovery';

import { runRelay, type Relay } from './app';
import { Doorkeeper } from './doorkeeper';

const nodeAddress = '127.0.0.2';
let api: MemoryApi;
let relay: Relay;
let doorkeeper: Doorkeeper;
let opened: { port: number; error?: string }[];
let onOpened: () => void;
const servers: Server[] = [];

beforeEach(() => {
  api = createMemoryApi({ clock: systemClock, random: seededRandom(1) });
  opened = [];
  onOpened = () => undefined;
  doorkeeper = new Doorkeeper((message, connection) => {
    relay.receive(message, connection);
    if (message.kind !== 'opened') return;
    opened.push({ port: message.door.port, ...(message.error !== undefined && { error: message.error }) });
    onOpened();
  });
  relay = runRelay({ client: api.client, clock: systemClock, random: seededRandom(2), logger: silentLogger, send: (message) => doorkeeper.receive(message), retryMs: 20 });
});
afterEach(async () => {
  await relay.close();
  doorkeeper.close();
  for (const server of servers.splice(0)) server.close();
});

async function listen(host: string, port: number, answer: (socket: Socket) => void): Promise<number> {
  const server = createServer({ allowHalfOpen: true }, answer);
  servers.push(server);
  await once(server.listen(port, host), 'listening');
  return (server.address() as AddressInfo).port;
}

async function addNode(name: string, address: string, ready = 'True'): Promise<void> {
  const node = await api.client.resource(nodes).create({ metadata: { name } });
  await api.client.resource(nodes).updateStatus({ ...node, status: { addresses: [{ type: 'InternalIP', address }], conditions: [{ type: 'Ready', status: ready }] } });
}

async function addService(port: ServicePort, local = false): Promise<void> {
  await api.client.resource(services).create({ metadata: { namespace: 'default', name: 'web' }, spec: { type: 'NodePort', clusterIP: '10.96.0.9', ports: [port], ...(local && { externalTrafficPolicy: 'Local' }) } });
}

/** Until the doorkeeper has answered so often. */
async function doors(count: number): Promise<void> {
  while (opened.length < count) await new Promise<void>((resolve) => { onOpened = resolve; });
}

/** What is answered to `text` when its half is ended; rejects where the connection is reset. */
function ask(port: number, text: string, host = '127.0.0.1'): Promise<string> {
  const socket = connect({ host, port, allowHalfOpen: true });
  socket.end(text);
  return new Promise((resolve, reject) => {
    let answer = '';
    socket.on('data', (data) => { answer += data.toString(); }).on('end', () => resolve(answer)).on('error', reject);
  });
}

const echo = (name: string) => (socket: Socket): void => {
  let heard = '';
  socket.on('data', (data) => { heard += data.toString(); }).on('end', () => socket.end(`${name} heard ${heard.length}`));
};

it('a TCP node port is reached at 127.0.0.1, byte for byte, and a half that ended is still answered', async () => {
  const port = await listen(nodeAddress, 0, echo('node'));
  await addNode('node-1', nodeAddress);
  await addService({ port: 80, nodePort: port, protocol: 'TCP' });
  await doors(1);
  expect(await Promise.all([ask(port, 'x'.repeat(300_000)), ask(port, 'y')])).toEqual(['node heard 300000', 'node heard 1']);
});

it('a UDP node port is reached at 127.0.0.1, and answers find their client', async () => {
  const server = createSocket('udp4');
  server.on('message', (data, from) => server.send(`heard ${data.toString()}`, from.port, from.address));
  server.bind(0, nodeAddress);
  await once(server, 'listening');
  const { port } = server.address();
  await addNode('node-1', nodeAddress);
  await addService({ port: 53, nodePort: port, protocol: 'UDP' });
  await doors(1);
  const answers = await Promise.all(['one', 'two'].map(async (text) => {
    const client = createSocket('udp4');
    client.send(text, port, '127.0.0.1');
    const [data] = (await once(client, 'message')) as [Buffer];
    client.close();
    return data.toString();
  }));
  server.close();
  expect(answers).toEqual(['heard one', 'heard two']);
});

it('a Service that goes takes its port along', async () => {
  const port = await listen(nodeAddress, 0, echo('node'));
  await addNode('node-1', nodeAddress);
  await addService({ port: 80, nodePort: port });
  await doors(1);
  const next = port === 65_535 ? port - 1 : port + 1;
  await api.client.resource(services).patch('default', 'web', 'application/merge-patch+json', { spec: { ports: [{ port: 80, nodePort: next }] } });
  await doors(2);
  await expect(ask(port, 'x')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
});

it('a port that someone else holds is told by an event on the Service, and had as soon as it is free', async () => {
  const port = await listen(nodeAddress, 0, echo('node'));
  const foreign = createServer();
  await once(foreign.listen(port, '127.0.0.1'), 'listening');
  await addNode('node-1', nodeAddress);
  await addService({ port: 80, nodePort: port });
  await doors(1);
  expect(opened[0]?.error).toContain('EADDRINUSE');
  foreign.close();
  while (opened.at(-1)?.error !== undefined) await doors(opened.length + 1);
  expect(await ask(port, 'x')).toBe('node heard 1');
  await relay.close();
  const { items } = await api.client.resource(events).list({});
  expect(items.map(({ reason, involvedObject }) => [reason, involvedObject?.name])).toEqual([['NodePortUnavailable', 'web']]);
});

it('a Service that nothing answers resets the connection at once: refused by the node, or no node Ready', async () => {
  const port = await listen(nodeAddress, 0, echo('node'));
  servers.pop()?.close();
  await addService({ port: 80, nodePort: port });
  await doors(1);
  await expect(ask(port, 'x')).rejects.toMatchObject({ code: 'ECONNRESET' });
  await addNode('node-1', nodeAddress);
  await addNode('node-2', '127.0.0.3', 'Unknown');
  await expect(ask(port, 'x')).rejects.toMatchObject({ code: 'ECONNRESET' });
});

const slice = (endpoints: Endpoint[], portName = ''): EndpointSlice => ({
  metadata: { namespace: 'default', name: 'web-1', labels: { 'kubernetes.io/service-name': 'web' } }, addressType: 'IPv4', ports: [{ name: portName, port: 8080 }], endpoints,
});

it('a node that refuses although the Service has endpoints, as when its proxy is behind, is passed over: no client is reset', async () => {
  const port = await listen('127.0.0.3', 0, echo('up to date'));
  await addNode('node-1', nodeAddress);
  await addNode('node-2', '127.0.0.3');
  await api.client.resource(endpointSlices).create(slice([{ addresses: ['10.244.1.2'], nodeName: 'node-2' }]));
  await addService({ port: 80, nodePort: port });
  await doors(1);
  for (let count = 0; count < 12; count += 1) expect(await ask(port, 'x')).toBe('up to date heard 1');
});

it('where all nodes refuse for a moment, the client waits until one answers; an endpoint that ends and still serves is reason to', async () => {
  const port = await listen(nodeAddress, 0, echo('node'));
  servers.pop()?.close();
  await addNode('node-1', nodeAddress);
  await api.client.resource(endpointSlices).create(slice([{ addresses: ['10.244.0.2'], nodeName: 'node-1', conditions: { ready: false, serving: true, terminating: true } }]));
  await addService({ port: 80, nodePort: port });
  await doors(1);
  const answer = ask(port, 'patient');
  await expect(ask(port, 'x', nodeAddress)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  await listen(nodeAddress, port, echo('node at last'));
  expect(await answer).toBe('node at last heard 7');
});

it('endpoints at another port of the Service are no reason to wait: reset at once', async () => {
  const port = await listen(nodeAddress, 0, echo('node'));
  servers.pop()?.close();
  await addNode('node-1', nodeAddress);
  await api.client.resource(endpointSlices).create(slice([{ addresses: ['10.244.0.2'], nodeName: 'node-1' }], 'other'));
  await addService({ name: 'web', port: 80, nodePort: port });
  await doors(1);
  await expect(ask(port, 'x')).rejects.toMatchObject({ code: 'ECONNRESET' });
});

it('with externalTrafficPolicy Local only nodes with a ready endpoint are asked', async () => {
  const port = await listen(nodeAddress, 0, echo('without endpoint'));
  await listen('127.0.0.3', port, echo('with endpoint'));
  await addNode('node-1', nodeAddress);
  await addNode('node-2', '127.0.0.3');
  await api.client.resource(endpointSlices).create({
    metadata: { namespace: 'default', name: 'web-1', labels: { 'kubernetes.io/service-name': 'web' } }, addressType: 'IPv4',
    endpoints: [{ addresses: ['10.244.1.2'], nodeName: 'node-2', conditions: { ready: true } }, { addresses: ['10.244.0.2'], nodeName: 'node-1', conditions: { ready: false } }],
  });
  await addService({ port: 80, nodePort: port }, true);
  await doors(1);
  for (let count = 0; count < 8; count += 1) expect(await ask(port, 'x')).toBe('with endpoint heard 1');
});
