import { isSidecar } from '@navarch/api';
import { sleep } from '@navarch/base';
import type { Container, Pod, Probe } from '@navarch/proto/k8s/io/api/core/v1/core';

import { containerIdOf } from './container-status';
import { execHandler, httpHandler, tcpHandler, type HandlerResult, type HandlerTarget } from './handlers';

import type { ProbeState } from './memory';
import { isAlive, type ObservedContainer, type ObservedPod } from './observed';
import type { PodContext } from './pod-context';

type ProbeName = 'Startup' | 'Liveness' | 'Readiness';

interface Watched {
  readonly stop: AbortController;
}

/**
 * Runs the probes of one pod's running containers. The judgement stands in `states`; `onChange` is called when it moves. Startup goes
 * first: the others begin when it has passed.
 */
export class PodProbes {
  private readonly watched = new Map<string, Watched>();

  constructor(
    private readonly context: PodContext, private readonly states: Map<string, ProbeState>,
    private readonly currentPod: () => Pod, private readonly onChange: () => void,
  ) {}

  /** Begins where a container runs, ends where one does not. */
  sync(observed: ObservedPod): void {
    const running = new Set<string>();
    for (const container of observed.containers) {
      if (container.state !== 'running') continue;
      running.add(container.id);
      if (!this.watched.has(container.id)) this.begin(container, observed.sandboxes.find((sandbox) => sandbox.id === container.sandboxId)?.addresses[0]);
    }
    const alive = new Set(observed.containers.filter(isAlive).map((container) => container.id));
    for (const [id, { stop }] of this.watched) {
      if (running.has(id)) continue;
      stop.abort();
      this.watched.delete(id);
      if (!alive.has(id)) this.states.delete(id);
    }
  }

  close(): void {
    for (const { stop } of this.watched.values()) stop.abort();
    this.watched.clear();
  }

  private begin(running: ObservedContainer, podIp: string | undefined): void {
    const pod = this.currentPod();
    const init = pod.spec?.initContainers?.find((entry) => entry.name === running.name);
    const container = init ?? pod.spec?.containers?.find((entry) => entry.name === running.name);
    if (!container) return;
    const stop = new AbortController();
    this.watched.set(running.id, { stop });
    const probes = init && !isSidecar(init) ? {} : container;
    // After a restart of the kubelet: what the API was last told of this very container still holds.
    const before = [...(pod.status?.containerStatuses ?? []), ...(pod.status?.initContainerStatuses ?? [])].find((status) => status.containerID === containerIdOf(running.id));
    const started = !probes.startupProbe || (before?.started ?? false);
    this.states.set(running.id, { started, ready: !probes.readinessProbe || (started && (before?.ready ?? false)) });
    const target: HandlerTarget = { pod, container, containerId: running.id, podIp: pod.spec?.hostNetwork ? '127.0.0.1' : podIp };
    const later = (): void => {
      if (probes.livenessProbe) this.follow('Liveness', probes.livenessProbe, target, running, stop.signal);
      if (probes.readinessProbe) this.follow('Readiness', probes.readinessProbe, target, running, stop.signal);
    };
    if (started || !probes.startupProbe) later();
    else this.follow('Startup', probes.startupProbe, target, running, stop.signal, later);
  }

  private follow(name: ProbeName, probe: Probe, target: HandlerTarget, running: ObservedContainer, signal: AbortSignal, onPassed?: () => void): void {
    this.loop(name, probe, target, running, signal).then(() => onPassed?.(), (error: unknown) => {
      if (!signal.aborted) this.context.logger.error('probe stopped', { probe: name, container: running.name, error: (error as Error).message });
    });
  }

  /** Ends when a startup probe has passed, or never. */
  private async loop(name: ProbeName, probe: Probe, target: HandlerTarget, running: ObservedContainer, signal: AbortSignal): Promise<void> {
    const { clock } = this.context;
    const firstAtMs = (running.startedAtMs ?? clock.now()) + (probe.initialDelaySeconds ?? 0) * 1000;
    await sleep(clock, Math.max(0, firstAtMs - clock.now()), signal);
    let successes = 0;
    let failures = 0;
    for (;;) {
      const result = await this.probe(probe, target, signal);
      if (signal.aborted) return;
      successes = result.ok ? successes + 1 : 0;
      failures = result.ok ? 0 : failures + 1;
      if (!result.ok) this.reportFailure(name, result, target);
      if (result.ok && successes >= (probe.successThreshold ?? 1)) {
        this.passed(name, running.id);
        if (name === 'Startup') return;
      } else if (!result.ok && failures >= (probe.failureThreshold ?? 3)) this.failed(name, probe, running.id);
      await sleep(clock, (probe.periodSeconds ?? 10) * 1000, signal);
    }
  }

  private async probe({ handler, timeoutSeconds = 1 }: Probe, target: HandlerTarget, signal: AbortSignal): Promise<HandlerResult> {
    if (handler?.exec) return execHandler(this.context, target, handler.exec.command ?? [], timeoutSeconds, signal);
    if (handler?.httpGet) return httpHandler(this.context, target, handler.httpGet, timeoutSeconds * 1000);
    if (handler?.tcpSocket) return tcpHandler(this.context, target, handler.tcpSocket, timeoutSeconds * 1000);
    return { ok: false, errored: true, output: handler?.grpc ? 'gRPC probes are not supported by this node' : 'missing probe handler' };
  }

  private reportFailure(name: ProbeName, { output, ...result }: HandlerResult, { pod, container }: HandlerTarget): void {
    const errored = 'errored' in result && result.errored;
    const isInit = pod.spec?.initContainers?.some((entry: Container) => entry.name === container.name) ?? false;
    this.context.report(pod, 'Warning', 'Unhealthy', `${name} probe ${errored ? 'errored and resulted in unknown state' : 'failed'}: ${output}`, { name: container.name ?? '', isInit });
  }

  private passed(name: ProbeName, id: string): void {
    const state = this.states.get(id);
    if (!state || name === 'Liveness') return;
    const next = name === 'Startup' ? { ...state, started: true } : { ...state, ready: true };
    if (next.started !== state.started || next.ready !== state.ready) this.change(id, next);
  }

  private failed(name: ProbeName, probe: Probe, id: string): void {
    const state = this.states.get(id);
    if (!state) return;
    if (name === 'Readiness') {
      if (state.ready) this.change(id, { ...state, ready: false });
    } else if (!state.unhealthy) {
      const graceSeconds = probe.terminationGracePeriodSeconds;
      this.change(id, { ...state, unhealthy: { probe: name, ...(graceSeconds !== undefined && { graceSeconds }) } });
    }
  }

  private change(id: string, next: ProbeState): void {
    this.states.set(id, next);
    this.onChange();
  }
}
