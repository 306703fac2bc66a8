"""What an admin says of a new connection, by the kind of it. Secrets are written here and shown nowhere."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.conf import settings
from django.core.validators import RegexValidator

from accounts.egress import Egress, EgressRefused, check_base_url

SIGN_IN = (
    ("static", "A secret of its own, in a header"),
    ("client_credentials", "A short-lived token, asked for with a client id and its secret"),
    ("none", "Nothing"),
)
OWN_SECRET, TOKEN = "Used with a secret of its own.", "Used with a short-lived token."
_HEADER = RegexValidator(r"^[A-Za-z][A-Za-z0-9-]{0,60}\Z", "Write a header's name: letters, digits and hyphens.")
_PATH = RegexValidator(r"^/[A-Za-z0-9_./-]{1,200}\Z", "Write a path at the connection's address, such as /oauth/token.")
_SLUG = RegexValidator(r"^[a-z][a-z0-9-]{0,59}\Z", "Use small letters, digits and hyphens, a letter first.")


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of connection as people choose it: its words, and the fields it has beside its names."""

    slug: str
    label: str
    words: str
    kind: str
    fields: tuple[str, ...]


_SIGNS_IN = (
    "base_url", "allow_private", "auth", "client_secret", "header", "word", "client_id", "token_path", "revoke_path",
)  # fmt: skip
KINDS = {
    one.slug: one
    for one in (
        Kind(
            "http", "HTTP API", "A system that answers in JSON. Its tools come from an OpenAPI document or a tool file.",
            "http", ("base_url", "link_url", *_SIGNS_IN[1:]),
        ),
        Kind("mcp", "MCP server", "A server that lists its own tools, asked by its URL.", "mcp", _SIGNS_IN),
        Kind(
            "program", "MCP server as a program", "A program that whoever runs Remit has allowed; started for each call.",
            "mcp", ("command", "client_secret"),
        ),
        Kind(
            "records", "System that narrows credentials", "It gives a credential for one record at a time.", "records",
            ("base_url", "link_url", "allow_private", "client_id", "client_secret"),
        ),
        Kind("agent", "The agent itself", "Tools that run where the agent runs, and are reported.", "agent", ()),
    )
}  # fmt: skip


class ConnectionForm(forms.Form):
    """A new connection of one kind."""

    name = forms.CharField(max_length=120, label="Name")
    slug = forms.CharField(
        max_length=60, label="Short name", validators=[_SLUG],
        help_text="Its tools are called by it: shop makes shop.get_order. It stays as it is.",
    )  # fmt: skip
    command = forms.ChoiceField(label="Program")
    base_url = forms.CharField(
        max_length=300, label="Address", help_text="Where its calls go, such as https://api.example.com."
    )
    link_url = forms.CharField(
        max_length=300,
        required=False,
        label="Address of its pages",
        help_text="For links to records; nothing is sent there.",
    )
    allow_private = forms.BooleanField(required=False, label="It may have a private address, and be asked by http")
    auth = forms.ChoiceField(choices=SIGN_IN, label="How it signs in")
    client_secret = forms.CharField(
        max_length=4000, strip=False, required=False, label="Secret",
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text="Sealed when you save, and never shown. Not needed where it signs in with nothing.",
    )  # fmt: skip
    header = forms.CharField(
        max_length=61, initial="Authorization", validators=[_HEADER], label="Header of the secret", help_text=OWN_SECRET
    )
    word = forms.RegexField(
        r"^[A-Za-z]{0,20}\Z", initial="Bearer", required=False, label="Word before the secret", help_text=OWN_SECRET,
        error_messages={"invalid": "Write one word of letters, or nothing."},
    )  # fmt: skip
    client_id = forms.CharField(max_length=120, required=False, label="Client id", help_text=TOKEN)
    token_path = forms.CharField(
        initial="/oauth/token", validators=[_PATH], label="Path that gives tokens", help_text=TOKEN
    )
    revoke_path = forms.CharField(required=False, validators=[_PATH], label="Path that ends tokens", help_text=TOKEN)

    def __init__(self, *args: Any, kind: Kind, commands: Mapping[str, Any], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kind = kind
        private = {"allow_private"} if settings.REMIT_CONNECTIONS_PRIVATE else set()
        wanted = {"name", "slug", *kind.fields} - ({"allow_private"} - private)
        for name in set(self.fields) - wanted:
            del self.fields[name]
        if "command" in self.fields:
            self.fields["command"].choices = [(name, name) for name in sorted(commands)]  # type: ignore[attr-defined]
        for name in {"client_id", "client_secret"} & set(self.fields) if kind.kind == "records" else ():
            self.fields[name].required = True

    def clean_slug(self) -> str:
        """`new` is the address of this form."""
        slug = str(self.cleaned_data["slug"])
        if slug == "new":
            raise forms.ValidationError("This word is taken by the page itself. Choose another.")
        return slug

    def clean(self) -> dict[str, Any]:
        """What fits together: the address and whether it may be private, the sign-in and what it needs."""
        data = super().clean() or {}
        for name in ("base_url", "link_url"):
            self._address(name, data)
        auth = data.get("auth")
        if auth in {"static", "client_credentials"} and not data.get("client_secret"):
            self.add_error("client_secret", "Give the secret it signs in with, or choose to sign in with nothing.")
        if auth == "client_credentials" and not data.get("client_id"):
            self.add_error("client_id", "A token is asked for with a client id. Give it.")
        return data

    def _address(self, name: str, data: Mapping[str, Any]) -> None:
        if not data.get(name):
            return
        try:
            check_base_url(data[name])
            if name == "base_url":
                Egress(allow_private=bool(data.get("allow_private"))).check(data[name])
        except EgressRefused as error:
            self.add_error(name, str(error))

    def options(self) -> dict[str, Any]:
        """The options of the connection, once it is valid: only what the sign-in that was chosen uses."""
        data = self.cleaned_data
        if self.kind.slug == "program":
            return {"command": data["command"]}
        if "auth" not in data:
            return {}
        told: dict[str, str] = {}
        if data["auth"] == "static":
            told = {"header": data["header"], "prefix": data["word"]}
        if data["auth"] == "client_credentials":
            told = {name: data[name] for name in ("token_path", "revoke_path") if data[name]}
        return {"auth": {"kind": data["auth"], **told}}
