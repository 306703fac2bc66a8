"""A question whose statement is written once reads what Django's own query reads, each time anew."""

import pytest
from django.db.models import Value
from django.db.models.functions import Length

from accounts.clock import DatabaseNow, database_now
from accounts.models import Agent, Membership
from accounts.questions import Question
from actions.models import Tool


def test_instances_are_those_of_the_query_related_rows_and_json_too(cast):
    tools = Tool.objects.select_related("connection")
    asked = Question(lambda workspace_id, name: tools.filter(workspace_id=workspace_id, name=name))
    for name in ("desk.order.get", "desk.refund.create", "desk.no.such"):
        plain = tools.filter(workspace=cast.northwind, name=name).first()
        found = asked.first(cast.northwind.pk, name)
        assert found == plain
        if plain is not None:
            assert found.__dict__.keys() == plain.__dict__.keys() and found.definition_text == plain.definition_text
            assert found.connection.options == plain.connection.options and "connection" in found._state.fields_cache


def test_rows_of_values_are_in_the_order_they_were_asked_for(cast):
    def build(workspace_id: str):
        roles = Membership.objects.filter(workspace_id=workspace_id)
        return roles.values_list(Length("role"), Value("role"), "role").order_by("pk")

    rows = Question(build).all(cast.northwind.pk)
    assert rows and rows == list(build(cast.northwind.pk))


def test_each_asking_reads_and_the_statement_is_written_once(cast, django_assert_num_queries):
    written = []

    def build(pk: str):
        written.append(pk)
        return Agent.objects.filter(pk=pk)

    asked = Question(build)
    assert asked.first(cast.agent.pk).name == cast.agent.name
    Agent.objects.filter(pk=cast.agent.pk).update(name="Another")
    with django_assert_num_queries(1):
        assert asked.first(cast.agent.pk).name == "Another"
    assert len(written) == 1 and asked.all("nobody") == []


def test_what_was_annotated_is_on_the_instance_and_read_anew(cast):
    asked = Question(lambda pk: Agent.objects.filter(pk=pk).annotate(length=Length("name"), asked_at=DatabaseNow()))
    first, before = asked.first(cast.agent.pk), database_now()
    second = asked.first(cast.agent.pk)
    assert first.length == len(cast.agent.name) and first.asked_at < before < second.asked_at


def test_what_does_not_reach_the_statement_is_refused():
    with pytest.raises(ValueError, match="place"):
        Question(lambda pk, unused: Agent.objects.filter(pk=pk)).all("one", "two")
