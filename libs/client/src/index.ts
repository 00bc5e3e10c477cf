/** How every part talks to the API: client interface, informers, work queue, controller runtime, leader election, events. */
export type {
  ApiClient, CallOptions, ListOptions, ListResult, PatchType, ResourceClient, WatchEvent, WatchOptions,
} from './api-client';
