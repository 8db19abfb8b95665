"""Preference pairs: the tables they are kept in, and the readers of the forms they come in."""
