"""Quota: rules, maildirsize as Dovecot keeps it, refusals over LMTP, IMAP and SMTP, warnings."""
import imaplib
import os
import shutil
import socket
import tempfile
from pathlib import Path

from tests.e2e.test_mailboxes import Lmtp
from tests.lib import case
from tests.lib.dovecot import Dovecot
from tests.lib.waiting import wait_until

USER, SECOND = 'user@example.test', 'second@example.test'
SETTINGS = """quota = maildir:User quota
quota_rule = *:bytes=10000:messages=20
quota_rule2 = Trash:ignore
quota_exceeded_message = No room at all
quota_warning = storage=80% /bin/sh -c "echo %u >> {}/warnings"
quota_max_mail_size = 9000
smtpd_recipient_restrictions = check_policy_service unix:private/quota-status, permit
"""
SERVICES = 'quota-status unix - n - - 1 lmtp-local\n'


class Quota(case.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.notes = tempfile.mkdtemp(prefix='facteur-quota-')
        cls.addClassCleanup(shutil.rmtree, cls.notes)
        os.chmod(cls.notes, 0o777)
        cls.i = cls.instance(users={USER: 'secret', SECOND: 'secret'},
                             settings=SETTINGS.format(cls.notes), services=SERVICES)
        users = cls.i.dir / 'users'
        lines = users.read_text().splitlines()
        own = ' userdb_quota_rule=*:bytes=2000'
        users.write_text(''.join(
            (line + ':' * max(7 - line.count(':'), 0) + own if line.startswith(SECOND) else line)
            + '\n' for line in lines))

    def deliver(self, user, size):
        client = Lmtp(self.i)
        self.addCleanup(client.close)
        client.ask('LHLO client.test')
        client.ask('MAIL FROM:<a@other.test>')
        client.ask(f'RCPT TO:<{user}>')
        self.assertEqual(client.ask('DATA')[:3], '354')
        body = ('x' * 70 + '\r\n') * (size // 72)
        return client.ask('Subject: big\r\n\r\n' + body + '.')

    def size_file(self, user):
        lines = (self.i.maildir(user) / 'maildirsize').read_text().splitlines()
        return lines[0], [sum(int(line.split()[i]) for line in lines[1:]) for i in (0, 1)]

    def on_disk(self, user):
        files = [p for sub in ('new', 'cur') for p in (self.i.maildir(user) / sub).iterdir()]
        return [sum(p.stat().st_size for p in files), len(files)]

    def test_the_way_of_a_mailbox_that_fills(self):
        self.assertEqual(self.deliver(USER, 5000)[:3], '250')
        self.assertEqual(self.size_file(USER), ('10000S,20C', self.on_disk(USER)))
        self.assertEqual(self.deliver(USER, 3500)[:3], '250')
        notes = Path(self.notes, 'warnings')
        wait_until(lambda: notes.exists() and USER + '\n' in notes.read_text(),
                   what='the warning')
        refused = self.deliver(USER, 4000)
        self.assertRegex(refused, r'^552 5\.2\.2 <user@example\.test> No room at all$')
        self.assertRegex(self.deliver(USER, 9500), r'^552 5\.2\.3 ')
        # IMAP: the same words; Trash does not count, and what is expunged makes room.
        client = self.i.imap(USER)
        self.addCleanup(client.shutdown)
        answer = client.append('INBOX', None, None, b'y' * 4000)
        self.assertEqual(answer[0], 'NO')
        self.assertIn(b'[OVERQUOTA]', answer[1][0])
        client.create('Trash')
        self.assertEqual(client.append('Trash', None, None, b'y' * 4000)[0], 'OK')
        client.select()
        self.assertEqual(client.copy('1:*', 'INBOX')[0], 'NO')
        self.assertEqual(client.copy('1:*', 'Trash')[0], 'OK')
        client.store('1:*', '+FLAGS', r'\Deleted')
        self.assertEqual(client.expunge()[0], 'OK')
        self.assertEqual(self.size_file(USER)[1], self.on_disk(USER))
        self.assertEqual(self.deliver(USER, 4000)[:3], '250')

    def test_a_user_has_his_own_rule_and_smtpd_asks(self):
        self.assertEqual(self.deliver(SECOND, 1900)[:3], '250')
        self.assertEqual(self.size_file(SECOND), ('2000S', self.on_disk(SECOND)))
        with socket.create_connection(('127.0.0.1', self.i.port('smtp')), timeout=20) as s:
            file = s.makefile('rwb')

            def ask(line):
                if line:
                    file.write(line.encode() + b'\r\n')
                    file.flush()
                while True:
                    answer = file.readline().decode()
                    if answer[3:4] != '-':
                        return answer
            ask('')
            ask('EHLO client.test')
            self.assertEqual(ask('MAIL FROM:<a@other.test> SIZE=1000')[:3], '250')
            self.assertRegex(ask(f'RCPT TO:<{SECOND}>'), r'^552 5\.2\.2 .*No room at all')
            self.assertEqual(ask(f'RCPT TO:<{USER}>')[:3], '250')

    def test_dovecot_agrees(self):
        user = USER
        self.deliver(user, 500)
        dovecot = Dovecot({user: 'secret'}, mail=f'maildir:{self.i.maildir(user)}',
                          uid=self.i.maildir(user).stat().st_uid,
                          gid=self.i.maildir(user).stat().st_gid, settings="""
mail_plugins = $mail_plugins quota
protocol imap {
  mail_plugins = $mail_plugins imap_quota
}
plugin {
  quota = maildir:User quota
  quota_rule = *:bytes=10000:messages=20
  quota_rule2 = Trash:ignore
}
""")
        self.addCleanup(dovecot.remove)
        self.addCleanup(dovecot.stop)
        client = imaplib.IMAP4('127.0.0.1', dovecot.imap_port)
        self.addCleanup(client.shutdown)
        client.login(user, 'secret')
        header, (size, messages) = self.size_file(user)
        text = client.getquotaroot('INBOX')[1][1][0].decode()
        self.assertRegex(text, rf'STORAGE ({size // 1024}|{-(-size // 1024)}) ')
        self.assertIn(f'MESSAGE {messages} 20', text)
        # Dovecot writes the same file: we read what it adds.
        self.assertEqual(client.append('INBOX', None, None, b'Subject: d\r\n\r\nfrom Dovecot\r\n')[0],
                         'OK')
        after = self.size_file(user)
        self.assertEqual(after[0], header)
        self.assertEqual(after[1][1], messages + 1)


if __name__ == '__main__':
    import unittest
    unittest.main()
