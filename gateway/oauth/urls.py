"""URLs of the authorization server. Names are the library's, which builds its metadata from them.

What is not listed does not exist: no registration of clients, no introspection from outside.
"""

from django.urls import path, re_path

from gateway.oauth.authorize import Authorize
from gateway.oauth.metadata import resource_metadata, server_metadata
from gateway.oauth.revoke import revoke
from gateway.oauth.token import token

app_name = "oauth2_provider"
urlpatterns = [
    re_path(r"^oauth/authorize/?$", Authorize.as_view(), name="authorize"),
    re_path(r"^oauth/token/?$", token, name="token"),
    re_path(r"^oauth/revoke/?$", revoke, name="revoke-token"),
    path(".well-known/oauth-authorization-server", server_metadata, name="server-metadata"),
    path(".well-known/oauth-protected-resource", resource_metadata, {"audience": "mcp"}, name="resource-metadata"),
    path(".well-known/oauth-protected-resource/<path:audience>", resource_metadata, name="resource-metadata-of"),
]
