// A relying party on openid-client: everything goes through the library, which refuses whatever breaks a standard.
// Speaks JSON lines with the test: {"open": url} asks for a browser, whose last address comes back as a line.
import { createInterface } from 'node:readline'
import * as client from 'openid-client'

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
const say = (message) => process.stdout.write(JSON.stringify(message) + '\n')
const browse = async (url) => {
  say({ open: url.href })
  return new URL((await lines.next()).value)
}

const { ISSUER, CLIENT_ID, REDIRECT_URI, BYE_URI } = process.env
const ES256 = { name: 'ECDSA', namedCurve: 'P-256' }
const jwk = JSON.parse(process.env.PRIVATE_JWK)
const key = await crypto.subtle.importKey('jwk', jwk, ES256, false, ['sign'])

const config = await client.discovery(
  new URL(ISSUER),
  CLIENT_ID,
  { id_token_signed_response_alg: 'ES256', use_mtls_endpoint_aliases: false },
  client.PrivateKeyJwt({ key, kid: jwk.kid }),
  { execute: [client.allowInsecureRequests] },
)
const keyPair = await client.randomDPoPKeyPair('ES256')
const DPoP = client.getDPoPHandle(config, keyPair)

const signIn = async (extra = {}) => {
  const pkceCodeVerifier = client.randomPKCECodeVerifier()
  const [expectedState, expectedNonce] = [client.randomState(), client.randomNonce()]
  const url = await client.buildAuthorizationUrlWithPAR(
    config,
    {
      redirect_uri: REDIRECT_URI,
      scope: 'openid library.level',
      code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
      code_challenge_method: 'S256',
      state: expectedState,
      nonce: expectedNonce,
      ...extra,
    },
    { DPoP },
  )
  const callback = await browse(url)
  const checks = { pkceCodeVerifier, expectedState, expectedNonce, idTokenExpected: true, maxAge: extra.max_age }
  return await client.authorizationCodeGrant(config, callback, checks, undefined, { DPoP })
}

const tokens = await signIn({ max_age: 600 })
const claims = tokens.claims()
say({ saw: 'code', token_type: tokens.token_type, sub: claims.sub, acr: claims.acr })

const userinfo = await client.fetchUserInfo(config, tokens.access_token, claims.sub, { DPoP })
say({ saw: 'userinfo', ...userinfo })

const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP })
say({ saw: 'refresh', sub: refreshed.claims().sub, rotated: refreshed.refresh_token !== undefined })

const introspection = await client.tokenIntrospection(config, refreshed.access_token)
say({ saw: 'introspection', active: introspection.active, jkt: introspection.cnf.jkt, expected: await DPoP.calculateThumbprint() })

const own = await client.clientCredentialsGrant(config, {}, { DPoP })
say({ saw: 'client_credentials', token_type: own.token_type })

const silent = await signIn({ prompt: 'none', id_token_hint: tokens.id_token })
say({ saw: 'prompt=none', sub: silent.claims().sub })

await client.tokenRevocation(config, tokens.refresh_token)
const after = await client.tokenIntrospection(config, refreshed.access_token)
say({ saw: 'revocation', active: after.active })

const bye = await browse(
  client.buildEndSessionUrl(config, {
    id_token_hint: silent.id_token,
    post_logout_redirect_uri: BYE_URI,
    state: 'bye-state',
  }),
)
say({ saw: 'logout', at: bye.origin + bye.pathname, state: bye.searchParams.get('state') })

await signIn({ prompt: 'none' }).then(
  () => say({ saw: 'after logout', error: null }),
  (error) => say({ saw: 'after logout', error: error.error ?? String(error) }),
)
process.exit(0)
