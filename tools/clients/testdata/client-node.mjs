// Run by client-libraries.e2e.spec.ts: one line of JSON for each step.
import { PassThrough } from 'node:stream';

import * as k8s from '@kubernetes/client-node';

const tell = (step, what) => console.log(JSON.stringify([step, what]));
const namespace = 'default';
const config = new k8s.KubeConfig();
config.loadFromDefault();
const core = config.makeApiClient(k8s.CoreV1Api);

tell('nodes', (await core.listNode()).items.map((node) => node.metadata.name));

const events = [];
const waiting = [];
const informer = k8s.makeInformer(config, `/api/v1/namespaces/${namespace}/pods`, () => core.listNamespacedPod({ namespace, labelSelector: 'by=node' }), 'by=node');
const seen = (event, holds = () => true) => new Promise((resolve) => waiting.push({ event, holds, resolve }));
for (const event of ['add', 'update', 'delete']) {
  informer.on(event, (pod) => {
    events.push(event);
    for (const waiter of waiting) if (waiter.event === event && waiter.holds(pod)) waiter.resolve(pod);
  });
}
await informer.start();
const ready = seen('update', (pod) => pod.status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True'));
const script = 'echo hello; trap "exit 0" TERM; while :; do sleep 3600 & wait $!; done';
const spec = { terminationGracePeriodSeconds: 1, containers: [{ name: 'main', image: 'navarch.local/busybox:1', command: ['sh', '-c', script] }] };
tell('created', (await core.createNamespacedPod({ namespace, body: { metadata: { name: 'node', labels: { by: 'node' } }, spec } })).status.phase);
await ready;
tell('cached', informer.get('node', namespace).status.phase);

const { metadata: { resourceVersion } } = await core.listNamespacedConfigMap({ namespace });
const changes = [];
const watched = new Promise((resolve, reject) => {
  new k8s.Watch(config).watch(`/api/v1/namespaces/${namespace}/configmaps`, { resourceVersion, fieldSelector: 'metadata.name=words' }, (type, object) => {
    changes.push(`${type} ${object.data.word}`);
    if (type === 'DELETED') resolve(changes);
  }, reject).catch(reject);
});
await core.createNamespacedConfigMap({ namespace, body: { metadata: { name: 'words' }, data: { word: 'first' } } });
const merge = k8s.setHeaderOptions('Content-Type', k8s.PatchStrategy.MergePatch);
await core.patchNamespacedConfigMap({ name: 'words', namespace, body: { data: { word: 'second' } } }, merge);
await core.deleteNamespacedConfigMap({ name: 'words', namespace });
tell('watched', await watched);

tell('patched', (await core.patchNamespacedPod({ name: 'node', namespace, body: { metadata: { labels: { more: 'yes' } } } }, merge)).metadata.labels);
tell('log', await core.readNamespacedPodLog({ name: 'node', namespace }));
const following = new PassThrough();
const first = new Promise((resolve) => following.once('data', (data) => resolve(String(data))));
const log = await new k8s.Log(config).log(namespace, 'node', 'main', following, { follow: true });
tell('followed', await first);
log.abort();

const execute = async (command, stdin) => {
  const out = new PassThrough();
  let text = '';
  out.on('data', (data) => { text += data; });
  const status = await new Promise((resolve, reject) => new k8s.Exec(config).exec(namespace, 'node', 'main', command, out, out, stdin, false, resolve).catch(reject));
  return { text, status };
};
const { text, status } = await execute(['sh', '-c', 'echo out; exit 3'], null);
tell('executed', { text, status: status.status, reason: status.reason, code: status.details?.causes?.[0]?.message });
const input = new PassThrough();
input.write('a line\n');
tell('echoed', (await execute(['head', '-n', '1'], input)).text);

const gone = seen('delete');
await core.deleteNamespacedPod({ name: 'node', namespace });
await gone;
tell('informer', events);
tell('missing', await core.readNamespacedPod({ name: 'node', namespace }).catch((error) => error.code));
// What is still open (watch connections) would keep the process.
process.exit(0);
