import type { WebhookClientConfig } from '@navarch/proto/k8s/io/api/admissionregistration/v1/admissionregistration';

import type { FieldError } from '../resource';
import { invalid, required } from './field-error';
import { dnsSubdomain, portNumber } from './names';

const form = '; desired format: https://host[/path]';

/** Where a webhook listens: at a URL or behind a Service. */
export function validateClient({ url, service }: WebhookClientConfig, field: string): FieldError[] {
  if ((url === undefined) === (service === undefined)) return [required(field, 'exactly one of url or service is required')];
  return url === undefined ? validateService(service ?? {}, `${field}.service`) : validateUrl(url, `${field}.url`);
}

function validateUrl(text: string, field: string): FieldError[] {
  if (!URL.canParse(text)) return [required(field, `url must be a valid URL${form}`)];
  const { protocol, host, username, password, hash, search } = new URL(text);
  return [
    ...(protocol === 'https:' ? [] : [invalid(field, protocol.slice(0, -1), `'https' is the only allowed URL scheme${form}`)]),
    ...(host === '' ? [invalid(field, host, `host must be specified${form}`)] : []),
    // The value stays out: it may hold a password.
    ...(username || password ? [invalid(field, username, `user information is not permitted in the URL${form}`)] : []),
    ...(hash ? [invalid(field, hash.slice(1), `fragments are not permitted in the URL${form}`)] : []),
    ...(search ? [invalid(field, search.slice(1), `query parameters are not permitted in the URL${form}`)] : []),
  ];
}

function validateService({ name, namespace, path, port = 443 }: NonNullable<WebhookClientConfig['service']>, field: string): FieldError[] {
  return [
    ...(name ? [] : [required(`${field}.name`, 'service name is required')]),
    ...(namespace ? [] : [required(`${field}.namespace`, 'service namespace is required')]),
    ...portNumber(port).map((complaint) => invalid(`${field}.port`, port, `port is not valid: ${complaint}`)),
    ...(path === undefined ? [] : validatePath(path, `${field}.path`)),
  ];
}

function validatePath(path: string, field: string): FieldError[] {
  if (!path.startsWith('/')) return [invalid(field, path, "must start with a '/'")];
  if (path === '/') return [];
  const segments = path.slice(1).replace(/\/$/, '').split('/');
  return segments.flatMap((segment, index) => {
    if (segment === '') return [invalid(field, path, `segment[${index}] may not be empty`)];
    return dnsSubdomain(segment).map((complaint) => invalid(field, path, `segment[${index}]: ${complaint}`));
  });
}
