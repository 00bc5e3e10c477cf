import { claimNameOf, compareQuantity, isPodTerminal, matcherOf, persistentVolumeClaims, selectedNodeAnnotation } from '@navarch/api';
import { isConflict, isNotFound } from '@navarch/base';
import type { ApiClient } from '@navarch/client';
import type { NodeSelector, PersistentVolume, PersistentVolumeClaim, Volume } from '@navarch/proto/k8s/io/api/core/v1/core';

import { Action, type EventRegistration } from '../framework/cluster-event';
import { StateKey, type CycleState } from '../framework/cycle-state';
import { pass, unresolvable, type EnqueueExtensions, type FilterPlugin, type PreBindPlugin, type PreFilterPlugin, type Rejection, type SignPlugin, type Verdict } from '../framework/plugin';
import type { NodeTable } from '../snapshot/node-table';
import type { PodInfo } from '../snapshot/pod-info';
import type { VolumeCaches } from '../snapshot/volume-caches';
import { CompiledTerm } from './node-selector';

/** Where the pod's volumes let it run. */
interface Needs {
  /** Of volumes that are bound: each must reach the node. Undefined terms reach every node. */
  readonly bound: readonly (readonly CompiledTerm[])[];
  /** Of claims that nobody makes volumes for: one of these volumes must reach the node. */
  readonly wanted: readonly (readonly (readonly CompiledTerm[] | undefined)[])[];
  readonly selectedNode: string | undefined;
}

const needsKey = new StateKey<Needs>('PreFilter/VolumeBinding');
const noProvisioner = 'kubernetes.io/no-provisioner';
/** Kubernetes' bindTimeoutSeconds. */
const bindTimeoutMs = 600_000;
const nodeConflict = "node(s) didn't match PersistentVolume's node affinity";
const nothingToBind = "node(s) didn't find available persistent volumes to bind";

const refuse = (reason: string): Rejection => ({ code: 'unresolvable', reasons: [reason] });

/**
 * Sends a pod where its volumes are. Claims that wait for their first consumer are told which node the pod goes to (annotation
 * selected-node), and the pod is bound when they are: the volume controller makes or finds the volumes.
 */
export class VolumeBinding implements PreFilterPlugin, FilterPlugin, PreBindPlugin, SignPlugin, EnqueueExtensions {
  readonly name = 'VolumeBinding';

  constructor(private readonly caches: VolumeCaches, private readonly client: ApiClient) {}

  /** What such a pod needs depends on more than itself. */
  sign(info: PodInfo): string | undefined {
    return this.claimVolumes(info).length === 0 ? '' : undefined;
  }

  preFilter(state: CycleState, info: PodInfo, nodes: NodeTable): 'skip' | Rejection | undefined {
    const volumes = this.claimVolumes(info);
    if (volumes.length === 0) return 'skip';
    const [bound, wanted]: [(readonly CompiledTerm[])[], (readonly (readonly CompiledTerm[] | undefined)[])[]] = [[], []];
    let selectedNode: string | undefined;
    for (const volume of volumes) {
      const claim = this.claimOf(info, volume);
      const refusal = this.refusalOf(info, volume, claim);
      if (refusal || !claim) return refuse(refusal ?? `persistentvolumeclaim "${claimNameOf(info.pod, volume) ?? ''}" not found`);
      const { volumeName } = claim.spec ?? {};
      if (volumeName) {
        const found = this.caches.volumes.get('', volumeName);
        if (!found) return refuse(`persistentvolumeclaim "${claim.metadata?.name ?? ''}" bound to non-existent persistentvolume "${volumeName}"`);
        const terms = compiled(found.spec?.nodeAffinity?.required, nodes);
        if (terms) bound.push(terms);
        continue;
      }
      const selected = claim.metadata?.annotations?.[selectedNodeAnnotation];
      if (selected !== undefined && selectedNode !== undefined && selected !== selectedNode) return refuse('claims of the pod are being bound on different nodes');
      selectedNode ??= selected;
      if (this.classOf(claim)?.provisioner === noProvisioner) wanted.push(this.free(claim).map(({ spec }) => compiled(spec?.nodeAffinity?.required, nodes)));
    }
    state.set(needsKey, { bound, wanted, selectedNode });
    return undefined;
  }

  filter(state: CycleState, _info: PodInfo, nodes: NodeTable, row: number): Verdict {
    return this.reasonAt(state.get(needsKey), nodes, row) === undefined ? pass : unresolvable;
  }

  explain(state: CycleState, _info: PodInfo, nodes: NodeTable, row: number): readonly string[] {
    return [this.reasonAt(state.get(needsKey), nodes, row) ?? nodeConflict];
  }

  private reasonAt({ bound, wanted, selectedNode }: Needs, nodes: NodeTable, row: number): string | undefined {
    if (selectedNode !== undefined && nodes.names[row] !== selectedNode) return nodeConflict;
    for (const terms of bound) if (!terms.some((term) => term.matches(nodes, row))) return nodeConflict;
    for (const volumes of wanted) if (!volumes.some((terms) => terms === undefined || terms.some((term) => term.matches(nodes, row)))) return nothingToBind;
    return undefined;
  }

  /** Tells unbound claims where the pod goes, and waits until they are bound. */
  async preBind(_state: CycleState, info: PodInfo, nodeName: string, signal: AbortSignal): Promise<Rejection | undefined> {
    const unbound = this.claimVolumes(info).flatMap((volume) => this.claimOf(info, volume) ?? []).filter((claim) => !isBound(claim));
    if (unbound.length === 0) return undefined;
    for (const claim of unbound) {
      const refusal = await this.select(claim, nodeName, signal);
      if (refusal) return refusal;
    }
    const waiting = (): Rejection | 'bound' | undefined => {
      const now = unbound.map(({ metadata }) => this.caches.claims.get(metadata?.namespace ?? '', metadata?.name ?? ''));
      if (now.some((claim) => !claim || (!isBound(claim) && claim.metadata?.annotations?.[selectedNodeAnnotation] === undefined))) return { code: 'unschedulable', reasons: [`volumes could not be bound on node ${nodeName}`] };
      return now.every((claim) => claim && isBound(claim)) ? 'bound' : undefined;
    };
    const outcome = await this.caches.until(waiting, bindTimeoutMs, signal);
    return outcome === 'bound' ? undefined : outcome;
  }

  private async select({ metadata }: PersistentVolumeClaim, nodeName: string, signal: AbortSignal): Promise<Rejection | undefined> {
    const { namespace = '', name = '', uid = '', resourceVersion = '', annotations } = metadata ?? {};
    if (annotations?.[selectedNodeAnnotation] === nodeName) return undefined;
    try {
      const patched = await this.client.resource(persistentVolumeClaims).patch(namespace, name, 'application/merge-patch+json', { metadata: { uid, resourceVersion, annotations: { [selectedNodeAnnotation]: nodeName } } }, { signal });
      await this.caches.claims.waitFor(patched.metadata?.resourceVersion ?? '', signal);
      return undefined;
    } catch (thrown) {
      if (!isConflict(thrown) && !isNotFound(thrown)) throw thrown;
      return { code: 'unschedulable', reasons: [`persistentvolumeclaim "${name}" changed while the pod was being bound`] };
    }
  }

  eventsToRegister(): readonly EventRegistration[] {
    return [{ resource: 'Volume', actions: Action.all }, { resource: 'Node', actions: Action.add | Action.updateNodeLabel }];
  }

  // ---- claims

  private claimVolumes({ pod }: PodInfo): readonly Volume[] {
    return (pod.spec?.volumes ?? []).filter((volume) => claimNameOf(pod, volume) !== undefined);
  }

  private claimOf({ pod }: PodInfo, volume: Volume): PersistentVolumeClaim | undefined {
    return this.caches.claims.get(pod.metadata?.namespace ?? '', claimNameOf(pod, volume) ?? '');
  }

  private refusalOf({ pod }: PodInfo, volume: Volume, claim: PersistentVolumeClaim | undefined): string | undefined {
    const { volumeSource: source } = volume;
    if (!claim) return source?.ephemeral ? `waiting for ephemeral volume controller to create the persistentvolumeclaim "${claimNameOf(pod, volume) ?? ''}"` : undefined;
    const name = claim.metadata?.name ?? '';
    if (source?.ephemeral && !claim.metadata?.ownerReferences?.some(({ uid }) => uid === pod.metadata?.uid)) return `PVC ${claim.metadata?.namespace ?? ''}/${name} was not created for pod ${pod.metadata?.namespace ?? ''}/${pod.metadata?.name ?? ''} (pod is not owner)`;
    if (claim.metadata?.deletionTimestamp && !isPodTerminal(pod)) return `persistentvolumeclaim "${name}" is being deleted`;
    if (claim.status?.phase === 'Lost') return `persistentvolumeclaim "${name}" bound to non-existent persistentvolume "${claim.spec?.volumeName ?? ''}"`;
    return isBound(claim) || this.classOf(claim)?.volumeBindingMode === 'WaitForFirstConsumer' ? undefined : 'pod has unbound immediate PersistentVolumeClaims';
  }

  private classOf({ spec }: PersistentVolumeClaim) {
    return this.caches.classes.get('', spec?.storageClassName ?? '');
  }

  private free({ spec: wanted = {} }: PersistentVolumeClaim): readonly PersistentVolume[] {
    return this.caches.volumes.list().filter(({ metadata, spec = {} }) => !spec.claimRef && !metadata?.deletionTimestamp
      && spec.storageClassName === wanted.storageClassName && (spec.volumeMode ?? 'Filesystem') === (wanted.volumeMode ?? 'Filesystem')
      && compareQuantity(spec.capacity?.['storage'], wanted.resources?.requests?.['storage']) >= 0
      && (wanted.accessModes ?? []).every((mode) => spec.accessModes?.includes(mode)) && (!wanted.selector || matcherOf(wanted.selector).matches(metadata?.labels ?? {})));
  }
}

const isBound = ({ spec, status }: PersistentVolumeClaim): boolean => spec?.volumeName !== undefined && status?.phase === 'Bound';

/** Undefined: every node will do. */
function compiled(selector: NodeSelector | undefined, nodes: NodeTable): readonly CompiledTerm[] | undefined {
  return selector && (selector.nodeSelectorTerms ?? []).map((term) => new CompiledTerm(term, nodes));
}
