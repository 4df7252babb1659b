"""`facteur mailbox`: import from a real Dovecot in all its formats, mbox, export, undelete."""
import imaplib
import json
import mailbox
import os
import re
import shutil
import tarfile
import tempfile
from pathlib import Path

from tests.e2e.test_mailboxes import uids
from tests.lib import case
from tests.lib.dovecot import Dovecot

USER = 'user@example.test'
NAMES = [f'{name}@example.test' for name in ('sdbox', 'mdbox', 'maildir', 'box', 'undo')]


def fill(client):
    """Mailboxes with flags, keywords, dates, gaps between the UIDs."""
    client.create('Work/Plans')
    client.subscribe('Work/Plans')
    for name in ('INBOX', 'Work/Plans'):
        for number in range(5):
            flags = [r'(\Seen)', r'(\Flagged blue)', '()', r'(\Answered red)', '()'][number]
            client.append(name, flags, f'"0{number + 1}-Jan-2020 10:00:00 +0000"',
                          f'Subject: {name} {number}\r\n\r\nText {number}\r\n'.encode())
    client.select('INBOX')
    client.store('2', '+FLAGS', r'\Deleted')
    client.expunge()
    client.unselect()


def picture(client, separator):
    """{mailbox: ({uid: flags}, UIDVALIDITY, {uid: date})}."""
    found = {}
    for name in ('INBOX', 'Work' + separator + 'Plans'):
        flags, validity = uids(client, name)
        dates = {}
        for line in client.uid('FETCH', '1:*', '(UID INTERNALDATE)')[1]:
            dates[int(re.search(rb'UID (\d+)', line)[1])] = imaplib.Internaldate2tuple(line)
        found[name.replace(separator, '/')] = (flags, validity, dates)
    return found


class MailboxTool(case.TestCase):
    @classmethod
    def setUpClass(cls):
        users = {name: 'secret' for name in [USER, *NAMES]}
        cls.i = cls.instance(users=users, settings='mail_expunged_keep_time = 7d\n'
                             'quota = maildir\nquota_rule = *:storage=1G\n')

    def tool(self, *arguments, **options):
        return self.i.run('mailbox', *arguments, **options)

    def folder(self):
        path = Path(tempfile.mkdtemp(prefix='facteur-box-'))
        self.addCleanup(shutil.rmtree, path)
        path.chmod(0o777)
        return path

    def dovecot(self, location):
        dovecot = Dovecot({'old': 'secret'}, mail=location, settings="""
namespace inbox {
  separator = /
}
""")
        self.addCleanup(dovecot.remove)
        self.addCleanup(dovecot.stop)
        client = imaplib.IMAP4('127.0.0.1', dovecot.imap_port)
        self.addCleanup(client.shutdown)
        client.login('old', 'secret')
        return dovecot, client

    def imports(self, driver):
        name = f'{driver}@example.test'
        dovecot, old = self.dovecot(f'{driver}:~/{driver}')
        fill(old)
        before = picture(old, '/')
        url = f'imap://old@127.0.0.1:{dovecot.imap_port}'
        done = json.loads(self.tool('import', '--insecure', '--json', name, url, input='secret\n'))
        self.assertEqual({d['mailbox']: (d['imported'], d['uids_kept']) for d in done
                          if d['imported']}, {'INBOX': (4, True), 'Work.Plans': (5, True)})
        new = self.i.imap(name)
        self.addCleanup(new.shutdown)
        self.assertEqual(picture(new, '.'), before)
        self.assertIn(b'Work.Plans', b''.join(new.lsub()[1]))
        body = new.uid('FETCH', '1', 'BODY.PEEK[]')[1][0][1]
        self.assertTrue(body.endswith(b'Text 0\r\n'), body)
        # Once more: nothing comes twice.
        old.append('INBOX', None, None, b'Subject: later\r\n\r\nText\r\n')
        done = json.loads(self.tool('import', '--insecure', '--json', name, url, input='secret\n'))
        self.assertEqual(sum(d['imported'] for d in done), 1, done)
        again = json.loads(self.tool('import', '--insecure', '--json', name, url,
                                     input='secret\n'))
        self.assertEqual(sum(d['imported'] for d in again), 0, (done, again))

    def test_sdbox_over_imap(self):
        self.imports('sdbox')

    def test_mdbox_over_imap(self):
        self.imports('mdbox')

    def test_a_maildir_of_dovecot(self):
        dovecot, old = self.dovecot('maildir:~/Maildir')
        fill(old)
        before = picture(old, '/')
        source = self.folder() / 'copy'
        shutil.copytree(dovecot.dir / 'mail/old/Maildir', source)
        for path in [source, *source.rglob('*')]:
            path.chmod(0o755 if path.is_dir() else 0o644)
        self.tool('import', 'maildir@example.test', f'maildir:{source}')
        new = self.i.imap('maildir@example.test')
        self.addCleanup(new.shutdown)
        self.assertEqual(picture(new, '.'), before)

    def test_out_as_mbox_and_back(self):
        self.i.send('a@other.test', [USER], 'Subject: one\r\n\r\nFrom here\r\n')
        self.i.send('a@other.test', [USER], 'Subject: two\r\n\r\nText\r\n')
        self.i.wait_messages(USER, 2)
        client = self.i.imap(USER)
        self.addCleanup(client.shutdown)
        client.select()
        client.store('1', '+FLAGS', r'(\Seen blue)')
        place = self.folder()
        self.tool('export', USER, str(place / 'out'))
        box = mailbox.mbox(place / 'out/INBOX')
        self.assertEqual(sorted(m['Subject'] for m in box), ['one', 'two'])
        os.chmod(place / 'out', 0o755)
        os.chmod(place / 'out/INBOX', 0o644)
        self.tool('import', 'box@example.test', f'mbox:{place}/out/INBOX')
        new = self.i.imap('box@example.test')
        self.addCleanup(new.shutdown)
        self.assertEqual(uids(new), uids(client))
        self.tool('export', '--format', 'maildir', USER, str(place / 'tree'), 'subject', 'one')
        self.assertEqual(len(mailbox.Maildir(place / 'tree')), 1)
        self.tool('export', '--format', 'tar', USER, str(place / 'all.tar'))
        with tarfile.open(place / 'all.tar') as archive:
            self.assertEqual(len(archive.getnames()), 2)

    def test_expunge_and_undelete(self):
        user = 'undo@example.test'
        for number, subject in enumerate(('keep', 'drop'), 1):
            self.i.send('a@other.test', [user], f'Subject: {subject}\r\n\r\nText\r\n')
            self.i.wait_messages(user, number)
        self.tool('copy', user, 'Saved', 'subject', 'drop')
        status = json.loads(self.tool('status', '--json', user))
        self.assertEqual({s['mailbox']: s['messages'] for s in status}, {'INBOX': 2, 'Saved': 1})
        self.tool('expunge', user, 'mailbox', 'INBOX', 'subject', 'drop')
        self.assertEqual(len(self.i.messages(user)), 1)
        used = json.loads(self.tool('quota', '--json', user))[0]
        self.assertEqual(used['messages'], 2)
        client = self.i.imap(user)
        self.addCleanup(client.shutdown)
        client.delete('Saved')
        kept = json.loads(self.tool('undelete', '--list', '--json', user))
        self.assertEqual(sorted(k['mailbox'] for k in kept), ['INBOX', 'Saved'])
        self.tool('undelete', user)
        self.assertEqual(len(self.i.messages(user)), 2)
        self.assertEqual(client.select('Saved')[1], [b'1'])
        self.assertEqual(json.loads(self.tool('quota', '--json', user))[0]['messages'], 3)
        # A UID that was given is never given again.
        self.assertEqual(sorted(uids(client)[0]), [1, 3])
        self.tool('expunge', user, 'all')
        self.assertIn('Removed 0 ', self.tool('purge', user))
        self.assertIn('Removed 3 ', self.tool('purge', '--all', user))

    def test_what_is_wrong_is_said(self):
        for words in (('list', 'nobody@example.test'), ('expunge', USER), ('expunge', USER, 'foo'),
                      ('import', USER, 'mdbox:/tmp')):
            with self.assertRaises(AssertionError):
                self.tool(*words)


if __name__ == '__main__':
    import unittest
    unittest.main()
