import { fieldErrorsToApiError } from './field-errors';
import { forbidden, invalid, required } from './validation/field-error';

describe('an Invalid error', () => {
  it('names one failure without brackets', () => {
    const error = fieldErrorsToApiError({ group: '', kind: 'Pod' }, 'x', [required('spec.containers')]);
    expect(error.message).toBe('Pod "x" is invalid: spec.containers: Required value');
    expect(error.code).toBe(422);
  });

  it('lists every cause with its reason and field, and the group beside the kind', () => {
    const error = fieldErrorsToApiError({ group: 'coordination.k8s.io', kind: 'Lease' }, 'x', [invalid('spec.a', 0, 'must be greater than 0'), forbidden('spec.b', 'no')]);
    expect(error.message).toBe('Lease.coordination.k8s.io "x" is invalid: [spec.a: Invalid value: 0: must be greater than 0, spec.b: Forbidden: no]');
    expect(error.details.causes).toEqual([
      { reason: 'FieldValueInvalid', field: 'spec.a', message: 'Invalid value: 0: must be greater than 0' },
      { reason: 'FieldValueForbidden', field: 'spec.b', message: 'Forbidden: no' },
    ]);
  });
});
