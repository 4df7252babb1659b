"""Compressed messages: Dovecot's are read here, ours are read by Dovecot."""
import hashlib
import imaplib
import os
import re
import unittest

from tests.lib import case
from tests.lib.dovecot import Dovecot

USER = 'user@example.test'
ZLIB = 'mail_plugins = zlib\nplugin {\n zlib_save = gz\n}\n'
BODY = ''.join(f'line {n} of a long message\r\n' for n in range(3000))
GZIP, ZSTD = b'\x1f\x8b', b'\x28\xb5\x2f\xfd'


def message(number, body=BODY):
    return (f'From: a@other.test\r\nSubject: number {number}\r\nMessage-Id: <{number}@other.test>\r\n'
            f'Date: Sun, 22 Nov 2026 12:00:00 +0000\r\n\r\n{body}end {number}\r\n').encode()


def digest(text):
    """(length, hash): a difference of whole messages takes minutes to print."""
    return len(text), hashlib.sha256(text).hexdigest()


def files(folder):
    return sorted(p for place in ('new', 'cur') for p in (folder / place).iterdir())


def contents(client):
    """{subject: (error of the size, digest)} of the INBOX."""
    assert client.select('INBOX')[0] == 'OK'
    found = {}
    for part in client.fetch('1:*', '(RFC822.SIZE BODY.PEEK[])')[1]:
        if isinstance(part, tuple):
            subject = re.search(rb'Subject: ([^\r]*)', part[1])[1]
            text = part[1][part[1].index(b'From: a@other.test'):]
            found[subject] = (int(re.search(rb'SIZE (\d+)', part[0])[1]) - len(part[1]), digest(text))
    return found


class Compression(case.TestCase):
    def dovecot(self, folder, owner):
        dovecot = self.own(Dovecot({USER: 'secret'}, mail=f'maildir:{folder}', uid=owner.st_uid,
                                   gid=owner.st_gid, settings=ZLIB))
        client = imaplib.IMAP4('127.0.0.1', dovecot.imap_port, timeout=30)
        client.login(USER, 'secret')
        return dovecot, client

    def test_both_ways(self):
        instance = self.own_instance(settings='zlib_save = zstd\n')
        folder = instance.maildir(USER)
        owner = (instance.dir / 'mail').stat()
        folder.parent.mkdir(parents=True, exist_ok=True)
        for made in (folder.parent.parent, folder.parent):
            os.chown(made, owner.st_uid, owner.st_gid)
        dovecot, client = self.dovecot(folder, owner)
        expected = {}
        for number in range(3):
            client.append('INBOX', '()', None, message(number))
            expected[b'number %d' % number] = (0, digest(message(number)))
        client.logout()
        dovecot.stop()
        self.assertEqual({p.read_bytes()[:2] for p in files(folder)}, {GZIP})

        client = instance.imap(USER)
        self.assertEqual(contents(client), expected)
        self.pieces(client)
        instance.send('a@other.test', [USER], message(3).decode())
        instance.wait_messages(USER, 4)
        client.append('INBOX', r'(\Seen)', None, message(4))
        for number in (3, 4):
            expected[b'number %d' % number] = (0, digest(message(number)))
        self.assertEqual(contents(client), expected)
        client.create('Copies')
        client.copy('5', 'Copies')
        self.assertEqual(client.select('Copies')[1], [b'1'])
        client.logout()
        packed = [p for p in files(folder) if p.read_bytes()[:4] == ZSTD]
        self.assertEqual(len(packed), 2)
        for path in packed:
            said = int(re.search(r',S=(\d+)', path.name)[1])
            self.assertGreater(said, len(message(3)) - 1)
            self.assertLess(path.stat().st_size, said / 4)
        instance.run('stop')

        _, client = self.dovecot(folder, owner)
        self.addCleanup(client.shutdown)
        self.assertEqual(contents(client), expected)

    def pieces(self, client):
        """Partial FETCH and SEARCH see the text, not what is on the disk."""
        whole = message(1)
        got = b''
        for start in range(0, len(whole), 16384):
            data = client.fetch('2', f'(BODY.PEEK[]<{start}.16384>)')[1]
            got += data[0][1]
        self.assertEqual(got, whole)
        self.assertEqual(client.search(None, 'BODY', '"line 2999 of"')[1], [b'1 2 3'])
        self.assertEqual(client.search(None, 'BODY', '"end 2"')[1], [b'3'])


if __name__ == '__main__':
    unittest.main(verbosity=2)
