"""Receivers on loopback: an HTTP server and an SMTP server that keep what they get."""

import json
import socketserver
import ssl
import threading
import time
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class HttpReceiver:
    """Keeps every POST; answers as it is told, one answer after the other, then with the last.

    An answer is (status, headers), "hang" (says nothing), "slow" (after a
    second), "drip" (a byte a second), or "close"
    (ends the line in the middle of an answer).
    """

    def __init__(self, tls=None):
        self.received = []
        self.answers = [(200, {})]
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self._server.server_port}"

    @property
    def bodies(self):
        return [body for _, body, _ in self.received]

    @property
    def keys(self):
        return [headers["Idempotency-Key"] for headers, _, _ in self.received]

    def _handler(self):
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):  # noqa: N802 -- http.server calls it so
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                receiver.received.append((self.headers, body, self.path))
                answers = receiver.answers
                answer = answers.pop(0) if len(answers) > 1 else answers[0]
                if answer == "hang":
                    time.sleep(30)
                elif answer == "slow":
                    time.sleep(1)
                    self.send_response(200)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                elif answer == "drip":
                    for letter in b"HTTP/1.1 200 OK\r\n" * 3:
                        self.wfile.write(bytes([letter]))
                        self.wfile.flush()
                        time.sleep(1)
                elif answer == "close":
                    self.wfile.write(b"HTTP/1.1 20")
                    self.close_connection = True
                else:
                    status, headers = answer
                    self.send_response(status)
                    for name, value in headers.items():
                        self.send_header(name, value)
                    self.send_header("Content-Length", "0")
                    self.end_headers()

            do_GET = do_POST  # noqa: N815

            def log_message(self, *arguments):
                pass

        return Handler

    @contextmanager
    def serving(self):
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()


class SmtpReceiver:
    """Keeps every email as text; `refuse` maps a command to the answer that it gets.

    With a context of TLS it speaks that at once, or after STARTTLS.
    """

    def __init__(self, tls=None, at_once=False):
        self.mails = []
        self.encrypted = []
        self._tls = tls
        self._at_once = at_once
        self.commands = []
        self.refuse = {}
        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]

    def _handler(self):
        receiver = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                with suppress(OSError):  # a client that trusts no such certificate goes away
                    if receiver._at_once:
                        self.encrypt()
                    self.converse()

            def encrypt(self):
                self.request = receiver._tls.wrap_socket(self.request, server_side=True)
                self.setup()

            def converse(self):
                self.say("220 here")
                while line := self.rfile.readline().decode().strip():
                    receiver.commands.append(line)
                    word = line.split(" ")[0].upper()
                    if word in receiver.refuse:
                        self.say(receiver.refuse[word])
                    elif word == "STARTTLS":
                        self.say("220 go on")
                        self.encrypt()
                    elif word == "EHLO":
                        offered = "250-STARTTLS\r\n" if receiver._tls else ""
                        self.say(f"250-here\r\n{offered}250-SMTPUTF8\r\n250 AUTH PLAIN")
                    elif word == "AUTH":
                        self.say("235 welcome")
                    elif word == "DATA":
                        self.say("354 go on")
                        lines = []
                        while (text := self.rfile.readline().decode()) != ".\r\n":
                            lines.append(text)
                        receiver.mails.append("".join(lines))
                        receiver.encrypted.append(isinstance(self.request, ssl.SSLSocket))
                        self.say("250 kept")
                    elif word == "QUIT":
                        self.say("221 bye")
                        return
                    else:
                        self.say("250 fine")

            def say(self, text):
                self.wfile.write(f"{text}\r\n".encode())

        return Handler

    @contextmanager
    def serving(self):
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
