"""Plays a Script against a server and compares what it says."""
import imaplib
import itertools
import re
import socket
import ssl
import zlib

MARK = re.compile(r'<<(.*?)>>')
LITERAL = re.compile(rb'~?\{(\d+)\}\r\n$')
RECENT = re.compile(r'\* \d+ RECENT$')
SECONDS = 20


def fetch_items(text):
    """The items of a FETCH response, each with its value."""
    words, at, depth, start = [], 0, 0, 0
    while at < len(text):
        literal = re.compile(r'~?\{(\d+)\}').match(text, at)
        if literal:
            at = literal.end() + int(literal[1])
            continue
        if text[at] == '"':
            at = re.compile(r'"(\\.|[^"\\])*"').match(text, at).end()
            continue
        depth += {'(': 1, '[': 1, ')': -1, ']': -1}.get(text[at], 0)
        if text[at] == ' ' and depth == 0:
            words.append(text[start:at])
            start = at + 1
        at += 1
    words.append(text[start:])
    return [' '.join(words[i:i + 2]) for i in range(0, len(words), 2)]


def orders(said):
    """The items of a FETCH response may come in any order."""
    yield said
    head = re.match(r'\* \d+ FETCH \(', said)
    items = fetch_items(said[head.end():-1]) if head else []
    if 1 < len(items) < 6:
        for order in itertools.permutations(items):
            yield head[0] + ' '.join(order) + ')'


class Different(AssertionError):
    """The server said something else."""


class Inflated:
    """Reads a compressed connection as a file."""

    def __init__(self, file):
        self.file, self.buffer = file, b''
        self.inflate = zlib.decompressobj(-15)

    def more(self):
        block = self.file.read1(65536)
        self.buffer += self.inflate.decompress(block)
        return bool(block)

    def readline(self):
        while b'\n' not in self.buffer and self.more():
            pass
        return self.read(self.buffer.find(b'\n') + 1)

    def read(self, size):
        while len(self.buffer) < size and self.more():
            pass
        out, self.buffer = self.buffer[:size], self.buffer[size:]
        return out

    def close(self):
        self.file.close()


class Connection:
    """One connection; a response is one text, with its literals in it."""

    def __init__(self, port, tls):
        self.socket = socket.create_connection(('127.0.0.1', port), timeout=SECONDS)
        if tls:
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            self.socket = context.wrap_socket(self.socket)
        self.file = self.socket.makefile('rb')
        self.deflate = None

    def start_deflate(self):
        self.file = Inflated(self.file)
        self.deflate = zlib.compressobj(9, zlib.DEFLATED, -15)

    def say(self, text):
        if self.deflate:
            text = self.deflate.compress(text) + self.deflate.flush(zlib.Z_SYNC_FLUSH)
        self.socket.sendall(text)

    def response(self):
        whole = b''
        while True:
            try:
                line = self.file.readline()
            except TimeoutError:
                raise Different(f'silence after {SECONDS} s') from None
            if not line:
                return 'closed' if not whole else whole.decode('latin-1')
            mark = LITERAL.search(line)
            if not mark:
                whole += line[:-2] if line.endswith(b'\r\n') else line
                return whole.decode('latin-1')
            content = self.file.read(int(mark[1]))
            whole += line[:-2] + content.replace(b'\r\n', b'\\n')

    def close(self):
        self.file.close()
        self.socket.close()


class Player:
    """One script, one user, one server."""

    def __init__(self, script, ports, user, password):
        self.script, self.ports = script, ports
        self.user, self.password = user, password
        self.kept = {'user': user, 'password': password}
        self.connections = {}
        self.heard = []  # for the message of a failure
        self.differences = []

    def play(self):
        """What was different, as texts; after one, the script goes on with the next command."""
        try:
            self.prepare()
            steps, at = self.script.steps, 0
            while at < len(steps):
                at = self.turn(steps, at)
        except (Different, OSError) as failure:
            self.differences.append(f'{self.script.name}: {failure}')
        finally:
            for connection in self.connections.values():
                connection.close()
        return self.differences

    def prepare(self):
        setup = [d for d in self.script.directives if d[0] != 'connect']
        if setup:
            client = imaplib.IMAP4('127.0.0.1', self.ports['imap'], timeout=SECONDS)
            client.login(self.user, self.password)
            for directive in setup:
                self.prepare_one(client, *directive)
            client.logout()
        for word, rest, _ in self.script.directives:
            if word == 'connect':
                number, *options = rest.split()
                self.connect(int(number), options)

    def prepare_one(self, client, word, rest, lines):
        if word == 'mailbox':
            self.must(client.create(rest))
        elif word == 'messages':
            name, count = rest.split()
            for n in range(1, int(count) + 1):
                text = (f'From: Tim <tim@here.test>\r\nTo: {self.user}\r\nSubject: number {n}\r\n'
                        f'Date: Mon, {n % 28 + 1} Mar 2020 12:00:00 +0000\r\n'
                        f'Message-ID: <{n}@here.test>\r\n\r\nbody {n}\r\n')
                self.must(client.append(name, None, None, text.encode()))
        else:
            name, flags, date = re.match(r'(\S+)(?: (\(.*?\)))?(?: (".*?"))?$', rest).groups()
            text = ''.join(line + '\r\n' for line in lines)
            self.must(client.append(name, flags, date, text.encode('utf-8')))

    def must(self, answer):
        if answer[0] != 'OK':
            raise Different(f'{self.script.name}: cannot prepare: {answer}')

    def connect(self, number, options=()):
        tls = 'tls' in options
        connection = Connection(self.ports['imaps' if tls else 'imap'], tls)
        self.connections[number] = connection
        if 'raw' in options:
            return connection
        connection.response()
        self.command(connection, f'LOGIN {self.user} {self.password}')
        if 'deflate' in options:
            self.command(connection, 'COMPRESS DEFLATE')
            connection.start_deflate()
        return connection

    def command(self, connection, text):
        connection.say(f'setup {text}\r\n'.encode())
        said = '*'
        while said.startswith('*'):
            said = connection.response()
        if not said.startswith('setup OK'):
            raise Different(f'{self.script.name}: {text}: {said}')

    def on(self, number):
        return self.connections.get(number) or self.connect(number)

    def turn(self, steps, at):
        """One command with its literals, or one block of expectations; where the next begins."""
        step = steps[at]
        if step.kind in 'SU':
            end = at
            while end < len(steps) and steps[end].kind in 'SU' and \
                    steps[end].connection == step.connection:
                end += 1
            try:
                self.expect(self.on(step.connection), steps[at:end])
            except Different as different:
                self.differences.append(str(different))
                self.catch_up(self.on(step.connection), steps[end - 1])
            return end
        if step.kind == 'L':
            end = at
            while end < len(steps) and steps[end].kind == 'L':
                end += 1
            goes_on = end < len(steps) and steps[end].kind == 'c'
            text = '\r\n'.join(s.text for s in steps[at:end]).encode('utf-8')
            self.heard.append('C: ' + text.decode('latin-1')[:100])
            self.on(self.speaker).say(text + (b'' if goes_on else b'\r\n'))
            return end
        if step.kind != 'c':
            self.speaker = step.connection
        self.say(step, steps[at + 1:])
        return at + 1

    def say(self, step, following):
        text = MARK.sub(lambda m: self.kept.get(m[1][1:], m[0]), step.text)
        self.heard.append(f'{self.speaker}C: {text}')
        connection = self.on(self.speaker)
        mark = re.search(r'\{(\+|-)?\}$', text)
        if not mark:
            connection.say(text.encode('utf-8') + b'\r\n')
            return
        lines = []
        for other in following:
            if other.kind != 'L':
                break
            lines.append(other.text)
        size = len('\r\n'.join(lines).encode('utf-8'))
        connection.say(f'{text[:mark.start()]}{{{size}{"+" if mark[1] else ""}}}\r\n'.encode())
        if not mark[1]:
            said = connection.response()
            self.heard.append('S: ' + said)
            if not said.startswith('+'):
                raise self.different(step, [said])

    def pattern(self, text):
        """The regular expression of an S: line."""
        if self.script.server == 'dovecot':  # RFC 5530 section 3: a server may leave them out
            text = re.sub(r'^(\w+ NO) (\[[A-Z]+\]) ', r'\1<<( \\[[A-Z]+\\])?>> ', text)
        out, at = '', 0
        for mark in MARK.finditer(text):
            out += re.escape(text[at:mark.start()])
            inside = mark[1]
            named = re.match(r'(\w+)=(.*)$', inside)
            if inside.startswith('$'):
                out += re.escape(self.kept.get(inside[1:], inside))
            elif named:
                out += f'(?P<{named[1]}>{named[2]})'
            else:
                out += f'(?:{inside or ".*"})'
            at = mark.end()
        return re.compile(out + re.escape(text[at:]) + '$', re.S)

    def expect(self, connection, block):
        passed, gap, at = [], False, 0
        while at < len(block):
            step = block[at]
            at += 1
            if step.text == '...':
                gap = True
                continue
            if step.text.startswith('!'):
                unwanted = self.pattern(step.text[1:])
                if any(unwanted.match(said) for said in passed):
                    raise self.different(step, passed)
                continue
            together = [step]
            while step.kind == 'U' and at < len(block) and block[at].kind == 'U':
                together.append(block[at])
                at += 1
            passed += self.hear(connection, together, gap)
            gap = False

    def hear(self, connection, together, gap):
        """Waits for these lines in any order; what came between, if that may be."""
        wanted = [(step, self.pattern(step.text)) for step in together]
        passed = []
        while wanted:
            said = connection.response()
            self.heard.append(f'{together[0].connection}S: {said}')
            for step, pattern in wanted:
                match = next(filter(None, map(pattern.match, orders(said))), None)
                if match:
                    self.kept.update(match.groupdict())
                    wanted.remove((step, pattern))
                    break
            else:
                passed.append(said)
                if RECENT.match(said):
                    continue
                if not gap or said == 'closed' or not said.startswith('*'):
                    raise self.different(wanted[0][0], passed)
        return passed

    def catch_up(self, connection, last):
        """To the end of the command that was answered differently, if its end was expected."""
        tagged = re.match(r'(\w+) ', last.text)
        if not tagged or len(self.differences) > 9:
            raise Different('cannot go on')
        tag = tagged[1] + ' '
        said = self.heard[-1].partition(': ')[2]
        while not said.startswith(tag):
            if said == 'closed':
                raise Different('closed')
            said = connection.response()
            self.heard.append(f'{last.connection}S: {said}')

    def different(self, step, said):
        talk = '\n'.join('    ' + line[:400] for line in self.heard[-6:])
        return Different(f'{self.script.name}.txt:{step.number}: expected "{step.text}", '
                         f'{self.script.server} said {said[-1:]}\n{talk}')
