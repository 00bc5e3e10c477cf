import { deadlineSignal, randomInt, toError, type Clock, type Logger, type Random } from '@navarch/base';

import { AnswerCache, textOf, type CachedKey } from './cache';
import type { Exchange, Upstream } from './exchange';

/** How a question for another server's name was met: from the cache, by an answer, or by nobody. */
export type ForwardOutcome = 'hit' | 'answered' | 'failed';

export interface ForwarderOptions {
  /** In the order in which they are asked. */
  readonly upstreams: readonly Upstream[];
  readonly udp: Exchange;
  readonly tcp: Exchange;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** How long one server may take before the next is asked, in ms. */
  readonly timeoutMs?: number;
  readonly maxEntries?: number;
  /** Questions to other servers at one time; what comes beyond them is refused. */
  readonly maxInFlight?: number;
  /** Hears how each question was met: for metrics. */
  readonly observe?: (outcome: ForwardOutcome) => void;
}

/** A server that did not answer is asked last for so long. */
const restMs = 10_000;

/**
 * Questions that are not the cluster's, asked of other servers and kept while they may be. Clients that ask the same at the same time
 * share one question.
 */
export class Forwarder {
  readonly cache: AnswerCache;
  private readonly restingUntil = new Map<Upstream, number>();
  private readonly underWay = new Map<string, Promise<Buffer | undefined>>();

  constructor(private readonly options: ForwarderOptions) {
    this.cache = new AnswerCache(options.clock, options.maxEntries ?? 10_000);
  }

  get exists(): boolean {
    return this.options.upstreams.length > 0;
  }

  /** The answer's bytes, whose id is not the client's; undefined where nobody answers. `packet` is the client's query. */
  async ask(packet: Buffer, key: CachedKey, transport: 'udp' | 'tcp'): Promise<Buffer | undefined> {
    const kept = this.cache.get(key);
    if (kept) {
      this.options.observe?.('hit');
      return kept;
    }
    const text = `${textOf(key)} ${transport}`;
    const running = this.underWay.get(text);
    if (running) return running;
    if (this.underWay.size >= (this.options.maxInFlight ?? 1_000)) return undefined;
    const asked = this.askInTurn(packet, key, transport).then((answer) => {
      this.options.observe?.(answer ? 'answered' : 'failed');
      return answer;
    }).finally(() => this.underWay.delete(text));
    this.underWay.set(text, asked);
    return asked;
  }

  private async askInTurn(packet: Buffer, key: CachedKey, transport: 'udp' | 'tcp'): Promise<Buffer | undefined> {
    const { clock, random, logger, timeoutMs = 2_000 } = this.options;
    const query = Buffer.from(packet);
    query.writeUInt16BE(randomInt(random, 65_536), 0);
    for (const upstream of this.inOrder()) {
      const timeout = deadlineSignal(clock, timeoutMs, () => new Error(`no answer within ${timeoutMs} ms`));
      try {
        const answer = await this.options[transport](upstream, query, timeout.signal);
        this.restingUntil.delete(upstream);
        this.cache.set(key, answer);
        return answer;
      } catch (error) {
        this.restingUntil.set(upstream, clock.monotonic() + restMs);
        logger.debug('an upstream server did not answer', { server: upstream.host, error: toError(error).message });
      } finally {
        timeout.dispose();
      }
    }
    return undefined;
  }

  private inOrder(): readonly Upstream[] {
    const nowMs = this.options.clock.monotonic();
    const rests = (upstream: Upstream): boolean => (this.restingUntil.get(upstream) ?? 0) > nowMs;
    return [...this.options.upstreams.filter((each) => !rests(each)), ...this.options.upstreams.filter(rests)];
  }
}
