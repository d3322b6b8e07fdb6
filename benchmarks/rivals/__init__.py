"""What others have proposed, under the same layers: each one's own sanity task."""
