import fc from 'fast-check';

import { isApiError } from '@navarch/base';

import { compareVersionNames } from './discovery';
import { contentTypeOf, negotiate, parseAccept, wantsAggregatedDiscovery } from './negotiation';
import { parsePath } from './path';
import { parseQuery } from './query';

describe('REST paths', () => {
  it.each([
    ['/api/v1/pods', { group: '', version: 'v1', resource: 'pods' }],
    ['/api/v1/namespaces/a/pods', { group: '', version: 'v1', resource: 'pods', namespace: 'a' }],
    ['/api/v1/namespaces/a/pods/p/status', { group: '', version: 'v1', resource: 'pods', namespace: 'a', name: 'p', subresource: 'status' }],
    ['/api/v1/namespaces', { group: '', version: 'v1', resource: 'namespaces' }],
    ['/api/v1/namespaces/a', { group: '', version: 'v1', resource: 'namespaces', name: 'a' }],
    ['/api/v1/namespaces/a/finalize', { group: '', version: 'v1', resource: 'namespaces', name: 'a', subresource: 'finalize' }],
    ['/api/v1/namespaces/status/pods', { group: '', version: 'v1', resource: 'pods', namespace: 'status' }],
    ['/api/v1/nodes/n/', { group: '', version: 'v1', resource: 'nodes', name: 'n' }],
    ['/apis/apps/v1/namespaces/a/deployments/d/scale', { group: 'apps', version: 'v1', resource: 'deployments', namespace: 'a', name: 'd', subresource: 'scale' }],
    ['/apis/rbac.authorization.k8s.io/v1/clusterroles/system:node', { group: 'rbac.authorization.k8s.io', version: 'v1', resource: 'clusterroles', name: 'system:node' }],
  ])('reads %s', (path, target) => {
    expect(parsePath(path)).toEqual({ type: 'resource', target, watchPrefix: false, rest: '' });
  });

  it('reads the old watch prefix, what stands behind a proxy, discovery and everything else', () => {
    expect(parsePath('/api/v1/watch/namespaces/a/pods')).toMatchObject({ watchPrefix: true, target: { resource: 'pods', namespace: 'a' } });
    expect(parsePath('/api/v1/namespaces/a/pods/p/proxy/x/y%20z')).toMatchObject({ rest: '/x/y%20z', target: { subresource: 'proxy' } });
    expect(parsePath('/api/v1/namespaces/a/pods/https:p:443/proxy//x%2Fy/')).toMatchObject({ rest: '//x%2Fy/', target: { name: 'https:p:443' } });
    expect(parsePath('/api/v1/nodes/n/proxy/')).toMatchObject({ rest: '/', target: { resource: 'nodes', name: 'n' } });
    expect(parsePath('/api')).toEqual({ type: 'discovery', legacy: true });
    expect(parsePath('/apis/apps')).toEqual({ type: 'discovery', legacy: false, group: 'apps' });
    expect(parsePath('/apis/apps/v1')).toEqual({ type: 'discovery', legacy: false, group: 'apps', version: 'v1' });
    expect(parsePath('/healthz/ping')).toEqual({ type: 'other', segments: ['healthz', 'ping'] });
  });

  it.each([
    ['/api/v1/pods/%zz', 'invalid URL escape'], ['/api/v1/namespaces/..%2f/pods', "may not contain '/'"],
    ['/api/v1/namespaces/a/pods/%2e%2e', "may not be '..'"], ['/api/v1/namespaces/a/pods/x%25y', "may not contain '%'"],
  ])('refuses %s', (path, message) => {
    expect(() => parsePath(path)).toThrow(message);
  });

  it('answers any path with a value or a client error', () => {
    fc.assert(fc.property(fc.array(fc.oneof(fc.constantFrom('api', 'apis', 'v1', 'namespaces', 'watch', '..', '%', '%2f', ''), fc.string()), { maxLength: 9 }), (segments) => {
      try {
        parsePath(`/${segments.join('/')}`);
      } catch (error) {
        if (!isApiError(error) || error.code >= 500) throw error;
      }
    }));
  });
});

describe('REST query strings', () => {
  const parse = (text: string) => parseQuery(new URLSearchParams(text));

  it('reads what kubectl, python and others send', () => {
    expect(parse('watch=True&timeoutSeconds=30&resourceVersion=7&allowWatchBookmarks=true')).toEqual({
      watch: true, includeObject: 'Metadata', options: { timeoutSeconds: 30, resourceVersion: '7', allowWatchBookmarks: true },
    });
    expect(parse('dryRun=All&fieldManager=kubectl&fieldValidation=Strict&force=false&pretty').options).toEqual({ dryRun: ['All'], fieldManager: 'kubectl', fieldValidation: 'Strict', force: false });
  });

  it('passes over what it does not know, and what is empty', () => {
    expect(parse('foo=bar&labelSelector=&limit=')).toEqual({ watch: false, includeObject: 'Metadata', options: {} });
  });

  it.each([
    ['watch=maybe', 'watch="maybe": must be true or false'], ['limit=ten', 'limit="ten": must be an integer'], ['limit=1e3', 'must be an integer'],
    ['timeoutSeconds=99999999999999999999', 'must be an integer'], ['fieldValidation=Hard', 'must be one of Strict, Warn, Ignore'],
    ['propagationPolicy=Sideways', 'must be one of Orphan, Background, Foreground'], ['includeObject=All', 'includeObject="All"'],
  ])('refuses %s and names the parameter', (text, message) => {
    expect(() => parse(text)).toThrow(message);
  });
});

describe('content negotiation', () => {
  it.each<[string | undefined, boolean, string]>([
    [undefined, false, 'application/json'], ['*/*', false, 'application/json'], ['application/yaml', false, 'application/yaml'],
    ['application/vnd.kubernetes.protobuf,application/json', false, 'application/vnd.kubernetes.protobuf'],
    ['application/json;as=Table;v=v1;g=meta.k8s.io,application/json', true, 'application/json;as=Table;v=v1;g=meta.k8s.io'],
    ['application/vnd.kubernetes.protobuf;as=Table;v=v1;g=meta.k8s.io,application/json', true, 'application/json'],
    ['application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;g=meta.k8s.io;v=v1', true, 'application/vnd.kubernetes.protobuf;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io'],
    ['application/json;as=Table;v=v9;g=meta.k8s.io,application/yaml', true, 'application/yaml'],
    ['text/html;q=0.9, application/yaml;q=0.5, application/json;q=0.8', false, 'application/json'],
  ])('for %s (list: %s) gives %s', (accept, isList, contentType) => {
    expect(contentTypeOf(negotiate(accept, isList))).toBe(contentType);
  });

  it('refuses what it cannot make', () => {
    expect(() => negotiate('text/html', false)).toThrow('only the following media types are accepted');
    expect(() => negotiate('application/json;q=0', false)).toThrow('only the following media types are accepted');
  });

  it('sorts by quality and keeps the order within one', () => {
    expect(parseAccept('a/a;q=0.5, b/b, c/c;q=0.5').map(({ type }) => type)).toEqual(['b/b', 'a/a', 'c/c']);
  });

  it('knows who wants aggregated discovery', () => {
    const aggregated = (version: string): string => `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`;
    expect(wantsAggregatedDiscovery(`${aggregated('v2')},${aggregated('v2beta1')},application/json`)).toBe('v2');
    expect(wantsAggregatedDiscovery(`${aggregated('v2beta1')},application/json`)).toBe('v2beta1');
    expect(wantsAggregatedDiscovery('application/json')).toBeUndefined();
    expect(wantsAggregatedDiscovery(undefined)).toBeUndefined();
  });
});

describe('the order of API versions', () => {
  it('puts the stable before beta before alpha, the newer first', () => {
    expect(['v1alpha1', 'v1', 'v2beta2', 'v2', 'v2beta10', 'odd'].sort(compareVersionNames)).toEqual(['v2', 'v1', 'v2beta10', 'v2beta2', 'v1alpha1', 'odd']);
  });
});
