"""How much memory a command takes, whatever processes it starts."""

import threading

import psutil


class MemoryWatch(threading.Thread):
    """Highest fall of available memory, in GB, once a second."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.before = psutil.virtual_memory().available
        self.peak_gb = 0.0
        self.ended = threading.Event()

    def run(self) -> None:
        """Watch until told to end."""
        while not self.ended.wait(1.0):
            self.peak_gb = max(self.peak_gb, (self.before - psutil.virtual_memory().available) / 1e9)
