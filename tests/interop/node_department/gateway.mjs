// Believes a request from the city's gateway, or refuses it with a reason; with nothing but Node's own modules.
//
// The same rules as the Python SDK: an assertion (JWT, ES256) says for whom the city calls, a signature on the request
// (RFC 9421, ES256) says that it is this very request, and each nonce is believed once.

import { createHash, createPublicKey, verify } from "node:crypto";

const SKEW_SECONDS = 5;
const LONGEST_LIFE_SECONDS = 60;
const PATIENCE_SECONDS = 2;
const FRESH_SECONDS = 300;
const ALWAYS = ["@method", "@authority", "@path", "@query", "x-request-id", "ssb-app"];
const WHEN_PRESENT = ["content-type", "content-digest", "idempotency-key", "ssb-assertion", "ssb-zone", "ssb-channel"];
const ONCE = new Set(["host", "signature", "signature-input", "x-request-id", "ssb-app", ...WHEN_PRESENT]);
const INPUT = /^ssb=(\(((?:"[@a-z0-9-]+" ?)*)\)((?:;[a-z]+=(?:[0-9]{1,12}|"[^"\\]{0,256}"))*))$/;
const PARAMETER = /;([a-z]+)=(?:([0-9]{1,12})|"([^"\\]{0,256})")/g;

export class Refused extends Error {}

function refuse(reason) {
  throw new Refused(reason);
}

/** The city's keys by purpose and name: read when they are needed, again for a name that is new, not too often. */
class Keys {
  #url;
  #keys = new Map();
  #readAt = 0;
  #askedAt = 0;

  constructor(issuer) {
    this.#url = `${issuer}/.well-known/ssb-jwks`;
  }

  async find(purpose, kid) {
    const name = `${purpose} ${kid}`;
    const now = Date.now() / 1000;
    const wanted = !this.#keys.has(name) || now - this.#readAt > FRESH_SECONDS;
    if (wanted && now - this.#askedAt > PATIENCE_SECONDS) {
      this.#askedAt = now;
      await this.#read(now);
    }
    return this.#keys.get(name);
  }

  async #read(now) {
    const answer = await fetch(this.#url, { redirect: "error", signal: AbortSignal.timeout(3000) });
    if (!answer.ok) return;
    const keys = new Map();
    for (const jwk of (await answer.json()).keys) {
      if (jwk.kty !== "EC" || jwk.crv !== "P-256" || !["assertion", "gateway"].includes(jwk.ssb_purpose)) continue;
      const key = createPublicKey({ key: { kty: jwk.kty, crv: jwk.crv, x: jwk.x, y: jwk.y }, format: "jwk" });
      keys.set(`${jwk.ssb_purpose} ${jwk.kid}`, key);
    }
    this.#keys = keys;
    this.#readAt = now;
  }
}

/** What was believed already, for as long as it could come again. */
class Replay {
  #seen = new Map();

  firstTime(nonce, until, now) {
    for (const [known, end] of this.#seen) {
      if (end >= now) break;
      this.#seen.delete(known);
    }
    if (this.#seen.has(nonce)) return false;
    this.#seen.set(nonce, until);
    return true;
  }
}

export class Gateway {
  #appId;
  #issuer;
  #keys;
  #replay = new Replay();

  constructor({ appId, issuer }) {
    this.#appId = appId;
    this.#issuer = issuer;
    this.#keys = new Keys(issuer);
  }

  /** The claims about the citizen, or null when the city asks for nobody; throws `Refused`. A stream's body is null. */
  async verify(request, body) {
    const now = Date.now() / 1000;
    const headers = gather(request.rawHeaders);
    const token = headers.get("ssb-assertion");
    const claims = token === undefined ? null : await this.#claims(token, now);
    const proof = await this.#signature(request, headers, body === null ? "ssb-stream" : "ssb", now);
    if (headers.get("ssb-app") !== this.#appId) refuse("app-mismatch");
    const digest = headers.get("content-digest");
    if (digest === undefined && body?.length > 0) refuse("digest-missing");
    if (body !== null && digest !== undefined && digest !== digestOf(body)) refuse("digest-mismatch");
    if (!this.#replay.firstTime(`${proof.keyid}:${proof.nonce}`, proof.expires + SKEW_SECONDS, now)) refuse("replayed");
    return claims;
  }

  async #claims(token, now) {
    const parts = token.split(".");
    if (token.length > 8192 || parts.length !== 3) refuse("assertion-malformed");
    const [header, claims] = parts.slice(0, 2).map(decode);
    if (header.typ !== "ssb-assertion+jwt" || header.alg !== "ES256" || "crit" in header) refuse("assertion-malformed");
    const key = (await this.#keys.find("assertion", header.kid)) ?? refuse("assertion-key-unknown");
    const signed = Buffer.from(`${parts[0]}.${parts[1]}`);
    if (!holds(key, signed, Buffer.from(parts[2], "base64url"))) refuse("assertion-forged");
    if (claims.iss !== this.#issuer) refuse("assertion-issuer");
    if (claims.aud !== this.#appId) refuse("assertion-audience");
    if (!isName(claims.sub) || !isName(claims.jti)) refuse("assertion-malformed");
    if (!Number.isFinite(claims.iat) || !Number.isFinite(claims.exp)) refuse("assertion-malformed");
    if (claims.exp - claims.iat > LONGEST_LIFE_SECONDS) refuse("assertion-too-long");
    if (claims.iat > now + SKEW_SECONDS) refuse("assertion-not-yet");
    if (claims.exp <= now - SKEW_SECONDS) refuse("assertion-expired");
    return claims;
  }

  async #signature(request, headers, tag, now) {
    const found = INPUT.exec(headers.get("signature-input") ?? refuse("signature-missing"));
    const signature = /^ssb=:([A-Za-z0-9+/=]{1,200}):$/.exec(headers.get("signature") ?? refuse("signature-missing"));
    if (found === null || signature === null) refuse("signature-malformed");
    const [, params, list, rest] = found;
    const covered = list.split(" ").filter(Boolean).map((name) => name.slice(1, -1));
    const proof = {};
    for (const [, name, number, text] of rest.matchAll(PARAMETER)) proof[name] = number ? Number(number) : text;
    if (proof.tag !== tag) refuse("signature-malformed");
    const key = (await this.#keys.find("gateway", proof.keyid)) ?? refuse("signature-key-unknown");
    const lines = covered.map((name) => `"${name}": ${component(name, request, headers)}`);
    const base = [...lines, `"@signature-params": ${params}`].join("\n");
    if (!holds(key, Buffer.from(base), Buffer.from(signature[1], "base64"))) refuse("signature-forged");
    const needed = [...ALWAYS, ...WHEN_PRESENT.filter((name) => headers.has(name))];
    if (!needed.every((name) => covered.includes(name))) refuse("signature-coverage");
    const { created, expires, nonce } = proof;
    if (!Number.isInteger(created) || !Number.isInteger(expires) || !isName(nonce)) refuse("signature-malformed");
    if (expires <= created || expires - created > LONGEST_LIFE_SECONDS) refuse("signature-too-long");
    if (created > now + SKEW_SECONDS || expires <= now - SKEW_SECONDS) refuse("signature-expired");
    return proof;
  }
}

/** Header lines by lower-case name; one that must stand once is refused when it stands twice. */
function gather(raw) {
  const headers = new Map();
  for (let index = 0; index < raw.length; index += 2) {
    const name = raw[index].toLowerCase();
    const value = raw[index + 1].trim();
    if (headers.has(name) && ONCE.has(name)) refuse("header-repeated");
    headers.set(name, headers.has(name) ? `${headers.get(name)}, ${value}` : value);
  }
  return headers;
}

/** What was signed under a name: of the raw target, never of anything decoded. */
function component(name, request, headers) {
  const mark = request.url.indexOf("?");
  if (name === "@method") return request.method;
  if (name === "@authority") return (headers.get("host") ?? "").toLowerCase();
  if (name === "@path") return mark < 0 ? request.url : request.url.slice(0, mark);
  if (name === "@query") return mark < 0 ? "?" : request.url.slice(mark);
  return headers.get(name) ?? refuse("signature-coverage");
}

function holds(key, data, signature) {
  return verify("sha256", data, { key, dsaEncoding: "ieee-p1363" }, signature);
}

function digestOf(body) {
  return `sha-256=:${createHash("sha256").update(body).digest("base64")}:`;
}

function decode(part) {
  try {
    return JSON.parse(Buffer.from(part, "base64url").toString("utf8")) ?? refuse("assertion-malformed");
  } catch {
    return refuse("assertion-malformed");
  }
}

function isName(value) {
  return typeof value === "string" && value !== "";
}
