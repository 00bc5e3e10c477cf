import type { PackageText } from './text';

const quantityFields = {
  string: 'The number as text.',
};

/** Documentation of quantities. */
export const quantity: PackageText = {
  Quantity: ['A number with a unit prefix, such as 250m, 1.5Gi or 2e3.', quantityFields],
  QuantityValue: ['A quantity that is never empty.', quantityFields],
};
