// The driver in Node: lines from standard input to standard output.
import { createInterface } from "node:readline";

import { FileCursorStore, FileTokenStore } from "@parley/sdk/node";
import { Webhook } from "@parley/sdk/webhooks";

import { Driver } from "./driver.js";

const driver = new Driver(
  {
    tokenStore: (file) => new FileTokenStore(file),
    cursorStore: (file) => new FileCursorStore(file),
    verify: async (secrets, body, headers, seed) => {
      const webhook = new Webhook(...secrets);
      const event = seed ? await webhook.verifySignature(body) : webhook.verify(body, headers);
      return { type: event.event === "unknown" ? event.name : event.event, event };
    },
    // Standard input and output are the driver's own.
    running: () => process.getActiveResourcesInfo().filter((kind) => kind !== "PipeWrap").length,
  },
  (line) => process.stdout.write(`${JSON.stringify(line)}\n`),
);

const lines = createInterface({ input: process.stdin });
lines.on("line", (text) => {
  if ((JSON.parse(text) as { do: string }).do === "exit") lines.close();
  else void driver.take(text);
});
lines.once("close", () => {
  // A pipe is a thing that runs until it is closed.
  process.stdin.destroy();
  void driver.end();
});
