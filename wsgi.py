"""Entry point of the web server and of the `flask --app wsgi` commands."""

from eprunes import create_app
from eprunes.core import memory

app = create_app()
memory.settle()
