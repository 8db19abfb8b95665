"""The pocket world: seeded instructions with exact grades, and tiny policies that answer them.

A laboratory, not a benchmark: see docs/pocket.md for what it is and what it is not.
"""
