"""The operations of the accounts room: one function, one transaction; refusals are French sentences.

`steps` holds what several of them share and never commits.
"""
