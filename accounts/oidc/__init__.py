"""Sign-in by OpenID Connect: mozilla-django-oidc's flow with every check of R-10 put at its narrow points."""
