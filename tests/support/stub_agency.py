"""An agency that answers as it is told, one answer a call, and keeps what it was sent."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


@dataclass
class Stub:
    """`script` holds (status, body) to give for a method and path, in turn; sign-in works unless it says so."""

    url: str = ""
    script: dict[str, list[tuple[int, bytes]]] = field(default_factory=lambda: defaultdict(list))
    received: list[tuple[str, bytes]] = field(default_factory=list)

    def answers(self, call: str, status: int, body: bytes) -> None:
        self.script[call].append((status, body))

    def bodies(self, call: str) -> list[bytes]:
        """The bodies sent with a call such as `POST /flotteconventionnee/designation`, in order."""
        return [body for made, body in self.received if made == call]

    def reply_to(self, call: str, body: bytes) -> tuple[int, bytes]:
        self.received.append((call, body))
        if self.script[call]:
            return self.script[call].pop(0)
        return (200, b'{"etat": "OK"}') if "/api/" in call else (501, b"not in the script")


@contextmanager
def running_stub() -> Iterator[Stub]:
    """A stub on a free port of this machine, in a thread that ends with the block."""
    stub = Stub()

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            status, body = stub.reply_to(f"{self.command} {self.path}", self.rfile.read(length))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Set-Cookie", "XSRF-TOKEN=jeton")
            self.send_header("Authorization", "Bearer jeton")
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = _answer  # noqa: N815 - the names that http.server looks for

        def log_message(self, *_) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    stub.url = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield stub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
