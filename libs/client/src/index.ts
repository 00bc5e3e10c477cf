/** How every part talks to the API: client interface, informers, work queue, controller runtime, leader election, events. */
export type {
  ApiClient, CallOptions, ListOptions, ListResult, PatchType, ResourceClient, WatchEvent, WatchOptions,
} from './api-client';
export { createInformer, waitForSync, type EventHeaders, type Informer, type InformerOptions, type ObjectChange } from './informer';
export type { IndexFunction } from './object-cache';
export { compareVersions } from './version-waiters';
export { createWorkQueue, type WorkQueue, type WorkQueueOptions } from './work-queue';
export {
  cacheOnly, isTerminalError, startController, TerminalError, watching,
  type Controller, type ControllerOptions, type ControllerWatch, type ReconcileContext, type ReconcileOutcome, type ReconcileRecord, type ReconcileResult, type Request,
} from './controller';
export { runLeaderElection, type LeaderElectionOptions } from './leader-election';
export { createEventRecorder, type EventRecorder, type EventRecorderOptions } from './event-recorder';
export { contextUnder, linksTo, spanContextOf } from './trace';
