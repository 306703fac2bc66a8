"""Pure evaluation: values in, Decision out. No Django, no clock, no I/O."""
