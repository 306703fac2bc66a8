"""The actions app: plans, tool calls, execution, rollback."""

from django.apps import AppConfig


class ActionsConfig(AppConfig):
    name = "actions"
    label = "actions"

    def ready(self) -> None:
        from actions import receivers  # noqa: F401 - connects the one upward signal
        from actions.catalog import tools_in, tools_of
        from actions.resumed import describe_forms
        from policies.catalog import set_provider, set_reader

        set_provider(tools_of)
        set_reader(tools_in)
        describe_forms()
