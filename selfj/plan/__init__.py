"""What a run would do, need and cost, told before anything starts. Nothing here starts Ray, loads weights or asks a network."""
