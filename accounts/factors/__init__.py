"""Second factors of a person: authenticator codes, passkeys, recovery codes. Checks only; `approvals.stepup` has the ledger."""
