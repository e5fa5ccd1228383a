"""Beginnings of a user's own twin and study, from templates/new, and what in them is still to be written."""
