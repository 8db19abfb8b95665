"""What a SELF-JUDGE run is worth, on what nothing was trained on: answers to held-out prompts, verdicts on held-out pairs."""
