import { apiServices, setCondition, type JsonObject } from '@navarch/api';
import { ApiError, deadlineSignal, isConflict, isNotFound, sleep, toError, type Clock, type Logger } from '@navarch/base';
import type { ApiClient } from '@navarch/client';
import type { APIService, APIServiceCondition } from '@navarch/proto/k8s/io/kube_aggregator/pkg/apis/apiregistration/v1/apiregistration';

import type { ForeignApis } from './core/foreign/foreign-apis';
import type { User } from './core/request';
import { askForeign } from './rest/ask-foreign';

/** How often every far server is asked for its discovery document; one that failed is asked again as often as changes are looked for. */
const checkMs = 30_000;
const lookMs = 1_000;
const answerWithinMs = 5_000;

/** As whom far servers are checked, as in Kubernetes. */
const checker: User = { name: 'system:kube-aggregator', groups: ['system:masters'] };

export interface ForeignChecksOptions {
  readonly foreign: ForeignApis;
  readonly client: ApiClient;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

/**
 * Keeps the Available condition of APIServices behind Services, and what their servers say that they serve. Every replica does this for
 * itself: discovery is told from its own knowledge, and conditions that agree are not written again.
 */
export async function runForeignChecks(options: ForeignChecksOptions): Promise<void> {
  const { foreign, clock, signal } = options;
  const checked = new Map<string, Checked>();
  while (!signal.aborted) {
    const services = foreign.all();
    const names = new Set(services.map(({ metadata }) => metadata?.name ?? ''));
    for (const name of checked.keys()) if (!names.has(name)) checked.delete(name);
    foreign.forgetOthers(names);
    // Side by side: a server that does not answer keeps no other one waiting for its check.
    await Promise.all(services.map((service) => look(options, service, checked)));
    await sleep(clock, lookMs, signal).catch(() => undefined);
  }
}

interface Checked {
  /** What was checked, so that a change is checked at once. */
  readonly of: string;
  readonly atMs: number;
  readonly ok: boolean;
}

async function look({ foreign, client, clock, logger, signal }: ForeignChecksOptions, service: APIService, checked: Map<string, Checked>): Promise<void> {
  const { name = '', uid, generation } = service.metadata ?? {};
  const of = JSON.stringify([uid, generation, service.spec?.service]);
  const last = checked.get(name);
  if (last && last.of === of && last.ok && clock.now() - last.atMs < checkMs) return;
  const condition = await check(foreign, service, clock, signal);
  if (signal.aborted) return;
  checked.set(name, { of, atMs: clock.now(), ok: condition.status === 'True' });
  await tell(client, service, condition, clock, signal).catch((error: unknown) => {
    checked.delete(name);
    if (!signal.aborted && !isConflict(error) && !isNotFound(error)) logger.warn('an APIService could not be told whether it is available', { name, error: toError(error).message });
  });
}

/** Asks the far server for its version's document. Never rejects. */
async function check(foreign: ForeignApis, service: APIService, clock: Clock, signal: AbortSignal): Promise<APIServiceCondition> {
  const { group = '', version = '' } = service.spec ?? {};
  const path = `/apis/${group}/${version}`;
  const deadline = deadlineSignal(clock, answerWithinMs, () => new ApiError('Timeout', `no answer within ${answerWithinMs} ms`), signal);
  try {
    const { status, body } = await askForeign(foreign.connect(service, checker), path, deadline.signal);
    if (status < 200 || status >= 300) return failed('FailedDiscoveryCheck', `failing or missing response from ${path}: bad status: ${status}`);
    const resources = (JSON.parse(body.toString()) as { resources?: JsonObject[] }).resources;
    if (!Array.isArray(resources)) return failed('FailedDiscoveryCheck', `failing or missing response from ${path}: no APIResourceList`);
    foreign.remember(service.metadata?.name ?? '', resources);
    return { type: 'Available', status: 'True', reason: 'Passed', message: 'all checks passed' };
  } catch (error) {
    return failed('FailedDiscoveryCheck', `failing or missing response from ${path}: ${toError(error).message}`);
  } finally {
    deadline.dispose();
  }
}

const failed = (reason: string, message: string): APIServiceCondition => ({ type: 'Available', status: 'False', reason, message });

async function tell(client: ApiClient, service: APIService, condition: APIServiceCondition, clock: Clock, signal: AbortSignal): Promise<void> {
  const before = service.status?.conditions;
  const conditions = setCondition(before, condition, clock.now());
  if (conditions === before) return;
  await client.resource(apiServices).updateStatus({ ...service, status: { ...service.status, conditions } }, { signal });
}
