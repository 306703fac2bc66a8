"""Records over HTTP with short-lived tokens: one engine, driven by tool definitions; no code per system."""
