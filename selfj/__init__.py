"""Self-J on Ray: teach a model to know when to decline."""

__version__ = "0.1.0"
