import type { Witness } from '../witness';
import type { Change, World } from '../world';

export interface Truth {
  readonly world: World;
  readonly witness: Witness;
}

/** Something that must hold after every write: answers what is wrong, in words; undefined while all is well. Made anew for each run. */
export type Invariant = (change: Change, truth: Truth) => string | undefined;

export const nameOf = ({ metadata }: { readonly metadata?: { readonly namespace?: string; readonly name?: string } | undefined }): string => `${metadata?.namespace ?? ''}/${metadata?.name ?? ''}`;
