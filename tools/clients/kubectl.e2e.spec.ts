/** Unmodified kubectl of two versions against a running cluster with real containers. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { parse, stringify } from 'yaml';

import { resultOf, staying } from '../../apps/cluster/src/testing/local-cluster';
import { createClientsCluster, outputOf, type Client } from './clients-cluster';
import { kubectl, type ClientVersion } from './kubectl';

const cluster = createClientsCluster('kubectl');
const image = 'navarch.local/busybox:1';

function pod(name: string, script: string, more: object = {}): string {
  const containers = [{ name: 'main', image, command: ['sh', '-c', script] }];
  return stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name, labels: { app: name } }, spec: { terminationGracePeriodSeconds: 1, containers, ...more } });
}

// kubectl reads YAML 1.1, in which y, yes and on are booleans unless quoted.
const configMap = (name: string, data: Record<string, string>, labels?: Record<string, string>): string =>
  stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, ...(labels && { labels }) }, data }, { version: '1.1' });

beforeAll(() => cluster.up(), 180_000);
afterAll(() => cluster.down(), 60_000);
jest.setTimeout(60_000);

describe.each<[string, ClientVersion]>([['kubectl 1.32', 'v32'], ['kubectl 1.35', 'v35']])('%s', (_title, version) => {
  let client: Client;
  const ok: Client['ok'] = (...args) => client.ok(...args);
  const data = async (name: string): Promise<unknown> => JSON.parse(await ok(['get', 'configmap', name, '-o', 'jsonpath={.data}']));
  const refused = async (args: readonly string[], input?: string): Promise<string> => {
    const { code, stderr } = await client.run(args, input);
    expect(code).toBe(1);
    return stderr;
  };

  beforeAll(async () => {
    client = cluster.client(version, kubectl(version));
    await ok(['create', 'namespace', version]);
    await ok(['config', 'set-context', '--current', `--namespace=${version}`]);
    await ok(['wait', '--for=create', 'serviceaccount/default', '--timeout=30s']);
    await ok(['create', '-f', '-'], pod('web', `echo one; echo two; echo three; ${staying}`));
    await ok(['wait', '--for=condition=Ready', 'pod/web', '--timeout=60s']);
  });

  describe('asks what there is:', () => {
    it('version, cluster-info, config view, health', async () => {
      const { clientVersion, serverVersion } = JSON.parse(await ok(['version', '-o', 'json'])) as Record<string, { major: string; gitVersion: string }>;
      expect(clientVersion?.gitVersion).toContain(version.replace('v3', 'v1.3'));
      expect(serverVersion).toMatchObject({ major: '1', gitVersion: expect.stringContaining('navarch') });
      expect(await ok(['cluster-info'])).toMatch(/control plane.* is running at .*https:\/\/127\.0\.0\.1:\d+/);
      expect(parse(await ok(['config', 'view', '--minify']))).toMatchObject({ kind: 'Config', contexts: [{ context: { namespace: version } }] });
      expect(await ok(['get', '--raw', '/readyz'])).toBe('ok');
    });

    it('api-versions and api-resources', async () => {
      expect((await ok(['api-versions'])).split('\n')).toEqual(expect.arrayContaining(['v1', 'apps/v1', 'batch/v1', 'coordination.k8s.io/v1']));
      expect(await ok(['api-resources'])).toMatch(/^pods +po +v1 +true +Pod$/m);
      expect(await ok(['api-resources', '--namespaced=false', '-o', 'name', '--api-group='])).toMatch(/^namespaces\nnodes\n/m);
      expect(await ok(['api-resources', '--verbs=patch', '--api-group=apps', '-o', 'wide'])).toMatch(/^deployments +deploy +apps\/v1 +true +Deployment +create,delete,deletecollection,get,list,patch,update,watch +all$/m);
    });

    it('explain, of a kind, of a field, of everything below it, and of a field that is not there', async () => {
      expect(await ok(['explain', 'pod'])).toMatch(/KIND: +Pod\nVERSION: +v1\n[\s\S]*spec\t<PodSpec>/);
      expect(await ok(['explain', 'deployments.spec.replicas'])).toMatch(/GROUP: +apps\n[\s\S]*FIELD: replicas <integer>/);
      expect(await ok(['explain', 'pod.spec.containers', '--recursive'])).toMatch(/name\t<string> -required-/);
      expect(await refused(['explain', 'pod.spec.nothing'])).toContain('field "nothing" does not exist');
    });
  });

  describe('writes objects:', () => {
    it('create, from files, from arguments, with generated names, and as a dry run', async () => {
      expect(await ok(['create', '-f', '-', '--dry-run=server', '-o', 'name'], configMap('made', { a: '1' }))).toBe('configmap/made\n');
      expect(await refused(['get', 'configmap', 'made'])).toContain('NotFound');
      expect(await ok(['create', '-f', '-'], configMap('made', { a: '1' }))).toBe('configmap/made created\n');
      expect(await refused(['create', '-f', '-'], configMap('made', { a: '1' }))).toContain('AlreadyExists');
      expect(await ok(['create', '-f', '-', '-o', 'name'], 'apiVersion: v1\nkind: ConfigMap\nmetadata: { generateName: some- }\n')).toMatch(/^configmap\/some-[a-z0-9]{5}\n$/);
      expect(await ok(['create', 'configmap', 'from-words', '--from-literal=a=b'])).toBe('configmap/from-words created\n');
      expect(await ok(['create', 'secret', 'generic', 'hidden', '--from-literal=key=value'])).toBe('secret/hidden created\n');
      expect(await ok(['create', 'serviceaccount', 'robot'])).toBe('serviceaccount/robot created\n');
      expect(await ok(['create', 'service', 'clusterip', 'none', '--clusterip=None', '--tcp=80'])).toBe('service/none created\n');
      expect(await ok(['create', 'deployment', 'planned', '--image=a', '--replicas=2'])).toBe('deployment.apps/planned created\n');
      expect(await ok(['create', 'job', 'once', `--image=${image}`, '--', 'true'])).toBe('job.batch/once created\n');
      expect(await ok(['create', 'quota', 'limit', '--hard=pods=100'])).toBe('resourcequota/limit created\n');
      expect(await ok(['create', 'role', 'reader', '--verb=get,list', '--resource=pods'])).toBe('role.rbac.authorization.k8s.io/reader created\n');
      expect(await ok(['create', 'ingress', 'door', '--rule=a.example/*=web:80'])).toBe('ingress.networking.k8s.io/door created\n');
    });

    it('refuses what is unknown or invalid, with the field', async () => {
      expect(await refused(['create', '-f', '-'], 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: x }\ndatum: {}\n')).toContain('unknown field "datum"');
      expect(await ok(['create', '-f', '-', '--validate=ignore'], 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: x }\ndatum: {}\n')).toBe('configmap/x created\n');
      const { code, stderr } = await client.run(['create', '-f', '-', '--validate=warn'], 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: warned }\ndatum: {}\n');
      expect([code, stderr]).toEqual([0, expect.stringContaining('Warning: unknown field "datum"')]);
      expect(await refused(['create', '-f', '-'], pod('Bad_Name', 'true'))).toMatch(/The Pod "Bad_Name" is invalid: .*metadata\.name/);
      expect(await refused(['create', '-f', '-'], 'apiVersion: v1\nkind: Podd\nmetadata: { name: x }\n')).toContain('no matches for kind "Podd"');
    });

    it('apply, on the client side: created, unchanged, configured; what the manifest no longer says goes', async () => {
      expect(await ok(['apply', '-f', '-'], configMap('applied', { a: '1', b: '2' }))).toBe('configmap/applied created\n');
      expect(await ok(['apply', '-f', '-'], configMap('applied', { a: '1', b: '2' }))).toBe('configmap/applied unchanged\n');
      await ok(['patch', 'configmap', 'applied', '-p', '{"data":{"by":"another"}}']);
      expect(await ok(['apply', '-f', '-'], configMap('applied', { a: '1' }))).toBe('configmap/applied configured\n');
      expect(await data('applied')).toEqual({ a: '1', by: 'another' });
      expect(await ok(['apply', 'view-last-applied', 'configmap/applied'])).toContain('a: "1"');
      expect(await ok(['apply', '-f', '-'], `${configMap('listed-1', {})}---\n${configMap('listed-2', {})}`)).toBe('configmap/listed-1 created\nconfigmap/listed-2 created\n');
      const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: [parse(configMap('listed-1', { a: '1' }))] });
      expect(await ok(['apply', '-f', '-'], list)).toBe('configmap/listed-1 configured\n');
    });

    it('apply --server-side: owners, conflicts, --force-conflicts, and the move from the client side', async () => {
      const apply = ['apply', '--server-side', '-f', '-'];
      expect(await ok(apply, configMap('owned', { a: '1', b: '2' }))).toBe('configmap/owned serverside-applied\n');
      const conflict = await refused([...apply, '--field-manager=other'], configMap('owned', { a: '9' }));
      expect(conflict).toContain('Apply failed with 1 conflict: conflict with "kubectl": .data.a');
      await ok([...apply, '--field-manager=other', '--force-conflicts'], configMap('owned', { a: '9' }));
      await ok(apply, configMap('owned', { c: '3' }));
      expect(await data('owned')).toEqual({ a: '9', c: '3' });
      const managers = 'jsonpath={range .metadata.managedFields[*]}{.manager} {.operation},{end}';
      expect((await ok(['get', 'configmap', 'owned', '--show-managed-fields', '-o', managers])).split(',').sort()).toEqual(['', 'kubectl Apply', 'other Apply']);
      await ok(['apply', '-f', '-'], configMap('moved', { a: '1' }));
      await ok(apply, configMap('moved', { b: '2' }));
      expect(await data('moved')).toEqual({ b: '2' });
      expect(await ok(['get', 'configmap', 'moved', '--show-managed-fields', '-o', managers])).not.toContain('kubectl-client-side-apply');
    });

    it('apply --prune deletes what was applied before and is not there any more', async () => {
      const prune = ['apply', '-f', '-', '--prune', '-l', 'fleet=a', '--prune-allowlist=core/v1/ConfigMap'];
      const [one, two] = ['pruned-1', 'pruned-2'].map((name) => configMap(name, { a: '1' }, { fleet: 'a' }));
      await ok(prune, `${one}---\n${two}`);
      expect(await ok(prune, one)).toBe('configmap/pruned-1 unchanged\nconfigmap/pruned-2 pruned\n');
      expect(await ok(['get', 'configmap', '-l', 'fleet=a', '-o', 'name'])).toBe('configmap/pruned-1\n');
    });

    it('diff, with exit code 1 where something would change', async () => {
      await ok(['apply', '-f', '-'], configMap('compared', { a: 'old' }));
      expect(await client.run(['diff', '-f', '-'], configMap('compared', { a: 'old' }))).toMatchObject({ code: 0, stdout: '' });
      for (const side of [[], ['--server-side', '--force-conflicts']]) {
        const { code, stdout } = await client.run(['diff', ...side, '-f', '-'], configMap('compared', { a: 'new' }));
        expect([code, stdout]).toEqual([1, expect.stringMatching(/^- {2}a: old\n\+ {2}a: new$/m)]);
      }
      expect(await data('compared')).toEqual({ a: 'old' });
    });

    it('edit, with whatever the editor leaves', async () => {
      await ok(['create', 'configmap', 'edited', '--from-literal=word=before']);
      expect(await ok(['edit', 'configmap', 'edited'], '', { KUBE_EDITOR: "sed -i 's/word: before/word: after/'" })).toContain('configmap/edited edited');
      expect(await data('edited')).toEqual({ word: 'after' });
      expect((await client.run(['edit', 'configmap', 'edited'], '', { KUBE_EDITOR: 'true' })).stderr).toContain('Edit cancelled, no changes made');
    });

    it('patch, of every type', async () => {
      await ok(['create', 'deployment', 'patched', '--image=a']);
      const patch = (type: string, value: object): Promise<string> => ok(['patch', 'deployment', 'patched', '--type', type, '-p', JSON.stringify(value)]);
      await patch('strategic', { spec: { template: { spec: { containers: [{ name: 'second', image: 'b' }] } } } });
      const names = ['get', 'deployment', 'patched', '-o', 'jsonpath={.spec.template.spec.containers[*].name} {.spec.replicas}'];
      expect((await ok(names)).split(' ').sort()).toEqual(['1', 'a', 'second']);
      await patch('json', [{ op: 'test', path: '/spec/replicas', value: 1 }, { op: 'replace', path: '/spec/replicas', value: 5 }]);
      await patch('merge', { spec: { template: { spec: { containers: [{ name: 'only', image: 'c' }] } } } });
      expect(await ok(names)).toBe('only 5');
      expect(await refused(['patch', 'deployment', 'patched', '--type=json', '-p', '[{"op":"test","path":"/spec/replicas","value":1}]'])).toContain('/spec/replicas');
      await ok(['patch', 'deployment', 'patched', '--subresource=status', '--type=merge', '-p', '{"status":{"replicas":7}}']);
      expect(await ok(['get', 'deployment', 'patched', '-o', 'jsonpath={.status.replicas}'])).toBe('7');
      await ok(['set', 'image', 'deployment/patched', 'only=d']);
      expect(await ok(['get', 'deployment', 'patched', '-o', 'jsonpath={..image}'])).toBe('d');
    });

    it('replace, of what it read; not of what has changed since; and by force', async () => {
      await ok(['create', 'configmap', 'replaced', '--from-literal=a=1']);
      const read = await ok(['get', 'configmap', 'replaced', '-o', 'json']);
      const before = await ok(['get', 'configmap', 'replaced', '-o', 'jsonpath={.metadata.uid}']);
      expect(await ok(['replace', '-f', '-'], read.replace('"a": "1"', '"a": "2"'))).toBe('configmap/replaced replaced\n');
      expect(await refused(['replace', '-f', '-'], read)).toContain('the object has been modified');
      expect(await data('replaced')).toEqual({ a: '2' });
      await ok(['replace', '--force', '-f', '-'], configMap('replaced', { a: '3' }));
      expect(await data('replaced')).toEqual({ a: '3' });
      expect(await ok(['get', 'configmap', 'replaced', '-o', 'jsonpath={.metadata.uid}'])).not.toBe(before);
    });

    it('label and annotate, over what is there only when told to, and take away', async () => {
      await ok(['create', 'configmap', 'marked']);
      expect(await ok(['label', 'configmap', 'marked', 'tier=front'])).toBe('configmap/marked labeled\n');
      expect(await refused(['label', 'configmap', 'marked', 'tier=back'])).toContain("'tier' already has a value (front), and --overwrite is false");
      await ok(['label', 'configmap', 'marked', 'tier=back', '--overwrite']);
      expect(await ok(['get', 'configmap', '-l', 'tier in (back)', '-L', 'tier', '--no-headers'])).toMatch(/^marked +0 +\S+ +back\n$/);
      await ok(['annotate', 'configmap', 'marked', 'note=read me']);
      expect(await ok(['get', 'configmap', 'marked', '-o', 'jsonpath={.metadata.annotations}'])).toBe('{"note":"read me"}');
      await ok(['label', 'configmap', 'marked', 'tier-']);
      expect(await ok(['get', 'configmap', 'marked', '-o', 'jsonpath={.metadata.labels}'])).toBe('');
    });
  });

  describe('reads:', () => {
    it('get, in every form', async () => {
      expect(await ok(['get', 'pods'])).toMatch(/^NAME +READY +STATUS +RESTARTS +AGE\n(?:.*\n)*web +1\/1 +Running +0 +\S+\n/);
      expect(await ok(['get', 'pod', 'web', '-o', 'wide'])).toMatch(/IP +NODE .*\nweb +1\/1 .* 10\.244\.\d+\.\d+ +node-[12] /);
      expect(parse(await ok(['get', 'pod/web', '-o', 'yaml']))).toMatchObject({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web' } });
      expect(JSON.parse(await ok(['get', 'po', '-l', 'app=web', '-o', 'json']))).toMatchObject({ kind: 'List', items: [{ kind: 'Pod', status: { phase: 'Running' } }] });
      expect(await ok(['get', 'pods,serviceaccounts', '-o', 'name'])).toMatch(/^pod\/web\nserviceaccount\/default\n/m);
      expect(await ok(['get', 'pod', 'web', '-o', 'jsonpath={.spec.containers[0].image} {.status.phase}'])).toBe(`${image} Running`);
      expect(await ok(['get', 'pod', 'web', '-o', 'custom-columns=WHO:.metadata.name,HOW:.status.phase'])).toBe('WHO   HOW\nweb   Running\n');
      expect(await ok(['get', 'pod', 'web', '-o', 'go-template={{.metadata.name}} {{len .spec.containers}}'])).toBe('web 1');
      expect(await ok(['get', 'pods', '-A', '--show-labels'])).toMatch(new RegExp(`^NAMESPACE +NAME .*LABELS\\n(.*\\n)*${version} +web .*app=web`));
      expect(await ok(['get', 'nodes'])).toMatch(/^NAME +STATUS +ROLES +AGE +VERSION\nnode-1 +Ready/);
      expect(await ok(['get', 'all'])).toContain('pod/web');
      expect((await client.run(['get', 'leases'])).stderr).toContain(`No resources found in ${version} namespace.`);
    });

    it('get, sorted, and chosen by labels and fields', async () => {
      await ok(['apply', '-f', '-'], ['c', 'a', 'b'].map((name, index) => configMap(`sorted-${name}`, {}, { sorted: 'yes', place: String(index) })).join('---\n'));
      const sorted = ['get', 'configmaps', '-l', 'sorted=yes', '-o', 'name'];
      expect(await ok([...sorted, '--sort-by=.metadata.labels.place'])).toBe('configmap/sorted-c\nconfigmap/sorted-a\nconfigmap/sorted-b\n');
      expect(await ok([...sorted, '-l', 'sorted,place notin (0,1)'])).toBe('configmap/sorted-b\n');
      expect(await ok([...sorted, '--chunk-size=1'])).toBe('configmap/sorted-a\nconfigmap/sorted-b\nconfigmap/sorted-c\n');
      expect(await ok(['get', 'pods', '--field-selector', 'status.phase=Running,metadata.name!=other', '-l', 'app=web', '-o', 'name'])).toBe('pod/web\n');
      expect(await refused(['get', 'pods', '--field-selector', 'spec.nonsense=1'])).toContain('spec.nonsense');
    });

    it('get -w: what is there, then what changes', async () => {
      const watching = client.start(['get', 'configmaps', '-l', 'watched=yes', '-w', '--output-watch-events', '--no-headers']);
      const seen = outputOf(watching);
      await ok(['create', '-f', '-'], configMap('watched-1', { a: '1' }, { watched: 'yes' }));
      await seen(/^ADDED +watched-1 +1 /m);
      await ok(['create', '-f', '-'], configMap('watched-2', {}, { watched: 'yes' }));
      await ok(['patch', 'configmap', 'watched-2', '-p', '{"data":{"a":"1"}}']);
      await ok(['delete', 'configmap', 'watched-2']);
      expect((await seen(/^DELETED +watched-2 /m)).split('\n').map((line) => line.split(/ +/).slice(0, 3).join(' ')).filter((line) => line.includes('watched-2')))
        .toEqual(['ADDED watched-2 0', 'MODIFIED watched-2 1', 'DELETED watched-2 1']);
      watching.kill('SIGTERM');
    });

    it('describe and events, with what happened to the pod', async () => {
      const described = await ok(['describe', 'pod', 'web']);
      expect(described).toMatch(/^Status: +Running$/m);
      expect(described).toMatch(/Normal +Scheduled .*Successfully assigned v3\d\/web to node-[12]/);
      expect(described).toMatch(/Normal +Started .*Started container main/);
      expect(await ok(['describe', 'node', 'node-1'])).toMatch(/Ready +True/);
      expect(await ok(['events', '--for', 'pod/web'])).toMatch(/Normal +Scheduled +Pod\/web[\s\S]*Normal +Started +Pod\/web/);
      expect(await ok(['get', 'events', '--field-selector', 'involvedObject.name=web,reason=Started'])).toMatch(/Started +pod\/web/);
    });
  });

  describe('meets containers:', () => {
    it('logs: whole, the last lines, with timestamps, by label', async () => {
      expect(await ok(['logs', 'web'])).toBe('one\ntwo\nthree\n');
      expect(await ok(['logs', 'pod/web', '-c', 'main', '--tail=1'])).toBe('three\n');
      expect(await ok(['logs', 'web', '--timestamps', '--tail=1'])).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z three\n$/);
      expect(await ok(['logs', 'web', '--limit-bytes=5', '--since=1h'])).toBe('one\nt');
      expect(await ok(['logs', '-l', 'app=web', '--prefix', '--tail=1'])).toBe('[pod/web/main] three\n');
      expect(await refused(['logs', 'web', '-c', 'other'])).toContain('container other is not valid for pod web');
      expect(await refused(['logs', 'web', '--previous'])).toContain('previous terminated container "main" in pod "web" not found');
    });

    it('logs -f: until the container ends', async () => {
      await ok(['create', '-f', '-'], pod('counter', 'echo first; until [ -e /tmp/go ]; do usleep 20000; done; echo last', { restartPolicy: 'Never' }));
      await ok(['wait', '--for=condition=Ready', 'pod/counter', '--timeout=30s']);
      const following = client.start(['logs', '-f', 'counter']);
      const end = resultOf(following);
      await outputOf(following)(/first/);
      await ok(['exec', 'counter', '--', 'touch', '/tmp/go']);
      expect(await end).toMatchObject({ code: 0, stdout: 'first\nlast\n' });
    });

    it('logs --previous: of the container before the restart', async () => {
      await ok(['create', '-f', '-'], pod('again', `if [ -e /dev/shm/been ]; then echo second; ${staying}; fi; touch /dev/shm/been; echo first; exit 3`));
      await ok(['wait', '--for=jsonpath={.status.containerStatuses[0].restartCount}=1', 'pod/again', '--timeout=30s']);
      await ok(['wait', '--for=condition=Ready', 'pod/again', '--timeout=30s']);
      expect(await ok(['logs', 'again', '--previous'])).toBe('first\n');
      expect(await ok(['logs', 'again'])).toBe('second\n');
    });

    it('exec and cp', async () => {
      expect(await client.run(['exec', 'web', '--', 'sh', '-c', 'echo out; echo err >&2; exit 4'])).toEqual({ code: 4, stdout: 'out\n', stderr: expect.stringMatching(/^err\n/) });
      expect(await ok(['exec', '-i', 'web', '--', 'wc', '-c'], 'x'.repeat(70_000))).toMatch(/^ *70000\n$/);
      writeFileSync(join(cluster.home, `there-${version}`), 'a letter\n');
      await ok(['cp', `there-${version}`, 'web:/tmp/letter']);
      await ok(['cp', 'web:/tmp/letter', `back-${version}`]);
      expect(readFileSync(join(cluster.home, `back-${version}`), 'utf8')).toBe('a letter\n');
    });

    it('run: attached to its input, with the end of it and the exit code; and detached', async () => {
      const { code, stdout } = await client.run(['run', 'echoing', `--image=${image}`, '--restart=Never', '--rm', '-i', '--quiet', '--', 'sh', '-c', 'cat; exit 5'], 'said\n');
      expect([code, stdout]).toEqual([5, expect.stringContaining('said\n')]);
      expect(await refused(['get', 'pod', 'echoing'])).toContain('NotFound');
      expect(await ok(['run', 'alone', `--image=${image}`, '--restart=Never', '--env=A=b', '--labels=by=run', '--', 'sh', '-c', 'echo $A'])).toBe('pod/alone created\n');
      await ok(['wait', '--for=jsonpath={.status.phase}=Succeeded', 'pod/alone', '--timeout=30s']);
      expect(await ok(['logs', '-l', 'by=run'])).toBe('b\n');
    });

    it('wait: for conditions and fields that hold or come, and no longer than told', async () => {
      expect(await ok(['wait', '--for=condition=Ready', 'pod/web'])).toBe('pod/web condition met\n');
      expect(await ok(['wait', '--for=condition=Ready', 'node', '--all'])).toBe('node/node-1 condition met\nnode/node-2 condition met\n');
      const marked = ok(['wait', '--for=jsonpath={.metadata.labels.mark}=set', 'pod/web', '--timeout=30s']);
      await ok(['label', 'pod', 'web', 'mark=set']);
      expect(await marked).toBe('pod/web condition met\n');
      expect(await refused(['wait', '--for=condition=Nonsense', 'pod/web', '--timeout=1s'])).toContain('timed out waiting for the condition');
    });
  });

  describe('deletes:', () => {
    const names = (): Promise<string> => ok(['get', 'configmaps', '-l', 'doomed', '-o', 'name']);
    const create = (...created: string[]): Promise<string> => ok(['create', '-f', '-'], created.map((name) => configMap(name, {}, { doomed: name })).join('---\n'));

    it('by name, file, label, all, and not at all as a dry run', async () => {
      await create('gone-1', 'gone-2', 'gone-3', 'gone-4');
      expect(await ok(['delete', 'configmap', 'gone-1', '--dry-run=server'])).toContain('"gone-1" deleted');
      expect(await names()).toContain('gone-1');
      expect(await ok(['delete', 'configmap', 'gone-1'])).toContain('configmap "gone-1" deleted');
      expect(await ok(['delete', '-f', '-'], configMap('gone-2', {}))).toContain('configmap "gone-2" deleted');
      await ok(['delete', 'configmap', '-l', 'doomed in (gone-3)']);
      expect(await names()).toBe('configmap/gone-4\n');
      await ok(['delete', 'configmaps', '--all']);
      expect(await names()).toBe('');
      expect(await refused(['delete', 'configmap', 'gone-1'])).toContain('(NotFound): configmaps "gone-1" not found');
      expect(await ok(['delete', 'configmap', 'gone-1', '--ignore-not-found'])).toBe('');
    });

    it('with --cascade=background, foreground and orphan: dependents go with their owner, before it, or stay without it', async () => {
      const family = async (policy: string): Promise<void> => {
        await create(`owner-${policy}`, `child-${policy}`);
        const uid = await ok(['get', 'configmap', `owner-${policy}`, '-o', 'jsonpath={.metadata.uid}']);
        const ownerReferences = [{ apiVersion: 'v1', kind: 'ConfigMap', name: `owner-${policy}`, uid, blockOwnerDeletion: true }];
        await ok(['patch', 'configmap', `child-${policy}`, '--type=merge', '-p', JSON.stringify({ metadata: { ownerReferences } })]);
      };
      for (const policy of ['background', 'foreground', 'orphan']) {
        await family(policy);
        await ok(['delete', 'configmap', `owner-${policy}`, `--cascade=${policy}`]);
        expect(await refused(['get', 'configmap', `owner-${policy}`])).toContain('NotFound');
      }
      expect(await refused(['get', 'configmap', 'child-foreground'])).toContain('NotFound');
      await ok(['wait', '--for=delete', 'configmap/child-background', '--timeout=30s']);
      expect(await ok(['get', 'configmap', 'child-orphan', '-o', 'jsonpath={.metadata.ownerReferences}'])).toBe('');
      await ok(['delete', 'configmap', 'child-orphan']);
    });

    it('a claim whose pod wrote to it: a new pod reads it, and its volume goes with it', async () => {
      const claim = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Mi' } } } };
      const user = (name: string, command: string): string => JSON.stringify({
        apiVersion: 'v1', kind: 'Pod', metadata: { name },
        spec: {
          restartPolicy: 'Never', volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }],
          containers: [{ name: 'main', image, command: ['sh', '-c', command], volumeMounts: [{ name: 'data', mountPath: '/data' }] }],
        },
      });
      await ok(['create', '-f', '-'], JSON.stringify(claim));
      await ok(['create', '-f', '-'], user('writer', 'echo kept > /data/file'));
      await ok(['wait', '--for=jsonpath={.status.phase}=Succeeded', 'pod/writer', '--timeout=60s']);
      await ok(['delete', 'pod', 'writer']);
      await ok(['create', '-f', '-'], user('reader', 'cat /data/file'));
      await ok(['wait', '--for=jsonpath={.status.phase}=Succeeded', 'pod/reader', '--timeout=60s']);
      expect(await ok(['logs', 'reader'])).toBe('kept\n');
      const volume = await ok(['get', 'pvc', 'data', '-o', 'jsonpath={.spec.volumeName}']);
      await ok(['delete', 'pod', 'reader']);
      await ok(['delete', 'pvc', 'data']);
      await ok(['wait', '--for=delete', `pv/${volume}`, '--timeout=30s']);
    });

    it('pods: gently, now, by force, and without waiting', async () => {
      await ok(['create', '-f', '-'], ['gentle', 'now', 'forced', 'later'].map((name) => pod(name, name === 'forced' ? 'sleep 3600' : staying)).join('---\n'));
      await ok(['wait', '--for=condition=Ready', 'pod/gentle', 'pod/now', 'pod/forced', 'pod/later', '--timeout=60s']);
      expect(await ok(['delete', 'pod', 'later', '--wait=false'])).toContain('pod "later" deleted');
      const gone = ok(['wait', '--for=delete', 'pod/later', '--timeout=30s']);
      expect(await ok(['delete', 'pod', 'gentle'])).toContain('pod "gentle" deleted');
      await ok(['delete', 'pod', 'now', '--now']);
      const forced = await client.run(['delete', 'pod', 'forced', '--grace-period=0', '--force']);
      expect(forced).toMatchObject({ code: 0, stdout: expect.stringContaining('pod "forced" force deleted'), stderr: expect.stringContaining('Immediate deletion') });
      await gone;
      expect(await ok(['get', 'pods', '-o', 'name', '-l', 'app in (gentle,now,forced,later)'])).toBe('');
    });

    it('a namespace with all that is in it', async () => {
      await ok(['create', 'namespace', `${version}-b`]);
      await ok(['create', 'configmap', 'inside', '-n', `${version}-b`]);
      expect(await ok(['delete', 'namespace', `${version}-b`])).toContain(`namespace "${version}-b" deleted`);
      expect(await refused(['get', 'configmap', 'inside', '-n', `${version}-b`])).toContain('NotFound');
    });
  });
});
