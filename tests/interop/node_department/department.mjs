// A department in Node behind the city's gateway: parking permits, kept in memory by the citizen's name here.
//
// node department.mjs --port 9202 --issuer http://127.0.0.1:9300

import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { parseArgs } from "node:util";

import { Gateway, Refused } from "./gateway.mjs";

const LARGEST_BODY = 1024 * 1024;
const manifest = JSON.parse(readFileSync(new URL("manifest.json", import.meta.url), "utf8"));
const { values } = parseArgs({ options: { port: { type: "string" }, issuer: { type: "string" } } });
const gateway = new Gateway({ appId: manifest.app_id, issuer: values.issuer });
const permits = new Map();

const routes = {
  "GET /permits": (claims) => [200, { holder: claims.fields?.display_name ?? null, items: permits.get(claims.sub) ?? [] }],
  "POST /permits": (claims, body) => {
    const plate = parse(body)?.plate;
    if (typeof plate !== "string" || !/^[\p{L}0-9]{5,10}$/u.test(plate)) return [400, { title: "plate" }];
    permits.set(claims.sub, [...(permits.get(claims.sub) ?? []), { plate }]);
    return [201, { plate }];
  },
};

const streams = {
  "GET /permits/news": () => [200, "data: {\"places\": 12}\n\n", "text/event-stream"],
};

const PAGE = '<!doctype html><html lang="zh-CN"><meta charset="utf-8"><title>停车许可</title><h1>停车许可</h1></html>';

function cards(claims, body) {
  const asked = parse(body)?.widgets;
  if (!Array.isArray(asked)) return [400, { title: "widgets" }];
  const known = {
    rules: () => card("rules", "停车许可办理须知", "How to get a permit"),
    permits: () => card("permits", `我的停车许可 ${(permits.get(claims?.sub) ?? []).length} 张`, "My permits"),
  };
  const wanted = asked.filter((name) => name in known && (name !== "permits" || claims !== null));
  return [200, { cards: wanted.map((name) => known[name]()) }];
}

function card(widget, zh, en) {
  return { widget, title: { zh, en }, action: `ssb://miniapp/${manifest.app_id}/permits` };
}

function parse(body) {
  try {
    return JSON.parse(body.toString("utf8"));
  } catch {
    return null;
  }
}

async function read(request) {
  const parts = [];
  let size = 0;
  for await (const part of request) {
    size += part.length;
    if (size > LARGEST_BODY) return null;
    parts.push(part);
  }
  return Buffer.concat(parts);
}

async function answer(request) {
  const path = request.url.split("?")[0];
  if (path === "/health") return [200, { status: "ok" }];
  const stream = streams[`${request.method} ${path}`];
  const body = stream === undefined ? await read(request) : null;
  if (body === null && stream === undefined) return [413, { title: "too-large" }];
  const claims = await gateway.verify(request, body);
  if (path === "/site/" && request.method === "GET") return [200, PAGE, "text/html; charset=utf-8"];
  if (path === "/.ssb/cards" && request.method === "POST") return cards(claims, body);
  if (claims === null) return [401, { title: "assertion-missing" }];
  const handler = stream ?? routes[`${request.method} ${path}`];
  return handler === undefined ? [404, { title: "not-found" }] : handler(claims, body);
}

const server = createServer(async (request, response) => {
  const [status, document, type] = await answer(request).catch((error) =>
    error instanceof Refused ? [401, { title: error.message }] : [503, { title: "keys-unavailable" }],
  );
  const [kind, text] = type === undefined ? ["application/json", JSON.stringify(document)] : [type, document];
  response.writeHead(status, { "content-type": kind }).end(text);
});
server.listen(Number(values.port), "127.0.0.1");
process.on("SIGTERM", () => process.exit(0));
