"""On-policy self-training (METHOD.md B): rounds of sample, judge by the model itself, preference optimisation."""
