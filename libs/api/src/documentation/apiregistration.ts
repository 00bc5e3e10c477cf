import type { PackageText } from './text';

/** Documentation of apiregistration.k8s.io/v1. */
export const apiregistration: PackageText = {
  APIService: ['Who serves one version of a group; named version.group.'],
  APIServiceCondition: ['One aspect of the APIService that holds or does not.', {
    type: 'The aspect; only Available is known.',
  }],
  APIServiceSpec: ['Which version of which group, and who serves it.', {
    service: 'Service that requests are passed to; absent means this server.',
    group: 'Name of the group.',
    version: 'Name of the version.',
    insecureSkipTLSVerify: 'Whether its certificate is not checked; excludes caBundle; default false.',
    caBundle: "Certificates in PEM that its own is checked with; default the system's.",
    groupPriorityMinimum: 'Rank of the group, 1 to 20000; higher goes first.',
    versionPriority: 'Rank of the version in the group, 1 to 1000; higher goes first.',
  }],
  APIServiceStatus: ['Whether the server can be reached.'],
  ServiceReference: ['The service that requests are passed to.', {
    namespace: 'Namespace of the service.',
    name: 'Name of the service.',
    port: 'Port of the service, 1 to 65535; default 443.',
  }],
};
