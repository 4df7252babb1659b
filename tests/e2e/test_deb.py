"""The Debian package in a fresh Debian: it installs, starts, receives, delivers and is read.

Needs root and debootstrap (a Debian mirror on the first run). The fresh root is kept in
$FACTEUR_DEBROOT for the next run, with the package's dependencies in it.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from tests.lib.process import missing
from tests.lib.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
BASE = Path(os.environ.get('FACTEUR_DEBROOT', '/var/tmp/facteur-debroot'))
MIRROR = os.environ.get('DEBIAN_MIRROR', 'http://deb.debian.org/debian')
HOST = 'mail.deb.test'
QUIET = {'DEBIAN_FRONTEND': 'noninteractive', 'LC_ALL': 'C.UTF-8',
         'PATH': '/usr/sbin:/usr/bin:/sbin:/bin'}


def run(*command, check=True, **options):
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, **options)
    if check and done.returncode:
        raise AssertionError(f'{command}: exit {done.returncode}\n{done.stdout}')
    return done.stdout


def chroot(root, *command, **options):
    return run('chroot', root, *command, env=QUIET, **options)


def base_system(package):
    """A Debian of the smallest kind, with what the package depends on."""
    if not (BASE / 'complete').exists():
        shutil.rmtree(BASE, ignore_errors=True)
        run('debootstrap', '--variant=minbase', 'bookworm', BASE, MIRROR)
        (BASE / 'usr/sbin/policy-rc.d').write_text('#!/bin/sh\nexit 101\n')
        (BASE / 'usr/sbin/policy-rc.d').chmod(0o755)
        (BASE / 'complete').touch()
    depends = run('dpkg-deb', '-f', package, 'Depends', 'Pre-Depends')
    names = re.findall(r'(?:^|[,:|])\s*([a-z0-9][a-z0-9+.-]+)', re.sub(r'\([^)]*\)', '', depends))
    absent = [n for n in names if n not in ('depends', 'pre-depends') and
              chroot(BASE, 'dpkg-query', '-W', '-f', '${Status}', n,
                     check=False) != 'install ok installed']
    if absent:
        shutil.copy('/etc/resolv.conf', BASE / 'etc/resolv.conf')
        chroot(BASE, 'apt-get', 'install', '-y', '-q', '--no-install-recommends', *absent)


@unittest.skipUnless(os.geteuid() == 0, 'needs root')
@unittest.skipIf(missing('debootstrap', 'dpkg-buildpackage'), 'no debootstrap or dpkg-dev')
class Package(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        variant = os.readlink(ROOT / 'build/bin').split('/')[0]
        run('make', f'VARIANT={variant}', 'deb', cwd=ROOT)
        cls.package = next((ROOT / 'build/deb').glob('facteur_*.deb'))
        base_system(cls.package)
        cls.root = Path(tempfile.mkdtemp(prefix='facteur-deb-', dir='/var/tmp'))
        cls.addClassCleanup(shutil.rmtree, cls.root, ignore_errors=True)
        run('cp', '-a', f'{BASE}/.', cls.root)
        cls.root.chmod(0o755)
        shutil.copy(cls.package, cls.root / 'facteur.deb')
        (cls.root / 'etc/hosts').write_text(f'127.0.0.1 {HOST} mail localhost\n')
        # A network, a host name and a process tree of its own: it cannot meet this host's mail.
        cls.house = subprocess.Popen(
            ['unshare', '--net', '--uts', '--mount', '--pid', '--fork', '--kill-child',
             '--mount-proc', 'sh', '-c', f'hostname {HOST} && ip link set lo up && '
             f'mount -t proc proc {cls.root}/proc && mount --bind /dev {cls.root}/dev && '
             'echo up && exec sleep infinity'], stdout=subprocess.PIPE, text=True)
        cls.addClassCleanup(cls.house.kill)
        assert cls.house.stdout.readline() == 'up\n'
        cls.inside('dpkg', '-i', '/facteur.deb')

    @classmethod
    def enter(cls):
        child = Path(f'/proc/{cls.house.pid}/task/{cls.house.pid}/children').read_text().split()[0]
        return ['nsenter', '--net', '--uts', '--mount', '--pid', '--target', child]

    @classmethod
    def inside(cls, *command, **options):
        """Runs a command of the fresh system."""
        return run(*cls.enter(), 'chroot', cls.root, *command, env=QUIET, **options)

    @classmethod
    def beside(cls, *command, **options):
        """Runs a command of this system in the network of the fresh one."""
        return run(*cls.enter(), *command, **options)

    def test_1_installation_starts_nothing_by_itself(self):
        self.assertEqual(self.inside('sh', '-c', 'cat /proc/[0-9]*/comm').count('master'), 0)

    def test_1_the_users_of_the_system_can_log_in(self):
        service = self.root / 'etc/pam.d/facteur'
        self.assertIn('@include common-auth', service.read_text())
        self.assertTrue((self.root / 'etc/pam.d/common-auth').exists())

    def test_2_the_configuration_it_comes_with_is_right(self):
        self.assertIn('no errors', self.inside('facteur', 'check'))
        self.assertIn(f'myhostname = {HOST}', (self.root / 'etc/facteur/main.cf').read_text())

    def test_3_it_receives_delivers_and_is_read(self):
        main_cf = self.root / 'etc/facteur/main.cf'
        text = re.sub(r'(?m)^virtual_mailbox_domains =.*', 'virtual_mailbox_domains = deb.test',
                      main_cf.read_text())
        main_cf.write_text(text + 'maillog_file = /var/log/facteur.log\n')
        self.inside('facteur', 'user', 'add', 'anna@deb.test', input='secret\nsecret\n')
        try:
            self.inside('facteur', 'start')
            self.send_and_read()
            self.inside('facteur', 'stop')
        except AssertionError:
            print((self.root / 'var/log/facteur.log').read_text(), file=sys.stderr)
            raise

    def send_and_read(self):
        message = self.root / 'message'
        message.write_text('From: bert@away.test\r\nTo: anna@deb.test\r\nSubject: fresh\r\n\r\n'
                           'From a fresh Debian.\r\n')
        self.beside('curl', '-sS', f'smtp://{HOST}:25', '--resolve', f'{HOST}:25:127.0.0.1',
                    '--mail-from', 'bert@away.test', '--mail-rcpt', 'anna@deb.test',
                    '-T', message)

        def read():
            return self.beside('curl', '-sSk', 'imaps://127.0.0.1:993/INBOX;MAILINDEX=1',
                               '--user', 'anna@deb.test:secret', check=False)
        wait_until(lambda: 'From a fresh Debian.' in read(), what='the message over IMAP')
        self.assertIn('Subject: fresh', read())

    def test_4_each_daemon_has_its_own_user(self):
        self.inside('facteur', 'start')
        status = self.inside('facteur', 'status')
        self.assertNotIn('failing', status)
        owners = self.inside('sh', '-c', 'for p in /proc/[0-9]*; do '
                             'echo $(stat -c %U $p) $(cat $p/comm); done')
        for owner, daemon in (('smtp', 'smtpd'), ('queue', 'qmgr'), ('auth', 'authd'),
                              ('login', 'imapd'), ('store', 'imapd'), ('lookup', 'addressd')):
            self.assertIn(f'facteur-{owner} {daemon}', owners)
        self.inside('facteur', 'stop')

    def test_5_a_user_sends_through_the_set_gid_helper(self):
        self.assertEqual(self.inside('stat', '-c', '%A %U %G', '/usr/libexec/facteur/drop').strip(),
                         '-rwxr-sr-x root facteur-drop')
        maildrop = '/var/spool/facteur/maildrop'
        self.inside('facteur', 'start')
        self.inside('facteur', 'stop')
        self.assertEqual(self.inside('stat', '-c', '%A %G', maildrop).strip(),
                         'drwx-wx--T facteur-drop')
        as_nobody = ['setpriv', '--reuid', 'nobody', '--regid', 'nogroup', '--clear-groups']
        self.inside(*as_nobody, 'sendmail', 'anna@deb.test', input='Subject: by nobody\n\nx\n')
        self.assertEqual(self.inside('sh', '-c', f'stat -c %U {maildrop}/*').strip(), 'nobody')
        # Nobody but the owner of the queue may read what waits there.
        self.assertIn('denied', self.inside(*as_nobody, 'ls', maildrop, check=False))
        self.assertIn('only root and the owner', self.inside(*as_nobody, 'mailq', check=False))

    def test_6_removal_leaves_the_mail(self):
        self.inside('dpkg', '--purge', 'facteur')
        self.assertFalse((self.root / 'usr/libexec/facteur').exists())
        self.assertTrue((self.root / 'var/mail/facteur').exists())


if __name__ == '__main__':
    unittest.main(verbosity=2)
