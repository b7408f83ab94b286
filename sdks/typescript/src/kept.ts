import { objectOf, parsed } from "./api-error.js";
import type { Tokens } from "./stores.js";

/** Return a session that was kept as JSON; what is none is as good as none. */
export function tokensOf(text: string | null): Tokens | null {
  const { accessToken, refreshToken, expiresAt, lifetime } = objectOf(text === null ? undefined : parsed(text));
  if (typeof accessToken !== "string" || typeof refreshToken !== "string") return null;
  if (typeof expiresAt !== "number" || typeof lifetime !== "number") return null;
  return { accessToken, refreshToken, expiresAt, lifetime };
}
