import type { PackageText } from './text';

/** Documentation of coordination.k8s.io/v1. */
export const coordination: PackageText = {
  Lease: ['A claim that someone holds for a time and renews, for leadership and heartbeats.'],
  LeaseSpec: ['Who holds a lease, and since when.', {
    holderIdentity: 'Who holds it; empty when nobody does.',
    leaseDurationSeconds: 'Seconds after renewTime when others may take it.',
    acquireTime: 'When its holder took it.',
    renewTime: 'When its holder last renewed it.',
    leaseTransitions: 'How often it has changed hands.',
    strategy: 'How its next holder is chosen among candidates.',
    preferredHolder: 'Who should take it next; needs strategy.',
  }],
};
