"""What FETCH and SEARCH say about awkward messages, beside a real Dovecot."""
import imaplib
import re
import unittest
from pathlib import Path

from tests.lib import process
from tests.lib.case import TestCase
from tests.lib.dovecot import Dovecot

USER, PASSWORD = 'user@example.test', 'secret'
VECTORS = Path(__file__).resolve().parents[1] / 'vectors'


def corpus():
    """Messages in wire form."""
    texts = []
    for path in sorted(VECTORS.glob('mime-python/msg_*')):
        text = re.sub(rb'\r?\n', b'\r\n', path.read_bytes()).replace(b'\0', b'')
        if text.strip():
            texts.append((path.name, text))
    return texts


def tokens(text):
    """A parenthesised answer as nested lists: strings lose their form, not their bytes."""
    stack, at = [[]], 0
    while at < len(text):
        c = text[at:at + 1]
        if c == b'(':
            stack.append([])
            at += 1
        elif c == b')':
            done = stack.pop()
            stack[-1].append(done)
            at += 1
        elif c == b'"':
            end = at + 1
            while text[end:end + 1] != b'"':
                end += 2 if text[end:end + 1] == b'\\' else 1
            stack[-1].append(re.sub(rb'\\(.)', rb'\1', text[at + 1:end]))
            at = end + 1
        elif c == b'{':
            size, _, _ = text[at + 1:].partition(b'}')
            start = at + len(size) + 4
            stack[-1].append(text[start:start + int(size)])
            at = start + int(size)
        elif c.isspace():
            at += 1
        else:
            word = re.match(rb'[^\s()"{]+', text[at:]).group()
            stack[-1].append(None if word == b'NIL' else word)
            at += len(word)
    return stack[0]


# Malformed messages that we understand in another way, on purpose.
ODD = {
    'msg_14.txt': 'an invalid Content-Type is text/plain (RFC 2045 section 5.2), not nothing',
    'msg_15.txt': 'a part within a part with the same boundary',
    'msg_25.txt': 'multipart without a boundary is shown as the text that it is',
    'msg_29.txt': 'pieces that are put together are encoded in full (RFC 2231 section 7)',
    'msg_33.txt': 'a boundary in the form of RFC 2231 section 4 is a boundary',
    'msg_35.txt': 'a header without an empty line: a list of fields is given one all the same',
    'msg_38.txt': 'parts within parts with boundaries that begin alike',
    'msg_39.txt': 'parts within parts with the same boundary',
    'msg_41.txt': 'multipart without a boundary is shown as the text that it is',
}


def lowered(tree):
    """Without regard to case, to tabs where Dovecot has spaces, and to NIL where it has ""."""
    if isinstance(tree, list):
        return [lowered(t) for t in tree]
    return (tree or b'').lower().replace(b'\t', b' ')


def fetched(client, number, item):
    """The value of one FETCH item as nested lists."""
    status, data = client.fetch(str(number), f'({item})')
    assert status == 'OK', data
    whole = b''.join(d[0] + b'\r\n' + d[1] if isinstance(d, tuple) else d for d in data if d)
    return tokens(whole)[1]


@unittest.skipIf(process.missing('dovecot'), 'dovecot is not installed')
class AsDovecot(TestCase):
    @classmethod
    def setUpClass(cls):
        cls.i = cls.instance(settings='mail_max_userip_connections = 0\n')
        cls.peer = cls.keep(Dovecot({USER: PASSWORD}))
        cls.ours = cls.i.imap(USER, tls=False)
        cls.theirs = imaplib.IMAP4('127.0.0.1', cls.peer.imap_port, timeout=30)
        cls.theirs.login(USER, PASSWORD)
        cls.corpus = corpus()
        for client in (cls.ours, cls.theirs):
            client.create('corpus')
            for name, text in cls.corpus:
                status, data = client.append('corpus', None, '"01-Jan-2026 12:00:00 +0000"', text)
                assert status == 'OK', (name, data)
            assert client.select('corpus')[0] == 'OK'
        cls.addClassCleanup(cls.ours.shutdown)
        cls.addClassCleanup(cls.theirs.shutdown)

    def compare(self, item):
        different = []
        for number, (name, _) in enumerate(self.corpus, 1):
            if name in ODD:
                continue
            ours, theirs = (lowered(fetched(c, number, item)) for c in (self.ours, self.theirs))
            if ours != theirs:
                different.append(f'{name}\n  ours   {ours}\n  theirs {theirs}')
        self.assertEqual(different, [], '\n'.join(different))

    def test_sizes(self):
        self.compare('RFC822.SIZE')

    def test_envelopes(self):
        self.compare('ENVELOPE')

    def test_structures(self):
        self.compare('BODYSTRUCTURE')
        self.compare('BODY')

    def test_sections(self):
        for section in ('HEADER', 'TEXT', '1', '2', '3', '1.MIME', '2.MIME', '2.HEADER', '2.TEXT',
                        'HEADER.FIELDS (SUBJECT TO RECEIVED)', 'HEADER.FIELDS.NOT (SUBJECT)'):
            self.compare(f'BODY.PEEK[{section}]')

    def test_searches(self):
        different = []
        for keys in ('SUBJECT test', 'FROM barry', 'TO python', 'TEXT python', 'BODY python',
                     'HEADER Message-ID ""', 'SENTSINCE 1-Jan-2001', 'SENTSINCE 1-Jan-1990 SENTBEFORE 1-Jan-2001',
                     'LARGER 1000', 'SMALLER 1000', 'BODY the NOT HEADER Subject "returned mail"', 'OR FROM a SUBJECT b',
                     'CHARSET UTF-8 BODY h\u00e9', 'ON 1-Jan-2026', 'SINCE 2-Jan-2026'):
            answers = []
            for client in (self.ours, self.theirs):
                client._encoding = 'utf-8'
                words = keys.split(' ')
                quoted = [w if w.isascii() else f'"{w}"' for w in words]
                answers.append(client.search(None, *quoted))
            if answers[0] != answers[1]:
                different.append(f'{keys}: ours {answers[0]} theirs {answers[1]}')
        self.assertEqual(different, [], '\n'.join(different))


if __name__ == '__main__':
    unittest.main()
