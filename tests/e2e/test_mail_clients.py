"""Mail programs that people use: mbsync, mutt, fetchmail."""
import os
import pty
import select
import shutil
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

from tests.lib import message, process
from tests.lib.case import TestCase

USER, PASSWORD = 'user@example.test', 'secret'


class Clients(TestCase):
    @classmethod
    def setUpClass(cls):
        cls.i = cls.instance(settings='mail_max_userip_connections = 0\n')

    def setUp(self):
        self.home = Path(tempfile.mkdtemp(prefix='facteur-client-'))
        self.addCleanup(shutil.rmtree, self.home, True)

    def run_program(self, *command, **options):
        environment = dict(os.environ, HOME=str(self.home))
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment,
                              **options)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def run_on_terminal(self, *command):
        """A program that wants a screen; fails with what it showed when it does not end."""
        ours, its = pty.openpty()
        environment = dict(os.environ, HOME=str(self.home), TERM='vt100', LINES='24', COLUMNS='80')
        with subprocess.Popen(command, stdin=its, stdout=its, stderr=its, env=environment,
                              start_new_session=True) as child:
            os.close(its)
            shown = b''
            end = time.monotonic() + 60
            while time.monotonic() < end:
                if select.select([ours], [], [], 1)[0]:
                    try:
                        shown += os.read(ours, 65536)
                    except OSError:
                        break
            else:
                child.kill()
            os.close(ours)
        self.assertEqual(child.returncode, 0, shown.decode(errors='replace'))

    @staticmethod
    def files(folder):
        return sorted(p for part in ('new', 'cur') for p in (folder / part).glob('*'))

    @unittest.skipIf(process.missing('mbsync'), 'mbsync is not installed')
    def test_mbsync_1000_messages_both_ways(self):
        rc = self.home / 'mbsyncrc'
        rc.write_text(f"""
IMAPAccount facteur
Host 127.0.0.1
Port {self.i.port('imap')}
User {USER}
Pass {PASSWORD}
SSLType None
AuthMechs LOGIN

IMAPStore far
Account facteur

MaildirStore near
Path {self.home}/mail/
Inbox {self.home}/mail/INBOX
SubFolders Verbatim

Channel all
Far :far:
Near :near:
Patterns INBOX sync
Create Both
Expunge Both
SyncState *
""")
        near = self.home / 'mail/sync'
        for part in ('cur', 'new', 'tmp'):
            (near / part).mkdir(parents=True)
            (self.home / 'mail/INBOX' / part).mkdir(parents=True)
        for n in range(500):
            (near / 'new' / f'{n}.near.host').write_text(message.plain(USER, USER, f'near {n}'))
        c = self.i.imap(USER)
        c.create('sync')
        for n in range(500):
            text = message.plain(USER, USER, f'far {n}').replace('\n', '\r\n').encode()
            self.assertEqual(c.append('sync', None, None, text)[0], 'OK')
        self.run_program('mbsync', '-c', str(rc), 'all')
        self.assertEqual(len(self.files(near)), 1000)
        self.assertEqual(c.select('sync')[1], [b'1000'])
        subjects = {line for f in self.files(near) for line in f.read_text().splitlines()
                    if line.startswith('Subject: ')}
        self.assertEqual(len(subjects), 1000)
        before = [f.name for f in self.files(near)]
        out = self.run_program('mbsync', '-V', '-c', str(rc), 'all')
        self.assertEqual([f.name for f in self.files(near)], before)
        self.assertNotRegex(out, r'Far: \+[1-9]|Near: \+[1-9]')
        c.store('1:10', '+FLAGS', r'(\Flagged)')
        c.store('11:20', '+FLAGS', r'(\Deleted)')
        c.expunge()
        self.run_program('mbsync', '-c', str(rc), 'all')
        self.assertEqual(len(self.files(near)), 990)
        self.assertEqual(sum('F' in f.name.rpartition(',')[2] for f in self.files(near)), 10)
        c.logout()

    @unittest.skipIf(process.missing('fetchmail'), 'fetchmail is not installed')
    def test_fetchmail_takes_mail_over_pop3_and_imap(self):
        for protocol, subject in (('pop3', 'by pop'), ('imap', 'by imap')):
            self.i.send('a@client.test', [USER], message.plain('a@client.test', USER, subject))
            self.i.wait_messages(USER, 1)
            rc = self.home / f'fetchmailrc.{protocol}'
            rc.write_text(f'poll 127.0.0.1 protocol {protocol} port {self.i.port(protocol)} '
                          f'auth password user "{USER}" password "{PASSWORD}" '
                          f'options no sslcertck sslproto "" fetchall mda "cat >> {self.home}/{protocol}"\n')
            rc.chmod(0o600)
            self.run_program('fetchmail', '-f', str(rc), '--nosyslog', '-v',
                             '--pidfile', str(self.home / 'pid'))
            self.assertIn(f'Subject: {subject}', (self.home / protocol).read_text())
            self.assertEqual(self.i.messages(USER), [])

    @unittest.skipIf(process.missing('mutt'), 'mutt is not installed')
    def test_mutt_reads_and_copies(self):
        c = self.i.imap(USER)
        c.create('mutt')
        text = message.plain(USER, USER, 'for mutt').replace('\n', '\r\n').encode()
        c.append('mutt', None, None, text)
        (self.home / 'muttrc').write_text(f"""
set folder=imap://127.0.0.1:{self.i.port('imap')}/
set imap_user={USER}
set imap_pass={PASSWORD}
set ssl_starttls=no
set ssl_force_tls=no
set sort=date
set delete=yes
set confirmappend=no
set confirmcreate=no
set quit=yes
set imap_check_subscribed=no
push "<copy-message>=copied<enter><delete-message><sync-mailbox><quit>"
""")
        self.run_on_terminal('mutt', '-F', str(self.home / 'muttrc'), '-f',
                             f'imap://127.0.0.1:{self.i.port("imap")}/mutt')
        self.assertEqual(c.select('copied'), ('OK', [b'1']))
        self.assertIn(b'for mutt', c.fetch('1', '(BODY[])')[1][0][1])
        self.assertEqual(c.select('mutt'), ('OK', [b'0']))
        c.logout()


if __name__ == '__main__':
    unittest.main()
