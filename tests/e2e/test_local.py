"""Delivery to system users as local(8): homes, ~/.forward, aliases, commands, files; as root with
uids of their own."""
import os
import pwd
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from tests.lib import case
from tests.lib.instance import alive
from tests.lib.waiting import wait_until

TEXT = 'From: a@other.test\r\nSubject: {}\r\n\r\nFrom here on.\r\n'
NOBODY = pwd.getpwnam('nobody')


@unittest.skipIf(os.geteuid(), 'needs root')
class Local(case.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.homes = Path(tempfile.mkdtemp(prefix='facteur-homes-'))
        cls.homes.chmod(0o755)
        cls.addClassCleanup(shutil.rmtree, cls.homes, ignore_errors=True)
        cls.users = {}
        for name in ('tim', 'ann'):
            cls.users[name] = cls.add_user(f'fct{name}{os.getpid()}')
        cls.spool = cls.homes / 'spool'
        cls.spool.mkdir()
        os.chown(cls.spool, 0, 8)  # as Debian's /var/mail: root:mail
        cls.spool.chmod(0o2775)
        cls.out = cls.homes / 'out'
        cls.out.mkdir(mode=0o1777)
        cls.out.chmod(0o1777)
        aliases = cls.homes / 'aliases'
        aliases.write_text(f'''
sales: user@example.test
pipe: "|{cls.write_script('pipe', 'id > {0}/id; env > {0}/env; cat > {0}/mail'.format(cls.out))}"
fail: "|echo 5.7.1 not today; exit 1"
later: "|exit 75"
slow: "|sleep 100"
box: {cls.out}/box
list: :include:{cls.homes}/list
owner-list: {cls.name('ann')}
evil: :include:{cls.homes}/evil
''')
        (cls.homes / 'list').write_text(f'{cls.name("tim")}\nuser@example.test\n')
        (cls.homes / 'evil').write_text(f'|touch {cls.out}/evil\n')
        cls.i = cls.instance(settings=f'''
mydestination = local.test
local_recipient_maps =
alias_maps = aliases:{aliases}
auth_userdb = passwd-file:$config_directory/users, passwd
mail_directories = {cls.homes}
recipient_delimiter = +
command_time_limit = 2s
''')

    @classmethod
    def name(cls, short):
        return cls.users[short].pw_name

    @classmethod
    def add_user(cls, name):
        subprocess.run(['useradd', '-M', '-d', str(cls.homes / name), '-s', '/bin/sh', name],
                       check=True, capture_output=True)
        cls.addClassCleanup(subprocess.run, ['userdel', name], capture_output=True)
        user = pwd.getpwnam(name)
        home = cls.homes / name
        home.mkdir(mode=0o700)
        os.chown(home, user.pw_uid, user.pw_gid)
        return user

    @classmethod
    def write_script(cls, name, text):
        path = cls.homes / name
        path.write_text('#!/bin/sh\n' + text + '\n')
        path.chmod(0o755)
        return path

    def home(self, short):
        return self.homes / self.name(short)

    def put(self, path, text, short):
        path.write_text(text)
        os.chown(path, self.users[short].pw_uid, self.users[short].pw_gid)

    def send(self, to, subject, instance=None):
        (instance or self.i).send('a@other.test', [f'{to}@local.test'], TEXT.format(subject))

    def wait_result(self, to, pattern, instance=None):
        return (instance or self.i).wait_log(rf'to=<{re.escape(to)}@local.test>.*{pattern}')

    def wait_message(self, subject):
        """In ann's Maildir."""
        def there():
            return any(f'Subject: {subject}\r\n'.encode() in path.read_bytes()
                       for path in (self.home('ann') / 'Maildir/new').glob('*'))
        wait_until(there, what=f'message {subject}')

    def test_a_maildir_in_a_home_is_its_users(self):
        self.send(self.name('ann'), 'maildir')
        self.wait_result(self.name('ann'), r'relay=local.*status=sent \(delivered to maildir\)')
        maildir = self.home('ann') / 'Maildir'
        message = next((maildir / 'new').iterdir())
        self.assertIn(b'Subject: maildir\r\n', message.read_bytes())
        for path in [maildir, *maildir.rglob('*')]:
            stat = path.stat()
            self.assertEqual((stat.st_uid, stat.st_gid),
                             (self.users['ann'].pw_uid, self.users['ann'].pw_gid), path)
            self.assertEqual(stat.st_mode & 0o077, 0, path)
        self.i.wait_queue(0)

    def test_forward_to_mailbox_command_file_and_address(self):
        home, name = self.home('tim'), self.name('tim')
        script = self.write_script('forwarded', f'id -u > {home}/id; id -G > {home}/groups; '
                                                f'ls /proc/self/fd > {home}/fds; cat > {home}/mail')
        self.put(home / '.forward', f'\\{name}, "|{script}"\n{home}/box\nuser@example.test\n', 'tim')
        self.addCleanup((home / '.forward').unlink)
        before = len(self.i.messages('user@example.test'))
        self.send(f'{name}+ext', 'forwarded')
        self.wait_result(f'{name}+ext', r'status=sent')
        found = self.i.wait_messages('user@example.test', before + 1)
        self.assertTrue(any(f'Delivered-To: {name}+ext@local.test\r\n'.encode() in m for m in found))
        self.assertEqual((home / 'id').read_text().strip(), str(self.users['tim'].pw_uid))
        self.assertEqual((home / 'groups').read_text().strip(), str(self.users['tim'].pw_gid))
        self.assertEqual((home / 'fds').read_text().split(), ['0', '1', '2', '3'])  # 3: ls itself
        self.assertIn('\nFrom here on.\n', (home / 'mail').read_text())
        box = home / 'box'
        self.assertTrue(box.read_text().startswith('From a@other.test  '))
        self.assertIn('\n>From here on.\n', box.read_text())
        self.assertEqual((box.stat().st_uid, box.stat().st_mode & 0o777),
                         (self.users['tim'].pw_uid, 0o600))
        self.assertEqual(len(list((home / 'Maildir' / 'new').iterdir())), 1)

    def test_forward_of_somebody_else_is_ignored(self):
        path = self.home('ann') / '.forward'
        path.write_text(f'|touch {self.out}/stolen\n')
        path.chmod(0o666)
        os.chown(path, self.users['tim'].pw_uid, self.users['tim'].pw_gid)
        self.addCleanup(path.unlink)
        before = len(self.i.log())
        self.send(self.name('ann'), 'not forwarded')
        wait_until(lambda: re.search(rf'to=<{self.name("ann")}@.*delivered to maildir',
                                     self.i.log()[before:]), what='delivery')
        self.assertFalse((self.out / 'stolen').exists())

    def test_alias_command_runs_as_nobody(self):
        self.send('pipe', 'command')
        self.wait_result('pipe', r'status=sent \(delivered to command: ')
        self.assertIn(f'uid={NOBODY.pw_uid}(nobody)', (self.out / 'id').read_text())
        environment = dict(line.split('=', 1)
                           for line in (self.out / 'env').read_text().splitlines() if '=' in line)
        self.assertEqual(environment['SENDER'], 'a@other.test')
        self.assertEqual(environment['RECIPIENT'], 'pipe@local.test')
        self.assertEqual(environment['DOMAIN'], 'local.test')
        self.assertNotIn('HOME', environment)
        text = (self.out / 'mail').read_text()
        self.assertTrue(text.startswith('From a@other.test  '))
        self.assertIn('\nX-Original-To: pipe@local.test\nDelivered-To: pipe@local.test\n', text)

    def test_exit_codes(self):
        self.send('fail', 'fails')
        self.wait_result('fail', r'dsn=5\.7\.1, status=bounced \(not today\)')
        self.send('later', 'later')
        self.wait_result('later', r'dsn=4\.3\.0, status=deferred \(temporary failure\)')
        self.send('slow', 'slow')
        self.wait_result('slow', r'dsn=5\.3\.0, status=bounced \(Command time limit exceeded')
        self.assertEqual(subprocess.run(['pgrep', '-x', '-u', 'nobody', 'sleep'],
                                        capture_output=True).stdout, b'')

    def test_alias_file_and_include(self):
        self.send('box', 'file')
        self.wait_result('box', r'status=sent \(delivered to file: ')
        self.assertEqual((self.out / 'box').stat().st_uid, NOBODY.pw_uid)
        self.send('list', 'to the list')
        self.wait_result('list', r'status=sent')
        # What is sent on comes back to the owner of the list.
        self.i.wait_log(r'from=<owner-list@\S+>')
        self.send('evil', 'included command')
        self.wait_result('evil', r'dsn=5\.7\.1, status=bounced')
        self.assertFalse((self.out / 'evil').exists())

    def test_mail_spool_and_mailbox_command(self):
        instance = self.own_instance(settings=f'''
mydestination = local.test
local_recipient_maps =
alias_maps =
auth_userdb = passwd-file:$config_directory/users, passwd
mail_directories = {self.homes}
mail_spool_directory = {self.spool}
''')
        name = self.name('tim')
        self.send(name, 'spool', instance)
        self.wait_result(name, r'status=sent \(delivered to mailbox\)', instance)
        box = self.spool / name
        self.assertIn('\nSubject: spool\n', box.read_text())
        self.assertEqual((box.stat().st_uid, box.stat().st_mode & 0o777),
                         (self.users['tim'].pw_uid, 0o600))
        self.assertFalse((self.spool / f'{name}.lock').exists())
        instance.add_settings('mailbox_command = cat > $HOME/by-command\n')
        instance.reload()

        def by_command():
            self.send(name, 'command', instance)
            path = self.home('tim') / 'by-command'
            return path.exists() and path.stat().st_uid == self.users['tim'].pw_uid
        wait_until(by_command, 20, 'delivery by mailbox_command')

    def test_no_process_is_left_and_none_is_privileged(self):
        self.send(self.name('ann'), 'processes')
        self.wait_message('processes')
        agent = next(pid for pid, name in self.i.workers().items() if name == 'lmtp-local'
                     and b'-n\0virtual\0' in Path(f'/proc/{pid}/cmdline').read_bytes())
        status = Path(f'/proc/{agent}/status').read_text()
        self.assertRegex(status, r'CapPrm:\t0+\n')
        children = Path(f'/proc/{agent}/task/{agent}/children').read_text().split()
        self.assertEqual(len(children), 1)
        broker = Path(f'/proc/{children[0]}/status').read_text()
        self.assertRegex(broker, r'CapPrm:\t00000000000000e0\n')  # KILL, SETGID, SETUID
        hands = Path(f'/proc/{children[0]}/task/{children[0]}/children').read_text().split()
        self.assertTrue(hands)
        for hand in hands:
            text = Path(f'/proc/{hand}/status').read_text()
            self.assertRegex(text, r'CapPrm:\t0+\n')
            self.assertNotRegex(text, r'Uid:\t0')
        os.kill(agent, 9)
        wait_until(lambda: not any(alive(pid) for pid in children + hands),
                   what='the end of the broker and its hands')
        self.send(self.name('ann'), 'after')
        self.wait_message('after')


if __name__ == '__main__':
    case.main()
