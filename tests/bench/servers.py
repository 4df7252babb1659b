"""Facteur and its peers, each on loopback in a folder of its own, started and ended by us."""
import os
import re
import shutil
import socket
import subprocess
from pathlib import Path

import rcpt
from metering import Group, wait_until

USERS = 1000
DOMAIN = 'example.test'
SINK_PORT = 10026
ROOT = Path(__file__).resolve().parents[2]


def answers(port):
    try:
        with socket.create_connection(('127.0.0.1', port), timeout=5) as s:
            return bool(s.recv(1))
    except OSError:
        return False


def count_delivered(folder):
    return sum(len(files) for where, _, files in os.walk(folder) if where.endswith('/new'))


class Facteur:
    name = 'facteur'
    smtp_port, imap_port, imaps_port = 12025, 12143, 12993

    def __init__(self, base):
        self.dir = base / 'facteur'
        self.group = Group('facteur')

    def program(self, *arguments):
        return [str(Path(os.environ.get('FACTEUR_BIN', ROOT / 'build/bin')) / 'facteur'), *arguments]

    def start(self, mode):
        shutil.rmtree(self.dir, ignore_errors=True)
        subprocess.run(self.program('init', str(self.dir), '--port-base', '12000', '--domain', DOMAIN),
                       check=True, stdout=subprocess.DEVNULL)
        users = self.dir / 'users'
        with open(users, 'a') as file:
            for i in range(USERS):
                file.write(f'user{i}@{DOMAIN}:{{PLAIN}}pw\n')
        extra = {'accept': 'default_transport = discard:\n',
                 'relay': f'relayhost = [127.0.0.1]:{SINK_PORT}\n',
                 'drain': f'relayhost = [127.0.0.1]:{SINK_PORT}\n'}.get(mode, '')
        if mode == 'rcpt':
            own = rcpt.tables(self.dir, self.program('-c', str(self.dir), 'table', 'build'))
            names = [line.split(' =')[0] for line in own.splitlines()]
            kept = [line for line in (self.dir / 'main.cf').read_text().splitlines()
                    if line.split(' =')[0] not in names]
            (self.dir / 'main.cf').write_text('\n'.join(kept) + '\n' + own)
        with open(self.dir / 'main.cf', 'a') as file:
            if mode != 'rcpt':
                file.write('smtpd_client_connection_count_limit = 0\n')
            file.write(extra)
            file.write('disable_plaintext_auth = no\nmail_max_userip_connections = 0\n'
                       'imapd_client_connection_limit = 0\n')
        self.group.start(self.program('-c', str(self.dir), 'start'), stdout=subprocess.DEVNULL).wait()
        if not wait_until(lambda: answers(self.smtp_port), 10):
            raise SystemExit('facteur did not start')
        if mode == 'drain':
            self.queue('suspend', 'elsewhere.test')

    def queue(self, *arguments):
        return subprocess.run(self.program('-c', str(self.dir), 'queue', *arguments), check=True,
                              capture_output=True, text=True).stdout

    def waiting(self):
        """Messages that were put off."""
        status = subprocess.run(self.program('-c', str(self.dir), 'status'), capture_output=True,
                                text=True).stdout
        found = re.search(r'active=(\d+) waiting=(\d+)', status)
        return int(found[2]) if found and found[1] == '0' else 0

    def release(self):
        self.queue('resume', 'elsewhere.test')
        self.queue('flush')

    def stop(self):
        subprocess.run(self.program('-c', str(self.dir), 'stop'), stdout=subprocess.DEVNULL)
        self.group.end()

    def delivered(self):
        return count_delivered(self.dir / 'mail')


class Postfix:
    """Debian's Postfix with its default durability; to=discard, relay, or LMTP to Dovecot."""
    name = 'postfix'
    smtp_port = 10025

    def __init__(self, base):
        self.dir = base / 'postfix'
        self.group = Group('postfix')
        self.dovecot = Dovecot(base)

    def configuration(self, mode):
        lines = [
            'compatibility_level = 3.6', f'queue_directory = {self.dir}/queue',
            f'data_directory = {self.dir}/data', f'maillog_file = {self.dir}/maillog',
            f'maillog_file_prefixes = {self.dir}', 'myhostname = mx.example.net',
            'mydestination =', 'mynetworks = 127.0.0.0/8', 'inet_interfaces = 127.0.0.1',
            'inet_protocols = ipv4', 'disable_dns_lookups = yes', 'alias_maps =', 'alias_database =',
        ]
        if mode == 'accept':
            lines.append('default_transport = discard:')
        elif mode in ('relay', 'drain'):
            lines.append(f'relayhost = [127.0.0.1]:{SINK_PORT}')
            if mode == 'drain':
                lines.append('defer_transports = smtp')
        elif mode == 'deliver':
            lines += [f'virtual_mailbox_domains = {DOMAIN}',
                      f'virtual_mailbox_maps = hash:{self.dir}/etc/vmail',
                      f'virtual_transport = lmtp:inet:127.0.0.1:{Dovecot.lmtp_port}']
        elif mode == 'rcpt':
            lines.append(rcpt.tables(self.dir / 'etc', ['postmap', '-c', str(self.dir / 'etc')]))
        elif mode == 'idle':
            lines += ['default_process_limit = 1100', 'smtpd_client_connection_count_limit = 0']
        return '\n'.join(lines) + '\n'

    def start(self, mode):
        shutil.rmtree(self.dir, ignore_errors=True)
        etc = self.dir / 'etc'
        for folder in (etc, self.dir / 'queue', self.dir / 'data'):
            folder.mkdir(parents=True)
        shutil.chown(self.dir / 'data', 'postfix')
        master = Path('/etc/postfix/master.cf.proto')
        if not master.exists():
            master = Path('/usr/share/postfix/master.cf.dist')
        text = master.read_text().replace('\nsmtp      inet', f'\n127.0.0.1:{self.smtp_port} inet')
        (etc / 'master.cf').write_text(text)
        for part in list(Path('/etc/postfix').glob('postfix-files*')) + list(
                Path('/etc/postfix').glob('dynamicmaps.cf*')):
            (shutil.copytree if part.is_dir() else shutil.copy)(part, etc / part.name)
        (etc / 'main.cf').write_text(self.configuration(mode))
        (etc / 'vmail').write_text(''.join(f'user{i}@{DOMAIN} x\n' for i in range(USERS)))
        subprocess.run(['postmap', '-c', str(etc), f'hash:{etc}/vmail'], check=True)
        if mode == 'deliver':
            self.dovecot.start()
        self.group.start(['postfix', '-c', str(etc), 'start'], stderr=subprocess.DEVNULL,
                         stdout=subprocess.DEVNULL).wait()
        if not wait_until(lambda: answers(self.smtp_port), 10):
            raise SystemExit('postfix did not start')

    def waiting(self):
        """Messages that were put off."""
        if any(files for _, _, files in os.walk(self.dir / 'queue/incoming')) or \
           any(files for _, _, files in os.walk(self.dir / 'queue/active')):
            return 0
        return sum(len(files) for _, _, files in os.walk(self.dir / 'queue/deferred'))

    def release(self):
        etc = str(self.dir / 'etc')
        subprocess.run(['postconf', '-c', etc, '-e', 'defer_transports='], check=True)
        for command in (['postfix', '-c', etc, 'reload'], ['postqueue', '-c', etc, '-f']):
            subprocess.run(command, check=True, stderr=subprocess.DEVNULL)

    def stop(self):
        subprocess.run(['postfix', '-c', str(self.dir / 'etc'), 'stop'], stderr=subprocess.DEVNULL)
        self.group.end()
        self.dovecot.stop()

    def delivered(self):
        return count_delivered(self.dovecot.dir / 'mail')


class Dovecot:
    """Debian's Dovecot: Maildir; any user with the password "pw" (hashing is not measured)."""
    name = 'dovecot'
    lmtp_port, imap_port, imaps_port = 10024, 10143, 10993

    def __init__(self, base):
        self.dir = base / 'dovecot'
        self.group = Group('dovecot')
        self.running = False

    def configuration(self):
        return f'''
base_dir = {self.dir}/run
state_dir = {self.dir}/state
log_path = {self.dir}/log
listen = 127.0.0.1
protocols = imap lmtp
ssl = yes
ssl_cert = <{self.dir}/cert.pem
ssl_key = <{self.dir}/key.pem
disable_plaintext_auth = no
mail_location = maildir:~/Maildir
default_vsz_limit = 2G
mail_max_userip_connections = 10000
passdb {{
  driver = static
  args = password=pw
}}
userdb {{
  driver = static
  args = uid=5000 gid=5000 home={self.dir}/mail/%n allow_all_users=yes
}}
namespace inbox {{
  inbox = yes
}}
service imap-login {{
  process_limit = 1100
  inet_listener imap {{
    port = {self.imap_port}
  }}
  inet_listener imaps {{
    port = {self.imaps_port}
    ssl = yes
  }}
}}
service imap {{
  process_limit = 1100
}}
service lmtp {{
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {self.lmtp_port}
  }}
}}
service anvil {{
  client_limit = 16000
}}
service auth {{
  client_limit = 16000
}}
service stats {{
  client_limit = 16000
}}
'''

    def start(self, mode=''):
        shutil.rmtree(self.dir, ignore_errors=True)
        for folder in ('run', 'state', 'mail'):
            (self.dir / folder).mkdir(parents=True)
        os.chown(self.dir / 'mail', 5000, 5000)
        subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt',
                        'ec_paramgen_curve:P-256', '-nodes', '-days', '30', '-subj', '/CN=localhost',
                        '-keyout', f'{self.dir}/key.pem', '-out', f'{self.dir}/cert.pem'],
                       check=True, stderr=subprocess.DEVNULL)
        (self.dir / 'dovecot.conf').write_text(self.configuration())
        self.group.start(['dovecot', '-c', f'{self.dir}/dovecot.conf']).wait()
        self.running = True
        if not wait_until(lambda: answers(self.imap_port), 10):
            raise SystemExit('dovecot did not start')

    def stop(self):
        if self.running:
            self.group.end()
        self.running = False
