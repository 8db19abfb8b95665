"""SELF-JUDGE (METHOD.md B): one model as policy and judge."""
