"""Measures of speed on a full-size fleet: `python -m bench`, what `make bench` calls."""
