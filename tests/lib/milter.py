"""A milter for tests: it writes down what it hears and answers as it is told."""
import socket
import struct
import threading

from . import ports

KNOWN_ACTIONS = 0x1FF
COMMANDS = {'A': 'abort', 'B': 'body', 'C': 'connect', 'E': 'eom', 'H': 'helo', 'L': 'header',
            'M': 'mail', 'N': 'eoh', 'Q': 'quit', 'R': 'rcpt', 'T': 'data', 'U': 'unknown'}


def packet(kind, *strings, index=None):
    """The data of one answer: packet('h', 'X-Name', 'value'), packet('i', 'A', 'b', index=1)."""
    data = b'' if index is None else struct.pack('!I', index)
    return kind.encode() + data + b''.join(s.encode() + b'\0' for s in strings)


class Milter:
    """answers: {'mail': [packet('y', '550 5.7.1 no')], 'eom': [...]}; what is not there gets
    CONTINUE.  answers may be changed between sessions.  protocol: SMFIP_ flags; wishes: {stage:
    names} of macros."""

    def __init__(self, answers=None, protocol=0, actions=KNOWN_ACTIONS, wishes=None):
        self.answers = dict(answers or {})
        self.protocol, self.actions, self.wishes = protocol, actions, wishes or {}
        self.sessions = []  # of lists of (event, data)
        self.port = ports.free_port()
        self._listener = socket.create_server(('127.0.0.1', self.port))
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def place(self):
        return f'inet:127.0.0.1:{self.port}'

    def forget(self):
        self.sessions = []

    def names(self):
        """The events of all sessions, each by its name; pieces of the body are one."""
        found = []
        for session in self.sessions:
            for name, _ in session:
                if name != 'macros' and not (name == 'body' and found[-1:] == ['body']):
                    found.append(name)
        return found

    def data(self, event):
        return [d for session in self.sessions for name, d in session if name == event]

    def macros(self, stage):
        """{name: value} of the last macros before such an event."""
        found = {}
        for letter, values in self.data('macros'):
            if COMMANDS.get(letter) == stage:
                found = values
        return found

    def stop(self):
        self._listener.close()

    def remove(self):
        pass

    def _serve(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            session = []
            self.sessions.append(session)
            threading.Thread(target=self._session, args=(connection, session), daemon=True).start()

    def _session(self, connection, session):
        with connection, connection.makefile('rb') as source:
            while True:
                head = source.read(4)
                if len(head) < 4:
                    session.append(('closed', None))
                    return
                data = source.read(struct.unpack('!I', head)[0])
                for answer in self._take(chr(data[0]), data[1:], session):
                    connection.sendall(struct.pack('!I', len(answer)) + answer)

    def _take(self, command, data, session):
        if command == 'O':
            offered = struct.unpack('!III', data[:12])
            session.append(('offer', offered))
            wishes = b''.join(struct.pack('!I', stage) + names.encode() + b'\0'
                              for stage, names in self.wishes.items())
            return [b'O' + struct.pack('!III', 6, self.actions & offered[1],
                                       self.protocol & offered[2]) + wishes]
        if command == 'D':
            words = data[1:].decode('latin-1').split('\0')[:-1]
            session.append(('macros', (chr(data[0]), dict(zip(words[::2], words[1::2])))))
            return []
        event = COMMANDS.get(command, command)
        session.append((event, data if event == 'body' else data.decode('latin-1')))
        if event in ('abort', 'quit'):
            return []
        return self.answers.get(event, [b'c'])
