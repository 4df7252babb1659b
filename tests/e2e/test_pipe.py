"""Transports to commands as pipe(8): real commands, as other users, with Postfix's lines in
master.cf."""
import os
import pwd
import re
import shutil
import signal
import tempfile
import unittest
from pathlib import Path

from tests.lib import case
from tests.lib.instance import alive
from tests.lib.waiting import wait_until

TEXT = 'From: a@other.test\r\nSubject: {}\r\n\r\nFrom here on.\r\n.dot\r\n'


@unittest.skipIf(os.geteuid(), 'needs root')
class Pipe(case.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Path(tempfile.mkdtemp(prefix='facteur-pipe-'))
        cls.folder.chmod(0o755)
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.out = cls.folder / 'out'
        cls.out.mkdir()
        cls.out.chmod(0o1777)
        cls.jail = cls.folder / 'jail'
        cls.make_jail()
        keep = cls.script('keep', f'''
name={cls.out}/$1; shift
cat > $name.mail
printf '%s\\n' "$@" > $name.args
env > $name.env; id -u > $name.id; id -Gn > $name.groups; pwd > $name.pwd
ls -l /proc/$$/fd | wc -l > $name.fds
''')
        by_name = cls.script('by-name', '''
case "$1" in
gone) echo "no such mailbox"; exit 67;;
later) exit 75;;
said) echo "5.7.1 not for you"; exit 1;;
full) echo "4.2.2 over quota"; exit 69;;
killed) kill -9 $$;;
quiet) exit 0;;
wordy) echo "stored as 17"; exit 0;;
odd) exit 3;;
esac
''')
        slow = cls.script('slow', f'echo $$ > {cls.out}/slow.pid; echo so far; sleep 300 & wait')
        cls.i = cls.instance(settings=f'''
relay_domains = args.test, exit.test, slow.test, lda.test, gone.test, bsmtp.test, jail.test,
  big.test, root.test, nobody.test, filtered.test
transport_maps = inline:{{
  {{args.test=keep:Next.Hop}}, {{exit.test=byname}}, {{slow.test=slow}}, {{lda.test=lda}},
  {{gone.test=gone}}, {{bsmtp.test=bsmtp}}, {{jail.test=jail}}, {{big.test=small}},
  {{filtered.test=filtered}}, {{nobody.test=stranger}} }}
recipient_delimiter = +
keep_destination_recipient_limit = 50
lda_destination_recipient_limit = 1
slow_time_limit = 1s
export_environment = TZ=Europe/Paris LANG
notify_classes =
''', services=f'''
keep unix - n n - 7 pipe
  flags=Fqhu user=nobody directory=/usr
  argv={keep} one -oi -f ${{sender}} {{ $sasl_username / $size }} $(nexthop) ${{recipient}}
byname unix - n n - - pipe flags=X user=nobody:mail argv={by_name} ${{user}}
slow unix - n n - - pipe user=nobody argv={slow}
lda unix - n n - - pipe
  flags=DORX user=nobody null_sender= argv={keep} lda $sender $user ${{extension}} $domain
gone unix - n n - - pipe user=nobody argv=/nonexistent/lda
bsmtp unix - n n - - pipe flags=B.> user=nobody eol=\\r\\n argv={keep} bsmtp
jail unix - n n - - pipe user=nobody chroot={cls.jail} argv=/ldconfig --version
small unix - n n - - pipe user=nobody size=300 argv=/bin/cat
stranger unix - n n - - pipe user=no-such-user argv=/bin/true
filtered unix - n n - - pipe -o {{ pipe_delivery_status_filter =
  inline:{{ {{ 2.0.0 delivered via filtered service = 2.1.5 handed over }} }} }}
  user=nobody argv=/bin/true
''')

    @classmethod
    def script(cls, name, text):
        path = cls.folder / name
        path.write_text('#!/bin/sh\n' + text + '\n')
        path.chmod(0o755)
        return path

    @classmethod
    def make_jail(cls):
        cls.jail.mkdir(mode=0o700)
        shutil.copy('/sbin/ldconfig', cls.jail / 'ldconfig')  # needs no libraries
        os.chown(cls.jail, pwd.getpwnam('nobody').pw_uid, -1)

    def send(self, *recipients, subject='x', sender='Ann@other.test', text=TEXT):
        self.i.send(sender, list(recipients), text.format(subject).encode())

    def result(self, recipient, pattern):
        line = rf'to=<{re.escape(recipient)}>, .*{pattern}'
        return self.i.wait_log(line)

    def read(self, name):
        return (self.out / name).read_bytes().decode()

    def test_arguments_and_surroundings(self):
        self.send('Tim+X@Args.test', 'ann@args.test')
        self.result('ann@args.test', r'relay=keep, .*dsn=2\.0\.0, status=sent '
                                     r'\(delivered via keep service\)')
        size = len(self.read('one.mail'))
        arguments = self.read('one.args').splitlines()
        self.assertEqual(arguments[:3], ['-oi', '-f', 'Ann@other.test'])
        self.assertRegex(arguments[3], r'^ / \d+$')
        self.assertEqual(arguments[4], 'next.hop')
        self.assertEqual(set(arguments[5:]), {'tim+x@args.test', 'ann@args.test'})
        self.assertGreater(size, 100)
        environment = dict(one.split('=', 1) for one in self.read('one.env').splitlines())
        self.assertEqual(environment['TZ'], 'Europe/Paris')
        self.assertIn('PATH', environment)
        self.assertNotIn('FACTEUR_SOCKETS', environment)
        self.assertNotIn('MAIL_CONFIG', environment)
        nobody = pwd.getpwnam('nobody')
        self.assertEqual(int(self.read('one.id')), nobody.pw_uid)
        self.assertEqual(self.read('one.groups').split(), ['nogroup'])
        self.assertEqual(self.read('one.pwd').strip(), '/usr')
        mail = self.read('one.mail')
        self.assertRegex(mail, r'\AFrom Ann@other.test  \w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}\n'
                               r'Received: ')
        self.assertTrue(mail.endswith('\n\nFrom here on.\n.dot\n'))
        self.assertNotIn('\r', mail)

    def test_the_fields_of_a_delivery_agent(self):
        self.send('tim+Lists@lda.test', sender='')
        self.result('tim+Lists@lda.test', r'relay=lda, .*status=sent')
        self.assertTrue(self.read('lda.mail').startswith(
            'Return-Path: <>\nX-Original-To: tim+Lists@lda.test\n'
            'Delivered-To: tim+Lists@lda.test\nReceived: '))
        self.assertEqual(self.read('lda.args').split('\n'), ['', 'tim', 'Lists', 'lda.test', ''])
        again = 'Delivered-To: Tim+lists@LDA.test\r\n' + TEXT
        self.send('tim+lists@lda.test', text=again)
        self.result('tim+lists@lda.test', r'dsn=5\.4\.6, status=bounced '
                                          r'\(mail forwarding loop for tim\+lists@lda.test\)')

    def test_lines_for_bsmtp(self):
        self.send('x@bsmtp.test')
        self.result('x@bsmtp.test', 'status=sent')
        self.assertTrue(self.read('bsmtp.mail').endswith(
            '\r\n\r\n>From here on.\r\n..dot\r\n\r\n'))

    def test_what_the_command_ends_with(self):
        for user, pattern in {
                'gone': r'dsn=5\.1\.1, status=bounced \(user unknown. Command output: '
                        r'no such mailbox\)',
                'later': r'dsn=4\.3\.0, status=deferred \(temporary failure\)',
                'said': r'dsn=5\.7\.1, status=bounced \(not for you\)',
                'full': r'dsn=4\.2\.2, status=deferred \(over quota\)',
                'killed': r'dsn=4\.3\.0, status=deferred \(Command died with signal 9: ',
                'quiet': r'dsn=2\.0\.0, status=sent \(delivered via byname service\)',
                'wordy': r'status=sent \(delivered via byname service \(stored as 17\)\)',
                'odd': r'dsn=5\.3\.0, status=bounced \(Command died with status 3: '}.items():
            self.send(f'{user}@exit.test')
            with self.subTest(user):
                self.result(f'{user}@exit.test', pattern)
        self.send('x@gone.test')
        self.result('x@gone.test', r'dsn=4\.3\.0, status=deferred \(temporary failure. Command '
                                   r'output: cannot run /nonexistent/lda: No such file')
        self.send('x@nobody.test')
        self.result('x@nobody.test', r'dsn=4\.3\.5, status=deferred \(mail system configuration')
        self.send('x@big.test', subject='y' * 400)
        self.result('x@big.test', r'dsn=5\.2\.3, status=bounced \(message too large\)')

    def test_a_command_that_takes_too_long_is_killed_with_its_children(self):
        self.send('x@slow.test')
        self.result('x@slow.test', r'dsn=5\.3\.0, status=bounced \(Command time limit exceeded: '
                                   r'".*slow". Command output: so far\)')
        pid = int(self.read('slow.pid'))
        wait_until(lambda: not alive(pid), what='the end of the command')

    def test_other_words(self):
        self.send('x@filtered.test')
        self.result('x@filtered.test', r'dsn=2\.1\.5, status=sent \(handed over\)')

    def test_chroot(self):
        self.send('x@jail.test')
        self.result('x@jail.test', r'status=sent \(delivered via jail service \(ldconfig ')

    def test_the_agent_has_no_rights_and_the_commands_end_with_it(self):
        (self.out / 'slow.pid').unlink(missing_ok=True)
        instance = self.own_instance(settings='''
relay_domains = slow.test
transport_maps = inline:{{slow.test=slow}}
''', services=f'''
slow unix - n n - - pipe user=nobody argv={self.folder}/slow
''')
        instance.send('a@other.test', ['x@slow.test'], TEXT.format('s').encode())
        pid = wait_until(lambda: (self.out / 'slow.pid').exists() and self.read('slow.pid').strip(),
                         what='the command')
        pid = int(self.read('slow.pid'))
        agent = next(pid for pid in instance.workers()
                     if b'-n\0slow\0' in Path(f'/proc/{pid}/cmdline').read_bytes())
        status = Path(f'/proc/{agent}/status').read_text()
        self.assertRegex(status, r'CapPrm:\t0+\n')
        self.assertNotRegex(status, r'Uid:\t0')
        os.kill(agent, signal.SIGKILL)
        wait_until(lambda: not alive(pid), what='the end of the command')
        # qmgr gives it to the successor.
        wait_until(lambda: self.read('slow.pid').strip() not in ('', str(pid)), 30,
                   'another attempt')

    def test_check_knows_the_lines(self):
        self.assertRegex(self.i.run('check'), r'warning: .*unknown username: no-such-user\n(.*\n)*'
                                              r'.*no errors')
        other = self.own_instance(services='')
        master = other.dir / 'master.cf'
        shipped = master.read_text()
        for line, expected in {
                'user=root argv=/bin/x': 'specifies root privileges',
                'user=facteur-queue argv=/bin/x': 'mail system owner facteur-queue',
                'user=nobody:root argv=/bin/x': 'privileged group id 0',
                'user=no-such-user argv=/bin/x': 'unknown username',
                'argv=/bin/x': 'missing user=',
                'user=nobody': 'missing argv=',
                'user=nobody argv=/bin/x ${recipent}': 'unknown macro name: "recipent"',
                'flags=Z user=nobody argv=/bin/x': 'unknown flag Z'}.items():
            master.write_text(f'{shipped}\nodd unix - n n - - pipe {line}\n')
            said = other.run('check', check=False)
            self.assertRegex(said, rf'master\.cf, line \d+: .*{expected}', line)
        master.write_text(shipped)


if __name__ == '__main__':
    case.main()
