"""Connectors to systems of record. Only `actions.execution` imports this package (import-linter proves it)."""
