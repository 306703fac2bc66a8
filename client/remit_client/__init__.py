"""remit-client: a thin typed client for Remit. Depends on httpx only."""

from remit_client.client import Action, Remit, RemitError, Trace

__all__ = ["Action", "Remit", "RemitError", "Trace"]
