"""The agency's side of the "flotte conventionnée" exchange, as a program of its own.

Started with `python -m eprunes.antai.simulator`, it has its own process and its own SQLite file, and shares
nothing with the product but the clock. It knows only the vehicles that were declared to it, posts offences
for those plates alone, registers designations with a receipt number, and misbehaves when asked to, so that
the connector can be tried against something real. The shape of the calls follows public client code; the
fields of a designation and of an offence record are assumptions.
"""
