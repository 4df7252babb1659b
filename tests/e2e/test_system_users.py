"""Users of the system: PAM says who they are, and their mail is in their homes and theirs."""
import imaplib
import os
import poplib
import pwd
import shutil
import subprocess
import unittest
from pathlib import Path

from tests.lib.case import TestCase
from tests.lib.instance import Instance
from tests.lib.waiting import wait_until

PASSWORD = 'a secret, with spaces'
MESSAGE = 'From: a@away.test\r\nSubject: hello\r\n\r\nTo a system user.\r\n'
# Only pam_unix: what a host has in common-auth may ask the network.
SERVICE = 'auth required pam_unix.so\naccount required pam_unix.so\n'


class SystemUser:
    """An account with a home and a password, and a PAM service that checks it."""

    def __init__(self):
        self.name = f'ft{os.getpid()}'
        self.service = Path('/etc/pam.d') / f'facteur-test-{os.getpid()}'
        self.home = Path('/home') / self.name
        self.service.write_text(SERVICE)
        subprocess.run(['useradd', '--create-home', '--home-dir', self.home, '--user-group',
                        self.name], check=True, capture_output=True)
        subprocess.run(['chpasswd', '--crypt-method', 'SHA512'],
                       input=f'{self.name}:{PASSWORD}\n', text=True, check=True,
                       capture_output=True)
        self.uid = pwd.getpwnam(self.name).pw_uid

    def change(self, *arguments):
        subprocess.run(['usermod', *arguments, self.name], check=True, capture_output=True)

    def stop(self):
        pass

    def remove(self):
        subprocess.run(['userdel', '--remove', self.name], check=False, capture_output=True)
        shutil.rmtree(self.home, ignore_errors=True)
        self.service.unlink(missing_ok=True)


@unittest.skipIf(os.getuid(), 'needs root')
class SystemUsers(TestCase):
    @classmethod
    def setUpClass(cls):
        cls.user = SystemUser()
        cls.addClassCleanup(cls.user.remove)
        cls.i = cls.keep(Instance(users={}, settings=(
            f'auth_passdb = pam:{cls.user.service.name}\n'
            'mydestination = local.test\n')))
        cls.i.users[cls.user.name] = PASSWORD
        cls.i.start()

    def refused(self, name, password):
        client = self.i.imap(tls=False)
        self.addCleanup(client.shutdown)
        with self.assertRaisesRegex(imaplib.IMAP4.error, r'AUTHENTICATIONFAILED'):
            client.login(name, password)

    def test_mail_comes_into_the_home_and_is_read_by_its_owner(self):
        user = self.user
        self.i.send('a@away.test', [f'{user.name}@local.test'], MESSAGE)
        maildir = user.home / 'Maildir'
        wait_until(lambda: list(maildir.glob('new/*')), what=f'mail in {maildir}')
        client = self.i.imap(user.name)
        self.assertEqual(client.select('INBOX'), ('OK', [b'1']))
        self.assertIn(b'To a system user.', client.fetch('1', '(BODY[])')[1][0][1])
        self.assertEqual(client.append('INBOX', None, None, MESSAGE.encode())[0], 'OK')
        self.assertEqual(client.create('Sent')[0], 'OK')
        server = int(self.i.wait_log(r'imap-login: Login: .*mpid=(\d+)')[1])
        status = Path(f'/proc/{server}/status').read_text()
        self.assertRegex(status, rf'Uid:\s{user.uid}\s{user.uid}\s{user.uid}\s{user.uid}\n')
        client.logout()
        self.assertEqual({p.stat().st_uid for p in [maildir, *maildir.rglob('*')]}, {user.uid})
        client = self.i.pop3(user.name)
        self.assertEqual(client.stat()[0], 2)
        client.quit()

    def test_what_pam_refuses_is_refused(self):
        self.refused(self.user.name, 'wrong')
        self.refused('no-such-user-here', PASSWORD)
        with self.assertRaisesRegex(poplib.error_proto, r'\[AUTH\]'):
            client = self.i.pop3()
            client.user(self.user.name)
            client.pass_('wrong')

    def test_an_account_that_has_expired_is_refused(self):
        """Its password is right: that is what pam_acct_mgmt(3) is for."""
        self.user.change('--expiredate', '1970-01-02')
        try:
            self.refused(self.user.name, PASSWORD)
        finally:
            self.user.change('--expiredate', '')
        self.i.imap(self.user.name).logout()

    def test_root_has_no_mailbox_here(self):
        """Whatever its password: root's mail goes to somebody by an alias."""
        with open(self.user.service, 'w') as service:
            service.write('auth required pam_permit.so\naccount required pam_permit.so\n')
        try:
            client = self.i.imap(tls=False)
            self.addCleanup(client.shutdown)
            with self.assertRaisesRegex(imaplib.IMAP4.error, r'UNAVAILABLE'):
                client.login('root', 'x')
            self.i.wait_log(r"imap\(root\): root's mail is not served")
        finally:
            self.user.service.write_text(SERVICE)


if __name__ == '__main__':
    unittest.main()
