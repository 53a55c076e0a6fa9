"""What a driver is asked by a signed link, and what they reply."""
