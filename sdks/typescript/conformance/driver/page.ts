// The driver in a page: lines come and go by a WebSocket to `browser.ts`, which serves it.
import { StorageCursorStore, StorageTokenStore } from "@parley/sdk";

import { Driver } from "./driver.js";

const relay = new WebSocket(`ws://${location.host}/relay`);

// Pages cannot ask what is under way, so what the SDK begins from here on is counted.
const timers = new Set<unknown>();
const sockets = new Set<WebSocket>();
const { setTimeout: start, clearTimeout: stop } = window;
Object.assign(window, {
  setTimeout: (told: () => void, milliseconds: number) => {
    const timer = start(() => {
      timers.delete(timer);
      told();
    }, milliseconds);
    timers.add(timer);
    return timer;
  },
  clearTimeout: (timer: number) => {
    timers.delete(timer);
    stop(timer);
  },
  WebSocket: class extends WebSocket {
    constructor(url: string) {
      super(url);
      sockets.add(this);
      this.addEventListener("close", () => sockets.delete(this));
    }
  },
});

const driver = new Driver(
  {
    tokenStore: (file) => new StorageTokenStore(localStorage, file),
    cursorStore: (file) => new StorageCursorStore(localStorage, file),
    verify: () => Promise.reject(new Error("Pages have no secrets of webhooks")),
    running: () => timers.size + sockets.size,
  },
  (line) => relay.send(JSON.stringify(line)),
);

relay.onmessage = async ({ data }: MessageEvent<string>) => {
  if ((JSON.parse(data) as { do: string }).do !== "exit") return driver.take(data);
  await driver.end();
  relay.close();
};
