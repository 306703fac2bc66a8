"""The actions app: plans, tool calls, execution, rollback."""

from django.apps import AppConfig


class ActionsConfig(AppConfig):
    name = "actions"
    label = "actions"

    def ready(self) -> None:
        from actions import receivers  # noqa: F401 - connects the one upward signal
        from actions.catalog import tools_in, tools_of
        from actions.erasure import forget
        from actions.resumed import describe_forms
        from policies.catalog import set_provider, set_reader
        from traces.redaction import kept_beside

        set_provider(tools_of)
        set_reader(tools_in)
        kept_beside(forget)
        describe_forms()
