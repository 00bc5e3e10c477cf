import { volumeNodeLabel } from '@navarch/api';
import type { Pod } from '@navarch/proto/k8s/io/api/core/v1/core';

import type { User, Verb } from '../request';
import { anonymous, createAuthenticator, staticTokens } from './authenticator';
import type { AuthorizationAttributes } from './authorizer';
import { nodeAuthorizer } from './node-authorizer';

const podOf = (name: string, nodeName: string | undefined, spec: object = {}): Pod => ({ metadata: { name, namespace: 'default' }, spec: { ...(nodeName && { nodeName }), ...spec } });
const pods = [
  podOf('mine', 'node-a', {
    serviceAccountName: 'robot', imagePullSecrets: [{ name: 'pull' }],
    volumes: [{ name: 'd', volumeSource: { persistentVolumeClaim: { claimName: 'data' } } }, { name: 'v', volumeSource: { configMap: { localObjectReference: { name: 'settings' } }, secret: { secretName: 'tls' } } }],
    containers: [{ name: 'c', env: [{ name: 'E', valueFrom: { secretKeyRef: { localObjectReference: { name: 'env' }, key: 'k' } } }], envFrom: [{ configMapRef: { localObjectReference: { name: 'from' } } }] }],
  }),
  podOf('theirs', 'node-b', { volumes: [{ name: 'v', volumeSource: { secret: { secretName: 'other' } } }] }),
  podOf('waiting', undefined),
];
const authorizer = nodeAuthorizer({
  pod: (_namespace, name) => pods.find(({ metadata }) => metadata?.name === name),
  volume: (name) => ({ bound: { claim: { namespace: 'default', name: 'data' } }, local: { node: 'node-a' }, foreign: { claim: { namespace: 'other', name: 'data' } } })[name],
  nodeOfAttachment: (name) => ({ attached: 'node-a', elsewhere: 'node-b' })[name],
  onNode: (node) => pods.filter(({ spec }) => spec?.nodeName === node),
});

const may = (user: User, verb: Verb, resource: string, more: Partial<AuthorizationAttributes> = {}): boolean => {
  const [plural = '', ...group] = resource.split('.');
  return authorizer.authorize({ user, verb, resource: plural, group: group.join('.'), subresource: '', namespace: 'default', name: '', fields: {}, ...more }) === 'allow';
};

describe('the node rule', () => {
  const node: User = { name: 'system:node:node-a', groups: ['system:nodes', 'system:authenticated'] };

  it('a kubelet writes its own node and lease, not another’s', () => {
    expect(may(node, 'create', 'nodes', { namespace: '' })).toBe(true);
    expect(may(node, 'patch', 'nodes', { name: 'node-a', subresource: 'status' })).toBe(true);
    expect(may(node, 'patch', 'nodes', { name: 'node-b', subresource: 'status' })).toBe(false);
    expect(may(node, 'delete', 'nodes', { name: 'node-a' })).toBe(false);
    expect(may(node, 'watch', 'nodes', { fields: { 'metadata.name': 'node-a' } })).toBe(true);
    expect(may(node, 'list', 'nodes')).toBe(false);
    expect(may(node, 'update', 'leases.coordination.k8s.io', { namespace: 'kube-node-lease', name: 'node-a' })).toBe(true);
    expect(may(node, 'update', 'leases.coordination.k8s.io', { namespace: 'kube-node-lease', name: 'node-b' })).toBe(false);
    expect(may(node, 'update', 'leases.coordination.k8s.io', { namespace: 'kube-system', name: 'node-a' })).toBe(false);
  });

  it('sees and reports its own pods only', () => {
    expect(may(node, 'watch', 'pods', { fields: { 'spec.nodeName': 'node-a' } })).toBe(true);
    expect(may(node, 'watch', 'pods', { fields: { 'spec.nodeName': 'node-b' } })).toBe(false);
    expect(may(node, 'list', 'pods')).toBe(false);
    expect(may(node, 'patch', 'pods', { name: 'mine', subresource: 'status' })).toBe(true);
    expect(may(node, 'delete', 'pods', { name: 'mine' })).toBe(true);
    for (const verb of ['get', 'delete'] as const) expect(may(node, verb, 'pods', { name: 'theirs' })).toBe(false);
    expect(may(node, 'patch', 'pods', { name: 'theirs', subresource: 'status' })).toBe(false);
    expect([may(node, 'create', 'pods', { name: 'mine', subresource: 'eviction' }), may(node, 'create', 'pods', { name: 'theirs', subresource: 'eviction' })]).toEqual([true, false]);
    expect(may(node, 'create', 'pods', { name: 'mine', subresource: 'binding' })).toBe(false);
  });

  it('a pod that waits for a node is not for kubelets to change', () => {
    expect(may(node, 'delete', 'pods', { name: 'waiting' })).toBe(false);
    expect(may(node, 'patch', 'pods', { name: 'waiting', subresource: 'status' })).toBe(false);
  });

  it('reads the config maps, secrets and accounts that its pods use, by name', () => {
    for (const name of ['settings', 'from']) expect(may(node, 'get', 'configmaps', { name })).toBe(true);
    for (const name of ['tls', 'pull', 'env']) expect(may(node, 'get', 'secrets', { name })).toBe(true);
    expect(may(node, 'watch', 'secrets', { fields: { 'metadata.name': 'tls' } })).toBe(true);
    expect(may(node, 'get', 'serviceaccounts', { name: 'robot' })).toBe(true);
    expect(may(node, 'get', 'secrets', { name: 'other' })).toBe(false);
    expect(may(node, 'get', 'secrets', { name: 'tls', namespace: 'kube-system' })).toBe(false);
    expect(may(node, 'list', 'secrets')).toBe(false);
    expect(may(node, 'update', 'secrets', { name: 'tls' })).toBe(false);
  });

  it('reads the claims of its pods, the volumes bound to them, and what is attached to it; lists only the volumes that lie on it', () => {
    expect(['data', 'other'].map((name) => may(node, 'get', 'persistentvolumeclaims', { name }))).toEqual([true, false]);
    expect(['bound', 'local', 'foreign', 'gone'].map((name) => may(node, 'get', 'persistentvolumes', { name, namespace: '' }))).toEqual([true, true, false, false]);
    expect(['bound', 'local'].map((name) => may(node, 'patch', 'persistentvolumes', { name, namespace: '' }))).toEqual([false, true]);
    const selectors: Record<string, string>[] = [{}, { [volumeNodeLabel]: 'node-a' }, { [volumeNodeLabel]: 'node-b' }];
    expect(selectors.map((labels) => may(node, 'watch', 'persistentvolumes', { namespace: '', labels }))).toEqual([false, true, false]);
    expect(['attached', 'elsewhere'].map((name) => may(node, 'get', 'volumeattachments.storage.k8s.io', { name }))).toEqual([true, false]);
  });

  it('reads Services and runtime classes, asks for certificates and reviews, and reports events, whatever runs there', () => {
    for (const kind of ['services', 'runtimeclasses.node.k8s.io', 'csidrivers.storage.k8s.io', 'certificatesigningrequests.certificates.k8s.io']) expect(may(node, 'watch', kind)).toBe(true);
    for (const kind of ['events', 'events.events.k8s.io', 'certificatesigningrequests.certificates.k8s.io', 'tokenreviews.authentication.k8s.io', 'subjectaccessreviews.authorization.k8s.io']) expect(may(node, 'create', kind)).toBe(true);
    for (const kind of ['deployments.apps', 'clusterroles.rbac.authorization.k8s.io', 'resourcequotas']) expect(may(node, 'list', kind)).toBe(false);
  });

  it('needs both the name and the group', () => {
    expect(may({ name: 'system:node:node-a', groups: ['system:authenticated'] }, 'create', 'events')).toBe(false);
    expect(may({ name: 'node-a', groups: ['system:nodes'] }, 'create', 'events')).toBe(false);
  });
});

describe('authentication', () => {
  const authenticate = createAuthenticator([staticTokens('# comment\n\nsecret-1,alice,u1,"dev,ops"\nsecret-2,bob,\n')]);

  it('a certificate names user and groups', async () => {
    expect(await authenticate({ certificate: { commonName: 'kubernetes-admin', organizations: ['system:masters'] } })).toEqual({ name: 'kubernetes-admin', groups: ['system:masters', 'system:authenticated'] });
  });

  it('a token of the token file names its user', async () => {
    expect(await authenticate({ bearerToken: 'secret-1' })).toEqual({ name: 'alice', uid: 'u1', groups: ['dev', 'ops', 'system:authenticated'] });
    expect(await authenticate({ bearerToken: 'secret-2' })).toEqual({ name: 'bob', groups: ['system:authenticated'] });
  });

  it('an unknown token is Unauthorized, nothing at all is anonymous', async () => {
    await expect(authenticate({ bearerToken: 'guess' })).rejects.toMatchObject({ reason: 'Unauthorized', code: 401, message: 'Unauthorized' });
    await expect(authenticate({ bearerToken: '' })).rejects.toMatchObject({ reason: 'Unauthorized' });
    expect(await authenticate({})).toEqual(anonymous);
  });

  it('a token file that cannot be read names the line, never the token', () => {
    expect(() => staticTokens('good,user,uid\nonly-a-token')).toThrow(/^token file, line 2: expected token,user,uid/);
  });
});
