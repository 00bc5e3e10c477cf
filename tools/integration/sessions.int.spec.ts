/** exec, attach, port-forward and cp through the REST door, by real kubectls, to a kubelet whose containers are processes of this machine. */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { grpcKubelets } from '../../apps/apiserver/src/grpc/kubelet-connector';
import { startRestBed, type RestBed } from '../../apps/apiserver/src/rest/testing';
import { startProcessKubelet, startShouter, type ProcessKubelet } from '../../apps/apiserver/src/testing/process-kubelet';
import { kubectl as kubectlPath } from '../clients/kubectl';

interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

describe('conversations with pods through the REST door', () => {
  let bed: RestBed;
  let kubelet: ProcessKubelet;
  let shouter: Awaited<ReturnType<typeof startShouter>>;
  const directory = mkdtempSync(join(tmpdir(), 'nv-sessions-'));
  const kubeconfig = join(directory, 'kubeconfig');

  beforeAll(async () => {
    kubelet = await startProcessKubelet();
    shouter = await startShouter();
    bed = await startRestBed({ kubelets: grpcKubelets('insecure') });
    writeFileSync(kubeconfig, bed.kubeconfig);
    const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'node-1', annotations: { 'navarch.io/kubelet-endpoint': kubelet.address } } };
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web' }, spec: { nodeName: 'node-1', containers: [{ name: 'main', image: 'busybox', tty: true, stdin: true }] } };
    const loose = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'loose' }, spec: { containers: [{ name: 'main', image: 'busybox' }] } };
    await ok(run(['create', '-f', '-'], { input: [node, pod, loose].map((object) => JSON.stringify(object)).join('\n') }));
    await ok(run(['patch', 'pod', 'web', '--subresource=status', '--type=merge', '-p', '{"status":{"phase":"Running"}}']));
  }, 60_000);
  afterAll(async () => {
    await bed.close();
    await kubelet.close();
    shouter.close();
    rmSync(directory, { recursive: true, force: true });
  });

  const start = (args: readonly string[], { version = 'v35', spdy = false }: { version?: 'v32' | 'v35'; spdy?: boolean } = {}): ChildProcessWithoutNullStreams =>
    spawn(kubectlPath(version), ['--kubeconfig', kubeconfig, ...args], {
      cwd: directory,
      env: { PATH: process.env['PATH'], HOME: directory, ...(spdy && { KUBECTL_REMOTE_COMMAND_WEBSOCKETS: 'false', KUBECTL_PORT_FORWARD_WEBSOCKETS: 'false' }) },
    });

  function run(args: readonly string[], options: { input?: string | Buffer; version?: 'v32' | 'v35'; spdy?: boolean } = {}): Promise<Outcome> {
    const child = start(args, options);
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.input ?? '');
    const text = { stdout: '', stderr: '' };
    child.stdout.on('data', (data: Buffer) => { text.stdout += data.toString(); });
    child.stderr.on('data', (data: Buffer) => { text.stderr += data.toString(); });
    return new Promise((resolve) => child.on('close', (code) => resolve({ code, ...text })));
  }

  async function ok(outcome: Promise<Outcome>): Promise<string> {
    const { code, stdout, stderr } = await outcome;
    expect([code, stderr]).toEqual([0, expect.not.stringContaining('rror')]);
    return stdout;
  }

  describe.each<[string, { version: 'v32' | 'v35'; spdy: boolean }]>([
    ['kubectl 1.32 by WebSocket', { version: 'v32', spdy: false }],
    ['kubectl 1.35 by WebSocket', { version: 'v35', spdy: false }],
    ['kubectl 1.32 by SPDY, as kubectl 1.29 and older do', { version: 'v32', spdy: true }],
    ['kubectl 1.35 by SPDY', { version: 'v35', spdy: true }],
  ])('%s', (_name, client) => {
    it('exec: carries stdout, stderr and the exit code', async () => {
      expect(await run(['exec', 'web', '--', 'sh', '-c', 'echo out; echo err >&2; exit 3'], client))
        .toEqual({ code: 3, stdout: 'out\n', stderr: expect.stringMatching(/^err\n.*exit code 3/s) });
    });

    it('exec: carries stdin until its end, so that the command sees it end', async () => {
      const input = 'line\n'.repeat(100_000);
      expect(await run(['exec', '-i', 'web', '--', 'sh', '-c', 'wc -c; echo done'], { ...client, input })).toEqual({ code: 0, stdout: '500000\ndone\n', stderr: '' });
    });

    it('cp: carries files there and back', async () => {
      const [from, there, back] = [join(directory, 'from'), join(directory, 'there'), join(directory, 'back')];
      const content = 'x'.repeat(1_000_000);
      writeFileSync(from, content);
      await ok(run(['cp', 'from', `web:${there}`], client));
      expect(readFileSync(there, 'utf8')).toBe(content);
      await ok(run(['cp', `web:${there}`, 'back'], client));
      expect(readFileSync(back, 'utf8')).toBe(content);
      for (const file of [from, there, back]) rmSync(file);
    });

    it('attach: joins the container\'s own process', async () => {
      expect(await ok(run(['attach', '-i', 'web'], { ...client, input: 'typed\n' }))).toBe('attached\ntyped\n');
      expect(kubelet.asked.at(-1)).toMatchObject({ method: 'attach', start: { pod: 'web', options: { container: 'main', stdin: true, stdout: true } } });
    });

    it('port-forward: carries several connections at once, and says when nothing listens', async () => {
      const child = start(['port-forward', 'pod/web', `:${shouter.port}`, ':1'], client);
      const [open, shut] = await forwarded(child, 2);
      expect(await Promise.all(['one', 'two', 'three'].map((text) => shout(open ?? 0, text)))).toEqual(['ONE', 'TWO', 'THREE']);
      expect(await shout(shut ?? 0, 'x')).toBe('');
      child.kill('SIGTERM');
      await new Promise((resolve) => child.on('close', resolve));
    });
  });

  it('tells the kubelet which pod, container and command are meant', async () => {
    await run(['exec', 'web', '-c', 'main', '--', 'true', 'a b?&c']);
    expect(kubelet.asked.at(-1)).toMatchObject({
      method: 'exec', start: { namespace: 'default', pod: 'web', podUid: expect.stringMatching(/-/), options: { container: 'main', command: ['true', 'a b?&c'], stdout: true, stderr: true } },
    });
  });

  it('passes a terminal\'s size on', async () => {
    const child = spawn('script', ['-qfec', `stty rows 33 cols 99; ${kubectlPath('v35')} --kubeconfig ${kubeconfig} exec -it web -- sleep 0.5`, '/dev/null'], { cwd: directory, stdio: 'pipe' });
    await new Promise((resolve) => child.on('close', resolve));
    expect(kubelet.sizes).toContainEqual({ width: 99, height: 33 });
    expect(kubelet.asked.at(-1)).toMatchObject({ start: { options: { tty: true, stdin: true } } });
  });

  it.each([[false], [true]])('ends the command when its caller goes (SPDY: %s)', async (spdy) => {
    const child = start(['exec', 'web', '--', 'sh', '-c', 'echo ready; exec sleep 1000'], { spdy });
    await new Promise((resolve) => child.stdout.once('data', resolve));
    const [command] = [...kubelet.running];
    expect(command).toBeDefined();
    child.kill('SIGKILL');
    expect(await command?.status).toMatchObject({ reason: 'NonZeroExitCode' });
  });

  it.each<[string, readonly string[], string]>([
    ['a pod that does not exist', ['exec', 'none', '--', 'true'], 'pods "none" not found'],
    ['a pod without a node', ['exec', 'loose', '--', 'true'], 'pod loose does not have a host assigned'],
    ['a container that the pod does not have', ['exec', 'web', '-c', 'side', '--', 'true'], 'container side'],
    ['a container that does not run', ['exec', 'web', '--', 'refused'], 'container not found ("main")'],
  ])('says why before the change of protocol: %s', async (_what, args, message) => {
    for (const version of ['v32', 'v35'] as const) {
      expect(await run(args, { version })).toEqual({ code: 1, stdout: '', stderr: expect.stringContaining(message) });
    }
  });
});

/** The local ports that kubectl says it forwards. */
function forwarded(child: ChildProcessWithoutNullStreams, count: number): Promise<number[]> {
  let text = '';
  return new Promise((resolve, reject) => {
    child.stderr.on('data', (data: Buffer) => { text += data.toString(); });
    child.on('close', () => reject(new Error(text)));
    child.stdout.on('data', (data: Buffer) => {
      text += data.toString();
      const ports = [...text.matchAll(/Forwarding from 127\.0\.0\.1:(\d+)/g)].map((match) => Number(match[1]));
      if (ports.length === count) resolve(ports);
    });
  });
}

/** Sends a line and reads until the other side ends. */
function shout(port: number, text: string): Promise<string> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect(port, '127.0.0.1', () => socket.end(text));
    socket.on('data', (data: Buffer) => { answer += data.toString(); });
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(answer));
  });
}
