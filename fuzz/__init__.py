"""Random input against the reader, in bounded time: ``make fuzz``."""
