"""Operations on notices: one function, one transaction; shared steps don’t commit."""
