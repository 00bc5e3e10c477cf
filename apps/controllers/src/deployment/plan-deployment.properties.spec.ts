import fc from 'fast-check';

import type { Deployment, ReplicaSet } from '@navarch/proto/k8s/io/api/apps/v1/apps';

import { chooseSet } from './choose-set';
import { annotations, fencesOf, wantedReplicas } from './facts';
import { planDeployment } from './plan-deployment';
import { deploymentOf } from './testing';

interface TestPod {
  ready: boolean;
}

interface TestSet {
  set: ReplicaSet;
  readonly pods: TestPod[];
  /** The generation that its controller acted on last. */
  acted: number;
}

const imageOf = (set: ReplicaSet | Deployment): string => set.spec?.template?.spec?.containers?.[0]?.image ?? '';
const isBad = (image: string): boolean => image.startsWith('bad');

/** Deployment, sets and pods, each of whose controllers acts only when told: every interleaving may happen. */
class World {
  readonly sets: TestSet[] = [];
  nowMs = 1_700_000_000_000;

  constructor(public deployment: Deployment) {}

  /** The Deployment's controller. Answers whether it did anything. */
  plan(): boolean {
    const sets = this.sets.map(({ set }) => set);
    const plan = planDeployment({ deployment: this.deployment, sets, choice: chooseSet(this.deployment, sets, undefined), podsOf: () => [], nowMs: this.nowMs });
    for (const action of plan.actions) {
      const at = this.sets.findIndex(({ set }) => set.metadata?.name === action.set.metadata?.name);
      const known = this.sets[at];
      if (action.type === 'create') this.sets.push({ set: { ...action.set, metadata: { ...action.set.metadata, generation: 1, creationTimestamp: { seconds: this.sets.length + 1 } } }, pods: [], acted: 0 });
      else if (action.type === 'delete') this.sets.splice(at, 1);
      else if (known) {
        const resized = action.set.spec?.replicas !== known.set.spec?.replicas;
        known.set = { ...action.set, metadata: { ...action.set.metadata, generation: (known.set.metadata?.generation ?? 0) + (resized ? 1 : 0) } };
      }
    }
    this.deployment = {
      ...this.deployment, status: plan.status,
      metadata: { ...this.deployment.metadata, annotations: { ...this.deployment.metadata?.annotations, ...(plan.revision !== undefined && { [annotations.revision]: plan.revision }) } },
    };
    return plan.actions.length > 0;
  }

  /** A set's controller makes and deletes pods, those that are not ready first. */
  act(each: TestSet): void {
    const size = each.set.spec?.replicas ?? 0;
    while (each.pods.length < size) each.pods.push({ ready: false });
    each.pods.sort((left, right) => Number(left.ready) - Number(right.ready));
    each.pods.splice(0, Math.max(0, each.pods.length - size));
    each.acted = each.set.metadata?.generation ?? 0;
  }

  /** … and later says what there is. */
  tell(each: TestSet): void {
    const ready = each.pods.filter((pod) => pod.ready).length;
    each.set = { ...each.set, status: { replicas: each.pods.length, readyReplicas: ready, availableReplicas: ready, observedGeneration: each.acted } };
  }

  makeReady(each: TestSet, count: number): void {
    if (!isBad(imageOf(each.set))) for (const pod of each.pods.filter(({ ready }) => !ready).slice(0, count)) pod.ready = true;
  }

  change(image: string): void {
    const generation = (this.deployment.metadata?.generation ?? 0) + 1;
    this.deployment = { ...this.deployment, metadata: { ...this.deployment.metadata, generation }, spec: { ...this.deployment.spec, template: { spec: { containers: [{ name: 'main', image }] } } } };
  }

  /** Everybody does all there is to do, until nobody finds anything. Answers whether that came to pass. */
  settle(): boolean {
    for (let round = 0; round < 500; round++) {
      const before = JSON.stringify([this.sets, this.deployment]);
      this.plan();
      for (const each of this.sets) {
        this.act(each);
        this.makeReady(each, Infinity);
        this.tell(each);
      }
      if (JSON.stringify([this.sets, this.deployment]) === before) return true;
    }
    return false;
  }

  get pods(): number {
    return this.sets.reduce((sum, { pods }) => sum + pods.length, 0);
  }

  get available(): number {
    return this.sets.reduce((sum, { pods }) => sum + pods.filter(({ ready }) => ready).length, 0);
  }
}

type Step = { readonly do: 'plan' } | { readonly do: 'act' | 'tell' | 'ready'; readonly at: number; readonly count: number } | { readonly do: 'change'; readonly image: string };

const part = fc.oneof(fc.integer({ min: 0, max: 6 }), fc.constantFrom('0%', '10%', '25%', '50%', '100%'));
const stepArbitrary: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.constant({ do: 'plan' } as const) },
  { weight: 9, arbitrary: fc.record({ do: fc.constantFrom('act' as const, 'tell' as const, 'ready' as const), at: fc.nat(5), count: fc.integer({ min: 1, max: 4 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('change' as const), image: fc.constantFrom('one', 'two', 'three', 'bad') }) },
);

function take(world: World, step: Step): void {
  if (step.do === 'plan') world.plan();
  else if (step.do === 'change') world.change(step.image);
  else {
    const each = world.sets[step.at % Math.max(1, world.sets.length)];
    if (!each) return;
    if (step.do === 'act') world.act(each);
    else if (step.do === 'tell') world.tell(each);
    else world.makeReady(each, step.count);
  }
}

/** A size that goes down and up again before the set's controller has said what it did in between. */
const shrunkAndGrownAgain: Step[] = [
  { do: 'change', image: 'two' }, { do: 'plan' }, { do: 'act', at: 1, count: 1 }, { do: 'ready', at: 1, count: 1 }, { do: 'tell', at: 1, count: 1 }, { do: 'plan' },
  { do: 'act', at: 0, count: 1 }, { do: 'change', image: 'one' }, { do: 'plan' }, { do: 'plan' }, { do: 'act', at: 3, count: 1 },
];

const started = (replicas: number, surge: number | string, unavailable: number | string): World => {
  const world = new World(deploymentOf(replicas, surge, unavailable, { template: { spec: { containers: [{ name: 'main', image: 'one' }] } }, revisionHistoryLimit: 2 }));
  expect(world.settle()).toBe(true);
  return world;
};

describe('rolling updates, whatever the order in which things happen', () => {
  it('never more pods than replicas + maxSurge, never fewer available than replicas - maxUnavailable while pods behave', () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 12 }), part, part, fc.array(stepArbitrary, { maxLength: 120, size: 'max' }), (replicas, surge, unavailable, steps) => {
      const world = started(replicas, surge, unavailable);
      const { maxSurge, maxUnavailable } = fencesOf(world.deployment);
      for (const step of steps) {
        take(world, step);
        expect(world.pods).toBeLessThanOrEqual(replicas + maxSurge);
        expect(world.available).toBeGreaterThanOrEqual(replicas - maxUnavailable);
      }
    }), { numRuns: 120, examples: [[1, '25%', 0, shrunkAndGrownAgain]] });
  });

  it('every history ends: with all pods of the last template, or, where it cannot run, with what the fences protect', () => {
    fc.assert(fc.property(fc.integer({ min: 0, max: 12 }), part, part, fc.array(stepArbitrary, { maxLength: 80, size: 'max' }), (replicas, surge, unavailable, steps) => {
      const world = started(replicas, surge, unavailable);
      for (const step of steps) take(world, step);
      expect(world.settle()).toBe(true);
      const image = imageOf(world.deployment);
      const byImage = world.sets.filter(({ pods }) => pods.length > 0).map(({ set, pods }) => [imageOf(set), pods.length]);
      if (!isBad(image)) expect(byImage).toEqual(replicas === 0 ? [] : [[image, replicas]]);
      else expect(world.available).toBeGreaterThanOrEqual(replicas - fencesOf(world.deployment).maxUnavailable);
    }), { numRuns: 100 });
  });

  it('a template has one ReplicaSet, whatever was changed and changed back; its revision is the highest', () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 5 }), fc.array(stepArbitrary, { maxLength: 120, size: 'max' }), (replicas, steps) => {
      const world = started(replicas, 1, 0);
      for (const step of steps) {
        take(world, step);
        const images = world.sets.map(({ set }) => imageOf(set));
        expect(new Set(images).size).toBe(images.length);
      }
      world.settle();
      const revisions = world.sets.map(({ set }) => Number(set.metadata?.annotations?.[annotations.revision]));
      const current = world.sets.find(({ set }) => imageOf(set) === imageOf(world.deployment));
      expect(Number(current?.set.metadata?.annotations?.[annotations.revision])).toBe(Math.max(...revisions));
      expect(new Set(revisions).size).toBe(revisions.length);
    }), { numRuns: 60 });
  });

  it('resized at any moment, it ends with as many pods as wanted last', () => {
    const resize = fc.record({ do: fc.constant('resize' as const), to: fc.integer({ min: 0, max: 15 }) });
    fc.assert(fc.property(fc.integer({ min: 0, max: 12 }), part, part, fc.array(fc.oneof({ weight: 8, arbitrary: stepArbitrary }, { weight: 1, arbitrary: resize }), { maxLength: 80, size: 'max' }), (replicas, surge, unavailable, steps) => {
      const world = started(replicas, surge, unavailable);
      for (const step of steps) {
        if (step.do === 'resize') world.deployment = { ...world.deployment, metadata: { ...world.deployment.metadata, generation: (world.deployment.metadata?.generation ?? 0) + 1 }, spec: { ...world.deployment.spec, replicas: step.to } };
        else take(world, step);
      }
      world.change('last');
      expect(world.settle()).toBe(true);
      expect(world.pods).toBe(wantedReplicas(world.deployment));
      expect(world.available).toBe(world.pods);
    }), { numRuns: 100 });
  });
});
