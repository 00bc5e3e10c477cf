import type { JsonValue } from '@navarch/api';
import { ApiError } from '@navarch/base';
import type { ApiClient } from '@navarch/client';

import { apiMetrics, type MetricsSource } from './metrics-source';

const nobody = (): never => { throw new ApiError('NotFound', 'the server could not find the requested resource'); };

function source(answer: (path: string) => JsonValue): { readonly metrics: MetricsSource; readonly asked: string[] } {
  const asked: string[] = [];
  const getForeign = (path: string): Promise<JsonValue> => {
    asked.push(path);
    return Promise.resolve().then(() => answer(path));
  };
  return { metrics: apiMetrics({ getForeign } as ApiClient), asked };
}

const value = (name: string, amount: string): JsonValue => ({ describedObject: { kind: 'Pod', name }, timestamp: '2026-01-01T00:00:00Z', windowSeconds: 30, value: amount });

describe('metrics from other servers', () => {
  it('of pods: one figure for each selected pod, by the selectors of pods and of the metric', async () => {
    const { metrics, asked } = source(() => ({ kind: 'MetricValueList', items: [value('web-1', '1500m'), value('web-2', '2k')] }));
    const found = await metrics.pods('shop', 'app=web', { name: 'requests', selector: { matchLabels: { verb: 'GET' }, matchExpressions: [{ key: 'code', operator: 'NotIn', values: ['404', '500'] }] } });
    expect([...found]).toEqual([['web-1', { milli: 1_500, atMs: Date.UTC(2026, 0, 1), windowMs: 30_000 }], ['web-2', { milli: 2_000_000, atMs: Date.UTC(2026, 0, 1), windowMs: 30_000 }]]);
    const [path = '', query = ''] = (asked[0] ?? '').split('?');
    expect(path).toBe('/apis/custom.metrics.k8s.io/v1beta2/namespaces/shop/pods/*/requests');
    expect(Object.fromEntries(new URLSearchParams(query))).toEqual({ labelSelector: 'app=web', metricLabelSelector: 'verb=GET,code notin (404,500)' });
  });

  it('of pods: an older version is asked where the newer is not served', async () => {
    const { metrics, asked } = source((path) => (path.includes('v1beta2') ? nobody() : { items: [value('web-1', '3')] }));
    expect((await metrics.pods('shop', 'app=web', { name: 'requests' })).get('web-1')?.milli).toBe(3_000);
    expect(asked.map((path) => path.split('/')[3])).toEqual(['v1beta2', 'v1beta1']);
  });

  it.each([
    [{ kind: 'Service', name: 'main', apiVersion: 'v1' }, 'namespaces/shop/services/main/hits'],
    [{ kind: 'Ingress', name: 'main', apiVersion: 'networking.k8s.io/v1' }, 'namespaces/shop/ingresses.networking.k8s.io/main/hits'],
    [{ kind: 'Namespace', name: 'shop', apiVersion: 'v1' }, 'namespaces/shop/metrics/hits'],
  ])('of an object: %j', async (object, path) => {
    const { metrics, asked } = source(() => ({ items: [value('main', '10')] }));
    expect(await metrics.object('shop', object, { name: 'hits' })).toBe(10_000);
    expect(asked).toEqual([`/apis/custom.metrics.k8s.io/v1beta2/${path}`]);
  });

  it('from outside of the cluster: every figure of the name that its labels select', async () => {
    const { metrics, asked } = source(() => ({ items: [{ metricName: 'queue', value: '3' }, { metricName: 'queue', value: '4' }] }));
    expect(await metrics.external('shop', { name: 'queue', selector: { matchLabels: { name: 'orders' } } })).toEqual([3_000, 4_000]);
    expect(asked).toEqual(['/apis/external.metrics.k8s.io/v1beta1/namespaces/shop/queue?labelSelector=name%3Dorders']);
  });

  it.each<[string, () => JsonValue, string]>([
    ['nobody serves them', nobody, 'no custom metrics API (custom.metrics.k8s.io) registered'],
    ['their server is down', () => { throw new ApiError('Unavailable', 'service unavailable: no endpoints'); }, 'custom metrics API: service unavailable: no endpoints'],
    ['their server has no such figure', () => ({ items: [] }), 'no metrics returned from custom metrics API'],
  ])('are missed in words that say why: %s', async (_case, answer, message) => {
    await expect(source(answer).metrics.pods('shop', 'app=web', { name: 'requests' })).rejects.toThrow(message);
  });
});
