import { configMaps, type Resource } from '@navarch/api';

import { startCore } from '../testing/harness';
import { RequestMetrics } from './metrics';

const maps = configMaps as unknown as Resource;
const target = { group: '', version: 'v1', resource: 'pods' };
const idle = { inFlight: { mutating: 0, readOnly: 0 }, longRunning: 0, objects: [] };
const lines = (text: string, start: string): string[] => text.split('\n').filter((line) => line.startsWith(start));

describe('metrics', () => {
  it('count requests by verb, kind and code, and their times in cumulative buckets', () => {
    const metrics = new RequestMetrics();
    for (const seconds of [0.0005, 0.02, 100]) metrics.record({ verb: 'get', target }, 200, seconds);
    metrics.record({ verb: 'watch', target }, 200, undefined);
    const text = metrics.text(idle);
    const labels = 'component="apiserver",group="",resource="pods",subresource="",verb="GET",version="v1"';
    expect(text).toContain(`apiserver_request_total{code="200",${labels}} 3\n`);
    expect(text).toContain('verb="WATCH",version="v1"} 1\n');
    expect(lines(text, 'apiserver_request_duration_seconds_bucket').map((line) => line.split(' ')[1])).toEqual(['1', '1', '1', '2', '2', '2', '2', '2', '2', '2', '2', '2', '2', '3']);
    expect(text).toContain(`apiserver_request_duration_seconds_count{${labels}} 3\n`);
  });

  it('of a core tell what was asked, refused, held and watched, and nothing a caller made up', async () => {
    const cluster = await startCore();
    try {
      await cluster.one({ verb: 'create', resource: maps, object: { metadata: { name: 'a', namespace: 'default' } } });
      await expect(cluster.one({ verb: 'get', resource: maps, name: 'absent' })).rejects.toMatchObject({ code: 404 });
      await expect(cluster.one({ verb: 'get', resource: maps, name: 'a', subresource: 'made"up' })).rejects.toMatchObject({ code: 404 });
      await expect(cluster.one({ verb: 'get', resource: { ...maps, plural: 'inventions' }, name: 'a' })).rejects.toMatchObject({ code: 404 });
      const watch = await cluster.watch(maps);
      const text = cluster.core.metricsText();
      expect(lines(text, 'apiserver_request_total').filter((line) => line.includes('resource="configmaps"')).map((line) => /code="(\d+)".*subresource="(\w*)",verb="(\w+)"/.exec(line)?.slice(1))).toEqual(
        expect.arrayContaining([['201', '', 'POST'], ['404', '', 'GET'], ['404', 'unknown', 'GET'], ['200', '', 'WATCH']]));
      expect(text).toContain('apiserver_resource_objects{resource="configmaps"} 1\n');
      expect(text).toContain('apiserver_longrunning_requests 1\n');
      expect(text).not.toMatch(/made|inventions/);
      await watch.stop();
      expect(cluster.core.metricsText()).toContain('apiserver_longrunning_requests 0\n');
    } finally {
      await cluster.stop();
    }
  });
});
