"""The pictures of docs/results.md, drawn from the files in ``results`` and nothing else."""
