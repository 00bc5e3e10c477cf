import type { ForwardOutcome } from './forward/forwarder';
import type { Rcode } from './message/query';
import type { Transport } from './resolver';

/** What this server has answered. Labels come from closed sets, so that no client can make it grow. */
export class DnsMetrics {
  private readonly answers = new Map<string, number>();
  private readonly forwards = new Map<ForwardOutcome, number>([['hit', 0], ['answered', 0], ['failed', 0]]);

  readonly answered = (rcode: Rcode | 'FORWARDED', transport: Transport): void => {
    const labels = `rcode="${rcode}",transport="${transport}"`;
    this.answers.set(labels, (this.answers.get(labels) ?? 0) + 1);
  };

  readonly forwarded = (outcome: ForwardOutcome): void => void this.forwards.set(outcome, (this.forwards.get(outcome) ?? 0) + 1);

  /** Prometheus' text format, version 0.0.4. */
  text(cachedAnswers: number): string {
    const of = (outcome: ForwardOutcome): number => this.forwards.get(outcome) ?? 0;
    return [
      ...family('navarch_dns_answers_total', 'counter', 'Answers by code and transport; FORWARDED has the code another server gave.', [...this.answers].map(([labels, count]) => `{${labels}} ${count}`)),
      ...family('navarch_dns_forwards_total', 'counter', 'Questions asked of other servers, by whether one answered.', [`{outcome="answered"} ${of('answered')}`, `{outcome="failed"} ${of('failed')}`]),
      ...family('navarch_dns_cache_hits_total', 'counter', 'Questions answered with what another server said before.', [` ${of('hit')}`]),
      ...family('navarch_dns_cached_answers', 'gauge', 'Answers of other servers that are kept.', [` ${cachedAnswers}`]),
      '',
    ].join('\n');
  }
}

function family(name: string, type: string, help: string, samples: readonly string[]): string[] {
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...samples.map((sample) => `${name}${sample}`)];
}
