"""Delivery into mailboxes: LMTP, aliases, other programs on the Maildirs, take-over of Dovecot's."""
import imaplib
import os
import re
import socket
import unittest

from tests.lib import case
from tests.lib.dovecot import Dovecot
from tests.lib.waiting import wait_until

USER = 'user@example.test'
TEXT = 'From: a@other.test\r\nSubject: {}\r\n\r\nHello.\r\n'


def uids(client, mailbox='INBOX'):
    """{uid: flags} of a mailbox, and its UIDVALIDITY."""
    assert client.select(mailbox)[0] == 'OK'
    validity = client.response('UIDVALIDITY')[1][0]
    found = {}
    for line in client.uid('FETCH', '1:*', '(UID FLAGS)')[1]:
        if not line:
            continue
        uid = int(re.search(rb'UID (\d+)', line)[1])
        flags = set(re.search(rb'FLAGS \(([^)]*)\)', line)[1].split())
        found[uid] = flags - {rb'\Recent'}
    return found, validity


class Lmtp:
    """A scripted client of our LMTP server."""

    def __init__(self, instance):
        self.socket = socket.create_connection(('127.0.0.1', instance.port('lmtp')), timeout=20)
        self.file = self.socket.makefile('rwb')
        assert self.reply().startswith('220 ')

    def reply(self):
        while True:
            line = self.file.readline().decode().rstrip('\r\n')
            if line[3:4] != '-':
                return line

    def ask(self, command):
        self.file.write(command.encode() + b'\r\n')
        self.file.flush()
        return self.reply()

    def close(self):
        self.file.close()
        self.socket.close()


class Mailboxes(case.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.i = cls.instance(users={USER: 'secret', 'second@example.test': 'secret'},
                             settings='recipient_delimiter = +\n')

    def lmtp(self):
        client = Lmtp(self.i)
        self.addCleanup(client.close)
        self.assertTrue(client.ask('LHLO client.test').startswith('250 '))
        return client

    def test_lmtp_answers_each_recipient(self):
        client = self.lmtp()
        self.assertEqual(client.ask('MAIL FROM:<a@other.test>')[:3], '250')
        self.assertEqual(client.ask(f'RCPT TO:<{USER}>')[:3], '250')
        self.assertEqual(client.ask('RCPT TO:<nobody@example.test>')[:9], '550 5.1.1')
        self.assertEqual(client.ask('RCPT TO:<second+detail@example.test>')[:3], '250')
        self.assertEqual(client.ask('DATA')[:3], '354')
        before = self.i.messages('second@example.test')
        first = client.ask(TEXT.format('lmtp') + '..dot\r\n.')
        self.assertRegex(first, r'^250 2\.0\.0 <user@example\.test> \S+ Saved$')
        self.assertRegex(client.reply(), r'^250 2\.0\.0 <second\+detail@example\.test> \S+ Saved$')
        # 250 means that it is there already.
        found = [m for m in self.i.messages('second@example.test') if m not in before]
        self.assertEqual(len(found), 1)
        self.assertIn(b'Return-Path: <a@other.test>\r\n', found[0])
        self.assertIn(b'Delivered-To: second+detail@example.test\r\n', found[0])
        self.assertTrue(found[0].endswith(b'Hello.\r\n.dot\r\n'))

    def test_lmtp_sequence_and_chunks(self):
        client = self.lmtp()
        self.assertEqual(client.ask('RCPT TO:<a@b>')[:9], '503 5.5.1')
        self.assertEqual(client.ask('HELO x')[:9], '500 5.5.2')
        self.assertEqual(client.ask('MAIL FROM:<>')[:3], '250')
        self.assertEqual(client.ask('DATA')[:9], '503 5.5.1')
        self.assertEqual(client.ask(f'RCPT TO:<{USER}>')[:3], '250')
        text = TEXT.format('chunks')
        self.assertEqual(client.ask('BDAT 5\r\n' + text[:3])[:3], '250')
        self.assertEqual(client.ask('MAIL FROM:<>')[:9], '503 5.5.1')
        rest = text[5:]
        self.assertEqual(client.ask(f'BDAT {len(rest) + 2} LAST\r\n{rest}')[:3], '250')
        self.assertEqual(client.ask('QUIT')[:3], '221')

    def test_other_programs_touch_the_maildir(self):
        had = len(self.i.messages(USER))
        self.i.send('a@other.test', [USER], TEXT.format('first'))
        self.i.wait_messages(USER, had + 1)
        client = self.i.imap(USER)
        self.addCleanup(client.shutdown)
        before, validity = uids(client)
        folder = self.i.maildir(USER)
        (folder / 'tmp' / '1.mutt.host').write_text('Subject: from mutt\n\nLF only\n')
        (folder / 'tmp' / '1.mutt.host').rename(folder / 'cur' / '1.mutt.host:2,S')

        def arrived():
            client.noop()
            return {u: f for u, f in uids(client)[0].items() if u not in before}
        new = wait_until(arrived, what='the file of another program')
        self.assertEqual(list(new.values()), [{rb'\Seen'}])
        uid = str(next(iter(new)))
        body = client.uid('FETCH', uid, '(RFC822.SIZE BODY.PEEK[])')[1][0]
        self.assertEqual(body[1], b'Subject: from mutt\r\n\r\nLF only\r\n')
        self.assertIn(b'RFC822.SIZE 31', body[0])
        path = next(folder.glob('cur/1.mutt.host*'))
        path.rename(str(path).replace(':2,S', ':2,FS'))
        wait_until(lambda: uids(client)[0][int(uid)] == {rb'\Seen', rb'\Flagged'},
                   what='the flag of another program')
        next(folder.glob('cur/1.mutt.host*')).unlink()
        wait_until(lambda: int(uid) not in uids(client)[0], what='the deletion')
        self.assertEqual(uids(client)[1], validity)

    def test_a_lost_index_is_rebuilt(self):
        user = 'second@example.test'
        for number in range(3):
            self.i.send('a@other.test', [user], TEXT.format(number))
        self.i.wait_messages(user, 3)
        client = self.i.imap(user)
        before = uids(client)
        client.logout()
        (self.i.maildir(user) / 'facteur.index').unlink()
        client = self.i.imap(user)
        self.addCleanup(client.shutdown)
        self.assertEqual(uids(client), before)


class TakeOver(case.TestCase):
    def test_a_maildir_of_dovecot(self):
        instance = self.own_instance()
        folder = instance.maildir(USER)
        owner = (instance.dir / 'mail').stat()
        folder.parent.mkdir(parents=True, exist_ok=True)
        for made in (folder.parent.parent, folder.parent):
            os.chown(made, owner.st_uid, owner.st_gid)
        dovecot = self.own(Dovecot({USER: 'secret'}, mail=f'maildir:{folder}',
                                   uid=owner.st_uid, gid=owner.st_gid))
        client = imaplib.IMAP4('127.0.0.1', dovecot.imap_port)
        client.login(USER, 'secret')
        for number in range(8):
            flags = [r'(\Seen)', r'(\Flagged work)', '()', r'(\Answered $Label1 work)'][number % 4]
            client.append('INBOX', flags, None, TEXT.format(number).encode())
        for name in ('Archive', 'Archive.2026', 'Entw&APw-rfe'):
            client.create(name)
            client.append(name, r'(\Draft)', None, TEXT.format(name).encode())
        client.subscribe('Archive.2026')
        client.subscribe('Entw&APw-rfe')
        client.select('INBOX')
        client.uid('STORE', '2:3', '+FLAGS', r'(\Deleted)')
        client.expunge()
        boxes = ['INBOX', 'Archive', 'Archive.2026', 'Entw&APw-rfe']
        before = {box: uids(client, box) for box in boxes}
        subscribed = sorted(line.split()[-1] for line in client.lsub()[1])
        client.logout()
        dovecot.stop()

        client = instance.imap(USER)
        self.addCleanup(client.shutdown)
        for box in boxes:
            self.assertEqual(uids(client, box), before[box], box)
        self.assertEqual(sorted(line.split()[-1].strip(b'"') for line in client.lsub()[1]),
                         [name.strip(b'"') for name in subscribed])
        # The next UID is one that Dovecot never gave.
        client.append('INBOX', '()', None, TEXT.format('next').encode())
        self.assertGreater(max(uids(client)[0]), 8)


class SystemUsers(case.TestCase):
    def test_aliases_forward(self):
        instance = self.own_instance()
        aliases = instance.dir / 'aliases'
        aliases.write_text(aliases.read_text() + f'\nsales: {USER}\n' if aliases.exists()
                           else f'sales: {USER}\n')
        instance.run('stop')
        instance.add_settings(f'alias_maps = texthash:{aliases}\nmydestination = local.test\n')
        aliases.write_text(f'sales {USER}\n')
        instance.start()
        instance.send('a@other.test', ['sales@local.test'], TEXT.format('alias'))
        found = instance.wait_messages(USER)
        self.assertIn(b'Delivered-To: sales@local.test\r\n', found[0])
        instance.wait_log(r'to=<sales@local.test>, relay=local, .*status=sent \(forwarded as \S+\)')


if __name__ == '__main__':
    unittest.main(verbosity=2)
