"""HTTP on loopback: werkzeug's threaded server, with keep-alive and with connections that can be cut.

Werkzeug itself closes every connection and waits 10 ms for stray input after each; bodies here are read completely
before the application runs, so the connection can be kept. Knows WSGI and sockets, no service.
"""

from __future__ import annotations

import io
import logging
import socket
import struct
import threading
from typing import TYPE_CHECKING, Any

from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

from sandbox.gateway import ConnectionCutError
from sandbox.ports import HOST

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

_LARGEST_BODY = 512 * 1024 * 1024
_BODILESS = ("1", "204", "304")
# Closing with this option set sends RST at once: the client sees a reset connection, not an orderly end.
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class _Handler(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # one write per answer
    timeout = 120  # an idle connection does not keep its thread for ever

    def run_wsgi(self) -> None:
        environ = self.make_environ()
        try:
            _read_body(environ)
        except (ValueError, OSError):
            self.close_connection = True  # a body that ends early or is malformed
            return
        try:
            status, headers, body = _call(self.server.app, environ)
        except ConnectionCutError:
            self._cut()
            return
        self.send_response(int(status.split(" ", 1)[0]), status.partition(" ")[2])
        for key, value in headers:
            if key.lower() not in ("content-length", "transfer-encoding", "connection"):
                self.send_header(key, value)
        if self.command == "HEAD":
            length = next((value for key, value in headers if key.lower() == "content-length"), str(len(body)))
            self.send_header("Content-Length", length)
        elif not status.startswith(_BODILESS):
            self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD" and not status.startswith(_BODILESS):
            self.wfile.write(body)
        self.wfile.flush()

    def handle_expect_100(self) -> bool:
        """Boto3 waits for this line before it sends a body."""
        proceed = super().handle_expect_100()
        self.wfile.flush()
        return proceed

    def _cut(self) -> None:
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self.connection.close()
        # The buffered files hold the socket open until they are closed as well.
        self.rfile.close()

    def finish(self) -> None:
        if not self.rfile.closed:
            super().finish()

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - werkzeug's name
        """Requests are in the request log; only werkzeug's errors go to the process's own log."""
        if type == "error":
            logging.getLogger(__name__).error(message, *args)


class _Server(ThreadedWSGIServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, port: int, app: WSGIApplication) -> None:
        super().__init__(HOST, port, app, _Handler)

    def shutdown_request(self, request: Any) -> None:
        """As the base does, except for connections that were cut (their file descriptor is gone)."""
        if request.fileno() != -1:
            super().shutdown_request(request)


class HttpServer:
    """One listening port and its thread."""

    def __init__(self, port: int, app: WSGIApplication, name: str) -> None:
        self._server = _Server(port, app)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.1,), name=f"http-{name}", daemon=True
        )

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_address[1])

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def close(self) -> None:
        """Stop listening; running requests are not waited for."""
        if self._thread.is_alive():  # shutdown() waits for a loop that may never have begun
            self._server.shutdown()
        self._server.server_close()


def _read_body(environ: WSGIEnvironment) -> None:
    """Replace the input by the complete body, whichever way it was framed."""
    stream = environ["wsgi.input"]
    if environ.get("wsgi.input_terminated"):
        body = stream.read()
        environ.pop("HTTP_TRANSFER_ENCODING", None)
    else:
        length = int(environ.get("CONTENT_LENGTH") or 0)
        if not 0 <= length <= _LARGEST_BODY:
            raise ValueError(length)
        body = stream.read(length)
        if len(body) != length:
            raise ValueError(length)
    environ["wsgi.input"] = io.BytesIO(body)
    environ["wsgi.input_terminated"] = True
    environ["CONTENT_LENGTH"] = str(len(body))


def _call(app: WSGIApplication, environ: WSGIEnvironment) -> tuple[str, list[tuple[str, str]], bytes]:
    captured: list[Any] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> Any:
        captured[:] = [status, headers]
        return chunks.append

    chunks: list[bytes] = []
    chunks.extend(app(environ, start_response))
    return captured[0], captured[1], b"".join(chunks)
