"""Question answering: the runs of its table."""
