"""Notices that came on paper, and answers that go by letter."""
