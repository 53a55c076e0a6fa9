"""The import of a fleet workbook: its columns understood, its cells read, a plan shown, and applied once agreed.

Reading and planning are pure; nothing is written before `applying`, which does it in one transaction.
"""
