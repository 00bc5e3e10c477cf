import { duplicates, repeats } from './repeats';

it('marks each value that stood in the list before', () => {
  expect(repeats(['a', 'b', 'a', '', 'a', ''])).toEqual([false, false, true, false, true, true]);
  expect(duplicates('x', ['a', '__proto__', 'a', '__proto__'])).toEqual([
    { type: 'Duplicate', field: 'x[2]', message: 'Duplicate value: "a"' }, { type: 'Duplicate', field: 'x[3]', message: 'Duplicate value: "__proto__"' },
  ]);
});
