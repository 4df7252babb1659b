"""Mail servers whose packages cannot be installed beside each other: unpacked below build/peers and
run in a mount namespace of their own.  They need root.

Each has a `domain` whose mail it stores for any user, a `port`, and messages()."""
import fcntl
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from . import ports
from .instance import ROOT
from .process import Child
from .waiting import wait_until

NOBODY = 65534


def unpacked(name, *packages):
    """The folder with what is in these Debian packages."""
    folder = ROOT / 'build/peers' / name
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / 'lock', 'w') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / 'complete').exists():
            subprocess.run(['apt-get', 'download', *packages], cwd=folder, check=True,
                           capture_output=True, timeout=180)
            for package in folder.glob('*.deb'):
                subprocess.run(['dpkg', '-x', str(package), str(folder / 'root')], check=True)
                package.unlink()
            (folder / 'complete').touch()
    return folder / 'root'


class Peer:
    """setup: shell commands in the namespace before the server starts, which runs in the
    foreground."""

    def __init__(self, name, domain):
        self.dir = Path(tempfile.mkdtemp(prefix=f'facteur-{name}-'))
        self.dir.chmod(0o755)
        self.domain = domain
        self.port = ports.free_base()
        self.mail = self.dir / 'mail'
        self.mail.mkdir()

    def users(self, **added):
        """passwd and group with these users added, for the namespace; shell commands."""
        for name in ('passwd', 'group'):
            lines = [line for line in Path('/etc', name).read_text().splitlines()
                     if line.split(':')[0] not in added]
            for user, number in added.items():
                lines.append(f'{user}:x:{number}:{number}::/nonexistent:/bin/false'
                             if name == 'passwd' else f'{user}:x:{number}:')
            (self.dir / name).write_text('\n'.join(lines) + '\n')
        return ''.join(f'mount --bind {self.dir}/{name} /etc/{name}\n'
                       for name in ('passwd', 'group'))

    def start(self, setup, *command, env=None):
        script = f'set -e\n{setup}\nexec "$@"'
        self.command = ['unshare', '-m', 'sh', '-c', script, 'sh', *map(str, command)]
        self.env = dict(os.environ, **(env or {}))
        self.run()

    def run(self):
        """Starts it, for the first time or again after stop()."""
        self.child = Child(self.command, self.dir / 'output', env=self.env)
        wait_until(lambda: ports.accepts(self.port) or not self.child.alive(),
                   what=f'{self.dir} accepts connections')
        if not self.child.alive():
            raise AssertionError(f'{self.dir}: {self.log()}')

    def messages(self):
        """Contents of all that is stored, for whomever."""
        return [f.read_bytes() for part in ('new', 'cur')
                for f in sorted(self.mail.glob(f'*/Maildir/{part}/*'))]

    def log(self):
        files = [self.dir / 'output', *sorted((self.dir / 'log').glob('*'))]
        return ''.join(f.read_text(errors='replace') for f in files if f.is_file())

    def stop(self):
        self.child.stop()

    def remove(self):
        shutil.rmtree(self.dir, ignore_errors=True)


class Exim(Peer):
    def __init__(self):
        super().__init__('exim', 'exim.test')
        program = unpacked('exim', 'exim4-base', 'exim4-daemon-light') / 'usr/sbin/exim4'
        uid = 5101
        for name in ('spool', 'log'):
            (self.dir / name).mkdir()
            os.chown(self.dir / name, uid, uid)
        os.chown(self.mail, uid, uid)
        (self.dir / 'exim.conf').write_text(f"""\
primary_hostname = mx.exim.test
exim_path = {program}
spool_directory = {self.dir}/spool
log_file_path = {self.dir}/log/%slog
pid_file_path = {self.dir}/pid
daemon_smtp_ports = {self.port}
local_interfaces = 127.0.0.1
deliver_drop_privilege
smtp_accept_max = 100
host_lookup =
rfc1413_query_timeout = 0s
tls_advertise_hosts =
chunking_advertise_hosts = *
dsn_advertise_hosts = *
keep_environment =
never_users =
acl_smtp_rcpt = take
acl_smtp_data = take
begin acl
take:
  accept
begin routers
stored:
  driver = accept
  transport = stored
begin transports
stored:
  driver = appendfile
  maildir_format
  create_directory
  directory = {self.mail}/user/Maildir
""")
        setup = self.users(**{'Debian-exim': uid})
        self.start(setup, program, '-C', self.dir / 'exim.conf', '-bdf', '-q10s')


class OpenSmtpd(Peer):
    def __init__(self):
        super().__init__('opensmtpd', 'opensmtpd.test')
        root = unpacked('opensmtpd', 'opensmtpd')
        os.chown(self.mail, NOBODY, NOBODY)
        (self.dir / 'users').write_text('@ vmail\n')
        (self.dir / 'resolv.conf').write_text('nameserver 127.0.0.1\noptions timeout:1 attempts:1\n')
        (self.dir / 'smtpd.conf').write_text(f"""\
table users file:{self.dir}/users
listen on 127.0.0.1 port {self.port} hostname mx.opensmtpd.test
action "stored" maildir "{self.mail}/%{{rcpt.user}}/Maildir" virtual <users>
match from any for any action "stored"
""")
        setup = self.users(opensmtpd=5201, opensmtpq=5202, vmail=NOBODY) + f"""
mount --bind {self.dir}/resolv.conf /etc/resolv.conf
mount -t tmpfs none /var/spool
mount -t tmpfs none /var/lib
mkdir -p /var/spool/smtpd /var/lib/opensmtpd/empty
chmod 711 /var/spool/smtpd
mount -t tmpfs none /usr/libexec
mkdir /usr/libexec/opensmtpd
mount --bind {root}/usr/libexec/opensmtpd /usr/libexec/opensmtpd
"""
        self.start(setup, root / 'usr/sbin/smtpd', '-d', '-f', self.dir / 'smtpd.conf')


class CyrusLmtp(Peer):
    """Its LMTP server on TCP; mailboxes are made when mail comes."""

    def __init__(self):
        super().__init__('cyrus', 'cyrus.test')
        root = unpacked('cyrus', 'cyrus-imapd', 'cyrus-common', 'libical3', 'libxapian30')
        programs = root / 'usr/lib/cyrus/bin'
        state = self.dir / 'state'
        for name in ('db', 'proc', 'socket', 'lock', 'log', 'msg'):
            (state / name).mkdir(parents=True)
        for path in (self.mail, state, *state.iterdir()):
            os.chown(path, NOBODY, NOBODY)
        (self.dir / 'imapd.conf').write_text(f"""\
configdirectory: {state}
defaultpartition: default
partition-default: {self.mail}
cyrus_user: nobody
cyrus_group: nogroup
admins: admin
altnamespace: no
unixhierarchysep: yes
virtdomains: off
defaultdomain: cyrus.test
autocreate_quota: 0
autocreate_post: yes
conversations: no
""")
        (self.dir / 'cyrus.conf').write_text(f"""\
START {{
  recover cmd="{programs}/ctl_cyrusdb -C {self.dir}/imapd.conf -r"
}}
SERVICES {{
  lmtp cmd="{programs}/lmtpd -a -C {self.dir}/imapd.conf" listen="127.0.0.1:{self.port}" prefork=1
}}
""")
        self.start('', programs / 'master', '-C', self.dir / 'imapd.conf', '-M',
                   self.dir / 'cyrus.conf', '-p', self.dir / 'pid',
                   env={'LD_LIBRARY_PATH': str(root / 'usr/lib/x86_64-linux-gnu')})

    def messages(self):
        return [f.read_bytes() for f in sorted(self.mail.glob('uuid/*/*/*/[0-9]*.'))]
