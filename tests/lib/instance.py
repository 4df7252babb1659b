"""A private Facteur: made by `facteur init` in a folder of its own, on ports of its own."""
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

from .waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = str(ROOT / 'build/bin/facteur')
PROTOCOL_PORTS = {'smtp': 25, 'submission': 587, 'submissions': 465, 'lmtp': 24, 'imap': 143,
                  'imaps': 993, 'pop3': 110, 'pop3s': 995}


def free_port_base():
    """A base so that base + each protocol's port is free now; bases are 1000 apart."""
    start = 20000 + os.getpid() * 1000 % 30000
    for base in range(start, start + 40000, 1000):
        base = 20000 + (base - 20000) % 40000
        if all(is_free(base + port) for port in PROTOCOL_PORTS.values()):
            return base
    raise AssertionError('no free ports')


def is_free(port):
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind(('127.0.0.1', port))
            return True
        except OSError:
            return False


class Instance:
    """users: {'name@domain': 'password'}.  settings: lines for main.cf.  Use as a context manager:
    on success the folder goes away, on failure the log is shown and the folder kept."""

    def __init__(self, users=None, domain='example.test', settings='', folder=None, env=None):
        self.users = {'user@example.test': 'secret'} if users is None else users
        self.kept = folder is not None
        self.dir = Path(folder or tempfile.mkdtemp(prefix='facteur-test-'))
        self.dir.chmod(0o755)
        self.base = free_port_base()
        self.env = dict(os.environ, **(env or {}))
        command = ['init', str(self.dir), '--port-base', str(self.base), '--domain', domain]
        for name, password in self.users.items():
            command += ['--user', f'{name}:{password}']
        self.run(*command, instance=False)
        self.add_settings('maillog_file = $config_directory/log\n' + settings)

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
        self.run('stop')

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
            return pid
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
        path = self.dir / 'log'
        return path.read_text(errors='replace') if path.exists() else ''

    def queue(self):
        """Queue ids that `facteur queue list` shows."""
        import json
        return [m['id'] for m in json.loads(self.run('queue', 'list', '--json') or '[]')]

    def maildir(self, user):
        """The Maildir of name@domain."""
        name, domain = user.split('@')
        return self.dir / 'mail' / domain / name / 'Maildir'

    def messages(self, user):
        """Contents (bytes) of all messages in the user's INBOX."""
        found = []
        for part in ('new', 'cur'):
            folder = self.maildir(user) / part
            found += [f.read_bytes() for f in sorted(folder.glob('*'))] if folder.exists() else []
        return found

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
            print(f'--- {self.dir}/log (kept)\n' + '\n'.join(self.log().splitlines()[-80:]),
                  file=sys.stderr)
        elif not self.kept:
            shutil.rmtree(self.dir, ignore_errors=True)


def alive(pid):
    """False for a zombie, too."""
    try:
        return Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()[0] != 'Z'
    except OSError:
        return False
