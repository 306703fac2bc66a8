"""The ledger app."""

from django.apps import AppConfig


class TracesConfig(AppConfig):
    name = "traces"
    label = "traces"

    def ready(self) -> None:
        """What is done to people and agents stands in the ledger from here on, and who signs in."""
        from accounts.acts import set_recorder  # Models can be imported only once all apps are ready.
        from traces import sign_ins  # noqa: F401 - connects Django's signals
        from traces.services import record_governance

        set_recorder(record_governance)
