"""Scripts of the project: they write committed tables and try what is built."""
