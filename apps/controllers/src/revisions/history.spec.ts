import fc from 'fast-check';

import { kindMergeSchema, statefulSets, strategicMerge, type JsonObject } from '@navarch/api';
import type { ControllerRevision } from '@navarch/proto/k8s/io/api/apps/v1/apps';

import { compareConfig, configRecordAnnotation, type ConfigState } from '../workload/config-use';
import { inOrder, planHistory, planTruncation, safeHash } from './history';
import { keepsPatch, templateOf, templatePatch } from './template-patch';

const template = (image: string) => ({ metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'main', image }] } });
const configOf = (hash: string): ConfigState => new Map([['configmap/app', hash]]);
const revision = (name: string, number: number, image: string, config?: string): ControllerRevision => ({
  metadata: { namespace: 'default', name, ...(config !== undefined && { annotations: { [configRecordAnnotation]: compareConfig(undefined, configOf(config)).record } }) },
  data: { raw: Buffer.from(templatePatch(template(image))) }, revision: number,
});
const names = (revisions: readonly ControllerRevision[]) => revisions.map(({ metadata }) => metadata?.name);

describe('what a revision keeps', () => {
  it('is the patch that kubectl rollout undo applies: members sorted, the template to be replaced whole', () => {
    expect(Buffer.from(templatePatch(template('a'))).toString()).toMatch(/^\{"spec":\{"template":\{"\$patch":"replace","metadata":\{.*"labels":\{"app":"web"\}.*\},"spec":\{"containers":\[\{"image":"a","name":"main".*\}\].*\}\}\}\}$/);
  });

  it('puts its template in place of whatever is there, when kubectl rollout undo sends it as a strategic merge patch', () => {
    const present = { spec: { replicas: 2, template: { metadata: { labels: { app: 'web' }, annotations: { added: 'later' } }, spec: { containers: [{ name: 'main', image: 'b' }, { name: 'sidecar', image: 's' }] } } } };
    const patch = JSON.parse(Buffer.from(templatePatch(template('a'))).toString()) as JsonObject;
    const undone = statefulSets.codec.fromJson(strategicMerge(present, patch, statefulSets.codec.message, kindMergeSchema()));
    expect(undone.spec?.replicas).toBe(2);
    expect(undone.spec?.template).toMatchObject(template('a'));
    expect(undone.spec?.template?.spec?.containers).toHaveLength(1);
    expect(undone.spec?.template?.metadata?.annotations).toBeUndefined();
  });

  it('escapes what Go escapes, so that kubectl sees equal bytes', () => {
    const patch = Buffer.from(templatePatch(template('a<b>&\u2028'))).toString();
    expect(patch).toContain('"a\\u003cb\\u003e\\u0026\\u2028"');
    expect(templateOf({ data: { raw: Buffer.from(patch) } }).spec?.containers?.[0]?.image).toBe('a<b>&\u2028');
  });

  it('gives the template back, and equals itself however its members are arranged', () => {
    const patch = templatePatch(template('a'));
    expect(templateOf({ data: { raw: Buffer.from(patch) } })).toMatchObject(template('a'));
    const { template: kept } = (JSON.parse(Buffer.from(patch).toString()) as { spec: { template: Record<string, unknown> } }).spec;
    const turned = JSON.stringify({ spec: { template: Object.fromEntries(Object.entries(kept).reverse()) } });
    expect(turned).not.toBe(Buffer.from(patch).toString());
    expect(keepsPatch({ data: { raw: Buffer.from(turned) } }, patch)).toBe(true);
  });

  it.each(['', 'not json', 'null', '{}'])('data of somebody else (%j) is no template and equals none', (raw) => {
    expect(keepsPatch({ data: { raw: Buffer.from(raw) } }, templatePatch(template('a')))).toBe(false);
    expect(() => templateOf({ metadata: { name: 'x' }, data: { raw: Buffer.from(raw) } })).toThrow();
  });
});

describe('the history of a template', () => {
  const wanted = (image: string, config?: string) => ({ patch: templatePatch(template(image)), ...(config !== undefined && { config: configOf(config) }) });

  it('begins with revision 1 and gives each new state the next number', () => {
    expect(planHistory([], wanted('a'))).toEqual({ action: 'create', number: 1, changed: [] });
    expect(planHistory([revision('r1', 1, 'a'), revision('r2', 7, 'b')], wanted('c'))).toEqual({ action: 'create', number: 8, changed: [] });
  });

  it('stays as it is while the latest revision keeps what is wanted', () => {
    const latest = revision('r2', 2, 'b');
    expect(planHistory([latest, revision('r1', 1, 'a')], wanted('b'))).toEqual({ action: 'keep', revision: latest, changed: [] });
  });

  it('makes an earlier state the latest again when it comes back, as after a rollback', () => {
    const earlier = revision('r1', 1, 'a');
    expect(planHistory([earlier, revision('r2', 2, 'b')], wanted('a'))).toEqual({ action: 'renumber', revision: earlier, number: 3, changed: [] });
  });

  it('knows the same template with another configuration as another state, where configuration counts', () => {
    const present = [revision('r1', 1, 'a', 'x'), revision('r2', 2, 'a', 'y')];
    expect(planHistory(present, wanted('a', 'z'))).toMatchObject({ action: 'create', number: 3, changed: ['configmap/app'], until: present[1], record: '{"configmap/app":"z"}' });
    expect(planHistory(present, wanted('a', 'x'))).toMatchObject({ action: 'renumber', revision: present[0], number: 3, changed: ['configmap/app'], until: present[1] });
    expect(planHistory(present, wanted('a', 'y'))).toMatchObject({ action: 'keep', revision: present[1], changed: [] });
    expect(planHistory(present, wanted('a'))).toEqual({ action: 'keep', revision: present[1], changed: [] });
  });

  it('another template needs no time to settle, whatever the configuration', () => {
    const plan = planHistory([revision('r1', 1, 'a', 'x')], wanted('b', 'y'));
    expect(plan).toEqual({ action: 'create', number: 2, changed: [], record: '{"configmap/app":"y"}' });
  });

  it('a revision without a record takes the present configuration as its own', () => {
    const latest = revision('r1', 1, 'a');
    expect(planHistory([latest], wanted('a', 'x'))).toEqual({ action: 'keep', revision: latest, changed: [], record: '{"configmap/app":"x"}' });
  });

  it('keeps templates one can go back to before it keeps configurations', () => {
    const revisions = [revision('r1', 1, 'a', 'x'), revision('r2', 2, 'b', 'x'), revision('r3', 3, 'b', 'y'), revision('r4', 4, 'c', 'y')];
    expect(names(planTruncation(revisions, ({ metadata }) => metadata?.name === 'r4', 2))).toEqual(['r2']);
  });

  it('drops the oldest beyond the limit, and never one in use', () => {
    const revisions = [3, 1, 4, 2, 5].map((number) => revision(`r${number}`, number, `i${number}`));
    const inUse = ({ metadata }: ControllerRevision) => metadata?.name === 'r1' || metadata?.name === 'r5';
    expect(names(planTruncation(revisions, inUse, 1))).toEqual(['r2', 'r3']);
    expect(names(planTruncation(revisions, inUse, 0))).toEqual(['r2', 'r3', 'r4']);
    expect(planTruncation(revisions, inUse, 10)).toEqual([]);
  });

  it('ends, whatever states follow each other: numbers only grow, equal states share one revision, the limit holds', () => {
    fc.assert(fc.property(fc.array(fc.constantFrom('a', 'b', 'c', 'd', 'e'), { maxLength: 30 }), fc.nat(3), (states, limit) => {
      let history: ControllerRevision[] = [];
      for (const state of states) {
        const before = Math.max(0, ...history.map((one) => one.revision ?? 0));
        const plan = planHistory(history, wanted(state));
        if (plan.action === 'create') history.push(revision(`${state}-${plan.number}`, plan.number, state));
        if (plan.action === 'renumber') history = history.map((one) => (one === plan.revision ? { ...one, revision: plan.number } : one));
        const latest = inOrder(history).at(-1);
        expect(latest && templateOf(latest).spec?.containers?.[0]?.image).toBe(state);
        expect(latest?.revision).toBeGreaterThanOrEqual(before);
        expect(planHistory(history, wanted(state)).action).toBe('keep');
        const dropped = planTruncation(history, (one) => one === latest, limit);
        history = history.filter((one) => !dropped.includes(one));
        expect(history.length).toBeLessThanOrEqual(limit + 1);
      }
    }));
  });

  it('hashes are short, spell no words and tell parts apart', () => {
    expect(safeHash('ab', 'c')).toMatch(/^[bcdfghjklmnpqrstvwxz2456789]{1,10}$/);
    expect(safeHash('ab', 'c')).not.toBe(safeHash('a', 'bc'));
    expect(safeHash('x', 0)).not.toBe(safeHash('x', 1));
  });
});
