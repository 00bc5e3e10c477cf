/** A route to another node's pod range. */
export interface Route {
  /** CIDR, such as 10.244.2.0/24. */
  readonly destination: string;
  /** The other node's address. */
  readonly gateway: string;
}

export interface RouteChanges {
  readonly add: readonly Route[];
  /** Own routes whose gateway is another now. */
  readonly change: readonly Route[];
  readonly remove: readonly Route[];
}

/**
 * The kernel's main routing table, as far as the routes in it are ours. Others' routes are never shown, changed or removed. `apply`
 * does all it can and then throws one error that names each change that failed.
 */
export interface RouteTable {
  list(signal?: AbortSignal): Promise<Route[]>;
  apply(changes: RouteChanges, signal?: AbortSignal): Promise<void>;
}
