"""remit-client: a thin typed client for Remit. Depends on httpx only."""

from remit_client.client import Action, Plan, Remit, RemitError, Trace

__all__ = ["Action", "Plan", "Remit", "RemitError", "Trace"]
