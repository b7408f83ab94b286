"""The edge that calls others: what the log says is sent to those who asked, signed, until they have it."""
