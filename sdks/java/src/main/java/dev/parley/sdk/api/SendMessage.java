// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

/** A text or a message with attachments, to a receiver or to a conversation. */
public sealed interface SendMessage permits TextToReceiver, TextToConversation, MediaToReceiver, MediaToConversation {}
