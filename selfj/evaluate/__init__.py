"""How good a judge is on held-out instructions: methods, gold, metrics with intervals, and the report."""
