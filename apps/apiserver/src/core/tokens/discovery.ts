import type { JsonObject } from '@navarch/api';

import type { TokenOptions } from './token-options';

export interface TokenDiscovery {
  /** /.well-known/openid-configuration (OpenID Connect Discovery 1.0, as far as tokens without a login go). */
  configuration(): JsonObject;
  /** /openid/v1/jwks */
  jwks(): JsonObject;
}

/** What lets anybody check a service account's token without asking this server. */
export function tokenDiscovery({ keys, issuer, jwksUri = `${issuer.replace(/\/$/, '')}/openid/v1/jwks` }: TokenOptions): TokenDiscovery {
  return {
    configuration: () => ({
      issuer, jwks_uri: jwksUri, response_types_supported: ['id_token'], subject_types_supported: ['public'], id_token_signing_alg_values_supported: [...keys.algorithms],
    }),
    jwks: () => ({ keys: keys.jwks().keys.map((key) => ({ ...key })) }),
  };
}
