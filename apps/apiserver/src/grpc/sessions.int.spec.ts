/** exec, attach and port-forward through the gRPC door: PodService's bidirectional streams. */
import { createRegistry, nodes, pods } from '@navarch/api';
import { seededRandom, silentLogger, systemClock } from '@navarch/base';
import { PodServiceService, type ExecPodRequest, type PortForwardPodRequest } from '@navarch/proto/navarch/core/v1/pod_service';
import { connectGrpc, createGrpcServer, type GrpcChannel, type GrpcServer } from '@navarch/service';
import { createMemoryLog } from '@navarch/store';
import { Pipe } from '@navarch/streaming';

import { runApiserver, serverUser, type Apiserver } from '../app';
import { createInProcessClient } from '../in-process-client';
import { startProcessKubelet, startShouter, type ProcessKubelet } from '../testing/process-kubelet';
import { grpcKubelets } from './kubelet-connector';
import { apiMethods } from './services';

const [clock, random] = [systemClock, seededRandom(1)];

describe('conversations with pods through the gRPC door', () => {
  let kubelet: ProcessKubelet;
  let apiserver: Apiserver;
  let server: GrpcServer;
  let channel: GrpcChannel;

  beforeAll(async () => {
    kubelet = await startProcessKubelet();
    const logs = { objects: createMemoryLog({ clock, random }), events: createMemoryLog({ clock, random, subjectPrefix: 'kube-events' }) };
    apiserver = runApiserver({ registry: createRegistry(), logs, kubelets: grpcKubelets('insecure'), clock, random, logger: silentLogger });
    await apiserver.ready;
    const authenticate = () => Promise.resolve({ name: 'admin', groups: ['system:masters', 'system:authenticated'] });
    server = await createGrpcServer({ listen: ['127.0.0.1:0'], tls: 'insecure', logger: silentLogger, services: [apiMethods({ core: apiserver.core, clock, authenticate }, { version: '0.1.0', kubernetesVersion: '1.36' })] });
    channel = connectGrpc({ target: server.addresses[0] ?? '', tls: 'insecure' });
    const client = createInProcessClient(apiserver.core, serverUser);
    await client.resource(nodes).create({ metadata: { name: 'node-1', annotations: { 'navarch.io/kubelet-endpoint': kubelet.address } } });
    await client.resource(pods).create({ metadata: { name: 'web', namespace: 'default' }, spec: { nodeName: 'node-1', containers: [{ name: 'main', image: 'busybox' }] } });
  });
  afterAll(async () => {
    channel.close();
    await server.close(0);
    await apiserver.close();
    await kubelet.close();
  });

  async function exec(command: string[], input: readonly ExecPodRequest[] = [], name = 'web'): Promise<{ stdout: string; stderr: string; status: unknown }> {
    const requests = new Pipe<ExecPodRequest>(10);
    await requests.push({ name, options: { command, stdin: input.length > 0, stdout: true, stderr: true } });
    for (const request of input) await requests.push(request);
    requests.end();
    const said = { stdout: '', stderr: '', status: undefined as unknown };
    for await (const { output = {} } of channel.bidi(PodServiceService.exec, requests)) {
      said.stdout += Buffer.from(output.stdout ?? []).toString();
      said.stderr += Buffer.from(output.stderr ?? []).toString();
      said.status ??= output.status;
    }
    return said;
  }

  it('exec: input, its end, both outputs and the exit code', async () => {
    expect(await exec(['sh', '-c', 'cat; echo err >&2; exit 3'], [{ input: { stdin: Buffer.from('hello') } }, { input: { stdinClosed: true } }]))
      .toEqual({ stdout: 'hello', stderr: 'err\n', status: expect.objectContaining({ reason: 'NonZeroExitCode', details: expect.objectContaining({ causes: [expect.objectContaining({ reason: 'ExitCode', message: '3' })] }) }) });
    expect(await exec(['true'])).toMatchObject({ status: { status: 'Success' } });
  });

  it('attach: joins the container\'s process; the end of the requests ends its input', async () => {
    const requests = new Pipe<{ name?: string; options?: object; input?: object }>(10);
    await requests.push({ name: 'web', options: { stdin: true, stdout: true } });
    await requests.push({ input: { stdin: Buffer.from('typed') } });
    requests.end();
    let text = '';
    for await (const { output } of channel.bidi(PodServiceService.attach, requests)) text += Buffer.from(output?.stdout ?? []).toString();
    expect(text).toBe('attached\ntyped');
  });

  it('port-forward: connections by number, each with its port, and why one failed', async () => {
    const shouter = await startShouter();
    const requests = new Pipe<PortForwardPodRequest>(10);
    await requests.push({ name: 'web' });
    await requests.push({ frame: { connection: 1, port: shouter.port } });
    await requests.push({ frame: { connection: 1, data: Buffer.from('hey') } });
    await requests.push({ frame: { connection: 2, port: 1 } });
    const answers: Record<string, string> = {};
    for await (const { frame } of channel.bidi(PodServiceService.portForward, requests)) {
      if (frame?.data) answers[`${frame.connection} data`] = Buffer.from(frame.data).toString();
      if (frame?.failure) answers[`${frame.connection} failure`] = frame.failure;
      if (Object.keys(answers).length === 2) break;
    }
    expect(answers).toEqual({ '1 data': 'HEY', '2 failure': expect.stringContaining('ECONNREFUSED') });
    shouter.close();
  });

  it('ends the command when the call is canceled', async () => {
    const stop = new AbortController();
    const requests = new Pipe<ExecPodRequest>(10);
    await requests.push({ name: 'web', options: { command: ['sleep', '1000'], stdout: true } });
    const answers = channel.bidi(PodServiceService.exec, requests, { signal: stop.signal });
    await answers.next();
    const [command] = [...kubelet.running];
    stop.abort(new Error('enough'));
    await expect(answers.next()).rejects.toMatchObject({ reason: 'Canceled' });
    expect(await command?.status).toMatchObject({ reason: 'NonZeroExitCode' });
  });

  it.each<[string, string, readonly string[], string]>([
    ['a pod that is not there', 'none', ['ls'], 'NotFound'], ['no command', 'web', [], 'BadRequest'], ['what the kubelet refuses', 'web', ['refused'], 'NotFound'],
  ])('says why it cannot: %s', async (_what, name, command, reason) => {
    await expect(exec([...command], [], name)).rejects.toMatchObject({ reason });
  });

  it('wants to know which pod is meant', async () => {
    const requests = new Pipe<ExecPodRequest>();
    requests.end();
    await expect(channel.bidi(PodServiceService.exec, requests).next()).rejects.toMatchObject({ reason: 'BadRequest' });
  });
});
