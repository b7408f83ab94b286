// Runs the README's programs in an empty project that gets the SDK as a package; needs PARLEY_URL and the package in
// dist/ of the checkout (package.sh). scripts/with_server.py starts the server.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";

const [packed] = process.argv.slice(2);
const url = process.env["PARLEY_URL"];
assert(packed !== undefined && url !== undefined, "readme.js PACKAGE, beside a server");

const own = resolve(import.meta.dirname, "../..");
const readme = readFileSync(join(own, "README.md"), "utf8").replaceAll("http://localhost:8080", url);
const blocks = Array.from(readme.matchAll(/^```ts\n(.*?)^```$/gms), ([, text]) => text ?? "");
const [quickstart = "", ...recipes] = blocks;

// What only browsers have, and whoever sends what nobody signed.
const SURROUNDINGS = `
const kept_ = new Map<string, string>();
Object.assign(globalThis, { sessionStorage: {
  getItem: (key: string) => kept_.get(key) ?? null,
  setItem: (key: string, value: string) => void kept_.set(key, value),
  removeItem: (key: string) => void kept_.delete(key),
} });
`;
const CALLER = `
await new Promise<void>((told) => receiver.listen(0, "127.0.0.1", told));
const { port } = receiver.address() as import("node:net").AddressInfo;
const refused = await fetch(\`http://127.0.0.1:\${port}/\`, { method: "POST", body: "{}" });
console.log("unsigned:", refused.status);
receiver.closeAllConnections();
receiver.close();
console.log("done");
`;

/** Settings of programs for Node, of pages, and of pages whose tools resolve packages themselves. */
const NODE = { module: "NodeNext", types: ["node"], lib: ["ES2022", "ESNext.Disposable", "DOM"] };
const NODE_ONLY = { ...NODE, lib: ["ES2022"] };
const PAGE = { module: "ESNext", moduleResolution: "Bundler", types: [], lib: ["ES2022", "DOM"] };

const project = await mkdtemp(join(tmpdir(), "parley-readme-"));
try {
  write("package.json", JSON.stringify({ name: "example", private: true, type: "module" }));
  const wanted = [resolve(packed), "@types/node@20.19.25"];
  const quietly = ["--prefer-offline", "--no-audit", "--no-fund", "--ignore-scripts", "--silent"];
  execFileSync("npm", ["install", ...quietly, ...wanted], { cwd: project, stdio: ["ignore", "inherit", "ignore"] });
  write("quickstart.ts", quickstart);
  const beginning = quickstart.split("for await")[0] ?? "";
  write("recipes.ts", [SURROUNDINGS, beginning, ...recipes].join("\n").replace("await client.close();", CALLER + "$&"));
  compile("recipes.ts", NODE);
  compile("quickstart.ts", PAGE);
  compile("quickstart.ts", NODE_ONLY);
  await answers("quickstart.js", (lines) => assert.deepEqual(lines.slice(0, 2), ["Hello, Bob!", "Hello, Ada!"]), 2);
  await answers("recipes.js", (lines) => {
    const wanted = ["ada", "now live", "now closed", "unsigned: 401", "done"];
    assert.deepEqual(wanted.filter((line) => !lines.includes(line)), [], lines.join("\n"));
  });
  console.log(`All ${blocks.length} programs of the README ran.`);
} finally {
  await rm(project, { recursive: true, force: true });
}

function write(name: string, text: string): void {
  writeFileSync(join(project, name), text);
}

/** Compile strictly, with the types of the package. */
function compile(file: string, settings: object): void {
  const compilerOptions = { target: "ES2022", strict: true, noUncheckedIndexedAccess: true, ...settings };
  write("tsconfig.json", JSON.stringify({ compilerOptions, files: [file] }));
  execFileSync(join(own, "node_modules/.bin/tsc"), ["-p", project], { cwd: project, stdio: "inherit" });
}

/** Run a program to its end, or until it said so much. */
async function answers(program: string, judge: (lines: string[]) => void, enough = Infinity): Promise<void> {
  const child = spawn(process.execPath, [program], { cwd: project, stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(child, "exit");
  const lines: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line);
    if (lines.length >= enough) child.kill();
  }
  const [code] = (await ended) as [number | null];
  judge(lines);
  assert(code === 0 || enough < Infinity, `${program} ended with ${code}`);
}
