"""Deciding many recorded requests under one document, by several processes at once. Knows no database."""
