# SPDX-License-Identifier: BSD-3-Clause
"""An SMTP client that sends exactly the bytes that a test says, in the segments that it says."""
import socket
import time


class Client:
    """One connection. Use as a context manager; `greeting` is the server's banner."""

    def __init__(self, host, port=25, source=None, seconds=20, greet=True):
        self.socket = socket.create_connection((host, port), seconds,
                                               (source, 0) if source else None)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        self.greeting = self.reply() if greet else None

    def __enter__(self):
        return self

    def __exit__(self, *_exception):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data if isinstance(data, bytes) else data.encode())

    def send_in_pieces(self, data, size=1, pause=0.0):
        """Each piece in a segment of its own (there is no Nagle here, and the window is open)."""
        for start in range(0, len(data), size):
            self.socket.send(data[start:start + size])
            if pause:
                time.sleep(pause)

    def line(self):
        while b"\r\n" not in self.buffer:
            data = self.socket.recv(65536)
            if not data:
                raise ConnectionError(f"closed by the server after {self.buffer!r}")
            self.buffer += data
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        return line.decode("utf-8", "surrogateescape")

    def reply(self):
        """The next reply, its lines joined by LF: '250-a' and '250 b' give '250 a\\nb'."""
        lines = [self.line()]
        while lines[-1][3:4] == "-":
            lines.append(self.line())
        if any(line[:3] != lines[0][:3] for line in lines):
            raise AssertionError(f"a reply with different codes: {lines}")
        return lines[0][:3] + " " + "\n".join(line[4:] for line in lines)

    def command(self, text):
        """Send a command and return its reply."""
        self.send(text + "\r\n")
        return self.reply()

    def hello(self, name="client.test"):
        return self.command(f"EHLO {name}")

    def envelope(self, sender, *recipients):
        """EHLO is done: MAIL and RCPTs one after the other; the replies."""
        return [self.command(f"MAIL FROM:<{sender}>")] + [
            self.command(f"RCPT TO:<{recipient}>") for recipient in recipients]

    def content(self, data):
        """DATA and the dot-stuffed data (CRLF lines, complete); the final reply (or DATA's)."""
        answer = self.command("DATA")
        if answer[:3] == "354":
            self.send(stuffed(data) + b".\r\n")
            answer = self.reply()
        return answer

    def message(self, sender, recipients, data):
        """A message to all recipients: the first reply that refuses any, or the last one.

        Who is answered 452 4.5.3, "too many recipients", gets the message in a transaction of
        its own right after, as from any mail system.
        """
        while True:
            answers = dict(zip(["", *recipients], self.envelope(sender, *recipients)))
            later = [who for who, answer in answers.items() if answer.startswith("452 4.5.3")]
            refusals = [answer for who, answer in answers.items()
                        if answer[0] != "2" and (who not in later or later == recipients)]
            if refusals:
                self.command("RSET")
                return refusals[0]
            answer = self.content(data)
            if answer[0] != "2" or not later:
                return answer
            recipients = later

    def quit(self):
        answer = self.command("QUIT")
        self.close()
        return answer


def stuffed(data):
    """Content as it is sent: a dot more in front of each line that begins with one."""
    data = data if isinstance(data, bytes) else data.encode()
    return (b"\r\n" + data).replace(b"\r\n.", b"\r\n..")[2:]


def deliver(host, sender, recipients, data, source=None, seconds=60):
    """One whole conversation; the reply as from Client.message()."""
    with Client(host, source=source, seconds=seconds) as client:
        client.hello()
        return client.message(sender, list(recipients), data)


def answers(host, port=25, proxied=False):
    """Whether a server greets there, now."""
    try:
        with Client(host, port, seconds=2, greet=False) as client:
            if proxied:
                client.send(f"PROXY TCP4 {host} {host} 1024 {port}\r\n")
            return client.reply()[:3] == "220"
    except OSError:
        return False
