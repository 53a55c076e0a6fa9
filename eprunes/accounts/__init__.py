"""Who may come in: organisations, their contracts and order forms, users and their rights, sign-in and
sessions, and how long data may be seen."""
