"""``python -m skimrnn`` is the command ``skimrnn``."""

from skimrnn.cli import main

if __name__ == "__main__":
    main()
