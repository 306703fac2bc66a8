"""The library's checks of OAuth clients, with client secrets kept by the hash that fits them."""

from oauth2_provider.models import Application
from oauth2_provider.oauth2_validators import OAuth2Validator

from accounts.secret_hashing import stored_anew


class ClientValidator(OAuth2Validator):  # type: ignore[misc]  # the library has no types
    """A secret that was stored by a slow hash is stored anew when it is next shown, so that no client has to change."""

    def _check_secret(self, provided_secret: str, stored_secret: str) -> bool:
        if not super()._check_secret(provided_secret, stored_secret):
            return False
        anew = stored_anew(provided_secret, stored_secret)
        if anew is not None:
            # By the value that was read: of two requests one does it, and a secret that was changed meanwhile stays changed.
            Application.objects.filter(client_secret=stored_secret).update(client_secret=anew)
        return True
