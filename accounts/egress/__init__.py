"""The one home of outgoing HTTP (R-32): where Remit may connect, and the connection that stays there.

Connections to systems of record, checkpoint witnesses and notices all go through here; a house test keeps it so.
"""

from accounts.egress.kept import Exchange, kept
from accounts.egress.rules import Egress, EgressRefused, NotResolved, check_base_url, client

__all__ = ["Egress", "EgressRefused", "Exchange", "NotResolved", "check_base_url", "client", "kept"]
