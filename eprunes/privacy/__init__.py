"""Destruction and departure: the retention sweep, the end of a contract and its purge."""
