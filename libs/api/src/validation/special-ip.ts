import { parse } from 'ipaddr.js';

import type { FieldError } from '../resource';
import { invalid, invalidEach } from './field-error';
import { ip } from './ip';

const reasons: Readonly<Record<string, string>> = {
  unspecified: 'may not be unspecified (0.0.0.0 or ::)',
  loopback: 'may not be in the loopback range (127.0.0.0/8, ::1/128)',
  linkLocal: 'may not be in the link-local range (169.254.0.0/16, fe80::/10)',
};

/** An address at which somebody else can be reached. */
export function nonSpecialIp(field: string, address: string): FieldError[] {
  const complaints = ip(address);
  if (complaints.length > 0) return invalidEach(field, address, complaints);
  const parsed = parse(address);
  const bytes = parsed.toByteArray();
  const linkLocalMulticast = parsed.kind() === 'ipv4' ? bytes[0] === 224 && bytes[1] === 0 && bytes[2] === 0 : bytes[0] === 0xff && ((bytes[1] ?? 0) & 0x0f) === 2;
  const reason = linkLocalMulticast ? 'may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)' : reasons[parsed.range()];
  return reason === undefined ? [] : [invalid(field, address, reason)];
}
