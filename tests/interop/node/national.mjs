// The certified oidc-provider in the part of a national identity provider, with the city as its client. Its page asks
// for nothing: who somebody is there, and how surely, stands in the header `x-who` that the test sends. Ends with stdin.
import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import { Provider } from 'oidc-provider'

const { ISSUER, PORT, CLIENT_ID, REDIRECT_URIS, CLIENT_KEYS, SIGNING_JWK, PEOPLE } = process.env
const people = JSON.parse(PEOPLE)

const provider = new Provider(ISSUER, {
  clients: [
    {
      client_id: CLIENT_ID,
      jwks: JSON.parse(CLIENT_KEYS),
      redirect_uris: JSON.parse(REDIRECT_URIS),
      response_types: ['code'],
      grant_types: ['authorization_code'],
      token_endpoint_auth_method: 'private_key_jwt',
      token_endpoint_auth_signing_alg: 'ES256',
      id_token_signed_response_alg: 'ES256',
      subject_type: 'pairwise',
      require_pushed_authorization_requests: true,
    },
  ],
  jwks: { keys: [JSON.parse(SIGNING_JWK)] },
  scopes: ['openid', 'identity'],
  claims: { openid: ['sub'], identity: ['name', 'document_type', 'document_number'], acr: null },
  acrValues: ['urn:oracle:face', 'urn:oracle:other'],
  conformIdTokenClaims: false,
  responseTypes: ['code'],
  subjectTypes: ['pairwise'],
  clientAuthMethods: ['private_key_jwt'],
  enabledJWA: { clientAuthSigningAlgValues: ['ES256'], idTokenSigningAlgValues: ['ES256'] },
  pkce: { required: () => true },
  features: {
    pushedAuthorizationRequests: { enabled: true, requirePushedAuthorizationRequests: true },
    devInteractions: { enabled: false },
  },
  interactions: { url: (ctx, interaction) => `/interaction/${interaction.uid}` },
  findAccount: (ctx, id) => ({ accountId: id, claims: () => ({ sub: id, ...people[id] }) }),
  pairwiseIdentifier: (ctx, id, of) => createHash('sha256').update(`${of.clientId} ${id}`).digest('hex'),
  cookies: { keys: ['only for a test'] },
})

const interact = async (request, response) => {
  const [accountId, acr] = request.headers['x-who'].split(' ')
  const { prompt, params, grantId } = await provider.interactionDetails(request, response)
  if (accountId === 'nobody') {
    return provider.interactionFinished(request, response, { error: 'access_denied' })
  }
  if (prompt.name === 'login') {
    return provider.interactionFinished(request, response, { login: { accountId, acr, amr: ['face'] } })
  }
  const grant = grantId ? await provider.Grant.find(grantId) : new provider.Grant({ accountId, clientId: params.client_id })
  grant.addOIDCScope('openid identity')
  return provider.interactionFinished(request, response, { consent: { grantId: await grant.save() } })
}

const callback = provider.callback()
const serve = (request, response) =>
  request.url.startsWith('/interaction/') ? interact(request, response).catch((e) => response.end(String(e))) : callback(request, response)
createServer(serve).listen(Number(PORT), '127.0.0.1', () => console.log('listening'))
process.stdin.on('end', () => process.exit(0)).resume()
