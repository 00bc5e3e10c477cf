import type { Diagnosis } from '../cycle/diagnosis';

/** Why a pod waits, as the scheduler last saw it. */
export interface PendingPod {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly message: string;
  readonly attempts: number;
  /** When it was last tried, milliseconds since 1970. */
  readonly triedAtMs: number;
  /** Absent where an error, not the nodes, is the reason. */
  readonly diagnosis?: Diagnosis;
}

/** The latest diagnosis of each waiting pod; of so many pods at most, the longest untried leave first. */
export class Diagnoses {
  private readonly pods = new Map<string, PendingPod>();

  constructor(private readonly limit = 1_000) {}

  set(pending: PendingPod): void {
    const key = keyOf(pending.namespace, pending.name);
    this.pods.delete(key);
    this.pods.set(key, pending);
    const [oldest] = this.pods.keys();
    if (this.pods.size > this.limit && oldest !== undefined) this.pods.delete(oldest);
  }

  get(namespace: string, name: string): PendingPod | undefined {
    return this.pods.get(keyOf(namespace, name));
  }

  drop(namespace: string, name: string): void {
    this.pods.delete(keyOf(namespace, name));
  }
}

function keyOf(namespace: string, name: string): string {
  return `${namespace}/${name}`;
}
