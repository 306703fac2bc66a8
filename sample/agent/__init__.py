"""The sample agent: a separate process that works one real intent over HTTP with the thin client."""
