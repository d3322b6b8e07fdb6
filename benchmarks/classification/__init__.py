"""The classification table: its rows, the runs that make them, times, pictures, the page."""
