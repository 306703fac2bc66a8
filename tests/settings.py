"""Test settings: the real ones, with a fast hasher and the tests' own broker queue."""

from console.settings import *  # noqa: F403

PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.MD5PasswordHasher",
    "django.contrib.auth.hashers.ScryptPasswordHasher",
    "accounts.secret_hashing.GeneratedSecretHasher",
]
CELERY_TASK_DEFAULT_QUEUE = "remit-tests"
ALLOWED_HOSTS = ["testserver", "127.0.0.1", "localhost"]
REMIT_WITNESS: list[str] = []  # Tests name the witnesses they mean.
REMIT_APPROVAL_SECRETS = ["the secret that opens the key of approvals in tests"]
