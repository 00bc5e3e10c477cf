import type { CertificateSigningRequest, CertificateSigningRequestCondition } from '@navarch/proto/k8s/io/api/certificates/v1/certificates';

import { deepEqual } from '../deep-equal';
import type { FieldError } from '../resource';
import { duplicate, forbidden, invalid, invalidEach, notSupported, required, tooLong } from './field-error';
import { dnsSubdomain } from './names';
import { duplicates } from './repeats';

const usageNames = [
  'any', 'cert sign', 'client auth', 'code signing', 'content commitment', 'crl sign', 'data encipherment', 'decipher only', 'digital signature', 'email protection', 'encipher only',
  'ipsec end system', 'ipsec tunnel', 'ipsec user', 'key agreement', 'key encipherment', 'microsoft sgc', 'netscape sgc', 'ocsp signing', 's/mime', 'server auth', 'signing', 'timestamping',
];
const legacySigner = 'kubernetes.io/legacy-unknown';
const leastSeconds = 600;
const maxSignerName = 571;
/** Decisions, which are final and only ever true. */
const finalTypes = ['Approved', 'Denied', 'Failed'];
const decisionTypes = ['Approved', 'Denied'];
const derSequence = 0x30;

export function validateRequestSpec({ spec = {} }: CertificateSigningRequest): FieldError[] {
  const { request, usages = [], signerName = '', expirationSeconds } = spec;
  return [
    ...validateRequest(request, 'spec.request'),
    ...(usages.length === 0 ? [required('spec.usages')] : []),
    ...usages.flatMap((usage, index) => (usageNames.includes(usage) ? [] : [notSupported(`spec.usages[${index}]`, usage, usageNames)])), ...duplicates('spec.usages', usages),
    ...validateSigner(signerName, 'spec.signerName'),
    ...(expirationSeconds !== undefined && expirationSeconds < leastSeconds ? [invalid('spec.expirationSeconds', expirationSeconds, 'may not specify a duration less than 600 seconds (10 minutes)')] : []),
  ];
}

interface PemBlock {
  readonly type: string;
  readonly der: Buffer;
}

function pemBlocks(bytes: Uint8Array): PemBlock[] {
  const text = Buffer.from(bytes).toString('latin1');
  return [...text.matchAll(/-----BEGIN ([^-\r\n]+)-----([A-Za-z0-9+/=\s]*)-----END \1-----/g)].map(([, type = '', body = '']) => ({ type, der: Buffer.from(body, 'base64') }));
}

/** One DER sequence that fills the block: what is inside, and its signature, the signer judges. */
function isSequence(der: Buffer): boolean {
  const [tag, first = 0] = der;
  if (tag !== derSequence) return false;
  const lengthBytes = first < 0x80 ? 0 : first & 0x7f;
  if (lengthBytes > 4 || der.length < 2 + lengthBytes) return false;
  const length = lengthBytes === 0 ? first : der.readUIntBE(2, lengthBytes);
  return length > 0 && der.length === 2 + lengthBytes + length;
}

function validateRequest(request: Uint8Array | undefined, field: string): FieldError[] {
  const [block] = pemBlocks(request ?? new Uint8Array());
  const printed = Buffer.from(request ?? []).toString('base64');
  if (block?.type !== 'CERTIFICATE REQUEST') return [invalid(field, printed, 'PEM block type must be CERTIFICATE REQUEST')];
  return isSequence(block.der) ? [] : [invalid(field, printed, 'asn1: structure error: must be a PKCS#10 certificate request')];
}

/** A domain and a path: kubernetes.io/kube-apiserver-client. */
function validateSigner(name: string, field: string): FieldError[] {
  if (name === '') return [required(field)];
  if (name === legacySigner) return [invalid(field, name, 'the legacy signerName is not allowed via this API version')];
  const parts = name.split('/');
  if (parts.length !== 2) return [invalid(field, name, "must be a fully qualified domain and path of the form 'example.com/signer-name'")];
  const [domain = '', path = ''] = parts;
  return [
    ...invalidEach(field, domain, dnsSubdomain(domain)),
    ...(domain.split('.').length < 2 ? [invalid(field, domain, 'should be a domain with at least two segments separated by dots')] : []),
    ...path.split('.').flatMap((part) => (part === '' ? [invalid(field, path, 'must not have empty parts')] : [])),
    ...invalidEach(field, path, dnsSubdomain(path).filter((complaint) => !complaint.startsWith('must be no more than'))),
    ...(name.length > maxSignerName ? [tooLong(field, maxSignerName)] : []),
  ];
}

export function validateRequestConditions({ status }: CertificateSigningRequest): FieldError[] {
  const conditions = status?.conditions ?? [];
  const field = 'status.conditions';
  const seen = new Set<string>();
  return conditions.flatMap(({ type = '', status: value = '' }, index) => {
    const at = `${field}[${index}]`;
    const allowed = finalTypes.includes(type) ? ['True'] : ['False', 'True', 'Unknown'];
    const errors = [
      ...(type === '' ? [required(`${at}.type`)] : []),
      ...(value === '' ? [required(`${at}.status`)] : allowed.includes(value) ? [] : [notSupported(`${at}.status`, value, allowed)]),
      ...(decisionTypes.includes(type) && decisionTypes.some((other) => other !== type && seen.has(other)) ? [invalid(`${at}.type`, type, 'Approved and Denied conditions are mutually exclusive')] : []),
      ...(seen.has(type) ? [duplicate(`${at}.type`, type)] : []),
    ];
    seen.add(type);
    return errors;
  });
}

function conditionsOf({ status }: CertificateSigningRequest, type: string): readonly CertificateSigningRequestCondition[] {
  return (status?.conditions ?? []).filter((condition) => condition.type === type);
}

/** What no door lets go: decisions once made. */
export function validateKeptDecisions(next: CertificateSigningRequest, previous: CertificateSigningRequest): FieldError[] {
  return finalTypes.filter((type) => conditionsOf(next, type).length < conditionsOf(previous, type).length)
    .map((type) => forbidden('status.conditions', `updates may not remove a condition of type "${type}"`));
}

/** The status door's rules: who decides goes through approval, and a certificate is issued once. */
export function validateIssued(next: CertificateSigningRequest, previous: CertificateSigningRequest): FieldError[] {
  const errors = decisionTypes.flatMap((type) => {
    const [after, before] = [conditionsOf(next, type), conditionsOf(previous, type)];
    if (after.length > before.length) return [forbidden('status.conditions', `updates may not add a condition of type "${type}"`)];
    return after.length === before.length && !deepEqual(after, before) ? [forbidden('status.conditions', `updates may not modify a condition of type "${type}"`)] : [];
  });
  const certificate = next.status?.certificate;
  if (deepEqual(certificate, previous.status?.certificate)) return errors;
  if (previous.status?.certificate?.length) return [...errors, forbidden('status.certificate', 'updates may not modify existing certificate content')];
  return [...errors, ...validateCertificate(certificate ?? Buffer.alloc(0), 'status.certificate')];
}

function validateCertificate(pem: Uint8Array, field: string): FieldError[] {
  const blocks = pemBlocks(pem);
  const other = blocks.find(({ type }) => type !== 'CERTIFICATE');
  const complaint = other ? `only CERTIFICATE PEM blocks are allowed, found "${other.type}"`
    : blocks.length === 0 ? 'must contain at least one CERTIFICATE PEM block'
      : blocks.some(({ der }) => !isSequence(der)) ? 'asn1: structure error: must be certificates' : undefined;
  return complaint === undefined ? [] : [invalid(field, '<certificate data>', complaint)];
}
