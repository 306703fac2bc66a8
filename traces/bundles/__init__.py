"""Signed export bundles that a stranger can check (Z-04): of a deployment, a workspace, a month, or one trace."""
