"""ENVELOPE and BODYSTRUCTURE of generated messages, beside a real Dovecot.  Where the two differ on
purpose, DIFFERENCES says why."""
import imaplib
import unittest

from tests.e2e.test_imap_as_dovecot import fetched, lowered
from tests.lib import process
from tests.lib.case import TestCase
from tests.lib.dovecot import Dovecot
from tests.lib.mime_corpus import generate, odd

USER, PASSWORD = 'user@example.test', 'secret'
COUNT = 160
DIFFERENCES = {
    'boundary-2231': 'a boundary in the form of RFC 2231 section 4 is a boundary',
    'digest-without-body': 'the line end before a boundary is never the part\'s (RFC 2046 section 5.1.1)',
    'delimiter-at-delimiter': 'the same',
    'two-spaces': 'a subject keeps its spaces',
    'no-subtype': 'a type without a subtype is text/plain (RFC 2045 section 5.2), not nothing',
    'broken-domain': 'a domain with two dots is shown as it is, not as SYNTAX_ERROR',
    'name-without-brackets': 'the address is shown, whatever stands before it',
    'empty-parameter': 'what follows an empty parameter is read',
    'very-deep': 'the limit of depth is another one: what is below it stays text',
    'many-parts': 'the limit of parts is another one: what is beyond stays one part',
}


def leaves(ours, theirs, path=''):
    """Where two trees differ."""
    lists = isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs)
    if lists:
        for n, (a, b) in enumerate(zip(ours, theirs)):
            yield from leaves(a, b, f'{path}.{n}')
    elif ours != theirs:
        yield f'  {path} ours {str(ours)[:200]} theirs {str(theirs)[:200]}'


@unittest.skipIf(process.missing('dovecot'), 'dovecot is not installed')
class Corpus(TestCase):
    def clients(self):
        i = self.own_instance(settings='mail_max_userip_connections = 0\n')
        peer = self.own(Dovecot({USER: PASSWORD}))
        theirs = imaplib.IMAP4('127.0.0.1', peer.imap_port, timeout=30)
        theirs.login(USER, PASSWORD)
        return i.imap(USER, tls=False), theirs

    def test_as_dovecot(self):
        corpus = list(generate(COUNT)) + [(name, text.encode()) for name, text in odd()]
        clients = self.clients()
        for client in clients:
            client.create('corpus')
            for name, text in corpus:
                status, data = client.append('corpus', None, '"01-Jan-2026 12:00:00 +0000"', text)
                assert status == 'OK', (name, data)
            assert client.select('corpus')[0] == 'OK'
        different, as_told = [], set()
        for number, (name, _) in enumerate(corpus, 1):
            for item in ('ENVELOPE', 'BODYSTRUCTURE'):
                ours, theirs = (lowered(fetched(c, number, item)) for c in clients)
                if ours != theirs and name in DIFFERENCES:
                    as_told.add(name)
                elif ours != theirs:
                    different.append(f'{name}\n' + '\n'.join(leaves(ours, theirs)))
        for client in clients:
            client.shutdown()
        self.assertEqual(different, [], '\n'.join(different[:10]))
        self.assertEqual(as_told, set(DIFFERENCES))


if __name__ == '__main__':
    unittest.main()
