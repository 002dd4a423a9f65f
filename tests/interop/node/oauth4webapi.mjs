// A relying party on oauth4webapi: each response is judged by the library's own strict checks.
// Speaks JSON lines with the test: {"open": url} asks for a browser, whose last address comes back as a line.
import { createInterface } from 'node:readline'
import * as oauth from 'oauth4webapi'

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
const say = (message) => process.stdout.write(JSON.stringify(message) + '\n')

const { ISSUER, CLIENT_ID, REDIRECT_URI } = process.env
const ES256 = { name: 'ECDSA', namedCurve: 'P-256' }
const jwk = JSON.parse(process.env.PRIVATE_JWK)
const key = await crypto.subtle.importKey('jwk', jwk, ES256, false, ['sign'])
const insecure = { [oauth.allowInsecureRequests]: true }

const issuer = new URL(ISSUER)
const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, insecure))
const client = { client_id: CLIENT_ID, id_token_signed_response_alg: 'ES256' }
const authentication = oauth.PrivateKeyJwt({ key, kid: jwk.kid })
const keyPair = await oauth.generateKeyPair('ES256')
const DPoP = oauth.DPoP(client, keyPair)
const bound = { DPoP, ...insecure }

for (const algorithm of ['oidc', 'oauth2']) {
  const found = await oauth.discoveryRequest(issuer, { algorithm, ...insecure })
  say({ saw: 'discovery', algorithm, issuer: (await oauth.processDiscoveryResponse(issuer, found)).issuer })
}

const verifier = oauth.generateRandomCodeVerifier()
const [state, nonce] = [oauth.generateRandomState(), oauth.generateRandomNonce()]
const parameters = {
  response_type: 'code',
  redirect_uri: REDIRECT_URI,
  scope: 'openid library.level',
  code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
  code_challenge_method: 'S256',
  state,
  nonce,
}
const pushed = await oauth.pushedAuthorizationRequest(as, client, authentication, parameters, bound)
const par = await oauth.processPushedAuthorizationResponse(as, client, pushed)
say({ saw: 'par', expires_in: par.expires_in })

const url = new URL(as.authorization_endpoint)
url.searchParams.set('client_id', CLIENT_ID)
url.searchParams.set('request_uri', par.request_uri)
say({ open: url.href })
const callback = new URL((await lines.next()).value)
const answer = oauth.validateAuthResponse(as, client, callback, state) // state, and iss (RFC 9207)

const granted = await oauth.authorizationCodeGrantRequest(as, client, authentication, answer, REDIRECT_URI, verifier, bound)
const tokens = await oauth.processAuthorizationCodeResponse(as, client, granted, { expectedNonce: nonce, requireIdToken: true })
await oauth.validateApplicationLevelSignature(as, granted, insecure)
const { sub } = oauth.getValidatedIdTokenClaims(tokens)
say({ saw: 'code', token_type: tokens.token_type, sub })

const info = await oauth.userInfoRequest(as, client, tokens.access_token, bound)
say({ saw: 'userinfo', ...(await oauth.processUserInfoResponse(as, client, sub, info)) })

// The access token as a resource server would read it (RFC 9068), proof included (RFC 9449).
const proofs = []
const aimed = oauth.DPoP(client, keyPair)
await oauth.protectedResourceRequest(tokens.access_token, 'GET', new URL('http://resource.test/data'), undefined, undefined, {
  DPoP: aimed,
  ...insecure,
  [oauth.customFetch]: async (target, options) => {
    proofs.push(new Request(target, options))
    return new Response('{}')
  },
})
const read = await oauth.validateJwtAccessToken(as, proofs[0], CLIENT_ID, { requireDPoP: true, ...insecure })
say({ saw: 'rfc9068', sub: read.sub, aud: read.aud, client_id: read.client_id })

const again = await oauth.refreshTokenGrantRequest(as, client, authentication, tokens.refresh_token, bound)
const refreshed = await oauth.processRefreshTokenResponse(as, client, again)
say({ saw: 'refresh', token_type: refreshed.token_type })

const seen = await oauth.introspectionRequest(as, client, authentication, refreshed.access_token, insecure)
say({ saw: 'introspection', active: (await oauth.processIntrospectionResponse(as, client, seen)).active })

const own = await oauth.clientCredentialsGrantRequest(as, client, authentication, {}, bound)
say({ saw: 'client_credentials', token_type: (await oauth.processClientCredentialsResponse(as, client, own)).token_type })

await oauth.processRevocationResponse(await oauth.revocationRequest(as, client, authentication, refreshed.access_token, insecure))
const gone = await oauth.introspectionRequest(as, client, authentication, tokens.access_token, insecure)
say({ saw: 'revocation', active: (await oauth.processIntrospectionResponse(as, client, gone)).active })
process.exit(0)
