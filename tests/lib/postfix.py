"""A private Postfix on loopback, as the other side.  Needs root, as Postfix does."""
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from . import ports
from .process import program
from .waiting import wait_until

MASTER = """\
{port} inet n - n - - smtpd
{submission} inet n - n - - smtpd
  -o smtpd_tls_security_level=may -o smtpd_sasl_auth_enable=yes
  -o smtpd_relay_restrictions=permit_sasl_authenticated,reject
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
local unix - n n - - local
virtual unix - n n - - virtual
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


def each_once(text):
    """main.cf's text with each parameter once, as it was set last.  Each process of Postfix warns of
    an earlier one, postlogd too: to the socket that it alone reads, and there it may wait for ever."""
    settings = {}
    name = None
    for line in text.splitlines():
        if line[:1] not in ('', ' ', '\t', '#'):
            name = line.partition('=')[0].strip()
            settings.pop(name, None)
            settings[name] = [line]
        elif name and line[:1] in (' ', '\t'):
            settings[name].append(line)
    return ''.join(line + '\n' for lines in settings.values() for line in lines)


class Postfix:
    """settings: lines for its main.cf; services: lines for its master.cf.  Mail for `domain` ends in Maildirs below `dir`/mail."""

    def __init__(self, domain='postfix.test', settings='', dovecot_sasl=None, services=''):
        self.domain = domain
        self.dir = Path(tempfile.mkdtemp(prefix='facteur-postfix-'))
        self.dir.chmod(0o755)
        self.port = ports.free_port()
        self.submission = ports.free_port()
        self.mail = self.dir / 'mail'
        self.mail.mkdir()
        os.chown(self.mail, 65534, 65534)
        for folder in ('data', 'spool', 'conf'):
            (self.dir / folder).mkdir()
        shutil.chown(self.dir / 'data', 'postfix')
        certificate(self.dir / 'conf')
        sasl = (f'smtpd_sasl_type = dovecot\nsmtpd_sasl_path = {dovecot_sasl}\n'
                if dovecot_sasl else '')
        (self.dir / 'conf/main.cf').write_text(each_once(f"""\
compatibility_level = 3.6
queue_directory = {self.dir}/spool
data_directory = {self.dir}/data
maillog_file = {self.dir}/log
maillog_file_prefixes = {self.dir}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mx.{domain}
mydestination =
mynetworks = 127.0.0.0/8
alias_maps =
virtual_mailbox_domains = {domain}
virtual_mailbox_base = {self.mail}
virtual_mailbox_maps = inline:{{ user@{domain}=user/Maildir/ }}
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
smtpd_tls_cert_file = {self.dir}/conf/certificate.pem
smtpd_tls_key_file = {self.dir}/conf/key.pem
smtpd_tls_security_level = may
smtp_host_lookup = native
smtp_dns_support_level = disabled
minimal_backoff_time = 5s
queue_run_delay = 5s
{sasl}{settings}
"""))
        (self.dir / 'conf/master.cf').write_text(
            MASTER.format(port=f'127.0.0.1:{self.port}', submission=f'127.0.0.1:{self.submission}')
            + services)
        self.command('postfix', 'start')
        wait_until(lambda: ports.accepts(self.port), what='Postfix accepts connections')

    def command(self, name, *arguments, check=True):
        done = subprocess.run([program(name), '-c', str(self.dir / 'conf'), *arguments],
                              capture_output=True, text=True, timeout=60)
        if check and done.returncode:
            raise AssertionError(f'{name} {arguments}: {done.stdout}{done.stderr}')
        return done.stdout

    def log(self):
        path = self.dir / 'log'
        return path.read_text(errors='replace') if path.exists() else ''

    def queue(self):
        return [json.loads(line) for line in self.command('postqueue', '-j').splitlines()]

    def messages(self, user='user'):
        """Contents of the mailbox of user@domain."""
        found = []
        for part in ('new', 'cur'):
            folder = self.mail / user / 'Maildir' / part
            found += [f.read_bytes() for f in sorted(folder.glob('*'))] if folder.exists() else []
        return found

    def wait_messages(self, count=1, user='user', seconds=30):
        return wait_until(lambda: self.messages(user) if len(self.messages(user)) >= count
                          else None, seconds, f'{count} messages in Postfix')

    def stop(self):
        self.command('postfix', 'stop', check=False)

    def remove(self):
        shutil.rmtree(self.dir, ignore_errors=True)


def certificate(folder, name='localhost'):
    """A self-signed certificate.pem and key.pem in the folder."""
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt',
                    'ec_paramgen_curve:prime256v1', '-nodes', '-days', '30', '-subj', f'/CN={name}',
                    '-addext', f'subjectAltName=DNS:{name}',
                    '-keyout', str(Path(folder) / 'key.pem'),
                    '-out', str(Path(folder) / 'certificate.pem')],
                   check=True, capture_output=True)
