/** The apiserver for those who run it in process: the simulation, hollow clusters and benchmarks. */
export { ApiCore, type CoreOptions } from './core/core';
export { createInProcessClient } from './in-process-client';
export { namedIdentities } from './core/auth/named-identities';
export type { ApiRequest, ApiResponse, RequestOptions, RequestTarget, User, Verb } from './core/request';
