// Compares two AsyncAPI documents by @asyncapi/diff: `node asyncapi_diff.cjs OLD NEW` prints its breaking changes as JSON.
// The documents have no references any more (scripts/compat_socket.py).
const { readFileSync } = require('node:fs');
const { diff } = require('@asyncapi/diff');

const [before, after] = process.argv.slice(2).map((path) => JSON.parse(readFileSync(path, 'utf8')));
const changes = diff(before, after).breaking();
console.log(JSON.stringify(changes.map(({ action, path }) => ({ action, path }))));
