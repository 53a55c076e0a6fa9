"""The figures page: counters read, charts, workbook."""
