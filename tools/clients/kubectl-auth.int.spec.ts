import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { startRestBed, type RestBed } from '../../apps/apiserver/src/rest/testing';
import { kubectl, type ClientVersion } from './kubectl';

jest.setTimeout(60_000);
const run = promisify(execFile);

describe.each<ClientVersion>(['v32', 'v35'])('kubectl %s asks about identity and access', (version) => {
  let bed: RestBed;
  let home: string;
  beforeAll(async () => {
    bed = await startRestBed();
    home = mkdtempSync(join(tmpdir(), 'nv-kubectl-'));
    writeFileSync(join(home, 'config'), bed.kubeconfig);
  });
  afterAll(async () => {
    await bed.close();
    rmSync(home, { recursive: true, force: true });
  });
  const ask = async (...args: string[]): Promise<string> => (await run(kubectl(version), args, { env: { HOME: home, KUBECONFIG: join(home, 'config') } })).stdout.trim();

  it('auth whoami tells the certificate’s user and groups', async () => {
    const { status } = JSON.parse(await ask('auth', 'whoami', '-o', 'json')) as { status: unknown };
    expect(status).toEqual({ userInfo: { username: 'admin', groups: ['system:masters', 'system:authenticated'] } });
  });

  it('auth can-i answers by the authorizer', async () => {
    expect(await ask('auth', 'can-i', '*', '*')).toBe('yes');
    expect(await ask('auth', 'can-i', 'create', 'pods/eviction')).toBe('yes');
    expect(await ask('auth', 'can-i', 'get', '/metrics')).toBe('yes');
  });

  it('auth can-i --list shows the rules', async () => {
    expect(await ask('auth', 'can-i', '--list')).toMatch(/\*\.\*\s+\[\]\s+\[\]\s+\[\*\]/);
  });

  it('--as and --as-group act as somebody else, with that one’s rights', async () => {
    const { status } = JSON.parse(await ask('auth', 'whoami', '-o', 'json', '--as', 'bob', '--as-group', 'dev', '--as-group', 'ops')) as { status: unknown };
    expect(status).toEqual({ userInfo: { username: 'bob', groups: ['dev', 'ops', 'system:authenticated'] } });
    await expect(ask('get', 'secrets', '--as', 'bob')).rejects.toMatchObject({ stderr: expect.stringContaining('secrets is forbidden: User "bob" cannot list resource "secrets" in API group "" in the namespace "default"') as string });
  });

  it('auth can-i --list --as shows what everybody with a name may do', async () => {
    const rules = await ask('auth', 'can-i', '--list', '--as', 'bob');
    for (const line of [/selfsubjectaccessreviews\.authorization\.k8s\.io\s+\[\]\s+\[\]\s+\[create\]/, /\[\/openapi\/\*\]\s+\[\]\s+\[get\]/, /\[\/version\]/]) expect(rules).toMatch(line);
    expect(rules).not.toMatch(/secrets/);
  });

  it('auth reconcile makes roles and bindings, and adds what is missing to those present', async () => {
    const name = `reconciled-${version}`;
    const role = (verbs: string[]) => ({ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name }, rules: [{ apiGroups: [''], resources: ['pods'], verbs }] });
    const binding = { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRoleBinding', metadata: { name }, roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name }, subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: `reader-${version}` }] };
    const file = join(home, 'roles.json');
    const reconcile = (verbs: string[]) => {
      writeFileSync(file, JSON.stringify({ apiVersion: 'v1', kind: 'List', items: [role(verbs), binding] }));
      return ask('auth', 'reconcile', '-f', file);
    };
    expect(await reconcile(['list'])).toContain(`clusterrole.rbac.authorization.k8s.io/${name} reconciled`);
    await reconcile(['watch']);
    expect(await ask('auth', 'can-i', 'list', 'pods', '--as', `reader-${version}`)).toBe('yes');
    expect(await ask('auth', 'can-i', 'watch', 'pods', '--as', `reader-${version}`)).toBe('yes');
  });

  it('create --raw sends a body as it is', async () => {
    const file = join(home, 'review.json');
    writeFileSync(file, JSON.stringify({ apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview', spec: { user: 'bob', resourceAttributes: { verb: 'get', resource: 'pods' } } }));
    expect(JSON.parse(await ask('create', '--raw', '/apis/authorization.k8s.io/v1/subjectaccessreviews', '-f', file))).toMatchObject({ status: { allowed: false } });
  });

  it('create -f asks a review too', async () => {
    const file = join(home, 'create.json');
    writeFileSync(file, JSON.stringify({ apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview', spec: { user: 'bob', groups: ['system:masters'], resourceAttributes: { verb: 'get', resource: 'pods' } } }));
    expect(JSON.parse(await ask('create', '-f', file, '-o', 'json'))).toMatchObject({ status: { allowed: true } });
  });
});
