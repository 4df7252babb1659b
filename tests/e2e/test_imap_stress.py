"""Many clients change one mailbox at once.  Each keeps a model of it from what the server tells, and
checks every untagged response; at the end all models, and the server, agree."""
import random
import re
import socket
import threading
import time
import unittest

from tests.lib.case import TestCase

USER, PASSWORD = 'user@example.test', 'secret'
CLIENTS, SECONDS = 6, 12
FETCH = re.compile(r'\* (\d+) FETCH \((.*)\)$')
KEEPS_NUMBERS = ('FETCH', 'STORE', 'SEARCH')  # RFC 3501 section 7.4.1


class Wrong(AssertionError):
    """The server broke the rules."""


def uids_of(text):
    for piece in text.split(','):
        first, _, last = piece.partition(':')
        yield from range(int(first), int(last or first) + 1)


class Ledger:
    """What all clients together did."""

    def __init__(self):
        self.lock = threading.Lock()
        self.appended, self.expunged = set(), set()
        self.messages = 0

    def next_number(self):
        with self.lock:
            self.messages += 1
            return self.messages


class Client:
    """One connection with its model: UIDs by sequence number (None: not told yet), and what is
    known of each."""

    def __init__(self, port, mode, seed):
        self.mode, self.random = mode, random.Random(seed)
        self.socket = socket.create_connection(('127.0.0.1', port), timeout=60)
        self.file = self.socket.makefile('rb')
        self.uids, self.flags, self.modseq, self.tags = [], {}, {}, 0
        self.said, self.running = [], ''
        self.line()
        self.command(f'LOGIN {USER} {PASSWORD}')
        if mode == 'qresync':
            self.command('ENABLE QRESYNC')
        self.command('SELECT INBOX' + (' (CONDSTORE)' if mode != 'plain' else ''))
        self.read_all()

    def line(self):
        line = self.file.readline().decode('latin-1')
        if not line.endswith('\r\n'):
            raise Wrong(f'the connection ended; before: {self.said[-5:]}')
        self.said = self.said[-20:] + [line[:200]]
        return line[:-2]

    def send(self, text):
        self.socket.sendall(text.encode())

    def command(self, text, literal=None):
        self.tags += 1
        tag = f't{self.tags}'
        self.running = text
        self.said.append('C: ' + text)
        self.send(f'{tag} {text}' + (f' {{{len(literal)}+}}\r\n{literal}\r\n' if literal else '\r\n'))
        while True:
            line = self.line()
            if line.startswith(tag + ' '):
                if line.startswith(tag + ' BAD'):
                    self.fail(f'{text}: {line}')
                return line
            self.untagged(line)

    def fail(self, why):
        raise Wrong(f'{self.mode}: {why}\n' + '\n'.join(self.said[-12:]))

    def untagged(self, line):
        words = line.split(' ')
        if line.startswith('* BYE'):
            self.fail('sent away')
        if words[2:] == ['EXISTS']:
            count = int(words[1])
            if count < len(self.uids):
                self.fail(f'EXISTS {count} after {len(self.uids)} without EXPUNGE')
            self.uids += [None] * (count - len(self.uids))
        elif words[2:] == ['EXPUNGE']:
            self.expunge(int(words[1]))
        elif words[1] == 'VANISHED':
            self.vanished(words)
        elif match := FETCH.match(line):
            self.fetch(int(match[1]), match[2])

    def expunge(self, number):
        if self.mode == 'qresync':
            self.fail('EXPUNGE after ENABLE QRESYNC')
        if self.running.split(' ')[0] in KEEPS_NUMBERS:
            self.fail('EXPUNGE while numbers are in use')
        if not 1 <= number <= len(self.uids):
            self.fail(f'EXPUNGE {number} of {len(self.uids)}')
        self.uids.pop(number - 1)

    def vanished(self, words):
        if self.mode != 'qresync':
            self.fail('VANISHED without QRESYNC')
        if self.running.split(' ')[0] in KEEPS_NUMBERS:
            self.fail('VANISHED while numbers are in use')
        for uid in uids_of(words[-1]):
            place = self.uids.index(uid) if uid in self.uids else self.untold(uid)
            if place is not None:
                self.uids.pop(place)
            elif words[2] != '(EARLIER)':
                self.fail(f'{uid} vanished, which was not there')

    def untold(self, uid):
        """Where a message can stand whose UID was not told: UIDs ascend."""
        for place, known in enumerate(self.uids):
            before = [u for u in self.uids[:place] if u is not None]
            after = [u for u in self.uids[place:] if u is not None]
            if known is None and all(u < uid for u in before) and all(u > uid for u in after):
                return place
        return None

    def fetch(self, number, text):
        if not 1 <= number <= len(self.uids):
            self.fail(f'FETCH {number} of {len(self.uids)}')
        uid = re.search(r'\bUID (\d+)', text)
        known = self.uids[number - 1]
        if uid:
            if known not in (None, int(uid[1])):
                self.fail(f'{number} is {uid[1]}, was {known}')
            known = self.uids[number - 1] = int(uid[1])
            told = [u for u in self.uids if u is not None]
            if told != sorted(set(told)):
                self.fail('UIDs do not ascend')
        if known is None:
            return
        modseq = re.search(r'MODSEQ \((\d+)\)', text)
        if modseq:
            if int(modseq[1]) < self.modseq.get(known, 0):
                self.fail(f'MODSEQ of {known} fell from {self.modseq[known]} to {modseq[1]}')
            self.modseq[known] = int(modseq[1])
        flags = re.search(r'FLAGS \(([^)]*)\)', text)
        if flags:
            self.flags[known] = frozenset(flags[1].split()) - {'\\Recent'}

    def read_all(self):
        if self.uids:
            items = 'UID FLAGS' + (' MODSEQ' if self.mode != 'plain' else '')
            self.command(f'FETCH 1:* ({items})')

    def some_number(self):
        return self.random.randint(1, len(self.uids))

    def act(self, ledger):
        choice = self.random.random()
        if choice < 0.25 or len(self.uids) < 5:
            number = ledger.next_number()
            text = f'Message-ID: <{number}@stress>\r\nSubject: {number}\r\n\r\nx\r\n'
            answer = self.command('APPEND INBOX', text)
            uid = re.search(r'APPENDUID \d+ (\d+)', answer)
            with ledger.lock:
                ledger.appended.add(int(uid[1]))
        elif choice < 0.5:
            first, second = sorted((self.some_number(), self.some_number()))
            sign = self.random.choice('+-')
            flag = self.random.choice(['\\Seen', '\\Flagged', '$Work', 'red'])
            silent = self.random.choice(['', '.SILENT'])
            last = min(second, first + 3)
            self.command(f'STORE {first}:{last} {sign}FLAGS{silent} ({flag})')
            if silent:
                self.store_silently(range(first, last + 1), sign, flag)
        elif choice < 0.6:
            number = self.some_number()
            self.command(f'STORE {number} +FLAGS (\\Deleted)')
            self.command('EXPUNGE')
        elif choice < 0.66:
            self.command(f'MOVE {self.some_number()} other')
        elif choice < 0.76:
            self.idle()
        elif choice < 0.86:
            self.command('SEARCH FLAGGED')
        elif choice < 0.92:
            self.read_all()
        else:
            self.command('NOOP')

    def store_silently(self, numbers, sign, flag):
        """What the client did itself it is not told."""
        for number in numbers:
            uid = self.uids[number - 1] if number <= len(self.uids) else None
            if uid in self.flags:
                changed = self.flags[uid] - {flag}
                self.flags[uid] = changed | {flag} if sign == '+' else changed

    def idle(self):
        self.running = 'IDLE'
        self.tags += 1
        self.send(f't{self.tags} IDLE\r\n')
        while not (line := self.line()).startswith('+'):
            self.untagged(line)
        time.sleep(self.random.random() / 20)
        self.send('DONE\r\n')
        while not (line := self.line()).startswith(f't{self.tags} '):
            self.untagged(line)

    def close(self):
        self.file.close()
        self.socket.close()


class Stress(TestCase):
    def work(self, client, ledger, until, problems):
        try:
            while time.monotonic() < until and not problems:
                client.act(ledger)
                if client.mode == 'qresync' and None in client.uids:
                    client.read_all()  # as such clients do
        except (Wrong, OSError) as problem:
            problems.append(problem)

    def test_models_agree(self):
        i = self.own_instance(settings='mail_max_userip_connections = 0\n')
        ledger, problems = Ledger(), []
        modes = ['plain', 'condstore', 'qresync']
        seed = random.randrange(1 << 30)
        print('seed', seed)
        first = Client(i.port('imap'), 'plain', seed)
        first.command('CREATE other')
        clients = [first] + [Client(i.port('imap'), modes[n % 3], seed + n)
                             for n in range(1, CLIENTS)]
        until = time.monotonic() + SECONDS
        threads = [threading.Thread(target=self.work, args=(c, ledger, until, problems))
                   for c in clients]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(SECONDS + 60)
        self.assertEqual(problems, [], '\n'.join(map(str, problems)))
        self.agree(clients, ledger)
        for client in clients:
            client.close()

    def agree(self, clients, ledger):
        """Once nobody changes anything, what each client was told is what is there."""
        for _ in range(2):
            for client in clients:
                client.command('NOOP')
        told = [(list(c.uids), dict(c.flags)) for c in clients]
        for client in clients:
            client.read_all()
        truth = clients[0].uids
        for client, (uids, flags) in zip(clients, told):
            self.assertEqual(client.uids, truth, client.mode)
            self.assertEqual(len(uids), len(truth), client.mode)
            for known, uid in zip(uids, truth):
                self.assertIn(known, (None, uid), client.mode)
            for uid in uids:
                if uid in flags:
                    self.assertEqual(flags[uid], client.flags[uid], f'{client.mode}: flags of {uid}')
        self.assertLessEqual(set(truth), ledger.appended)
        moved = int(re.search(r'MESSAGES (\d+)', self.status(clients[0]))[1])
        print(f'{ledger.messages} appended, {len(truth)} there, {moved} moved')
        self.assertGreater(ledger.messages, 50)

    def status(self, client):
        answers = []
        client.untagged, before = answers.append, client.untagged
        client.command('STATUS other (MESSAGES)')
        client.untagged = before
        return ' '.join(answers)


if __name__ == '__main__':
    unittest.main()
