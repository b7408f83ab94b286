// What a program on Node gets for "@parley/sdk": the same, with a user agent and with the WebSocket of `ws` where that
// is installed. Node 20 has none of its own, and that of later versions cannot be told to wait.
import { platform, USER_AGENT, type SocketClass } from "./platform.js";
import { retryAfter } from "./retry-after.js";

const inBrowser = platform.socketClass;
let found: SocketClass | null = null;

platform.userAgent = USER_AGENT;
platform.socketClass = async () => {
  found ??= await socketClass();
  return found;
};

async function socketClass(): Promise<SocketClass> {
  try {
    const { WebSocket } = await import("ws");
    class NodeSocket extends WebSocket {
      retryAfter: number | null = null;

      constructor(url: string) {
        // Frames of the contract are far smaller; a larger one ends the connection, and the listener comes back.
        super(url, { headers: { "User-Agent": USER_AGENT }, maxPayload: 2 ** 20 });
        this.once("unexpected-response", (_request, { headers }) => {
          const get = (name: string): string | null => [headers[name.toLowerCase()]].flat()[0] ?? null;
          this.retryAfter = retryAfter({ get }, {});
          // A close follows, as after any other failure.
          this.terminate();
        });
      }
    }
    return NodeSocket as unknown as SocketClass;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ERR_MODULE_NOT_FOUND") throw error;
    return inBrowser();
  }
}

export * from "./index.js";
