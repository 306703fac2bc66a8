"""Starts everything on one machine from two commands. Imports no Django: the database must be there before Django is."""
