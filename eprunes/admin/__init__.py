"""What the client's administrator does: users and rights, the journal, exports."""
