"""``python -m benchmarks.classification``: see ``runs.py``."""

from benchmarks.classification.runs import main

if __name__ == "__main__":
    main()
