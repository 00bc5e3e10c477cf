import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { createTestHome, testEnvironment } from '../../apps/cluster/src/testing/local-cluster';
import { kubectl } from '../clients/kubectl';

const root = join(__dirname, '..', '..');
const test = createTestHome();

/** What people paste: every line of a page's shell blocks. */
const linesOf = (page: string): string[] => [...readFileSync(join(root, page), 'utf8').matchAll(/```sh\n([\s\S]*?)```/g)]
  .flatMap((block) => (block[1] ?? '').split('\n')).filter((line) => line !== '' && !/^npm /.test(line));

/** The same line with what stands in for it here: the repository's own `navarch`, kubectl from npm, and this test's home for .navarch. */
function runnable(line: string, pki: string): string {
  return line.replaceAll('.navarch/default/pki', pki).replaceAll('.navarch/', `${test.home}/`).replace(/^npx navarch/, `${process.execPath} bin/navarch`).replace(/^kubectl|(?<=\$\()kubectl/, kubectl('v35'));
}

describe('README', () => {
  afterAll(async () => {
    await test.navarch(['down']);
    rmSync(test.home, { recursive: true, force: true });
  }, 60_000);

  const said = new Map<string, string>();
  /** `buf curl` stands in for grpcurl where that is not installed. */
  const env: NodeJS.ProcessEnv = { ...testEnvironment(), NAVARCH_HOME: test.home, PATH: `${process.env['PATH'] ?? ''}:${join(root, 'tools/clients')}` };

  function run(lines: readonly string[]): void {
    const { pki, stateFile } = test.places('default');
    for (const line of lines) {
      const variable = /^(?:export )?([A-Z]+)=(\S+)$/.exec(runnable(line, pki));
      if (variable) {
        env[variable[1] as string] = variable[2];
        continue;
      }
      // Another cluster may hold the default ports: this one says which it got.
      const ports = line.startsWith('grpcurl') ? (JSON.parse(readFileSync(stateFile, 'utf8')) as { ports: { apiserver: number } }).ports.apiserver : 7443;
      const command = runnable(line, pki).replaceAll('127.0.0.1:7443', `127.0.0.1:${ports}`);
      if (/PodService\/(?:Get|Log)$/.test(line)) waitForPods(env);
      const { status, stdout, stderr } = spawnSync('sh', ['-c', command], { cwd: root, env, encoding: 'utf8', timeout: 60_000 });
      expect([line, status, status === 0 ? '' : stderr]).toEqual([line, 0, '']);
      said.set(line, stdout);
      if (line.startsWith('npx navarch apply')) waitForPods(env);
    }
  }

  const tour = linesOf('README.md');
  const beforeDown = tour.slice(0, tour.indexOf('npx navarch down'));

  it('every line of the tour works when pasted, in its order', () => {
    run(beforeDown);
    const answer = (part: string): string => [...said].find(([line]) => line.includes(part))?.[1] ?? '';
    expect(answer('get pods -o wide')).toMatch(/hello-1 .*Running[\s\S]*hello-2 .*Running/);
    expect(answer('logs hello-1')).toMatch(/^Ahoy from hello-1 \(10\.244\.\d+\.\d+\) on node-1/);
    expect(answer('trace pod/hello-1')).toMatch(/apiserver\.request[\s\S]*scheduler\.bind[\s\S]*kubelet\.start/);
    expect(answer('wget -qO- http://hello')).toMatch(/^Ahoy from hello-[12] /);
    expect(answer('trace service/hello')).toMatch(/apiserver\.request create services[\s\S]*proxy\.kernel/);
    expect(answer('curl -s')).toMatch(/^Ahoy from hello-[12] /);
    expect(answer(':7443 list')).toContain('navarch.core.v1.PodService');
    expect(answer('PodService/Watch')).toMatch(/"type": ?"ADDED"/);
    expect(answer('PodService/Get')).toMatch(/"phase": ?"Running"/);
    expect(Buffer.from(/"data": ?"([^"]+)"/.exec(answer('PodService/Log'))?.[1] ?? '', 'base64').toString()).toContain('Ahoy from hello-1');
    expect(answer('kubectl apply --server-side')).toMatch(/pod\/hello-1 serverside-applied/);
    expect(answer('kubectl explain')).toContain('image');
  }, 180_000);

  it('every line of docs/grpc.md works when pasted, in its order', () => {
    said.clear();
    run(linesOf('docs/grpc.md'));
    const answer = (part: string): string => [...said].filter(([line]) => line.includes(part)).map(([, text]) => text).join('\n');
    const text = (part: string, field: string): string => [...answer(part).matchAll(new RegExp(`"${field}": ?"([^"]+)"`, 'g'))].map(([, base64 = '']) => Buffer.from(base64, 'base64').toString()).join('');
    expect(answer('VersionService/Get')).toMatch(/"kubernetesVersion": ?"1\.\d+"/);
    expect(answer('Health/Check')).toContain('SERVING');
    expect(answer('SelfSubjectReviewService/Create')).toContain('system:serviceaccount:default:default');
    expect(answer(':7443 list')).toContain('navarch.apps.v1.DeploymentService');
    expect(answer('describe')).toContain('navarch.core.v1.PodService/Exec');
    expect(answer('"dryRun"')).toMatch(/"name": ?"never"/);
    expect(answer('PodService/List')).toMatch(/"name": ?"pasted"/);
    expect(answer('PodService/Watch')).toMatch(/"type": ?"ADDED"/);
    expect(answer('ConfigMapService/Patch')).toMatch(/"colour": ?"blue"/);
    expect(answer('PodService/Patch')).toMatch(/"tier": ?"front"/);
    expect(text('PodService/Log', 'data')).toBe('Ahoy from pasted\n');
    expect(text('PodService/Exec', 'stdout')).toBe('inside\n');
    expect(answer('PodService/Delete')).toMatch(/"name": ?"pasted"/);
  }, 180_000);

  it('and away with it, as the tour ends', () => {
    run(tour.slice(beforeDown.length));
  }, 60_000);

  function waitForPods(env: NodeJS.ProcessEnv): void {
    for (;;) {
      const { stdout } = spawnSync(process.execPath, ['bin/navarch', 'get', 'pods'], { cwd: root, env, encoding: 'utf8' });
      const rows = stdout.trim().split('\n').slice(1);
      if (rows.length > 0 && rows.every((row) => / 1\/1 +Running /.test(row))) return;
    }
  }
});
