import { ApiError, deadlineSignal, inParallel, toError, type Clock, type Logger } from '@navarch/base';
import type { Node } from '@navarch/proto/k8s/io/api/core/v1/core';
import type { StatsResponse } from '@navarch/proto/navarch/kubelet/v1/kubelet_service';

import type { KubeletConnector } from '../pods/kubelet-connector';

export interface NodeScraperOptions {
  readonly kubelets: Pick<KubeletConnector, 'stats'>;
  readonly clock: Clock;
  readonly logger: Logger;
}

interface Scrape {
  readonly beganMs: number;
  /** How long it may answer further requests: figures shortly, a failure for longer, so that a dead node does not hold up everyone. */
  validMs: number;
  readonly answer: Promise<StatsResponse | undefined>;
}

const atOnce = 32;
const timeoutMs = 2_000;
/** Kubelets measure every ten seconds: asking again at once brings nothing new. */
const freshMs = 3_000;
const failedMs = 10_000;

/** Asks kubelets what their nodes use: many at a time, each with a bound, one question for all who ask at the same time. */
export class NodeScraper {
  private readonly scrapes = new Map<string, Scrape>();

  constructor(private readonly options: NodeScraperOptions) {}

  /** By node name; nodes that do not answer in time are missing, and so are those that were not asked before the signal aborted. */
  async scrape(nodes: readonly Node[], signal: AbortSignal): Promise<ReadonlyMap<string, StatsResponse>> {
    this.forgetOld();
    const answers = new Map<string, StatsResponse>();
    await inParallel(nodes, atOnce, async (node) => {
      const answer = signal.aborted ? undefined : await this.ask(node);
      if (answer) answers.set(node.metadata?.name ?? '', answer);
    });
    return answers;
  }

  private ask(node: Node): Promise<StatsResponse | undefined> {
    const key = `${node.metadata?.name}/${node.metadata?.uid}`;
    const known = this.scrapes.get(key);
    if (known) return known.answer;
    const scrape: Scrape = { beganMs: this.options.clock.monotonic(), validMs: timeoutMs + freshMs, answer: this.fetch(node).then((answer) => {
      scrape.validMs = this.options.clock.monotonic() - scrape.beganMs + (answer ? freshMs : failedMs);
      return answer;
    }) };
    this.scrapes.set(key, scrape);
    return scrape.answer;
  }

  private async fetch(node: Node): Promise<StatsResponse | undefined> {
    const { kubelets, clock, logger } = this.options;
    const deadline = deadlineSignal(clock, timeoutMs, () => new ApiError('Timeout', `the kubelet did not answer within ${timeoutMs} ms`));
    try {
      return await kubelets.stats(node, deadline.signal);
    } catch (error) {
      logger.warn('a node does not say what it uses', { node: node.metadata?.name, error: toError(error).message });
      return undefined;
    } finally {
      deadline.dispose();
    }
  }

  private forgetOld(): void {
    const now = this.options.clock.monotonic();
    for (const [key, { beganMs, validMs }] of this.scrapes) if (now - beganMs >= validMs) this.scrapes.delete(key);
  }
}
