"""The ground floor: clock, settings, database sessions, sealed boxes, audit, jobs, spreadsheets and web
plumbing. Nothing here knows what a vehicle or a notice is."""
