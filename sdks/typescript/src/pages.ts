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

/** Walk forth through a list, oldest first; what is added meanwhile is seen. */
export function newer<Item>(after: string | undefined, fetch: Fetch<Item>): Walk<Item> {
  return walk(after, fetch, (items) => items.reverse());
}

async function* walk<Item>(start: string | undefined, fetch: Fetch<Item>, turn: (items: Item[]) => Item[]): Walk<Item> {
  for (let cursor = start; ; ) {
    const page = await fetch(cursor);
    yield* turn(page.items);
    if (!page.hasMore || page.next === null || page.items.length === 0) return;
    cursor = page.next;
  }
}
