"""Step-up: a person proves themself again before what cannot be taken back (V7.5.3). Checks are in `accounts.factors`."""
