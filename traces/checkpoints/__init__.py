"""Signed checkpoints over Merkle trees of trace heads: what makes a cut tail, a missing trace or workspace visible (R-40).

Off the hot path: entries are appended without it; a clock registers heads and signs. Public: `checkpoint_workspace`,
`checkpoint_registry`, `tick`, `health`, `checkpoints_healthy`, `proof_of`.
"""
