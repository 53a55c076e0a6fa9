"""The demo: one command that starts the whole product on this machine, with a fleet and its notices.

It owns its folder under `var/`, the fictitious data, and the processes that it starts. Nothing of the product
imports it.
"""
