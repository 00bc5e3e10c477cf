/** The apiserver for those who run it in process: the simulation, hollow clusters and benchmarks. */
export { defaultAuthorizer, runApiserver, serverUser, type Apiserver, type ApiserverDependencies } from './app';
export { ApiCore, type CoreOptions } from './core/core';
export { createInProcessClient } from './in-process-client';
export type { ApiRequest, ApiResponse, RequestOptions, RequestTarget, User, Verb } from './core/request';
