/** kubectl exec, attach, cp and port-forward against real containers of a real cluster, through its kubeconfig. */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { join } from 'node:path';

import { kubeconfigFile } from '../../apps/cluster/src/control-plane/kubeconfig';
import { createTestHome, resultOf, type CommandResult } from '../../apps/cluster/src/testing/local-cluster';
import { kubectl, type ClientVersion } from '../clients/kubectl';

const name = `exec-${process.pid}`;
const test = createTestHome();
const places = test.places(name);

interface Client {
  readonly version: ClientVersion;
  readonly spdy: boolean;
}

const start = (args: readonly string[], { version, spdy }: Client): ChildProcessWithoutNullStreams =>
  spawn(kubectl(version), ['--kubeconfig', kubeconfigFile(places), ...args], {
    cwd: test.home, env: { PATH: process.env['PATH'], HOME: test.home, ...(spdy && { KUBECTL_REMOTE_COMMAND_WEBSOCKETS: 'false', KUBECTL_PORT_FORWARD_WEBSOCKETS: 'false' }) },
  });

function run(args: readonly string[], client: Client = { version: 'v35', spdy: false }, input = ''): Promise<CommandResult> {
  const child = start(args, client);
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  return resultOf(child);
}

const script = "mkdir -p /tmp/www; echo from the pod > /tmp/www/index.html; httpd -p 8080 -h /tmp/www; echo started; while read -r line; do echo \"heard $line\"; done; trap 'exit 0' TERM; while :; do sleep 3600 & wait $!; done";
const pod = {
  apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web' },
  spec: {
    terminationGracePeriodSeconds: 1,
    containers: [
      { name: 'main', image: 'navarch.local/busybox:1', command: ['sh', '-c', script], stdin: true },
      { name: 'side', image: 'navarch.local/busybox:1', command: ['sh', '-c', "trap 'exit 0' TERM; while :; do sleep 3600 & wait $!; done"] },
    ],
  },
};

beforeAll(async () => {
  const { code, stdout, stderr } = await test.navarch(['up', '--nodes', '1', '--name', name]);
  if (code !== 0) throw new Error(`${stdout}${stderr}`);
  expect(await run(['create', '-f', '-'], undefined, JSON.stringify(pod))).toMatchObject({ code: 0 });
  expect(await run(['wait', '--for=condition=Ready', 'pod/web', '--timeout=60s'])).toMatchObject({ code: 0 });
}, 180_000);

afterAll(async () => {
  await test.navarch(['down', '--name', name]);
  rmSync(test.home, { recursive: true, force: true });
}, 60_000);

jest.setTimeout(60_000);

describe.each<[string, Client]>([
  ['kubectl 1.35 by WebSocket', { version: 'v35', spdy: false }],
  ['kubectl 1.32 by WebSocket', { version: 'v32', spdy: false }],
  ['kubectl 1.32 by SPDY, as older ones do', { version: 'v32', spdy: true }],
])('in real containers, %s', (_name, client) => {
  it('runs a command with its output, its errors and its exit code', async () => {
    expect(await run(['exec', 'web', '-c', 'side', '--', 'sh', '-c', 'echo out; echo err >&2; hostname; exit 3'], client))
      .toEqual({ code: 3, stdout: 'out\nweb\n', stderr: expect.stringMatching(/^err\n/) });
  });

  it('gives a command its input until it ends', async () => {
    expect(await run(['exec', '-i', 'web', '-c', 'main', '--', 'sh', '-c', 'wc -c; echo done'], client, 'line\n'.repeat(100_000)))
      .toEqual({ code: 0, stdout: expect.stringMatching(/^\s*500000\ndone\n$/), stderr: '' });
  });

  it('gives a terminal its size', async () => {
    const exec = `${kubectl(client.version)} --kubeconfig ${kubeconfigFile(places)} exec -it web -c side -- sh -c 'sleep 0.5; stty size; test -t 1 && echo terminal'`;
    const env = { PATH: process.env['PATH'], HOME: test.home, ...(client.spdy && { KUBECTL_REMOTE_COMMAND_WEBSOCKETS: 'false' }) };
    const { stdout } = await resultOf(spawn('script', ['-qfec', `stty rows 33 cols 99; ${exec}`, '/dev/null'], { cwd: test.home, env, stdio: 'pipe' }));
    expect(stdout).toContain('33 99\r\nterminal\r\n');
  });

  it('copies files there and back', async () => {
    const content = 'x'.repeat(3_000_000);
    writeFileSync(join(test.home, 'from'), content);
    expect(await run(['cp', 'from', 'web:/tmp/there', '-c', 'side'], client)).toMatchObject({ code: 0, stderr: '' });
    expect(await run(['cp', 'web:/tmp/there', 'back', '-c', 'side'], client)).toMatchObject({ code: 0 });
    expect(readFileSync(join(test.home, 'back'), 'utf8')).toBe(content);
  });

  it('forwards connections to a port, and says when nothing listens there', async () => {
    const child = start(['port-forward', 'pod/web', ':8080', ':81'], client);
    const [open = 0, shut = 0] = await forwarded(child);
    expect(await Promise.all([1, 2, 3].map(() => page(open)))).toEqual(Array(3).fill('from the pod\n'));
    await expect(page(shut)).rejects.toThrow();
    child.kill('SIGTERM');
    await new Promise((resolve) => child.once('close', resolve));
  });
});

it('joins the container\'s own process, with its input', async () => {
  const child = start(['attach', '-i', 'web', '-c', 'main'], { version: 'v35', spdy: false });
  const heard = new Promise<string>((resolve) => {
    let text = '';
    child.stdout.on('data', (data: Buffer) => {
      text += data.toString();
      if (text.includes('heard you\n')) resolve(text);
    });
  });
  child.stdin.write('you\n');
  expect(await heard).toContain('heard you\n');
  child.kill('SIGKILL');
  expect(await run(['logs', 'web', '-c', 'main'])).toMatchObject({ stdout: expect.stringContaining('heard you') });
});

it('says what is wrong: a command that is not there, a container that is not there', async () => {
  expect(await run(['exec', 'web', '-c', 'side', '--', '/no/such/command'])).toMatchObject({ code: expect.any(Number), stderr: expect.stringMatching(/no such file|not found/) });
  expect(await run(['exec', 'web', '-c', 'none', '--', 'true'])).toMatchObject({ code: 1, stderr: expect.stringContaining('container none') });
});

function forwarded(child: ChildProcessWithoutNullStreams): Promise<number[]> {
  let text = '';
  child.stderr.on('data', (data: Buffer) => { text += data.toString(); });
  return new Promise((resolve, reject) => {
    child.once('close', () => reject(new Error(text)));
    child.stdout.on('data', (data: Buffer) => {
      text += data.toString();
      const ports = [...text.matchAll(/Forwarding from 127\.0\.0\.1:(\d+)/g)].map((match) => Number(match[1]));
      if (ports.length === 2) resolve(ports);
    });
  });
}

function page(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    get({ port, host: '127.0.0.1', path: '/index.html', agent: false }, (response) => {
      let text = '';
      response.on('data', (data: Buffer) => { text += data.toString(); });
      response.on('end', () => resolve(text));
    }).on('error', reject);
  });
}
