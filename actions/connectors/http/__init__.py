"""Any HTTP system: a base URL, a way to sign in, and tools whose class says what can be found out after a lost answer."""
