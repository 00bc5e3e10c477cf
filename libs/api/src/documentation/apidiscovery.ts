import type { PackageText } from './text';

/** Documentation of apidiscovery.k8s.io/v2. */
export const apidiscovery: PackageText = {
  APIGroupDiscovery: ['A group of the API that is served.', {
    metadata: 'Name of the group.',
    versions: 'Versions that are served, best first.',
  }],
  APIResourceDiscovery: ['A resource that is served.', {
    resource: 'Plural name of the resource.',
    responseKind: 'Kind of its objects.',
    scope: 'Cluster or Namespaced.',
    singularResource: 'Name for a single object.',
    verbs: 'What can be done with it.',
    shortNames: 'Short names for the command line.',
    categories: 'Groups it belongs to for the command line, such as all.',
    subresources: 'Its subresources.',
  }],
  APISubresourceDiscovery: ['A subresource that is served.', {
    subresource: 'Name of the subresource.',
    responseKind: 'Kind that it answers with.',
    acceptedTypes: 'Kinds that can be sent to it.',
    verbs: 'What can be done with it.',
  }],
  APIVersionDiscovery: ['A version of a group that is served.', {
    version: 'Name of the version.',
    resources: 'Its resources.',
    freshness: 'Current or Stale: whether its server could be asked.',
  }],
};
