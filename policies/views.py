"""Read-only policy pages."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts.http import AuthenticatedRequest, sign_in_required
from policies.access import get_policy_for, policies_visible_to
from policies.engine.types import TIERS
from policies.services import live_document


@sign_in_required
@require_GET
def policy_list(request: AuthenticatedRequest) -> HttpResponse:
    """Policies of this workspace with their live version."""
    policies = policies_visible_to(request.user, request.workspace).prefetch_related("versions")
    return render(request, "policies/policy_list.html", {"policies": policies})


@sign_in_required
@require_GET
def policy_detail(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    """What each role may do under the live version, and the document itself."""
    policy = get_policy_for(request.user, request.workspace, slug)
    document, version = live_document(workspace_id=request.workspace.pk, slug=policy.slug)
    roles = [
        {
            "name": role.name,
            "tier": role.tier,
            "tools": [(name, rule.mode or "tier", rule.route) for name, rule in sorted(role.tools.items())],
            "fields": [(kind, sorted(rule.write), sorted(rule.read)) for kind, rule in sorted(role.fields.items())],
            "scopes": [(kind, expression.source) for kind, expression in sorted(role.scopes.items())],
        }
        for role in document.roles.values()
    ]
    context = {"policy": policy, "version": version, "document": document, "roles": roles, "tiers": TIERS}
    return render(request, "policies/policy_detail.html", context)
