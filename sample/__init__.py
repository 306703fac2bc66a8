"""The sample world: a support desk, a support policy and an agent. Nothing in the product imports it."""
