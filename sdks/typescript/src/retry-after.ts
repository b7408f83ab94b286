// Nobody means more than an hour; more is a mistake, or malice.
const LONGEST = 3_600_000;

const ASCTIME = /^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}$/;

/**
 * Return how many milliseconds the server says to wait, by the header (RFC 9110, 10.2.3) or by what the error says; null
 * where nothing does.
 */
export function retryAfter(headers: Pick<Headers, "get">, details: Readonly<Record<string, unknown>>): number | null {
  const told = headerSeconds(headers) ?? details["retry_after"];
  return typeof told === "number" && told >= 0 ? Math.min(told * 1000, LONGEST) : null;
}

function headerSeconds(headers: Pick<Headers, "get">): number | null {
  // Spaces around a value mean nothing, and not everything that reads headers leaves them out.
  const told = (headers.get("Retry-After") ?? "").trim();
  if (/^\d+$/.test(told)) return Number(told);
  const at = timeOf(told);
  if (Number.isNaN(at)) return null;
  // By the server's own clock, where it tells it.
  const now = timeOf((headers.get("Date") ?? "").trim());
  return Math.max(0, (at - (Number.isNaN(now) ? Date.now() : now)) / 1000);
}

/** Read a date of HTTP (RFC 9110, 5.6.7), whose third form does not say that it is of Greenwich. */
function timeOf(text: string): number {
  if (ASCTIME.test(text)) return Date.parse(`${text} GMT`);
  // Whatever Date takes for one, a date of HTTP begins with a day's name.
  return /^[A-Z][a-z]/.test(text) ? Date.parse(text) : Number.NaN;
}
