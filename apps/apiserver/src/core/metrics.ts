import type { ApiRequest, Verb } from './request';

/** Seconds; as fine as answers from memory need at the low end. */
const buckets = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const verbNames: Readonly<Record<Verb, string>> = {
  get: 'GET', list: 'LIST', watch: 'WATCH', create: 'POST', update: 'PUT', patch: 'PATCH', delete: 'DELETE', deletecollection: 'DELETECOLLECTION',
};

interface Durations {
  readonly counts: number[];
  count: number;
  sum: number;
}

export interface Gauges {
  readonly inFlight: Readonly<Record<'mutating' | 'readOnly', number>>;
  /** Watches, followed logs and conversations under way. */
  readonly longRunning: number;
  /** Objects in each kind's cache, by plural.group. */
  readonly objects: readonly (readonly [resource: string, count: number])[];
}

/**
 * What this replica has answered, under Kubernetes' names of metrics. Labels come from closed sets (verbs, kinds that are served, codes), so
 * that no caller can make it grow.
 */
export class RequestMetrics {
  private readonly totals = new Map<string, number>();
  private readonly durations = new Map<string, Durations>();

  /** `seconds` is absent for answers that last as long as the caller likes. */
  record({ verb, target }: Pick<ApiRequest, 'verb' | 'target'>, code: number, seconds: number | undefined): void {
    const { group, version, resource, subresource = '' } = target;
    const labels = `component="apiserver",group="${group}",resource="${resource}",subresource="${subresource}",verb="${verbNames[verb]}",version="${version}"`;
    const counted = `code="${code}",${labels}`;
    this.totals.set(counted, (this.totals.get(counted) ?? 0) + 1);
    if (seconds === undefined) return;
    const known = this.durations.get(labels) ?? { counts: buckets.map(() => 0), count: 0, sum: 0 };
    this.durations.set(labels, known);
    known.count++;
    known.sum += seconds;
    const at = buckets.findIndex((bound) => seconds <= bound);
    if (at >= 0) known.counts[at] = (known.counts[at] ?? 0) + 1;
  }

  /** Prometheus' text format, version 0.0.4. */
  text({ inFlight, longRunning, objects }: Gauges): string {
    return [
      ...family('apiserver_request_total', 'counter', 'Requests answered, by verb, kind and code.', [...this.totals].map(([labels, count]) => `{${labels}} ${count}`)),
      ...family('apiserver_request_duration_seconds', 'histogram', 'Time to the answer; watches and streams are left out.', [...this.durations].flatMap(histogram)),
      ...family('apiserver_current_inflight_requests', 'gauge', 'Requests being answered.', Object.entries(inFlight).map(([kind, count]) => `{request_kind="${kind}"} ${count}`)),
      ...family('apiserver_longrunning_requests', 'gauge', 'Watches and streams under way.', [` ${longRunning}`]),
      ...family('apiserver_resource_objects', 'gauge', 'Objects in the cache, by kind.', objects.map(([resource, count]) => `{resource="${resource}"} ${count}`)),
      '',
    ].join('\n');
  }
}

function family(name: string, type: string, help: string, samples: readonly string[]): string[] {
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...samples.map((sample) => `${name}${sample}`)];
}

function histogram([labels, { counts, count, sum }]: readonly [string, Durations]): string[] {
  let below = 0;
  const lines = buckets.map((bound, index) => `_bucket{${labels},le="${bound}"} ${(below += counts[index] ?? 0)}`);
  return [...lines, `_bucket{${labels},le="+Inf"} ${count}`, `_sum{${labels}} ${sum}`, `_count{${labels}} ${count}`];
}
