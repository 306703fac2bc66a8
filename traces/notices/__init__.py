"""Telling people what the ledger recorded: channels, what is said, when, and whether it arrived (docs/notices.md).

A projection of the ledger, and never a way to decide: a message carries a link that opens a page (R-25).
"""
