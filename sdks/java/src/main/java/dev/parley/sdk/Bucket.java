package dev.parley.sdk;

/** A rate limit: so many requests in a window. */
public record Bucket(String name, int limit, int windowSeconds) {}
