"""Mail is served by processes of its owner: who they are, how many there are, how they end."""
import ctypes
import imaplib
import os
import re
import signal
import unittest
from pathlib import Path

from tests.lib.case import TestCase
from tests.lib.instance import Instance, alive
from tests.lib.waiting import wait_until

ALICE, SECOND, BOB = 'alice@example.test', 'second@example.test', 'bob@example.test'
UIDS = {ALICE: 61001, SECOND: 61001, BOB: 61002}
MESSAGE = b'Subject: kept\r\n\r\nText.\r\n'


def status(pid):
    """/proc/PID/status as {name: words}."""
    lines = Path(f'/proc/{pid}/status').read_text().splitlines()
    return {line.split(':')[0]: line.split(':', 1)[1].split() for line in lines}


def has_landlock():
    """landlock_create_ruleset(2) tells its version."""
    return ctypes.CDLL(None).syscall(444, None, 0, 1) > 0


class Owners(TestCase):
    """Users with uids of their own, as root can serve them; all of one uid otherwise."""

    def start(self, settings=''):
        self.i = i = self.own(Instance(users={}, settings=settings))
        with open(i.dir / 'users', 'a') as users:
            for name, uid in UIDS.items():
                home = i.dir / 'mail' / name
                home.mkdir(parents=True)
                if os.getuid() == 0:
                    os.chown(home, uid, uid)
                    users.write(f'{name}:{{PLAIN}}pw:{uid}:{uid}::{home}::\n')
                else:
                    users.write(f'{name}:{{PLAIN}}pw:::{home}::\n')
                i.users[name] = 'pw'
        i.start()

    def session(self, user, tls=False):
        """A client, and the process that serves it."""
        before = len(self.logins())
        client = self.i.imap(user, tls=tls)
        self.addCleanup(self.leave, client)
        pid = wait_until(lambda: self.logins()[before:], what='the login in the log')[0]
        return client, pid

    @staticmethod
    def leave(client):
        try:
            client.shutdown()
        except OSError:
            pass

    def logins(self):
        return [int(pid) for pid in re.findall(r'imap-login: Login: .*mpid=(\d+)', self.i.log())]

    def gone(self, *pids):
        wait_until(lambda: not any(alive(pid) for pid in pids), what=f'the end of {pids}')

    def broker(self):
        """The process that master knows: it holds the listening socket and opens no mail."""
        brokers = [pid for pid in self.i.workers()
                   if b'imapd\0-n\0imap-mailbox' in Path(f'/proc/{pid}/cmdline').read_bytes()]
        self.assertEqual(len(brokers), 1)
        return brokers[0]

    def works(self, client):
        self.assertEqual(client.noop()[0], 'OK')

    def is_cut(self, client):
        with self.assertRaises((imaplib.IMAP4.abort, OSError)):
            client.noop()

    @unittest.skipIf(os.getuid(), 'needs root')
    def test_a_session_runs_as_the_owner_of_the_mail_and_as_nobody_else(self):
        self.start()
        alice, pid = self.session(ALICE)
        _, same = self.session(ALICE, tls=True)
        bob, other = self.session(BOB)
        self.assertEqual(pid, same)
        self.assertNotEqual(pid, other)
        for process, uid in ((pid, 61001), (other, 61002)):
            told = status(process)
            self.assertEqual(told['Uid'], [str(uid)] * 4)
            self.assertEqual(told['Gid'], [str(uid)] * 4)
            self.assertEqual(told['Groups'], [str(uid)])
            for capabilities in ('CapInh', 'CapPrm', 'CapEff', 'CapAmb'):
                self.assertEqual(int(told[capabilities][0], 16), 0, capabilities)
            self.assertEqual(told['NoNewPrivs'], ['1'])
            self.assertEqual(told['Seccomp'], ['2'])
        broker = status(self.broker())
        self.assertNotIn('0', broker['Uid'])
        self.assertEqual(int(broker['CapPrm'][0], 16), 0)
        for client, user in ((alice, ALICE), (bob, BOB)):
            self.assertEqual(client.append('INBOX', None, None, MESSAGE)[0], 'OK')
            owners = {p.stat().st_uid for p in (self.i.dir / 'mail' / user / 'Maildir').rglob('*')}
            self.assertEqual(owners, {UIDS[user]})

    @unittest.skipIf(os.getuid(), 'needs root')
    def test_the_process_of_one_user_opens_no_other_mail(self):
        """Not even what file modes would let it open; users who share a uid can share a process."""
        if not has_landlock():
            self.skipTest('the kernel has no Landlock')
        self.start()
        alice, pid = self.session(ALICE)
        self.assertEqual(alice.create('there')[0], 'OK')
        open_to_all = self.i.dir / 'mail' / 'open'
        for part in ('cur', 'new', 'tmp'):
            (open_to_all / part).mkdir(parents=True)
            (open_to_all / part).chmod(0o777)
        open_to_all.chmod(0o777)
        (self.i.dir / 'mail' / ALICE / 'Maildir' / '.link').symlink_to(open_to_all)
        self.assertEqual(alice.select('there')[0], 'OK')
        self.assertEqual(alice.select('link')[0], 'NO')
        _, wide = self.session(SECOND)
        self.assertNotEqual(wide, pid)
        _, again = self.session(SECOND)
        self.assertEqual(wide, again)

    def test_many_sessions_share_a_process(self):
        self.start('mail_max_userip_connections = 0\n')
        pids = {self.session(ALICE)[1] for _ in range(12)}
        self.assertEqual(len(pids), 1)

    def test_a_session_may_have_a_process_of_its_own(self):
        self.start('imapd_sessions_per_process = 1\n')
        sessions = [self.session(ALICE) for _ in range(3)]
        self.assertEqual(len({pid for _, pid in sessions}), 3)
        for client, _ in sessions:
            self.works(client)
            self.assertEqual(client.select('INBOX')[0], 'OK')

    def test_a_killed_process_ends_its_own_sessions_only(self):
        self.start('imapd_sessions_per_process = 1\n')
        alice, pid = self.session(ALICE)
        self.assertEqual(alice.append('INBOX', None, None, MESSAGE)[0], 'OK')
        bob, other = self.session(BOB)
        secured, third = self.session(BOB, tls=True)
        os.kill(pid, signal.SIGKILL)
        os.kill(third, signal.SIGKILL)
        self.is_cut(alice)
        self.is_cut(secured)
        self.works(bob)
        again, new = self.session(ALICE)
        self.assertNotIn(new, (pid, other, third))
        self.assertEqual(again.select('INBOX'), ('OK', [b'1']))
        self.i.wait_log(rf'process {pid} killed by signal 9')

    def test_when_the_stage_is_killed_its_processes_say_goodbye(self):
        self.start()
        alice, pid = self.session(ALICE)
        self.assertEqual(alice.append('INBOX', None, None, MESSAGE)[0], 'OK')
        old = self.broker()
        os.kill(old, signal.SIGKILL)
        self.assertEqual(alice.readline(), b'* BYE Server shutting down.\r\n')
        self.gone(pid, old)
        again, _ = self.session(ALICE)
        self.assertEqual(again.select('INBOX'), ('OK', [b'1']))

    def test_a_reload_keeps_sessions_until_they_end(self):
        self.start()
        alice, pid = self.session(ALICE)
        bob, other = self.session(BOB, tls=True)
        old = self.broker()
        self.i.reload()
        wait_until(lambda: 'draining' in self.i.run('status'), what='the old broker')
        for client in (alice, bob):
            self.works(client)
            self.assertEqual(client.append('INBOX', None, None, MESSAGE)[0], 'OK')
        again, new = self.session(ALICE)
        self.assertNotEqual(new, pid)
        self.works(again)
        alice.logout()
        bob.logout()
        self.gone(pid, other, old)
        self.works(again)

    def test_stop_ends_all_processes(self):
        self.start()
        alice, pid = self.session(ALICE)
        broker = self.broker()
        self.i.stop()
        self.assertEqual(alice.readline(), b'* BYE Server shutting down.\r\n')
        self.gone(pid, broker)
        self.assertNotIn('still busy', self.i.log())
        wait_until(lambda: not self.i.master_pid(), what='the end of master')

    def test_an_idle_process_ends(self):
        self.start('imapd_process_idle_time = 1s\n')
        alice, pid = self.session(ALICE)
        alice.logout()
        self.gone(pid)
        self.works(self.session(ALICE)[0])

    def test_the_number_of_processes_is_limited(self):
        self.start('imapd_process_limit = 1\nimapd_sessions_per_process = 1\n')
        alice, pid = self.session(ALICE)
        with self.assertRaisesRegex(imaplib.IMAP4.error, 'UNAVAILABLE'):
            self.i.imap(BOB)
        self.i.wait_log(r'all 1 processes are busy \(imapd_process_limit\)')
        alice.logout()
        wait_until(lambda: 'sessions=0' in self.i.run('status'), what='the end of the session')
        bob, other = self.session(BOB)  # an idle process makes room
        self.works(bob)
        self.assertNotEqual(pid, other)
        self.gone(pid)


if __name__ == '__main__':
    unittest.main()
