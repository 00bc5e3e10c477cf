/** The apiserver for those who run it in process: the simulation, hollow clusters and benchmarks. */
export { makeClusterObjects } from './bootstrap';
export { defaultAuthorizer } from './core/auth/default-authorizer';
export { runApiserver, serverUser, type Apiserver, type ApiserverDependencies } from './app';
export { ApiCore, type CoreOptions } from './core/core';
export { noKubelets, type KubeletConnector } from './core/pods/kubelet-connector';
export { createInProcessClient } from './in-process-client';
export type { ApiRequest, ApiResponse, RequestOptions, RequestTarget, User, Verb } from './core/request';
