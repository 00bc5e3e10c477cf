import { judge } from '../../testing/judge';
import { runtimeClasses } from '../node/runtimeclasses';
import { priorityClasses, systemPriorityClasses } from './priorityclasses';

const metadata = { name: 'x' };

describe('priority classes', () => {
  const { create, defaulted, update, cells } = judge(priorityClasses);

  it('preempt unless they say otherwise', () => {
    expect(defaulted({ metadata })).toEqual({ metadata, preemptionPolicy: 'PreemptLowerPriority' });
    expect(create({ metadata, preemptionPolicy: 'Sometimes' })).toEqual(['preemptionPolicy: Unsupported value: "Sometimes": supported values: "PreemptLowerPriority", "Never"']);
  });

  it('of users are bounded', () => {
    expect(create({ metadata, value: 1_000_000_000 })).toEqual([]);
    expect(create({ metadata, value: 1_000_000_001 })).toEqual(['value: Forbidden: maximum allowed value of a user defined priority is 1000000000']);
  });

  it('of the system are what the system makes them', () => {
    for (const one of systemPriorityClasses) expect(create(one)).toEqual([]);
    const reserved = "metadata.name: Forbidden: priority class names with 'system-' prefix are reserved for system use only. error: ";
    expect(create({ metadata: { name: 'system-x' } })).toEqual([`${reserved}system-x is not a known system priority class`]);
    expect(create({ metadata: { name: 'system-node-critical' }, value: 5 })).toEqual([`${reserved}value of system-node-critical PriorityClass must be 2000001000`]);
    expect(create({ metadata: { name: 'system-node-critical' }, value: 2_000_001_000, globalDefault: true })).toEqual([`${reserved}globalDefault of system-node-critical PriorityClass must be false`]);
  });

  it('keep value and policy; description and default may change', () => {
    expect(update({ metadata, value: 2, preemptionPolicy: 'Never' }, { metadata, value: 1 })).toEqual([
      'value: Forbidden: may not be changed in an update.', 'preemptionPolicy: Invalid value: "Never": field is immutable',
    ]);
    expect(update({ metadata, value: 1, globalDefault: true, description: 'd' }, { metadata, value: 1 })).toEqual([]);
  });

  it('print value and default', () => {
    expect(cells({ metadata, value: 7, preemptionPolicy: 'Never' })).toEqual({ Name: 'x', Value: 7, 'Global-Default': false, Age: '<unknown>', PreemptionPolicy: 'Never' });
  });
});

describe('runtime classes', () => {
  const { create, update } = judge(runtimeClasses);

  it('name a handler, what it costs and where it is', () => {
    expect(create({ metadata, handler: 'Kata', overhead: { podFixed: { cpu: { string: '-1' } } }, scheduling: { tolerations: [{ operator: 'Equal' }] } })).toEqual([
      expect.stringContaining('handler: Invalid value: "Kata": a lowercase RFC 1123 label must'), 'overhead.limits[cpu]: Invalid value: "-1": must be greater than or equal to 0',
      'scheduling.tolerations[0].operator: Invalid value: "Equal": operator must be Exists when `key` is empty, which means "match all values and all keys"',
    ]);
  });

  it('keep their handler', () => {
    expect(update({ metadata, handler: 'b' }, { metadata, handler: 'a' })).toEqual(['handler: Invalid value: "b": field is immutable']);
    expect(update({ metadata, handler: 'a', overhead: { podFixed: { cpu: { string: '-1' } } } }, { metadata, handler: 'a' })).toEqual(['overhead.limits[cpu]: Invalid value: "-1": must be greater than or equal to 0']);
  });
});
