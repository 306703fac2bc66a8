"""What every page about one request begins with."""

from accounts.http import AuthenticatedRequest
from approvals.access import get_request_for
from approvals.models import ApprovalRequest


def request_on_page(request: AuthenticatedRequest, request_id: str) -> ApprovalRequest:
    """The approval request a page is about, which also shows that request's workspace. Raises NotVisible."""
    found = get_request_for(request.user, request_id)
    request.show_workspace(found.workspace)
    return found
