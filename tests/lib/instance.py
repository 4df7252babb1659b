"""A private Facteur: made by `facteur init` in a folder of its own, on ports of its own."""
import imaplib
import json
import os
import poplib
import re
import shutil
import signal
import smtplib
import socket
import ssl
import subprocess
import sys
import tempfile
from pathlib import Path

from . import ports
from .waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = str(Path(os.environ.get('FACTEUR_BIN', ROOT / 'build/bin')) / 'facteur')
PROTOCOL_PORTS = {'smtp': 25, 'submission': 587, 'submissions': 465, 'lmtp': 24, 'imap': 143,
                  'imaps': 993, 'pop3': 110, 'pop3s': 995}


# Tests do not wait as long as the world does.
QUICK = """auth_failure_delay = 0s
maillog_file = $config_directory/mail.log
"""

# The certificate of an instance is self-signed.
TRUSTING = ssl.create_default_context()
TRUSTING.check_hostname = False
TRUSTING.verify_mode = ssl.CERT_NONE


class Instance:
    """users: {'name@domain': 'password'}.  settings: lines for main.cf.  services: lines for
    master.cf.  dns: a server of tests.lib.dns.  A TestCase keeps it (case.py), or use it as a
    context manager: on success the folder goes away, on failure the log is shown and it is kept."""

    def __init__(self, users=None, domain='example.test', settings='', folder=None, env=None,
                 dns=None, services=''):
        self.users = {'user@example.test': 'secret'} if users is None else users
        self.domain = domain
        self.kept = folder is not None
        self.dir = Path(folder or tempfile.mkdtemp(prefix='facteur-test-'))
        self.dir.chmod(0o755)
        self.base = ports.free_base(tuple(PROTOCOL_PORTS.values()))
        self.env = dict(os.environ, **(env or {}))
        command = ['init', str(self.dir), '--port-base', str(self.base), '--domain', domain]
        for name, password in self.users.items():
            command += ['--user', f'{name}:{password}']
        self.run(*command, instance=False)
        if dns:
            settings = f'dns_servers = 127.0.0.1:{dns.port}\n' + settings
        self.add_settings(QUICK + settings)
        with (self.dir / 'master.cf').open('a') as master:
            master.write(services)

    def run(self, *arguments, instance=True, check=True, program=PROGRAM, **options):
        """Runs `facteur -c DIR …`; its output as text."""
        command = [program] + (['-c', str(self.dir)] if instance else []) + list(arguments)
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=self.env,
                              **options)
        if check and done.returncode:
            raise AssertionError(f'{command}: exit {done.returncode}\n{done.stdout}{done.stderr}')
        return done.stdout

    def add_settings(self, text):
        """Later settings win, so this also changes what stands above."""
        names = {line.split('=')[0].strip() for line in text.splitlines()
                 if '=' in line and not line[0].isspace()}
        main = self.dir / 'main.cf'
        kept, skipping = [], False
        for line in main.read_text().splitlines():
            if line[:1].isspace() and skipping:
                continue
            skipping = line.split('=')[0].strip() in names and '=' in line
            if not skipping:
                kept.append(line)
        main.write_text('\n'.join(kept) + '\n' + text)

    def port(self, protocol):
        return self.base + PROTOCOL_PORTS[protocol]

    def start(self):
        self.run('start')
        wait_until(lambda: self.greets('smtp'), what='SMTP greeting')
        return self

    def stop(self):
        """Does nothing when nothing runs."""
        if self.master_pid():
            self.run('stop')

    def remove(self):
        if not self.kept:
            shutil.rmtree(self.dir, ignore_errors=True)

    def reload(self):
        self.run('reload')

    def greets(self, protocol):
        try:
            with socket.create_connection(('127.0.0.1', self.port(protocol)), timeout=5) as s:
                return bool(s.recv(1))
        except OSError:
            return False

    def master_pid(self):
        """0 while nothing runs."""
        try:
            pid = int((self.dir / 'spool/pid/master.pid').read_text())
            os.kill(pid, 0)
            return pid if alive(pid) else 0
        except (OSError, ValueError):
            return 0

    def workers(self):
        """{pid: daemon} of master's children, from /proc."""
        master, found = self.master_pid(), {}
        for stat in Path('/proc').glob('[0-9]*/stat'):
            try:
                text = stat.read_text()
            except OSError:
                continue
            name, rest = re.match(r'\d+ \((.*)\) (.*)', text, re.S).groups()
            if master and int(rest.split()[1]) == master:
                found[int(stat.parent.name)] = name
        return found

    def kill(self, daemon):
        """kill -9 of all processes of one daemon; how many there were."""
        pids = [pid for pid, name in self.workers().items() if name == daemon]
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        return len(pids)

    def kill_all(self):
        """kill -9 of the whole suite at once: what a crash leaves."""
        everybody = [self.master_pid(), *self.workers()]
        for pid in everybody:
            if pid:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
        wait_until(lambda: not any(Path(f'/proc/{p}/exe').exists() and alive(p)
                                   for p in everybody), what='all processes ended')

    def log(self):
        path = self.dir / 'mail.log'
        return path.read_text(errors='replace') if path.exists() else ''

    def queue(self):
        """Queue ids that `facteur queue list` shows: one JSON object a line, as postqueue -j."""
        return [json.loads(line)['queue_id']
                for line in self.run('queue', 'list', '--json').splitlines()]

    def maildir(self, user):
        """The Maildir of name@domain."""
        name, domain = user.split('@')
        return self.dir / 'mail' / domain / name / 'Maildir'

    def wait_log(self, pattern, seconds=20):
        """The first match of a regular expression in the log."""
        return wait_until(lambda: re.search(pattern, self.log()), seconds, f'log: {pattern}')

    def wait_messages(self, user, count=1, seconds=30):
        """The messages of the user's INBOX, once there are so many."""
        def enough():
            found = self.messages(user)
            return found if len(found) >= count else None
        return wait_until(enough, seconds, f'{count} messages for {user}')

    def wait_queue(self, count=0, seconds=30):
        wait_until(lambda: len(self.queue()) == count, seconds, f'{count} messages in the queue')

    def messages(self, user):
        """Contents (bytes) of all messages in the user's INBOX."""
        found = []
        for part in ('new', 'cur'):
            folder = self.maildir(user) / part
            found += [f.read_bytes() for f in sorted(folder.glob('*'))] if folder.exists() else []
        return found

    def smtp(self, protocol='smtp', login=None):
        """A connected smtplib client; login='name@domain' authenticates, after STARTTLS."""
        kind = smtplib.SMTP_SSL if protocol == 'submissions' else smtplib.SMTP
        tls = {'context': TRUSTING} if protocol == 'submissions' else {}
        client = kind('127.0.0.1', self.port(protocol), timeout=30, local_hostname='client.test',
                      **tls)
        if login:
            if not tls:
                client.starttls(context=TRUSTING)
            client.login(login, self.users[login])
        return client

    def send(self, sender, recipients, message, protocol='smtp', login=None):
        """Sends one message; the refused recipients, as smtplib gives them."""
        with self.smtp(protocol, login) as client:
            return client.sendmail(sender, recipients, message)

    def imap(self, login=None, tls=True):
        """A connected imaplib client."""
        if tls:
            client = imaplib.IMAP4_SSL('127.0.0.1', self.port('imaps'), ssl_context=TRUSTING,
                                       timeout=30)
        else:
            client = imaplib.IMAP4('127.0.0.1', self.port('imap'), timeout=30)
        if login:
            client.login(login, self.users[login])
        return client

    def pop3(self, login=None):
        """A connected poplib client, over TLS."""
        client = poplib.POP3_SSL('127.0.0.1', self.port('pop3s'), context=TRUSTING, timeout=30)
        if login:
            client.user(login)
            client.pass_(self.users[login])
        return client

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        pid = self.master_pid()
        if pid:
            try:
                self.stop()
            except (AssertionError, subprocess.TimeoutExpired):
                self.kill_all()
        if kind is not None:
            print(f'--- {self.dir}/mail.log (kept)\n' + '\n'.join(self.log().splitlines()[-80:]),
                  file=sys.stderr)
        else:
            self.remove()


def alive(pid):
    """False for a zombie, too."""
    try:
        return Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()[0] != 'Z'
    except OSError:
        return False
