import { ROOT_CONTEXT, trace } from '@opentelemetry/api';

import { contextUnder, linksTo, spanContextOf } from './trace';

const good = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

describe('trace headers', () => {
  it('a traceparent is read as a remote span context', () => {
    const expected = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', traceFlags: 1, isRemote: true };
    expect(spanContextOf(good)).toEqual(expected);
    expect(trace.getSpanContext(contextUnder(good))).toEqual(expected);
    expect(linksTo([good, undefined, good, 'junk'])).toEqual([{ context: expected }]);
  });

  it.each([undefined, '', 'junk', good.slice(0, -1), `00-${'0'.repeat(32)}-b7ad6b7169203331-01`, `00-0af7651916cd43dd8448eb211c80319c-${'0'.repeat(16)}-01`, `${good}0`])('%s is no context', (header) => {
    expect(spanContextOf(header)).toBeUndefined();
    expect(contextUnder(header)).toBe(ROOT_CONTEXT);
  });
});
