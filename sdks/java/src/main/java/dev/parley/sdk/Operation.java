package dev.parley.sdk;

/** How an operation is asked; {@code repeatable} ones may be asked again after a cut. */
public record Operation(
    String id, String method, String path, boolean secured, boolean takesKey, boolean repeatable, String bucket) {}
