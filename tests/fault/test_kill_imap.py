"""imapd is killed at any moment of APPEND, STORE, MOVE, EXPUNGE: what it had said OK to is there, and
no UID ever belongs to another message."""
import imaplib
import os
import random
import re
import signal
import subprocess
import threading
import time
import unittest

from tests.lib.case import TestCase
from tests.lib.waiting import wait_until

USER, PASSWORD = 'user@example.test', 'secret'
ROUNDS = 10
LOST = (imaplib.IMAP4.abort, OSError, EOFError)


class Writer:
    """One client that writes down what it was told."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.present = {'INBOX': {}, 'other': {}}  # UID: number of the message, as acknowledged
        self.uncertain = set()  # numbers whose command got no answer
        self.moved = set()      # numbers that must be in the other mailbox
        self.seen = {'INBOX': {}, 'other': {}}      # UID: number, ever
        self.number = 0

    def append(self, client):
        self.number += 1
        number = self.number
        text = f'Message-ID: <{number}@kill>\r\n\r\n' + 'x' * self.random.randint(1, 20000)
        self.uncertain.add(number)
        status, data = client.append('INBOX', None, None, text.encode())
        assert status == 'OK', data
        uid = int(re.search(rb'APPENDUID \d+ (\d+)', data[0])[1])
        self.uncertain.discard(number)
        self.present['INBOX'][uid] = number

    def move(self, client):
        uid, number = self.random.choice(list(self.present['INBOX'].items()))
        self.uncertain.add(number)
        status, data = client.uid('MOVE', str(uid), 'other')
        assert status == 'OK', data
        self.uncertain.discard(number)
        del self.present['INBOX'][uid]
        self.moved.add(number)

    def expunge(self, client):
        uid, number = self.random.choice(list(self.present['INBOX'].items()))
        self.uncertain.add(number)
        client.uid('STORE', str(uid), '+FLAGS.SILENT', '(\\Deleted)')
        status, data = client.uid('EXPUNGE', str(uid))
        assert status == 'OK', data
        del self.present['INBOX'][uid]

    def work(self, client):
        while True:
            choice = self.random.random()
            if choice < 0.5 or len(self.present['INBOX']) < 3:
                self.append(client)
            elif choice < 0.75:
                self.move(client)
            else:
                self.expunge(client)


class KillImap(TestCase):
    def connect(self, i):
        def attempt():
            try:
                client = i.imap(USER, tls=False)
                return client if client.select('INBOX')[0] == 'OK' else None
            except (imaplib.IMAP4.error, OSError, EOFError):
                return None
        return wait_until(attempt, seconds=30)

    def kill(self, i):
        """The processes of imapd that stand below our master."""
        master = str(i.master_pid())
        tree = subprocess.run(['ps', '-eo', 'pid=,ppid=,comm='], stdout=subprocess.PIPE, text=True,
                              check=True).stdout
        rows = [line.split(None, 2) for line in tree.splitlines()]
        below = {master}
        for _ in range(4):
            below |= {pid for pid, parent, _ in rows if parent in below}
        for pid, _, name in rows:
            if pid in below and name.strip() == 'imapd':
                try:
                    os.kill(int(pid), signal.SIGKILL)
                except ProcessLookupError:
                    pass

    def contents(self, client, mailbox):
        assert client.select(mailbox, readonly=True)[0] == 'OK'
        status, data = client.uid('FETCH', '1:*', '(BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])')
        assert status == 'OK', data
        found = {}
        for part in data:
            if isinstance(part, tuple):
                uid = int(re.search(rb'UID (\d+)', part[0])[1])
                found[uid] = int(re.search(rb'<(\d+)@kill>', part[1])[1])
        return found

    def check(self, client, writer):
        there = {box: self.contents(client, box) for box in ('INBOX', 'other')}
        for uid, number in writer.present['INBOX'].items():
            if number not in writer.uncertain:
                self.assertEqual(there['INBOX'].get(uid), number, 'an acknowledged message is lost')
        self.assertLessEqual(writer.moved, set(there['other'].values()), 'a moved message is lost')
        for box, found in there.items():
            for uid, number in found.items():
                self.assertEqual(writer.seen[box].setdefault(uid, number), number, 'a UID changed hands')
        writer.present['INBOX'] = there['INBOX']
        writer.uncertain.clear()

    def test_nothing_is_lost(self):
        i = self.own_instance(settings='mail_max_userip_connections = 0\nservice_throttle_time = 1s\n')
        seed = random.randrange(1 << 30)
        print('seed', seed)
        writer, when = Writer(seed), random.Random(seed + 1)
        client = self.connect(i)
        client.create('other')
        for _ in range(ROUNDS):
            timer = threading.Timer(when.uniform(0.05, 0.7), self.kill, [i])
            timer.start()
            try:
                writer.work(client)
            except LOST:
                pass
            timer.join()
            client = self.connect(i)
            self.check(client, writer)
            client.select('INBOX')
        print(writer.number, 'messages,', len(writer.seen['other']), 'moved')
        self.assertGreater(writer.number, ROUNDS)
        client.shutdown()


if __name__ == '__main__':
    unittest.main()
