import type { JsonObject } from '@navarch/api';

import { lastAppliedAnnotation, planApply, withLastApplied } from './plan-apply';

const pod = (spec: JsonObject, labels?: JsonObject): JsonObject => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web', ...(labels && { labels }) }, spec });

/** As a server would keep it: with defaults and status. */
const stored = (manifest: JsonObject): JsonObject => {
  const object = structuredClone(withLastApplied(manifest));
  return { ...object, spec: { ...(object.spec as JsonObject), restartPolicy: 'Always' }, status: { phase: 'Running' } };
};

describe('apply', () => {
  it('sends nothing where the object already says what the manifest says', () => {
    const manifest = pod({ containers: [{ name: 'a', image: 'x' }] });
    const live = stored(manifest);
    (live.spec as { containers: JsonObject[] }).containers = [{ name: 'a', image: 'x', imagePullPolicy: 'IfNotPresent' }];
    expect(planApply(manifest, live)).toBeUndefined();
  });

  it('sends only what differs, with the new manifest as annotation', () => {
    const manifest = pod({ nodeName: 'node-2' });
    const patch = planApply(manifest, stored(pod({ nodeName: 'node-1' })));
    expect(patch).toEqual({ spec: { nodeName: 'node-2' }, metadata: { annotations: { [lastAppliedAnnotation]: JSON.stringify(manifest) } } });
  });

  it('removes what an earlier apply set and this manifest no longer has, and leaves what others set', () => {
    const live = stored(pod({}, { mine: '1', gone: '1' }));
    const metadata = live.metadata as { labels: JsonObject };
    metadata.labels.theirs = '1';
    expect(planApply(pod({}, { mine: '1' }), live)?.metadata).toMatchObject({ labels: { gone: null } });
    expect(planApply(pod({}), live)).toMatchObject({ metadata: { labels: null } });
  });

  it('removes a field of a list item that an earlier apply set', () => {
    const live = stored(pod({ containers: [{ name: 'a', tty: true }] }));
    expect(planApply(pod({ containers: [{ name: 'a' }] }), live)).toMatchObject({ spec: { containers: [{ name: 'a' }] } });
  });

  it('puts back what somebody else changed', () => {
    const manifest = pod({ schedulerName: 'mine' });
    const live = stored(manifest);
    (live.spec as JsonObject).schedulerName = 'other';
    expect(planApply(manifest, live)?.spec).toEqual({ schedulerName: 'mine' });
  });

  it('updates an object that was made in another way, and one whose annotation is damaged', () => {
    const live = { ...pod({ nodeName: 'a' }), metadata: { name: 'web', annotations: { [lastAppliedAnnotation]: '{' } } };
    expect(planApply(pod({ nodeName: 'b' }), live)?.spec).toEqual({ nodeName: 'b' });
  });

  it('keeps the annotation out of itself', () => {
    const once = withLastApplied(pod({}));
    const twice = withLastApplied(once);
    const annotations = (twice.metadata as { annotations: Record<string, string> }).annotations;
    expect(Object.keys(annotations)).toEqual([lastAppliedAnnotation]);
  });
});
