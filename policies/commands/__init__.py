"""The verbs of `manage.py remit_policy`. Each takes files and gives what to say and the exit code."""
