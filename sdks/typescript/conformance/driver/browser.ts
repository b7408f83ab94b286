// The driver in a page of a headless Chromium: serves the page, and passes lines between it and whoever started this.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createReadStream } from "node:fs";
import { access, mkdtemp, rm } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

import { type WebSocket, WebSocketServer } from "ws";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const BROWSERS = [process.env["CHROMIUM"], "chromium", "chromium-browser", "google-chrome"];
const OPTIONS = [
  "--headless",
  "--disable-gpu",
  // Chromium's own errands are none of the page's.
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--no-first-run",
  "--no-default-browser-check",
  // Containers give /dev/shm little room.
  "--disable-dev-shm-usage",
];
const PAGE = `<!doctype html>
<meta charset="utf-8"><title>Driver</title><link rel="icon" href="data:,">
<script type="importmap">{"imports": {"@parley/sdk": "/dist/index.js"}}</script>
<script type="module" src="/build/conformance/driver/page.js"></script>`;

function serve({ url = "/" }: IncomingMessage, response: ServerResponse): void {
  if (/^\/(dist|build\/conformance\/driver)\/[\w/-]+\.js$/.test(url)) {
    response.setHeader("Content-Type", "text/javascript");
    createReadStream(join(ROOT, url)).pipe(response);
  } else {
    response.setHeader("Content-Type", "text/html");
    response.end(PAGE);
  }
}

async function browser(): Promise<string> {
  for (const name of BROWSERS) {
    for (const directory of (process.env["PATH"] ?? "").split(delimiter)) {
      if (!name) continue;
      const path = name.includes("/") ? name : join(directory, name);
      if (await access(path).then(() => true, () => false)) return path;
    }
  }
  throw new Error("There is no Chromium: scripts/install_browser.sh installs one");
}

const server = createServer(serve).listen(0, "127.0.0.1");
await once(server, "listening");
const profile = await mkdtemp(join(tmpdir(), "parley-driver-"));
// Chromium's sandbox refuses to run as root; the only page that is opened is our own.
const asRoot = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
const chromium = spawn(await browser(), [...OPTIONS, ...asRoot, `--user-data-dir=${profile}`, address], {
  stdio: ["ignore", "ignore", "inherit"],
});
const gone = once(chromium, "exit");
const relay = new WebSocketServer({ server, path: "/relay" });
const lines = createInterface({ input: process.stdin });
// Whoever started this may be gone without a word.
lines.once("close", () => chromium.kill());
// What comes before the page is there waits for it.
const early: string[] = [];
const keep = (text: string): unknown => early.push(text);
lines.on("line", keep);
const [page] = (await Promise.race([once(relay, "connection"), gone])) as [WebSocket];
page.on("message", (data) => process.stdout.write(`${String(data)}\n`));
for (const text of early) page.send(text);
lines.off("line", keep).on("line", (text) => page.send(text));
await Promise.race([once(page, "close"), gone]);
lines.close();
process.stdin.destroy();
await gone;
await rm(profile, { recursive: true, force: true, maxRetries: 10 });
relay.close();
server.close();
server.closeAllConnections();
