// The certified oidc-provider, set up as near to our provider as it can be. Says when it listens; ends with its stdin.
import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import { Provider } from 'oidc-provider'

const { ISSUER, PORT, CLIENTS, SIGNING_JWK } = process.env

const client = ({ client_id, jwk, redirect_uri, bye_uri, ear_uri }) => ({
  client_id,
  jwks: { keys: [jwk] },
  redirect_uris: [redirect_uri],
  post_logout_redirect_uris: [bye_uri],
  backchannel_logout_uri: ear_uri,
  backchannel_logout_session_required: true,
  response_types: ['code'],
  grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
  token_endpoint_auth_method: 'private_key_jwt',
  token_endpoint_auth_signing_alg: 'ES256',
  id_token_signed_response_alg: 'ES256',
  subject_type: 'pairwise',
  dpop_bound_access_tokens: true,
  require_pushed_authorization_requests: true,
})

const provider = new Provider(ISSUER, {
  clients: JSON.parse(CLIENTS).map(client),
  jwks: { keys: [JSON.parse(SIGNING_JWK)] },
  scopes: ['openid'],
  claims: { openid: ['sub'] },
  responseTypes: ['code'],
  subjectTypes: ['pairwise'],
  clientAuthMethods: ['private_key_jwt'],
  clockTolerance: 10,
  ttl: { AccessToken: 600, AuthorizationCode: 60, ClientCredentials: 600, IdToken: 600, Session: 3600, Grant: 3600 },
  enabledJWA: {
    clientAuthSigningAlgValues: ['ES256'],
    idTokenSigningAlgValues: ['ES256'],
    dPoPSigningAlgValues: ['ES256'],
  },
  pkce: { required: () => true },
  features: {
    fapi: { enabled: true, profile: '2.0' },
    pushedAuthorizationRequests: { enabled: true, requirePushedAuthorizationRequests: true },
    dPoP: { enabled: true },
    clientCredentials: { enabled: true },
    introspection: { enabled: true, allowedPolicy: (ctx, of, token) => token.clientId === of.clientId },
    revocation: { enabled: true },
    backchannelLogout: { enabled: true },
    rpInitiatedLogout: { enabled: true },
    devInteractions: { enabled: true },
  },
  findAccount: (ctx, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  issueRefreshToken: (ctx, of) => of.grantTypeAllowed('refresh_token'),
  rotateRefreshToken: false, // confidential, bound clients: FAPI 2.0, section 5.3.2.1
  pairwiseIdentifier: (ctx, id, of) => createHash('sha256').update(`${of.clientId} ${id}`).digest('hex'),
  cookies: { keys: ['only for a test'] },
})

createServer(provider.callback()).listen(Number(PORT), '127.0.0.1', () => console.log('listening'))
process.stdin.on('end', () => process.exit(0)).resume()
