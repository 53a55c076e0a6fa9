"""Entry point of the web server and of the `flask --app wsgi` commands."""

from eprunes import create_app

app = create_app()
