"""Awkward messages go in over SMTP and come out of IMAP and POP3 byte for byte."""
import re
import unittest
from pathlib import Path

from tests.lib.case import TestCase

USER = 'user@example.test'
VECTORS = Path(__file__).resolve().parents[1] / 'vectors'


def made():
    """Messages that no mail program should write."""
    yield 'no header', b'\r\nonly a body\r\n'
    yield 'no body', b'Subject: no body\r\n'
    yield 'no empty line', b'Subject: x\r\nthis is no field\r\n'
    yield 'dots', b'Subject: dots\r\n\r\n.\r\n..\r\n.x\r\n...\r\n'
    yield 'empty lines', b'Subject: empty\r\n\r\n\r\n\r\n\r\n'
    yield 'long line', b'Subject: long\r\n\r\n' + b'x' * 990 + b'\r\n'
    yield '8bit', b'Subject: \xc3\xa4\xff\r\n\r\n' + bytes(
        b for b in range(1, 256) if b not in b'\r\n') + b'\r\n'
    yield 'many fields', b''.join(b'X-%d: y\r\n' % n for n in range(500)) + b'\r\nz\r\n'
    yield 'spaces', b'Subject: spaces \t \r\n \t folded\r\n\r\n  \t\r\n \r\n'
    yield 'deep', b''.join(
        b'Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n' % (n, n)
        for n in range(200)) + b'\r\nx\r\n'
    yield 'large', b'Subject: large\r\n\r\n' + b'0123456789abcdef' * 4 * 1000 + b'\r\n'


def corpus():
    for path in sorted(VECTORS.glob('mime-python/msg_*')):
        text = re.sub(rb'\r\n|\r|\n', b'\r\n', path.read_bytes()).replace(b'\0', b'')
        yield path.name, text if text.endswith(b'\r\n') else text + b'\r\n'
    for name, text in made():
        lines = [line[i:i + 990] for line in text.split(b'\r\n') for i in range(0, max(1, len(line)), 990)]
        yield name, b'\r\n'.join(lines)


class Corpus(TestCase):
    @classmethod
    def setUpClass(cls):
        # Nobody completes these messages, and nobody takes fields out of them.
        cls.i = cls.instance(settings='mail_max_userip_connections = 0\n'
                             'local_header_rewrite_clients =\nmessage_drop_headers =\n')
        cls.sent = list(corpus())
        with cls.i.smtp() as client:
            for number, (_, text) in enumerate(cls.sent):
                client.sendmail(f's{number}@client.test', [USER], text)
        cls.i.wait_messages(USER, len(cls.sent), 60)

    def check(self, received):
        """Each as it was sent, below the trace fields that the way has put on top of it."""
        self.assertEqual(len(received), len(self.sent))
        wrong = []
        for text in received:
            number = int(re.match(rb'Return-Path: <s(\d+)@client.test>\r\n', text).group(1))
            name, original = self.sent[number]
            if not text.endswith(original):
                wrong.append(name)
                continue
            for line in text[:len(text) - len(original)].split(b'\r\n'):
                if not re.match(rb'(Return-Path|Delivered-To|X-Original-To|Received): |\s|$', line):
                    wrong.append(f'{name}: {line!r}')
        self.assertEqual(wrong, [])

    def test_over_imap(self):
        client = self.i.imap(USER)
        client.select()
        received = []
        for number in range(1, len(self.sent) + 1):
            status, data = client.fetch(str(number), '(RFC822.SIZE BODY.PEEK[])')
            self.assertEqual(status, 'OK')
            self.assertIn(b'RFC822.SIZE %d ' % len(data[0][1]), data[0][0])
            received.append(data[0][1])
        self.check(received)
        client.logout()

    def test_over_pop3(self):
        client = self.i.pop3(USER)
        sizes = [int(line.split()[1]) for line in client.list()[1]]
        received = [b'\r\n'.join(client.retr(n + 1)[1]) + b'\r\n' for n in range(len(sizes))]
        self.assertEqual([len(text) for text in received], sizes)
        self.check(received)
        client.quit()


if __name__ == '__main__':
    unittest.main()
