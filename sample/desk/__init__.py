"""The sample support desk: a separate program with its own store, reached only over HTTP with a credential.

It imports nothing of Remit and is stricter than a mock: it checks token, scope, record, expiry, version and keys.
"""
