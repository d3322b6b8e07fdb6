"""What every published number comes from; see README.md beside this file."""
