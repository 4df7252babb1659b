"""Scripts of IMAP conversations, as they stand in tests/imap/rfcNNNN/*.txt.

A script is lines; what begins with # is for people.

    @mailbox NAME               makes a mailbox before the conversation
    @messages NAME N            puts N plain messages into it, "number 1" and so on
    @message NAME [FLAGS] ["DATE"]    puts the message of the following L: lines into it
    @only facteur: why          Dovecot does not do what the script is about
    @connect N [raw] [tls] [deflate]   opens connection N; raw: without login, its greeting unread;
                                deflate: compressed (RFC 4978)

    C: a NOOP                   what the client says; 2C: says it on the connection 2
    L: text                     lines of the literal that {} or {+} at the end of C: announces
    c: (MESSAGES)               goes on behind a literal
    B: text                     a line sent as it is: DONE, a base64 answer
    S: a OK                     what the server says next
    U: * 1 FETCH (UID 1)        the same; U: lines next to each other come in any order
    S: ...                      other untagged responses may come here
    S: !* 1 EXPUNGE             no such line among those that ... took
    S[dovecot]: a NO            what Dovecot says instead; a line above with # differs: tells why
    S[facteur]: a OK

In S: lines <<regex>> stands for what it matches, <<>> for anything, <<name=regex>> keeps it and
<<$name>> stands for what was kept, in C: lines too.  A line that ends with <<>> is matched at its
start.  The items of a FETCH response come in any order, "* N RECENT" comes at any
time, and a NO of Dovecot without a response code will do.  A literal is shown behind its {N} with \\n for its line ends.
"""
import re
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
LINE = re.compile(r'(\d*)([CLcBSU])(?:\[(\w+)\])?:(?: (.*))?$')


class ScriptError(Exception):
    """The script itself is wrong."""


class Step:
    """A line of the script."""

    def __init__(self, number, connection, kind, text):
        self.number, self.connection, self.kind, self.text = number, connection, kind, text


class Script:
    """One file, read for one server ("facteur" or "dovecot")."""

    def __init__(self, path, server):
        self.path, self.server = Path(path), server
        self.name = f'{self.path.parent.name}/{self.path.stem}'
        self.directives, self.steps, self.only, explained = [], [], None, False
        for number, line in enumerate(self.path.read_text().splitlines(), 1):
            if line.startswith('#'):
                explained = explained or line.startswith('# differs:')
            elif line.startswith('@'):
                self._directive(number, line[1:])
            elif line.strip():
                explained = self._step(number, line, explained) and explained

    def _directive(self, number, text):
        if text.startswith('only facteur: '):
            self.only = text[len('only facteur: '):]
            return
        word, _, rest = text.partition(' ')
        if word not in ('mailbox', 'messages', 'message', 'connect'):
            raise ScriptError(f'{self.path}:{number}: unknown directive @{word}')
        self.directives.append((word, rest, []))

    def _step(self, number, line, explained):
        """True while a difference that was explained goes on."""
        match = LINE.match(line)
        if not match:
            raise ScriptError(f'{self.path}:{number}: not a line of a script: {line}')
        connection, kind, server, text = match.groups()
        if server and not explained:
            raise ScriptError(f'{self.path}:{number}: a difference without "# differs: why"')
        if kind == 'L' and not self.steps and self.directives:
            self.directives[-1][2].append(text or '')
        elif server in (None, self.server):
            self.steps.append(Step(number, int(connection or 1), kind, text or ''))
        return server is not None

    def exchanges(self):
        return sum(step.kind in 'CB' for step in self.steps)


def scripts(server, words=()):
    """All scripts that this server can play, by name."""
    found = [Script(path, server) for path in sorted(FOLDER.glob('rfc*/*.txt'))]
    return [s for s in found if (server == 'facteur' or not s.only)
            and (not words or any(word in s.name for word in words))]
