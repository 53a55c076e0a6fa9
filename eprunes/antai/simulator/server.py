"""The HTTP server: werkzeug's threaded one, quiet, and able to break a connection for good."""

import socket
import struct

from flask import Flask
from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

LINGER_OFF = struct.pack("ii", 0, 0)


class QuietHandler(WSGIRequestHandler):
    """Logs errors only, and lets go of a connection that the application abandoned."""

    def log_request(self, *_arguments) -> None:
        return

    def connection_dropped(self, error, environ=None) -> None:
        self.close_connection = True


class Server(ThreadedWSGIServer):
    daemon_threads = True

    def shutdown_request(self, request: socket.socket) -> None:
        # An orderly shutdown would announce the end before the reset that a zero linger asks for.
        if _is_to_be_reset(request):
            self.close_request(request)
            return
        super().shutdown_request(request)


def make(app: Flask, host: str, port: int) -> Server:
    """Bind the address, port 0 for a free one; `.port` tells which. Exits the process when it is taken."""
    return Server(host, port, app, QuietHandler)


def _is_to_be_reset(request: socket.socket) -> bool:
    try:
        linger = request.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, len(LINGER_OFF))
    except OSError:
        return False
    return linger != LINGER_OFF
