"""Designating many drivers at once: those that the fleet proposes for a selection of notices.

A long task in two steps. The first looks at each notice and says which designations are ready and why the others are
not; once a person has agreed, the second confirms them part by part, looking again: what is no longer what was agreed
to is left and told. The rules, the trace and the thread are those of a single designation. A task names its notices
by id and number alone: everything else is read from the notices when a page is shown, within the reader's window.
"""
