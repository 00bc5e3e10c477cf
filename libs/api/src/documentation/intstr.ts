import type { PackageText } from './text';

/** Documentation of the numbers that may be texts. */
export const intstr: PackageText = {
  IntOrString: ['A whole number, or a text such as a percentage or the name of a port.', {
    type: 'Which of the two it is: 0 for a number, 1 for a text.',
    intVal: 'The number, if it is one.',
    strVal: 'The text, if it is one.',
  }],
};
