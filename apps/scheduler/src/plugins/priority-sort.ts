import type { QueueSortPlugin, Sortable, EnqueueExtensions } from '../framework/plugin';

/** Higher priority first, then who has waited longer. */
export class PrioritySort implements QueueSortPlugin, EnqueueExtensions {
  readonly name = 'PrioritySort';

  less(a: Sortable, b: Sortable): boolean {
    return a.info.priority > b.info.priority || (a.info.priority === b.info.priority && a.queuedAtMs < b.queuedAtMs);
  }

  eventsToRegister(): readonly never[] {
    return [];
  }
}
