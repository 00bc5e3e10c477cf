import type { Clock } from '@navarch/base';
import { AlwaysOffSampler, AlwaysOnSampler, ParentBasedSampler, SamplingDecision, TraceIdRatioBasedSampler, type Sampler } from '@opentelemetry/sdk-trace-node';

/** Says which traces are recorded: `always`, `never`, `ratio:0.1` of them, or up to `rate:100` a second. */
export type SamplerSpec = string;

/**
 * The sampler for traces that begin in this process; the others follow their parent's decision, so that a trace is whole or
 * absent. Throws an Error that says what would be right.
 */
export function createSampler(spec: SamplerSpec, clock: Pick<Clock, 'monotonic'>): Sampler {
  return new ParentBasedSampler({ root: rootSampler(spec, clock) });
}

function rootSampler(spec: SamplerSpec, clock: Pick<Clock, 'monotonic'>): Sampler {
  if (spec === 'always') return new AlwaysOnSampler();
  if (spec === 'never') return new AlwaysOffSampler();
  const [, kind, text = ''] = /^(ratio|rate):(\d+(?:\.\d+)?)$/.exec(spec) ?? [];
  const amount = Number(text);
  if (kind === 'ratio' && amount <= 1) return new TraceIdRatioBasedSampler(amount);
  if (kind === 'rate' && amount > 0) return rateSampler(amount, clock);
  throw new Error(`"${spec}" is not a sampling rule: give always, never, ratio:0.1 or rate:100 (traces a second)`);
}

/**
 * A token bucket of one second's worth. At the pace of people and of real nodes every trace is recorded; under a flood,
 * where recording would cost throughput, a steady sample is.
 */
function rateSampler(perSecond: number, clock: Pick<Clock, 'monotonic'>): Sampler {
  const capacity = Math.max(1, perSecond);
  let tokens = capacity;
  let lastMs = clock.monotonic();
  return {
    shouldSample: () => {
      const nowMs = clock.monotonic();
      tokens = Math.min(capacity, tokens + ((nowMs - lastMs) / 1000) * perSecond);
      lastMs = nowMs;
      if (tokens < 1) return { decision: SamplingDecision.NOT_RECORD };
      tokens -= 1;
      return { decision: SamplingDecision.RECORD_AND_SAMPLED };
    },
    toString: () => `RateSampler{${perSecond}/s}`,
  };
}
