"""The stranger's verifier: one file that knows nothing of the product."""
