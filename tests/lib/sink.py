"""An SMTP or LMTP server that a test scripts: it takes everything, or says what it is told."""
import re
import socketserver
import threading
import time

from . import ports


class Received:
    """One message as it came: envelope and content, dots undone, CRLF line ends."""

    def __init__(self, session, sender, recipients, content):
        self.session = session
        self.sender, self.recipients, self.content = sender, recipients, content


class Sink:
    """replies: {verb or 'VERB argument-regex': reply text} for what is not to be accepted, e.g.
    {'RCPT TO:<full@': '452 4.2.2 full', '.': '451 4.3.0 later'}; a reply 'DROP' closes the
    connection without a word.  '.' is the end of DATA, 'CONNECT' the greeting.  A reply may be a
    list of such things: bytes are sent as they are, a number is a time to wait in seconds."""

    def __init__(self, replies=None, extensions=('PIPELINING', 'SIZE 50000000', '8BITMIME',
                                                 'ENHANCEDSTATUSCODES'), lmtp=False, port=None):
        self.replies = dict(replies or {})
        self.extensions = extensions
        self.lmtp = lmtp
        self.messages = []
        self.commands = []     # all command lines of all sessions
        self.connections = 0
        self.port = port or ports.free_port()
        outer = self

        class Session(socketserver.StreamRequestHandler):
            def handle(self):
                try:
                    outer.converse(self)
                except (OSError, Drop):
                    pass

        socketserver.ThreadingTCPServer.allow_reuse_address = True
        self.server = socketserver.ThreadingTCPServer(('127.0.0.1', self.port), Session)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def scripted(self, command):
        """The scripted reply for a command line, or None."""
        for pattern, reply in list(self.replies.items()):
            if re.match(re.escape('.') + '$' if pattern == '.' else pattern, command, re.I):
                return reply
        return None

    def converse(self, session):
        self.connections += 1
        number = self.connections
        self.say(session, self.scripted('CONNECT') or '220 sink.test ESMTP')
        sender, recipients = None, []
        for line in session.rfile:
            command = line.decode(errors='replace').rstrip('\r\n')
            self.commands.append(command)
            verb = command.split(' ')[0].upper()
            scripted = self.scripted(command)
            if verb == 'QUIT':
                return self.say(session, scripted or '221 2.0.0 Bye')
            if scripted:
                self.say(session, scripted)
                continue
            if verb in ('EHLO', 'LHLO'):
                lines = ['sink.test', *self.extensions]
                self.say(session, '\r\n'.join(f'250{" " if i == len(lines) - 1 else "-"}{text}'
                                              for i, text in enumerate(lines)))
            elif verb == 'MAIL':
                sender, recipients = re.search('<(.*?)>', command)[1], []
                self.say(session, '250 2.1.0 Ok')
            elif verb == 'RCPT':
                recipients.append(re.search('<(.*?)>', command)[1])
                self.say(session, '250 2.1.5 Ok')
            elif verb == 'DATA':
                self.data(session, number, sender, recipients)
            elif verb == 'RSET':
                sender, recipients = None, []
                self.say(session, '250 2.0.0 Ok')
            else:
                self.say(session, '250 2.0.0 Ok')

    def data(self, session, number, sender, recipients):
        self.say(session, '354 go ahead')
        content = b''
        for line in session.rfile:
            if line == b'.\r\n':
                break
            content += line[1:] if line.startswith(b'.') else line
        else:
            raise Drop  # it ended before the message did
        reply = self.scripted('.')
        if not reply:
            self.messages.append(Received(number, sender, list(recipients), content))
        for _ in recipients if self.lmtp else [None]:
            self.say(session, reply or f'250 2.0.0 Ok: taken as {len(self.messages)}')

    @classmethod
    def say(cls, session, text):
        if isinstance(text, list):
            for one in text:
                cls.say(session, one)
            return
        if isinstance(text, (int, float)):
            return time.sleep(text)
        if text == 'DROP':
            raise Drop
        session.wfile.write(text if isinstance(text, bytes) else text.encode() + b'\r\n')
        session.wfile.flush()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def remove(self):
        pass

    def log(self):
        return '\n'.join(self.commands)


class Drop(Exception):
    """Closes the connection."""
