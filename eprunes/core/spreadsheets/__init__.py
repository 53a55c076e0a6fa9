"""Workbooks in and out: rows written so that no cell is ever a formula, workbooks of strangers read inside
limits, and cells typed by people turned into values. Knows files, rows and cells, nothing of what they mean.
"""
