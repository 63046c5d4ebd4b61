# SPDX-License-Identifier: BSD-3-Clause
"""An SMTP server that does exactly what a test says, and keeps what it received to the byte."""
import collections
import dataclasses
import hashlib
import itertools
import re
import socket
import struct
import threading
import time
import weakref

STAGES = ("connect", "ehlo", "mail", "rcpt", "data", "body", "dot", "rset", "quit")


# What a server can do when a stage is reached, instead of its good reply.

@dataclasses.dataclass(frozen=True)
class Reply:
    """Answer with this code and text; further lines make a multi-line reply: "550 no\\nnever"."""
    text: str


@dataclasses.dataclass(frozen=True)
class ReplyAndClose:
    text: str


@dataclasses.dataclass(frozen=True)
class Close:
    """FIN without an answer."""


@dataclasses.dataclass(frozen=True)
class TakeAndClose:
    """At "dot": take the message, and close before the client could hear of it."""


@dataclasses.dataclass(frozen=True)
class Reset:
    """RST without an answer."""


@dataclasses.dataclass(frozen=True)
class Stall:
    """Say nothing more and read nothing more; the connection stays."""


@dataclasses.dataclass(frozen=True)
class Delay:
    """The good answer, but so many seconds later."""
    seconds: float


@dataclasses.dataclass(frozen=True)
class Babble:
    """Send this before anything was asked, then the good answer."""
    text: str


@dataclasses.dataclass
class Message:
    """One accepted (or seen) message: content as on the wire, dot-stuffing and final dot removed."""
    sender: str
    recipients: list
    content: bytes
    client: str
    digest: str = ""


class _Gone(Exception):
    """The conversation is over."""


ABORT = struct.pack("ii", 1, 0)  # a struct linger: RST at close()
JOURNAL_LINES, DROP_SECONDS = 500, 20
_servers, _numbers = weakref.WeakSet(), itertools.count(1)


def journals():
    """What was said last to each server that is still there, and by it: address -> text."""
    return {server.name: "".join(f"{line}\n" for line in list(server.journal)) for server in list(_servers)}


class Server:
    """Listens from construction on. Faults: {stage: action}, or {stage: [action, ...]} used up in turn.

    judge: recipient -> a reply that refuses it, or None to accept; without it all are accepted.
    keep: "content" keeps messages whole, "digest" only their SHA-256 without the first
    header field (the router's Received:), for tests with much data.
    """

    def __init__(self, address, port=25, judge=None, extensions=("PIPELINING", "8BITMIME", "SIZE 100000000",
                 "ENHANCEDSTATUSCODES"), faults=None, keep="content", bytewise=False, backlog=512):
        self.judge, self.extensions, self.keep, self.bytewise = judge, extensions, keep, bytewise
        self.faults = dict(faults or {})
        self.messages, self.connections, self.commands = [], 0, []
        self.journal = collections.deque(maxlen=JOURNAL_LINES)
        self.name = f"{address}-{port}-{next(_numbers)}"
        self.lock = threading.Lock()
        self.open, self.ended = set(), threading.Condition(self.lock)
        self.drops, self.closing = 0, False
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.listener = socket.socket(family)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind((address, port))
        self.listener.listen(backlog)
        _servers.add(self)
        self.acceptor = threading.Thread(target=self._accept, daemon=True)
        self.acceptor.start()

    def close(self):
        """Stop listening and reset every connection."""
        if not self.closing:
            self.closing = True
            self.listener.shutdown(socket.SHUT_RDWR)
            self.acceptor.join()
        self.drop()

    def drop(self):
        """Reset every connection: the router has to make a new one for the next message.

        Each is closed by its own thread, which is woken for that. Closed from here, its descriptor would be free for
        the next connection while a thread still waits in recv() on that number, and takes what is not its own. All
        are gone when this returns: a command that came before its thread was awake would be answered.
        """
        with self.lock:
            self.drops += 1
            dropped = set(self.open)
            for connection in dropped:
                try:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABORT)
                    connection.shutdown(socket.SHUT_RD)
                except OSError:  # it has gone meanwhile
                    pass
            if not self.ended.wait_for(lambda: dropped.isdisjoint(self.open), DROP_SECONDS):
                raise AssertionError(f"{self.name}: {len(dropped & self.open)} conversations do not end")

    def clear(self):
        """Forget what was received, and fail no more."""
        with self.lock:
            self.messages.clear()
            self.commands.clear()
            self.faults.clear()

    def recipients(self):
        """All recipients of all accepted messages, in order."""
        with self.lock:
            return [rcpt for message in self.messages for rcpt in message.recipients]

    def peek(self, stage):
        """The action for this stage that is next, or None."""
        action = self.faults.get(stage)
        return (action[0] if action else None) if isinstance(action, list) else action

    def fault(self, stage):
        """The action for this stage now, or None; of a list it is used up."""
        with self.lock:
            action = self.peek(stage)
            if isinstance(self.faults.get(stage), list) and action:
                self.faults[stage].pop(0)
            return action

    def _accept(self):
        with self.listener:
            while not self.closing:
                try:
                    connection, peer = self.listener.accept()
                except OSError:
                    return
                with self.lock:
                    self.connections += 1
                    self.open.add(connection)
                threading.Thread(target=self._serve, args=(connection, peer), daemon=True).start()

    def note(self, port, what):
        """Something that concerns the connection from that port."""
        self.journal.append(f"{time.time():.6f} {port:5} {what}")

    def _serve(self, connection, peer):
        self.note(peer[1], "opened")
        try:
            _Conversation(self, connection, peer).run()
        except (_Gone, OSError) as reason:
            self.note(peer[1], f"over: {reason!r}")
        finally:
            with self.lock:
                self.open.discard(connection)
                connection.close()
                self.ended.notify_all()


def reset(connection):
    """End a connection of one's own by RST."""
    try:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABORT)
        connection.close()
    except OSError:
        pass


class _Conversation:
    """One connection of the server."""

    def __init__(self, server, connection, peer):
        self.server, self.connection, self.peer = server, connection, peer[0]
        self.port = peer[1]
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        self.forget()

    def forget(self):
        self.sender, self.accepted = None, []

    def say(self, text):
        self.server.note(self.port, f"S: {text}")
        code, lines = text[:3], text[4:].split("\n")
        data = "".join(f"{code}-{line}\r\n" for line in lines[:-1]) + f"{code} {lines[-1]}\r\n"
        data = data.encode()
        if self.server.bytewise:
            for byte in data:
                self.connection.sendall(bytes([byte]))
        else:
            self.connection.sendall(data)

    def reach(self, stage, good):
        """Do what is planned for the stage; True if the answer was the good one."""
        action = self.server.fault(stage)
        if action is None:
            pass
        elif isinstance(action, Reply):
            self.say(action.text)
            return action.text[0] in "23"
        elif isinstance(action, ReplyAndClose):
            self.say(action.text)
            raise _Gone
        elif isinstance(action, (Close, TakeAndClose)):
            raise _Gone
        elif isinstance(action, Reset):
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABORT)
            raise _Gone
        elif isinstance(action, Stall):
            before = self.server.drops
            while self.server.drops == before:
                time.sleep(0.1)
            raise _Gone
        elif isinstance(action, Delay):
            time.sleep(action.seconds)
        elif isinstance(action, Babble):
            self.connection.sendall(action.text.encode() + b"\r\n")
        if good:
            self.say(good)
        return True

    def fill(self):
        data = self.connection.recv(262144)
        if not data:
            raise _Gone
        self.buffer += data

    def line(self):
        while b"\r\n" not in self.buffer:
            self.fill()
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        return line.decode("utf-8", "surrogateescape")

    def body(self):
        """Read to CRLF.CRLF; the content unstuffed."""
        if "body" in self.server.faults and not self.buffer:
            self.fill()  # the fault is in the middle of the content, not before it
        self.reach("body", None)
        pieces, tail = [], b"\r\n"  # the end of the DATA line counts: an empty message is ".CRLF"
        while True:
            # The end may lie across two reads: search with the last bytes of the one before.
            window = tail + self.buffer
            end = window.find(b"\r\n.\r\n")
            if end >= 0:
                used = end + 5 - len(tail)
                pieces.append(self.buffer[:used])
                self.buffer = self.buffer[used:]
                break
            pieces.append(self.buffer)
            tail = window[-4:]
            self.buffer = b""
            self.fill()
        wire = b"".join(pieces)[:-3]
        return re.sub(rb"(\A|\r\n)\.", rb"\1", wire)

    def run(self):
        server = self.server
        if not self.reach("connect", "220 capture.test ESMTP"):
            raise _Gone
        while True:
            line = self.line()
            server.note(self.port, f"C: {line}")
            with server.lock:
                server.commands.append(line)
            verb = line[:4].upper()
            if verb in ("EHLO", "HELO"):
                self.forget()
                features = server.extensions if verb == "EHLO" else ()
                self.reach("ehlo", "\n".join(["250 capture.test", *features]))
            elif verb == "MAIL":
                self.forget()
                if self.reach("mail", "250 2.1.0 sender fine"):
                    self.sender = _path(line)
            elif verb == "RCPT":
                self.rcpt(_path(line))
            elif verb == "DATA":
                self.data()
            elif verb == "RSET":
                self.forget()
                self.reach("rset", "250 2.0.0 forgotten")
            elif verb == "QUIT":
                self.reach("quit", "221 2.0.0 bye")
                raise _Gone
            elif verb == "NOOP":
                self.say("250 2.0.0 still here")
            else:
                self.say("502 5.5.1 what?")

    def rcpt(self, recipient):
        refusal = self.server.judge(recipient) if self.server.judge else None
        if self.sender is None:
            self.say("503 5.5.1 MAIL first")
        elif refusal:
            self.say(refusal)
        elif self.reach("rcpt", "250 2.1.5 recipient fine"):
            self.accepted.append(recipient)

    def data(self):
        if not self.accepted:
            self.say("554 5.5.1 no valid recipients")
            return
        if not self.reach("data", "354 go ahead"):
            return
        content = self.body()
        message = Message(self.sender, self.accepted, content, self.peer)
        if self.server.keep == "digest":
            message.content, message.digest = b"", hashlib.sha256(without_trace(content)).hexdigest()
        self.forget()
        if self.server.peek("dot") == TakeAndClose():
            self.keep(message)
        if self.reach("dot", None):
            self.keep(message)
            self.say("250 2.0.0 taken")

    def keep(self, message):
        with self.server.lock:
            self.server.messages.append(message)


def _path(line):
    """The address between the angle brackets of MAIL or RCPT."""
    match = re.search(r"<(.*)>", line)
    return match[1] if match else line.split(":", 1)[-1].strip()


def without_trace(content):
    """The content without its first header field, which must be a Received: line."""
    if not content.startswith(b"Received:"):
        raise AssertionError(f"no Received: line in front: {content[:80]!r}")
    end = re.search(rb"\r?\n(?![ \t])", content).end()
    return content[end:]
