"""The provider's back office: clients, records to review, health of the jobs."""
