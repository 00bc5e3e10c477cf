import fc from 'fast-check';

import type { Pod, PodSpec } from '@navarch/proto/k8s/io/api/core/v1/core';

import { decide, type Action, type Decision } from './decide';
import { containerHash } from './identity';
import { newMemory, type PodMemory } from './memory';
import { observedPod, type ObservedContainer, type ObservedSandbox } from './observed';

const nowMs = 1_000_000;

const sandbox = (change: Partial<ObservedSandbox> = {}): ObservedSandbox => ({ id: 's0', attempt: 0, ready: true, createdAtMs: 1, addresses: ['10.0.0.1'], ...change });
const container = (name: string, change: Partial<ObservedContainer> = {}): ObservedContainer => ({
  id: `${name}-${change.attempt ?? 0}`, name, sandboxId: 's0', attempt: 0, state: 'running', createdAtMs: 1, startedAtMs: 2, exitCode: 0, reason: '', message: '', image: 'i', imageRef: 'r',
  hash: containerHash({ name, image: 'i' }), restartCount: change.attempt ?? 0, backoffStep: 0, ...change,
});
const exited = (name: string, exitCode: number, change: Partial<ObservedContainer> = {}): ObservedContainer => container(name, { state: 'exited', exitCode, finishedAtMs: nowMs - 100, startedAtMs: nowMs - 200, ...change });

const podOf = (spec: PodSpec = {}, metadata: Pod['metadata'] = {}): Pod => ({ metadata: { namespace: 'n', name: 'p', uid: 'u', ...metadata }, spec: { containers: [{ name: 'main', image: 'i' }], ...spec } });
const memoryOf = (change: Partial<PodMemory> = {}): PodMemory => ({ ...newMemory(), volumesReady: true, ...change });

interface Case {
  readonly pod?: Pod;
  readonly sandboxes?: readonly ObservedSandbox[];
  readonly containers?: readonly ObservedContainer[];
  readonly memory?: PodMemory;
  readonly busy?: readonly string[];
}

const judge = ({ pod = podOf(), sandboxes = [sandbox()], containers = [], memory = memoryOf(), busy = [] }: Case): Decision =>
  decide({ pod, observed: observedPod(sandboxes, containers), memory, busy: new Set(busy), nowMs });

const brief = (action: Action): string => {
  switch (action.type) {
    case 'startContainer':
      return `start ${action.container.name} ${action.attempt}`;
    case 'stopContainer':
      return `stop ${action.target.id} ${action.graceSeconds}s`;
    case 'createSandbox':
      return `sandbox ${action.attempt}`;
    case 'stopSandbox':
    case 'removeSandbox':
      return `${action.type} ${action.sandboxId}`;
    case 'removeContainer':
      return `remove ${action.target.id}`;
    default:
      return action.type;
  }
};
const does = (situation: Case): string[] => judge(situation).actions.map(brief);
const deleted = { deletionTimestamp: { seconds: 1 }, deletionGracePeriodSeconds: 30 };

describe('decide', () => {
  it.each<[string, Case, string[]]>([
    ['begins with volumes and sandbox together', { sandboxes: [], memory: memoryOf({ volumesReady: false }) }, ['prepareVolumes', 'sandbox 0']],
    ['asks once while that is under way', { sandboxes: [], memory: memoryOf({ volumesReady: false }), busy: ['volumes', 'sandbox'] }, []],
    ['waits with containers for volumes', { memory: memoryOf({ volumesReady: false }), busy: ['volumes'] }, []],
    ['starts all containers at once', { pod: podOf({ containers: [{ name: 'a', image: 'i' }, { name: 'b', image: 'i' }] }) }, ['start a 0', 'start b 0']],
    ['starts one container once', { busy: ['start/main'] }, []],
    ['lets what runs run', { containers: [container('main')] }, []],
    ['starts what was created and never started', { containers: [container('main', { state: 'created' })] }, ['start main 0']],
    ['kills what is in an unknown state', { containers: [container('main', { state: 'unknown' })] }, ['stop main-0 0s']],
    ['restarts what changed its image', { containers: [container('main', { hash: 'old' })] }, ['stop main-0 30s']],
    ['makes a second sandbox when the first has died', { sandboxes: [sandbox({ ready: false })], containers: [exited('main', 137)] }, ['sandbox 1']],
    ['first stops what still runs in a dead sandbox', { sandboxes: [sandbox({ ready: false })], containers: [container('main')] }, ['stop main-0 30s']],
    ['restarts into the new sandbox with the next attempt', { sandboxes: [sandbox({ id: 's1', attempt: 1 }), sandbox({ ready: false })], containers: [exited('main', 137)] }, ['start main 1']],
    ['gives one of two ready sandboxes back', { sandboxes: [sandbox({ id: 's1', attempt: 1 }), sandbox()], containers: [container('main', { sandboxId: 's1' })] }, ['stopSandbox s0']],
    ['removes all dead containers of a name but the last', { containers: [container('main', { attempt: 3 }), exited('main', 1, { attempt: 2 }), exited('main', 1, { attempt: 1 })] }, ['remove main-1']],
    ['removes a sandbox in which nothing is left', { sandboxes: [sandbox({ id: 's1', attempt: 1 }), sandbox({ ready: false })], containers: [container('main', { sandboxId: 's1' })] }, ['removeSandbox s0']],
  ])('%s', (_name, situation, expected) => {
    expect(does(situation)).toEqual(expected);
  });

  it('waits out the back-off and says until when', () => {
    const { actions, wakeAtMs } = judge({ containers: [exited('main', 1, { attempt: 2, backoffStep: 2 })] });
    expect([actions, wakeAtMs]).toEqual([[], nowMs - 100 + 20_000]);
  });

  it('carries restart count and back-off step into the next attempt', () => {
    const { actions } = judge({ containers: [exited('main', 1, { attempt: 4, restartCount: 4, backoffStep: 0 })] });
    expect(actions).toMatchObject([{ type: 'startContainer', attempt: 5, restartCount: 5, backoffStep: 1 }]);
  });

  it('counts on from the API where the runtime has lost a container', () => {
    const pod = { ...podOf(), status: { containerStatuses: [{ name: 'main', containerID: 'containerd://x', restartCount: 3 }] } };
    expect(does({ pod })).toEqual(['start main 4']);
  });

  describe('init containers', () => {
    const pod = podOf({ initContainers: [{ name: 'a', image: 'i' }, { name: 'b', image: 'i' }] });
    it.each<[string, Case, string[]]>([
      ['start with the first', { pod }, ['start a 0']],
      ['wait for the one that runs', { pod, containers: [container('a')] }, []],
      ['go on after a success', { pod, containers: [exited('a', 0)] }, ['start b 0']],
      ['try again after a failure', { pod, containers: [exited('a', 1)] }, ['start a 1']],
      ['make way for the others when all are done', { pod, containers: [exited('a', 0), exited('b', 0)] }, ['start main 0']],
      ['are not run again once the others have begun', { pod, containers: [container('main')] }, []],
      ['begin anew in a new sandbox', { pod, sandboxes: [sandbox({ id: 's1', attempt: 1 }), sandbox({ ready: false })], containers: [exited('a', 0), exited('b', 0), exited('main', 137)] }, ['start a 1']],
    ])('%s', (_name, situation, expected) => {
      expect(does(situation)).toEqual(expected);
    });

    it('that restart always are waited for until started, not until ended', () => {
      const withSidecar = podOf({ initContainers: [{ name: 'side', image: 'i', restartPolicy: 'Always' }] });
      expect(does({ pod: withSidecar })).toEqual(['start side 0']);
      expect(does({ pod: withSidecar, containers: [container('side')] })).toEqual([]);
      const memory = memoryOf();
      memory.probes.set('side-0', { started: true, ready: true });
      expect(does({ pod: withSidecar, containers: [container('side')], memory })).toEqual(['start main 0']);
      expect(does({ pod: withSidecar, containers: [exited('side', 0), container('main')], memory })).toEqual(['start side 1']);
    });
  });

  describe('ending', () => {
    const pod = podOf({}, deleted);
    const done = memoryOf({ volumesRemoved: true });
    it.each<[string, Case, string[]]>([
      ['stops containers with the grace of the deletion', { pod, containers: [container('main')] }, ['stop main-0 30s']],
      ['does not stop twice', { pod, containers: [container('main')], busy: ['stop/main-0'] }, []],
      ['then the sandbox', { pod, containers: [exited('main', 0)] }, ['stopSandbox s0']],
      ['then the volumes', { pod, sandboxes: [sandbox({ ready: false })], containers: [exited('main', 0)] }, ['removeVolumes']],
      ['then lets the API forget it', { pod, sandboxes: [sandbox({ ready: false })], memory: done }, ['confirmDeletion']],
      ['starts nothing', { pod, sandboxes: [] }, ['removeVolumes']],
      ['waits for starts under way, telling them', { pod, busy: ['start/main'] }, ['cancelStarts']],
      ['removes everything when the API has forgotten it', { pod: podOf(), sandboxes: [sandbox({ ready: false })], memory: memoryOf({ gone: true }) }, ['removeAll']],
      ['stops and keeps a pod that has failed', { pod: { ...podOf(), status: { phase: 'Failed' } }, containers: [container('main')] }, ['stop main-0 30s']],
      ['stops a pod whose time is over', { containers: [container('main')], memory: memoryOf({ verdict: { reason: 'DeadlineExceeded', message: '' } }) }, ['stop main-0 30s']],
    ])('%s', (_name, situation, expected) => {
      expect(does(situation)).toEqual(expected);
    });

    it('stops again where the grace has become shorter', () => {
      const memory = memoryOf();
      memory.stopBy.set('main-0', nowMs + 600_000);
      expect(does({ pod, containers: [container('main')], busy: ['stop/main-0'], memory })).toEqual(['stop main-0 30s']);
    });

    it('gives at least one second', () => {
      expect(does({ pod: podOf({}, { ...deleted, deletionGracePeriodSeconds: 0 }), containers: [container('main')] })).toEqual(['stop main-0 1s']);
    });
  });
});

describe('the laws of decide, over all situations', () => {
  const names = ['init', 'side', 'a', 'b'];
  const anyContainer = fc.record({
    name: fc.constantFrom(...names), attempt: fc.nat(3), sandboxId: fc.constantFrom('s0', 's1'), state: fc.constantFrom('created', 'running', 'exited', 'unknown') as fc.Arbitrary<ObservedContainer['state']>,
    exitCode: fc.constantFrom(0, 1, 137), backoffStep: fc.nat(8), finishedAtMs: fc.integer({ min: nowMs - 700_000, max: nowMs }),
  }).map((change) => container(change.name, { ...change, startedAtMs: 1, id: `${change.name}-${change.attempt}-${change.sandboxId}` }));
  const anyCase = fc.record({
    policy: fc.constantFrom('Always', 'OnFailure', 'Never'), isDeleted: fc.boolean(), phase: fc.constantFrom(undefined, 'Running', 'Failed', 'Succeeded'),
    sandboxes: fc.subarray([sandbox(), sandbox({ ready: false }), sandbox({ id: 's1', attempt: 1 }), sandbox({ id: 's1', attempt: 1, ready: false })]),
    containers: fc.uniqueArray(anyContainer, { selector: ({ id }) => id, maxLength: 8 }),
    busy: fc.subarray(['sandbox', 'volumes', 'start/a', 'start/init', 'start/side', 'stop/a-0-s0', 'sandbox/s0']), gone: fc.boolean(), volumesReady: fc.boolean(),
  }).map(({ policy, isDeleted, phase, busy, gone, volumesReady, ...rest }): Case => ({
    ...rest, busy, memory: memoryOf({ gone, volumesReady }),
    pod: {
      ...podOf({
        restartPolicy: policy, initContainers: [{ name: 'init', image: 'i' }, { name: 'side', image: 'i', restartPolicy: 'Always' }], containers: [{ name: 'a', image: 'i' }, { name: 'b', image: 'i' }],
      }, isDeleted ? deleted : {}),
      status: { ...(phase && { phase }) },
    },
  }));
  const starts = (decision: Decision) => decision.actions.filter((action) => action.type === 'startContainer');
  const holds = (law: (situation: Case, decision: Decision) => boolean): void => fc.assert(fc.property(anyCase, (situation) => law(situation, judge(situation))), { numRuns: 3_000 });

  it('a container is never started while one of its name may be running', () => {
    holds(({ containers = [] }, decision) => starts(decision).every(({ container: { name } }) => !containers.some((entry) => entry.name === name && ['running', 'unknown'].includes(entry.state))));
  });

  it('nothing starts while a container lives outside the sandbox that is in use', () => {
    holds(({ containers = [], sandboxes = [] }, decision) => {
      const [newest] = observedPod(sandboxes, []).sandboxes;
      const strays = containers.some((entry) => ['running', 'unknown'].includes(entry.state) && (!newest?.ready || entry.sandboxId !== newest.id));
      return !strays || !decision.actions.some(({ type }) => type === 'startContainer' || type === 'createSandbox');
    });
  });

  it('nothing starts in a pod that ends', () => {
    holds(({ pod, memory }, decision) => !(pod?.metadata?.deletionTimestamp ?? memory?.gone) || !decision.actions.some(({ type }) => type === 'startContainer' || type === 'createSandbox'));
  });

  it('a busy key gets no second action, except a stop with less grace', () => {
    holds(({ busy = [] }, decision) => decision.actions.every((action) => action.type === 'cancelStarts' || action.type === 'stopContainer' || !busy.includes(action.key)));
  });

  it('each key gets at most one action at a time', () => {
    holds((_situation, decision) => {
      const keys = decision.actions.flatMap((action) => (action.type === 'cancelStarts' ? [] : [action.key]));
      return new Set(keys).size === keys.length;
    });
  });

  it('a pod that never restarts starts no main container a second time', () => {
    holds(({ pod, containers = [] }, decision) => pod?.spec?.restartPolicy !== 'Never'
      || starts(decision).every(({ container: { name }, isInit }) => isInit || !containers.some((entry) => entry.name === name && entry.state === 'exited' && entry === observedPod([], containers).containers.find((newest) => newest.name === name))));
  });

  it('the API forgets a pod only when nothing of it runs or is about to', () => {
    holds(({ containers = [], sandboxes = [], busy = [] }, decision) => !decision.actions.some(({ type }) => type === 'confirmDeletion' || type === 'removeAll')
      || (!containers.some((entry) => ['running', 'unknown'].includes(entry.state)) && !observedPod(sandboxes, []).sandboxes.some(({ ready }) => ready) && !busy.some((key) => key.startsWith('start/') || key === 'sandbox')));
  });
});
