"""octet lsp in each of its modes, seen from a client."""

import json
import os
import select
import socket
import subprocess

from octet import BIN, TIMEOUT_S, TINY_MODELS, environment

MODES = ("stdio", "socket", "port")


def frame(message):
    body = json.dumps({"jsonrpc": "2.0", **message}).encode()
    return f"Content-Length: {len(body)}\r\n\r\n".encode() + body


def split_frame(stream):
    """The first message of a stream and what is behind it; (None, stream) while it is not whole."""
    header, separator, rest = stream.partition(b"\r\n\r\n")
    if not separator:
        return None, stream
    name, _, length = header.partition(b": ")
    if name != b"Content-Length":
        raise AssertionError(f"not a frame: {stream[:80]!r}")
    if len(rest) < int(length):
        return None, stream
    return json.loads(rest[: int(length)].decode("utf-8")), rest[int(length):]


def frames_of(stream):
    """The messages of a stream that must be whole frames."""
    messages = []
    while stream:
        message, stream = split_frame(stream)
        if message is None:
            raise AssertionError(f"not a whole frame: {stream[:80]!r}")
        messages.append(message)
    return messages


def initialize(process_id=None):
    return frame({"id": 1, "method": "initialize", "params": {"processId": process_id, "rootUri": None, "capabilities": {}}})


INITIALIZE = initialize()
INITIALIZED = frame({"method": "initialized", "params": {}})
SHUTDOWN = frame({"id": 3, "method": "shutdown"})
EXIT = frame({"method": "exit"})
GOODBYE = SHUTDOWN + EXIT


class Connection:
    """One client's end of a stream: `receive` and `send` work on descriptors, so that pipes and sockets are the same."""

    def __init__(self, source, sink):
        self.source, self.sink = source, sink
        self.received = b""

    def send(self, stream, piece_bytes=None):
        """Sends all of it, or what the server takes before it closes the connection."""
        piece_bytes = piece_bytes or max(1, len(stream))
        try:
            for begin in range(0, len(stream), piece_bytes):
                piece = stream[begin : begin + piece_bytes]
                while piece:
                    piece = piece[os.write(self.sink.fileno(), piece):]
        except (BrokenPipeError, ConnectionResetError):
            pass

    def finish(self):
        """Says that nothing more comes."""
        if isinstance(self.sink, socket.socket):
            try:
                self.sink.shutdown(socket.SHUT_WR)
            except OSError:
                pass  # the server was first
        else:
            self.sink.close()

    def read(self):
        """What has come, at least one byte; b"" at the end of the stream."""
        if not select.select([self.source], [], [], TIMEOUT_S)[0]:
            raise AssertionError("the server neither answers nor closes the connection")
        try:
            return os.read(self.source.fileno(), 1 << 16)
        except ConnectionResetError:
            return b""

    def receive(self):
        """The next message; None where the stream ends first."""
        while True:
            message, self.received = split_frame(self.received)
            if message is not None:
                return message
            piece = self.read()
            if not piece:
                return None
            self.received += piece

    def receive_all(self):
        """All messages until the stream ends."""
        while piece := self.read():
            self.received += piece
        messages, self.received = frames_of(self.received), b""
        return messages

    def close(self):
        for end in {self.source, self.sink}:
            end.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class LspProcess:
    """A server that runs. Its log goes to a file, so that nobody need read it before it ends."""

    def __init__(self, mode, folder, *arguments, model=TINY_MODELS[0], env=None, **options):
        where = {"stdio": ["--stdio"], "socket": ["--socket", folder / "octet.sock"], "port": ["--port", "0"]}[mode]
        self.mode = mode
        self.log_file = folder / "lsp.log"
        with open(self.log_file, "wb") as log:
            self.process = subprocess.Popen([str(BIN), "lsp", *map(str, where), "--model", str(model), *map(str, arguments)],
                                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, bufsize=0,
                                            env=env or environment(), **options)
        self.pid = self.process.pid
        self.where = {} if mode == "stdio" else json.loads(self.process.stdout.readline())

    def connect(self):
        """A connection that has not authenticated."""
        if self.mode == "stdio":
            return Connection(self.process.stdout, self.process.stdin)
        if self.mode == "socket":
            client = socket.socket(socket.AF_UNIX)
            client.connect(self.where["socket"])
        else:
            client = socket.create_connection(("127.0.0.1", self.where["port"]))
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return Connection(client, client)

    def authenticate(self, token=None, **message):
        return frame({"method": "octet/authenticate", "params": {"token": token or self.where["token"]}, **message})

    def client(self):
        """A connection that may speak the protocol."""
        connection = self.connect()
        if self.mode == "port":
            connection.send(self.authenticate())
        return connection

    def talk(self, stream, piece_bytes=None):
        """The messages that answer `stream`, sent in pieces, once the server has ended."""
        with self.client() as connection:
            connection.send(stream, piece_bytes)
            connection.finish()
            messages = connection.receive_all()
        self.wait()
        return messages

    def wait(self):
        """The exit code."""
        return self.process.wait(timeout=TIMEOUT_S)

    def log(self):
        return self.log_file.read_text(encoding="utf-8")

    def descriptors(self):
        """What its open descriptors lead to."""
        targets = []
        for name in os.listdir(f"/proc/{self.pid}/fd"):
            try:
                targets.append(os.readlink(f"/proc/{self.pid}/fd/{name}"))
            except FileNotFoundError:
                pass  # closed meanwhile
        return targets

    def status(self, name, base=10):
        """A line of /proc/PID/status, as a number."""
        with open(f"/proc/{self.pid}/status", encoding="ascii", errors="replace") as status:
            return next(int(line.split()[1], base) for line in status if line.startswith(name + ":"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(timeout=TIMEOUT_S)
        for stream in (self.process.stdin, self.process.stdout):
            stream.close()
