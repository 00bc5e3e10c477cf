/** Formats that Kubernetes asks of names, labels and keys. Each checker answers Kubernetes' complaints; none when valid. */

const label = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const label1123 = new RegExp(`^${label}$`);
const subdomain1123 = new RegExp(`^${label}(\\.${label})*$`);
const label1035 = /^[a-z]([-a-z0-9]*[a-z0-9])?$/;
const qualifiedNamePart = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;
const labelValuePattern = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/;

const tooLongBytes = (limit: number): string => `must be no more than ${limit} bytes`;

const labelText = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character"
  + " (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const subdomainText = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character"
  + " (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const label1035Text = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character"
  + " (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";
const namePartText = "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"
  + " (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const labelValueText = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"
  + " (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

function check(value: string, pattern: RegExp, text: string, limit: number, long = tooLongBytes): string[] {
  return [...(value.length > limit ? [long(limit)] : []), ...(pattern.test(value) ? [] : [text])];
}

/** RFC 1123 label: at most 63 characters. */
export const dnsLabel = (value: string): string[] => check(value, label1123, labelText, 63);

/** RFC 1123 subdomain: at most 253 characters. */
export const dnsSubdomain = (value: string): string[] => check(value, subdomain1123, subdomainText, 253);

export const dns1035Label = (value: string): string[] => check(value, label1035, label1035Text, 63);

/** [prefix/]name, as keys of labels, annotations, taints and resources are. */
export function qualifiedName(value: string): string[] {
  const parts = value.split('/');
  if (parts.length > 2) return [`a qualified name must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character`
    + " (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]') with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"];
  const name = parts.at(-1) ?? '';
  const errors: string[] = [];
  if (parts.length === 2) {
    const prefix = parts[0] ?? '';
    errors.push(...(prefix === '' ? ['prefix part must be non-empty'] : dnsSubdomain(prefix).map((message) => `prefix part ${message}`)));
  }
  if (name === '') errors.push('name part must be non-empty');
  else if (name.length > 63) errors.push(`name part ${tooLongBytes(63)}`);
  if (!qualifiedNamePart.test(name)) errors.push(namePartText);
  return errors;
}

export const labelValue = (value: string): string[] => check(value, labelValuePattern, labelValueText, 63);

/** Keys of config maps and secrets, which become file names. */
export function configMapKey(value: string): string[] {
  const errors = check(value, /^[-._a-zA-Z0-9]+$/, "a valid config key must consist of alphanumeric characters, '-', '_' or '.'"
    + " (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')", 253);
  if (value === '.') errors.push("must not be '.'");
  else if (value === '..') errors.push("must not be '..'");
  else if (value.startsWith('..')) errors.push("must not start with '..'");
  return errors;
}

/** Names of environment variables: any printable ASCII but "=" (KEP-4369). */
export function envVarName(value: string): string[] {
  return /^[ -<>-~]+$/.test(value) ? [] : ["a valid environment variable name must consist only of printable ASCII characters other than '='"];
}

/** IANA service names: ports. */
export function portName(value: string): string[] {
  const errors: string[] = [];
  if (value.length > 15) errors.push('must be no more than 15 characters');
  if (!/^[-a-z0-9]+$/.test(value)) errors.push("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)");
  if (!/[a-z]/.test(value)) errors.push('must contain at least one letter (a-z)');
  if (value.includes('--')) errors.push('must not contain consecutive hyphens');
  if (value.startsWith('-') || value.endsWith('-')) errors.push('must not begin or end with a hyphen');
  return errors;
}

export const portNumber = (value: number): string[] => (value >= 1 && value <= 65535 ? [] : ['must be between 1 and 65535, inclusive']);

/** Names of paths in the API: what dnsSubdomain does not cover (RBAC). */
export function pathSegmentName(value: string): string[] {
  if (value === '.' || value === '..') return [`may not be '${value}'`];
  return ['/', '%'].filter((bad) => value.includes(bad)).map((bad) => `may not contain '${bad}'`);
}
