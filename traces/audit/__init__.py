"""What people and admins did in a workspace, read from the ledger itself: the governance chain and their acts in traces."""
