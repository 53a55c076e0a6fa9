"""The connector to ANTAI: what is declared, fetched and sent, in the agency's own words and nowhere else."""
