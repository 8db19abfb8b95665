"""The task families of the pocket world, one file per category; factual.py words all of those about facts."""
