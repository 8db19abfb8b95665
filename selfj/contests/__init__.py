"""Tournaments over a table: of the candidate responses to each instruction the one that wins (METHOD.md B, self-rejection)."""
