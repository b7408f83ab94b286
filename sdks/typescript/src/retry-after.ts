// Nobody means more than an hour; more is a mistake, or malice.
const LONGEST = 3_600_000;

/**
 * Return how many milliseconds the server says to wait, by the header (RFC 9110, 10.2.3) or by what the error says; null
 * where nothing does.
 */
export function retryAfter(headers: Headers, details: Readonly<Record<string, unknown>>): number | null {
  const told = headerSeconds(headers) ?? details["retry_after"];
  return typeof told === "number" && told >= 0 ? Math.min(told * 1000, LONGEST) : null;
}

function headerSeconds(headers: Headers): number | null {
  const told = headers.get("Retry-After") ?? "";
  if (/^\d+$/.test(told)) return Number(told);
  // Whatever Date takes for one, a date of HTTP begins with a day's name.
  const at = /^[A-Z][a-z]/.test(told) ? Date.parse(told) : Number.NaN;
  if (Number.isNaN(at)) return null;
  // By the server's own clock, where it tells it.
  const now = Date.parse(headers.get("Date") ?? "");
  return Math.max(0, (at - (Number.isNaN(now) ? Date.now() : now)) / 1000);
}
