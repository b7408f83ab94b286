package dev.parley.sdk;

import java.util.List;

/** One page of any list, and the cursor of the next. */
public record Page<T>(List<T> items, boolean hasMore, String nextCursor) {}
