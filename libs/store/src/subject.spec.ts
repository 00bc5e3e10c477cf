import fc from 'fast-check';

import { describeKey, keyOf, subjectOf } from './index';

const key = { group: 'apps', resource: 'deployments', namespace: 'default', name: 'web' };

describe('subjectOf', () => {
  it.each([
    [key, 'kube.apps.deployments.default.web'],
    [{ ...key, group: '', resource: 'pods' }, 'kube._.pods.default.web'],
    [{ ...key, group: 'rbac.authorization.k8s.io', resource: 'clusterroles', namespace: '', name: 'system:node' }, 'kube.rbac%2Eauthorization%2Ek8s%2Eio.clusterroles._.system%3Anode'],
    [{ ...key, name: '_' }, 'kube.apps.deployments.default.%5F'],
    [{ ...key, name: 'a%2Eb' }, 'kube.apps.deployments.default.a%252Eb'],
    [{ ...key, name: '%uD800' }, 'kube.apps.deployments.default.%25uD800'],
    [{ ...key, name: '\ud800x' }, 'kube.apps.deployments.default.%uD800x'],
  ])('spells %j as %s', (value, subject) => {
    expect(subjectOf(value)).toBe(subject);
    expect(keyOf(subject)).toEqual(value);
  });

  it('gives any strings a subject of five plain tokens that leads back to them', () => {
    const any = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' }), fc.constantFrom('\ud800', '\udc00\ud800', '%', '%u', '_', '.', '*', '>', ' '));
    fc.assert(fc.property(any, any, any, any, (group, resource, namespace, name) => {
      const subject = subjectOf({ group, resource, namespace, name });
      expect(subject).toMatch(/^kube(\.[A-Za-z0-9%_-]+){4}$/);
      expect(keyOf(subject)).toEqual({ group, resource, namespace, name });
    }), { numRuns: 500 });
  });

  it('never gives a key one of the log\'s own subjects', () => {
    expect(keyOf('kube._sys.barrier')).toBeUndefined();
    expect(keyOf('kube._sys.live.x.0')).toBeUndefined();
    expect(subjectOf({ group: '_sys', resource: 'live', namespace: 'x', name: '0' })).toBe('kube.%5Fsys.live.x.0');
  });

  it.each(['kube.a.b.c', 'kube.a.b.c.d.e', 'other.a.b.c.d', 'kube.a.b.c.%2', 'kube.a.b.c.', 'kube.a.b.c.*'])('takes %s for no key', (subject) => {
    expect(keyOf(subject)).toBeUndefined();
  });

  it('describes keys for people', () => {
    expect(describeKey(key)).toBe('deployments.apps default/web');
    expect(describeKey({ ...key, group: '', resource: 'nodes', namespace: '' })).toBe('nodes web');
  });
});
