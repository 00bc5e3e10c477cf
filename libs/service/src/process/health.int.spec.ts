import { hasReason } from '@navarch/base';
import { HealthCheckResponse_ServingStatus as ServingStatus, HealthService } from '@navarch/proto/grpc/health/v1/health';

import { createTestBed, failureOf, type TestBed } from '../grpc/test-support';
import { createHealth } from './health';
import { serveHealthEndpoint } from './health-endpoint';
import { metricsPage } from './metrics-page';

let bed: TestBed;
beforeEach(async () => {
  bed = await createTestBed();
});
afterEach(() => bed.close());

describe('health', () => {
  it('over gRPC begins as not serving, follows what the process says, and knows no other service', async () => {
    const health = createHealth();
    const channel = bed.connect(await bed.serve({ services: [health.methods] }));
    expect((await channel.unary(HealthService.check, {})).status).toBe(ServingStatus.NOT_SERVING);
    health.set('', true);
    expect((await channel.unary(HealthService.check, {})).status).toBe(ServingStatus.SERVING);
    expect(hasReason(await failureOf(channel.unary(HealthService.check, { service: 'absent' })), 'NotFound')).toBe(true);
  });

  it('watched over gRPC tells each change once', async () => {
    const health = createHealth();
    const channel = bed.connect(await bed.serve({ services: [health.methods] }));
    const watch = channel.serverStream(HealthService.watch, { service: 'navarch.core.v1.PodService' });
    const next = async (): Promise<ServingStatus | undefined> => ((await watch.next()).value as { status?: ServingStatus } | undefined)?.status;
    expect(await next()).toBe(ServingStatus.SERVICE_UNKNOWN);
    health.set('navarch.core.v1.PodService', true);
    expect(await next()).toBe(ServingStatus.SERVING);
    health.set('navarch.core.v1.PodService', true);
    health.set('navarch.core.v1.PodService', false);
    expect(await next()).toBe(ServingStatus.NOT_SERVING);
    await watch.return();
  });

  it('over HTTP tells liveness and readiness apart, and nothing else', async () => {
    const health = createHealth();
    const endpoint = await serveHealthEndpoint('127.0.0.1:0', health);
    const ask = async (path: string): Promise<number> => (await fetch(`http://${endpoint.address}${path}`)).status;
    expect([await ask('/livez'), await ask('/healthz'), await ask('/readyz'), await ask('/')]).toEqual([200, 200, 503, 404]);
    health.set('', true);
    expect(await ask('/readyz?verbose')).toBe(200);
    expect(await ask('/metrics')).toBe(404);
    await endpoint.close();
  });

  it('over HTTP tells the process’s metrics where it has any', async () => {
    const endpoint = await serveHealthEndpoint('127.0.0.1:0', createHealth(), () => 'up 1\n');
    const answer = await fetch(`http://${endpoint.address}/metrics`);
    expect([answer.status, answer.headers.get('content-type'), await answer.text()]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8', 'up 1\n']);
    await endpoint.close();
  });

  it('over HTTP tells metrics in OpenMetrics, where exemplars are allowed, to a scraper that asks for it', async () => {
    const endpoint = await serveHealthEndpoint('127.0.0.1:0', createHealth(), (format) => metricsPage(['# TYPE a_total counter\na_total 1\n'], format));
    const ask = async (accept: string): Promise<string[]> => {
      const answer = await fetch(`http://${endpoint.address}/metrics`, { headers: { accept } });
      return [answer.headers.get('content-type') ?? '', await answer.text()];
    };
    expect(await ask('application/openmetrics-text;version=1.0.0,text/plain;q=0.5')).toEqual(['application/openmetrics-text; version=1.0.0; charset=utf-8', '# TYPE a counter\na_total 1\n# EOF\n']);
    expect(await ask('*/*')).toEqual(['text/plain; version=0.0.4; charset=utf-8', '# TYPE a_total counter\na_total 1\n']);
    await endpoint.close();
  });
});
