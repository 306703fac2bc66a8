"""Why no checkpoint is signed. Each is fail closed: without checkpoints dispatch stops after a while."""


class CheckpointFailed(Exception):
    """No checkpoint was signed. The sentence says what does not hold and is shown to operators."""


class SignerMissing(CheckpointFailed):
    """The signing key cannot be opened."""


class LedgerBroken(CheckpointFailed):
    """What is stored contradicts what was signed before."""
