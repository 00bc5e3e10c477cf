import { clusterRoleBindings, clusterRoles, deepEqual, roleBindings, roles, type ApiObject } from '@navarch/api';
import { isAlreadyExists, isConflict, isNotFound } from '@navarch/base';
import type { ApiClient, ResourceClient } from '@navarch/client';
import type { ClusterRole, ClusterRoleBinding, PolicyRule, RoleRef, Subject } from '@navarch/proto/k8s/io/api/rbac/v1/rbac';

import { isHeld } from '../rules';
import { componentBindings, componentNamespacedBindings, componentNamespacedRoles, componentRoles } from './components';
import { controllerBindings, controllerRoles } from './controllers';
import { peoplesBindings, peoplesRoles } from './people';
import { autoupdateAnnotation } from './policy';

export const bootstrapClusterRoles: readonly ClusterRole[] = [...peoplesRoles, ...componentRoles, ...controllerRoles];
export const bootstrapClusterBindings: readonly ClusterRoleBinding[] = [...peoplesBindings, ...componentBindings, ...controllerBindings];

interface Options {
  readonly client: ApiClient;
  readonly signal: AbortSignal;
}

/** Objects written at once. */
const width = 4;

/**
 * Makes the cluster roles and bindings that are missing, and adds to those present what is missing in them: a role's rules, a binding's
 * subjects. What administrators added stays, and what they annotated with autoupdate "false" is left alone (Kubernetes' auto-reconciliation).
 */
export async function reconcileClusterRoles({ client, signal }: Options): Promise<void> {
  await reconcile(client.resource(clusterRoles), bootstrapClusterRoles, mendRole, signal);
  await reconcile(client.resource(clusterRoleBindings), bootstrapClusterBindings, mendBinding, signal);
}

/** The same within namespaces, which must be there. */
export async function reconcileNamespacedRoles({ client, signal }: Options): Promise<void> {
  await reconcile(client.resource(roles), componentNamespacedRoles, mendRole, signal);
  await reconcile(client.resource(roleBindings), componentNamespacedBindings, mendBinding, signal);
}

/** What must be done about an object that is there. */
type Mend<T> = (present: T, wanted: T) => 'nothing' | 'replace' | { readonly update: T };

async function reconcile<T extends ApiObject>(client: ResourceClient<T>, wanted: readonly T[], mend: Mend<T>, signal: AbortSignal): Promise<void> {
  const key = ({ metadata }: ApiObject): string => `${metadata?.namespace ?? ''}/${metadata?.name ?? ''}`;
  const present = new Map((await client.list({ signal })).items.map((object) => [key(object), object]));
  const pending = [...wanted];
  const worker = async (): Promise<void> => {
    for (let one = pending.shift(); one; one = pending.shift()) await settle(client, one, present.get(key(one)), mend, signal);
  };
  await Promise.all(Array.from({ length: width }, worker));
}

async function settle<T extends ApiObject>(client: ResourceClient<T>, wanted: T, seen: T | undefined, mend: Mend<T>, signal: AbortSignal): Promise<void> {
  const { namespace = '', name = '' } = wanted.metadata ?? {};
  for (let present = seen; !signal.aborted;) {
    try {
      if (!present) {
        await client.create(structuredClone(wanted), { signal });
        return;
      }
      const todo = present.metadata?.annotations?.[autoupdateAnnotation] === 'false' ? 'nothing' : mend(present, wanted);
      if (todo === 'nothing') return;
      if (todo === 'replace') {
        await client.delete(namespace, name, { signal, deleteOptions: { preconditions: { uid: present.metadata?.uid } } });
        present = undefined;
      } else {
        await client.update(todo.update, { signal });
        return;
      }
    } catch (error) {
      // Another replica does the same at the same time.
      if (!isConflict(error) && !isAlreadyExists(error) && !isNotFound(error)) throw error;
      present = await client.get(namespace, name, { signal }).catch((thrown: unknown) => {
        if (isNotFound(thrown)) return undefined;
        throw thrown;
      });
    }
  }
}

/** Labels and annotations that say something else are put right, as the rules are. */
function withMetadata<T extends ApiObject>(present: T, wanted: T): T {
  const { labels, annotations } = wanted.metadata ?? {};
  return { ...present, metadata: {
    ...present.metadata, ...(labels && { labels: { ...present.metadata?.labels, ...labels } }), ...(annotations && { annotations: { ...present.metadata?.annotations, ...annotations } }),
  } };
}

function orNothing<T extends ApiObject>(present: T, next: T): 'nothing' | { readonly update: T } {
  return deepEqual(present, next) ? 'nothing' : { update: structuredClone(next) };
}

export function mendRole(present: ClusterRole, wanted: ClusterRole): 'nothing' | { readonly update: ClusterRole } {
  const next = withMetadata(present, wanted);
  if (!wanted.aggregationRule) return orNothing(present, { ...next, rules: completed(present.rules ?? [], wanted.rules ?? []) });
  // What it gathers is its controller's to say.
  const selectors = present.aggregationRule?.clusterRoleSelectors ?? [];
  const missing = (wanted.aggregationRule.clusterRoleSelectors ?? []).filter((selector) => !selectors.some((known) => deepEqual(known, selector)));
  return orNothing(present, { ...next, aggregationRule: { clusterRoleSelectors: [...selectors, ...missing] } });
}

const completed = (present: readonly PolicyRule[], wanted: readonly PolicyRule[]): PolicyRule[] => [...present, ...wanted.filter((rule) => !isHeld(rule, present))];

export function mendBinding(present: ClusterRoleBinding, wanted: ClusterRoleBinding): 'nothing' | 'replace' | { readonly update: ClusterRoleBinding } {
  // Which role a binding gives can never change.
  if (!sameRole(present.roleRef, wanted.roleRef)) return 'replace';
  const subjects = present.subjects ?? [];
  const missing = (wanted.subjects ?? []).filter((subject) => !subjects.some((known) => sameSubject(known, subject)));
  return orNothing(present, { ...withMetadata(present, wanted), ...(missing.length > 0 && { subjects: [...subjects, ...missing] }) });
}

const sameRole = (one: RoleRef = {}, other: RoleRef = {}): boolean => one.kind === other.kind && one.name === other.name;
const sameSubject = (one: Subject, other: Subject): boolean => one.kind === other.kind && one.name === other.name && (one.namespace ?? '') === (other.namespace ?? '');
