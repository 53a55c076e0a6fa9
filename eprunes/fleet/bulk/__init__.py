"""Bulk operations: one act on many vehicles, a selection or everything that a search of the list finds.

A long task in two steps. The first looks at each vehicle and says which ones are ready and why the others are not;
once a person has agreed, the second does it part by part, looking again: what no longer fits is left and told.
The rules, and what the journal of each vehicle keeps, are those of the single acts (`fleet.services`).
"""
