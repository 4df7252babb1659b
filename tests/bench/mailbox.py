"""IMAP on one mailbox, the same in each server: what mail programs wait for."""
import random
import re
import socket
import time

RANDOM = random.Random(7)
WORDS = [''.join(RANDOM.choice('abcdefghijklmnopqrstuvwxyz') for _ in range(RANDOM.randint(3, 9)))
         for _ in range(5000)]
TEXT = '\r\n'.join(' '.join(RANDOM.choice(WORDS) for _ in range(11)) for _ in range(20000))
RARE = 'zebrafish'  # in the text of one message of a thousand

# What Thunderbird asks for each message of a folder that it opens.
LIST_HEADERS = ('(UID RFC822.SIZE FLAGS BODY.PEEK[HEADER.FIELDS (From To Cc Bcc Subject Date '
                'Message-ID Priority X-Priority References Newsgroups In-Reply-To Content-Type '
                'Reply-To)])')
READS = {
    'fetch flags': 'FETCH 1:* (UID FLAGS)',
    'fetch envelopes': 'FETCH 1:* (UID ENVELOPE)',
    'fetch list headers': f'FETCH 1:* {LIST_HEADERS}',
    'fetch structures': 'FETCH 1:* (UID BODYSTRUCTURE)',
    'sort date': 'SORT (DATE) UTF-8 ALL',
    'sort subject': 'SORT (SUBJECT) UTF-8 ALL',
    'sort arrival': 'SORT (REVERSE ARRIVAL) UTF-8 ALL',
    'thread references': 'THREAD REFERENCES UTF-8 ALL',
    'search subject': 'SEARCH SUBJECT report',
    'search unseen': 'SEARCH UNSEEN',
}


def message(number):
    """A message of 3 KB on average; six of ten answer others, every third is multipart."""
    chance = random.Random(number)
    size = max(300, int(chance.expovariate(1 / 3000)))
    start = chance.randrange(len(TEXT) - min(size, len(TEXT) // 2) - 2)
    answers = ''
    if number > 100 and chance.random() < .6:
        first, last = (number - chance.randint(*span) for span in ((21, 60), (1, 20)))
        answers = (f'In-Reply-To: <m{last}@s.test>\r\n'
                   f'References: <m{first}@s.test> <m{last}@s.test>\r\n')
    day, hour = chance.randint(1, 28), chance.randint(0, 23)
    head = (f'Return-Path: <s{number % 997}@s.test>\r\n'
            f'Received: from relay{number % 13}.s.test (relay{number % 13}.s.test [192.0.2.1])\r\n'
            f'\tby mx.example.test with ESMTPS id {number:x}\r\n'
            '\tfor <u@example.test>; Sun, 22 Nov 2026 10:00:00 +0000\r\n'
            f'From: Person {number % 997} <s{number % 997}@s.test>\r\nTo: User <u@example.test>\r\n'
            f'Cc: list{number % 17}@lists.test\r\n'
            f'Subject: {"Re: " if answers else ""}{WORDS[number // 7 % 5000]} '
            f'{WORDS[number // 3 % 5000]} report\r\n'
            f'Date: {day} Nov 2026 {hour:02d}:{number % 60:02d}:00 +0000\r\n'
            f'Message-ID: <m{number}@s.test>\r\n{answers}MIME-Version: 1.0\r\n')
    body = TEXT[start:start + size] + (f'\r\n{RARE}\r\n' if number % 1000 == 7 else '\r\n')
    plain = 'Content-Type: text/plain; charset=utf-8\r\n\r\n'
    if number % 3:
        return (head + plain + body).encode()
    mark = f'b{number}'
    html = f'<p>{body[:len(body) // 2]}</p>'
    return (f'{head}Content-Type: multipart/alternative; boundary="{mark}"\r\n\r\n'
            f'--{mark}\r\n{plain}{body}\r\n--{mark}\r\n{plain.replace("plain", "html")}{html}\r\n'
            f'--{mark}--\r\n').encode()


class Client:
    """One connection; a command's answer is read and, but for its ends, thrown away."""

    def __init__(self, server, user):
        self.socket = socket.create_connection(('127.0.0.1', server.imap_port), timeout=300)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.number = 0
        if not self.socket.recv(4096).startswith(b'* OK'):
            raise SystemExit(f'{server.name}: no greeting')
        self.command(f'LOGIN {user} pw')

    def command(self, text):
        """The first 64 KiB of the answer."""
        return self.send(text.encode() + b'\r\n', text)

    def send(self, wire, what):
        self.number += 1
        tag = b't%d ' % self.number
        self.socket.sendall(tag + wire)
        head = end = b''
        while True:
            data = self.socket.recv(1 << 20)
            if not data:
                raise SystemExit(f'closed in {what}')
            if len(head) < 65536:
                head += data
            end = (end + data)[-4096:] if len(data) < 4096 else data[-4096:]
            last = end[end.rfind(b'\r\n', 0, -2) + 2:] if end.count(b'\r\n') > 1 else end
            if end.endswith(b'\r\n') and last.startswith(tag):
                if not last.startswith(tag + b'OK'):
                    raise SystemExit(f'{what}: {last!r}')
                return head

    def append(self, mailbox, first, count):
        """MULTIAPPEND with LITERAL+, which both servers have."""
        wire = b'APPEND ' + mailbox.encode()
        for number in range(first, first + count):
            text = message(number)
            wire += b' {%d+}\r\n' % len(text) + text
        self.send(wire + b'\r\n', 'APPEND')

    def leave(self):
        self.command('LOGOUT')
        self.socket.close()


class Meter:
    """Times and CPU of the operations on one server."""

    def __init__(self, server):
        self.server = server
        self.found = {}

    def measure(self, name, count, work, times=1):
        cpu, began, walls = self.server.group.cpu(), time.monotonic(), []
        for _ in range(times):
            start = time.monotonic()
            work()
            walls.append(time.monotonic() - start)
        used = (self.server.group.cpu() - cpu) / times
        seconds = sorted(walls)[len(walls) // 2]
        self.found[name] = {'ms': seconds * 1000, 'cpu_ms': used * 1000}
        print(f'  mailbox {self.server.name:<8} {name:<24} {seconds * 1000:10.2f} ms '
              f'{used * 1000:10.2f} ms of CPU  ({count})', flush=True)


def fill(server, user, count):
    client = Client(server, user)
    for first in range(0, count, 500):
        client.append('INBOX', first, min(500, count - first))
    client.leave()


def logins(meter, user, count=100):
    def session():
        for _ in range(count):
            client = Client(meter.server, user)
            client.command('SELECT INBOX')
            client.leave()
    session_of = Client(meter.server, user)  # what the first session leaves to be written
    session_of.command('SELECT INBOX')
    session_of.leave()
    meter.measure('login select logout', count, session)


def writes(meter, client, count):
    """STORE, COPY, MOVE, EXPUNGE, APPEND; what they need is made before the clock starts."""
    client.command('SELECT INBOX')
    client.command('STORE 1:* -FLAGS.SILENT (\\Flagged)')
    meter.measure('store all', count, lambda: client.command('STORE 1:* +FLAGS.SILENT (\\Flagged)'))

    def one_by_one():
        for number in range(1, 501):
            client.command(f'STORE {number} {"+-"[number % 2]}FLAGS (\\Seen)')
    meter.measure('store one', 500, one_by_one)
    for mailbox in ('Copies', 'Moved', 'Appended'):
        client.command(f'CREATE {mailbox}')
    some = min(1000, count)
    meter.measure('copy', some, lambda: client.command(f'COPY 1:{some} Copies'))
    client.command('SELECT Copies')
    meter.measure('move', some, lambda: client.command('MOVE 1:* Moved'))
    client.command('SELECT Moved')
    client.command('STORE 1:* +FLAGS.SILENT (\\Deleted)')
    meter.measure('expunge', some, lambda: client.command('EXPUNGE'))

    def append_one():
        for number in range(200):
            client.append('Appended', number, 1)
    meter.measure('append one', 200, append_one)
    meter.measure('append many', some, lambda: client.append('Appended', 0, some))


def measure(server, count):
    """{operation: {'ms': …, 'cpu_ms': …}} for one server that runs already."""
    meter, user = Meter(server), 'user1@example.test'
    meter.measure('fill', count, lambda: fill(server, user, count))
    first = Client(server, user)
    found = {}

    def select():
        found['answer'] = first.command('SELECT INBOX')
    meter.measure('first select', count, select)
    exists = int(re.search(rb'\* (\d+) EXISTS', found['answer'])[1])
    if exists != count:
        raise SystemExit(f'{server.name}: {exists} messages of {count}')
    for name, command in READS.items():
        meter.measure(name + ', first', count, lambda command=command: first.command(command))
        meter.measure(name, count, lambda command=command: first.command(command), times=3)
    meter.measure('search body', count, lambda: first.command(f'SEARCH BODY {RARE}'))
    logins(meter, user)
    writes(meter, first, count)
    first.leave()
    return meter.found


def ratios(ours, theirs):
    """How many times as fast we are, by the clock and by the CPU, for each operation."""
    return {name: {'facteur ms': round(value['ms'], 2), 'dovecot ms': round(theirs[name]['ms'], 2),
                   'rate ratio': round(theirs[name]['ms'] / value['ms'], 2),
                   'cpu ratio': round(theirs[name]['cpu_ms'] / max(value['cpu_ms'], 0.01), 2)}
            for name, value in ours.items()}
