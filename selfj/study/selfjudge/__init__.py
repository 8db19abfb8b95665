"""SELF-JUDGE over several seeds: the paper's comparison of ways to learn, in one table and one page (METHOD.md B)."""
