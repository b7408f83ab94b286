import { foreignAnswer } from "./parley-error.js";

/** One page of any list: newest first, and the cursor of the next. */
export interface Page<Item> {
  items: Item[];
  hasMore: boolean;
  next: string | null;
}

type Fetch<Item> = (cursor: string | undefined) => Promise<Page<Item>>;
type Walk<Item> = AsyncGenerator<Item, void, undefined>;

/** Walk back through a list, newest first. */
export function older<Item>(before: string | undefined, fetch: Fetch<Item>): Walk<Item> {
  return walk(before, fetch, (items) => items);
}

/** Walk forth through the same, oldest first; what is added meanwhile is seen. Throws a TypeError without a start. */
export function newer<Item>(after: string, fetch: Fetch<Item>): Walk<Item> {
  return walk(begun(after), fetch, (items) => items.reverse());
}

/** Walk forth through a list whose pages have their oldest first. Throws a TypeError without a start. */
export function forth<Item>(after: string, fetch: Fetch<Item>): Walk<Item> {
  return walk(begun(after), fetch, (items) => items);
}

function begun(after: string | undefined): string {
  // Without a start the server gives the newest page, from which nothing goes on.
  if (after === undefined || after === "") throw new TypeError("A walk forth begins somewhere: set `after`");
  return after;
}

async function* walk<Item>(start: string | undefined, fetch: Fetch<Item>, turn: (items: Item[]) => Item[]): Walk<Item> {
  for (let cursor = start; ; ) {
    const page = await fetch(cursor);
    if (!Array.isArray(page.items) || page.next === undefined) throw foreignAnswer();
    yield* turn(page.items);
    if (!page.hasMore || page.next === null || page.items.length === 0) return;
    cursor = page.next;
  }
}
