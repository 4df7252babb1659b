"""A private Dovecot: reads our Maildirs, checks passwords for Postfix, takes mail over LMTP."""
import getpass
import os
import shutil
import tempfile
from pathlib import Path

from . import ports
from .process import Child, program
from .postfix import certificate
from .waiting import wait_until


class Dovecot:
    """users: {'name@domain': 'password' or '{SCHEME}hash'}.  mail: its mail_location, by default
    a folder of its own.  uid, gid: whose files those are.  It runs as root, or as we do."""

    def __init__(self, users, mail=None, uid=None, gid=None, settings=''):
        self.dir = Path(tempfile.mkdtemp(prefix='facteur-dovecot-'))
        self.dir.chmod(0o755)
        self.imap_port, self.imaps_port = ports.free_port(), ports.free_port()
        self.lmtp_port = ports.free_port()
        self.sasl_socket = self.dir / 'sasl'
        root = os.getuid() == 0
        uid = (65534 if root else os.getuid()) if uid is None else uid
        gid = (65534 if root else os.getgid()) if gid is None else gid
        (self.dir / 'mail').mkdir()
        os.chown(self.dir / 'mail', uid, gid)
        certificate(self.dir)
        (self.dir / 'users').write_text(''.join(
            f'{name}:{hashed if hashed.startswith("{") else "{PLAIN}" + hashed}\n'
            for name, hashed in users.items()))
        me = getpass.getuser()
        inner = '' if root else (f'default_internal_user = {me}\ndefault_login_user = {me}\n'
                                 'default_internal_group = \n')
        chroots = '' if root else ('service anvil {\n chroot =\n}\nservice imap-login {\n chroot =\n'
                                   '}\n')
        (self.dir / 'dovecot.conf').write_text(f"""\
base_dir = {self.dir}/run
state_dir = {self.dir}/state
log_path = {self.dir}/log
protocols = imap lmtp
listen = 127.0.0.1
ssl = yes
ssl_cert = <{self.dir}/certificate.pem
ssl_key = <{self.dir}/key.pem
disable_plaintext_auth = no
first_valid_uid = 1
first_valid_gid = 1
mail_location = {mail or f'maildir:{self.dir}/mail/%u/Maildir'}
auth_username_format = %Lu
passdb {{
  driver = passwd-file
  args = {self.dir}/users
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={self.dir}/mail/%u
}}
service imap-login {{
  inet_listener imap {{
    port = {self.imap_port}
  }}
  inet_listener imaps {{
    port = {self.imaps_port}
    ssl = yes
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {self.lmtp_port}
  }}
}}
service auth {{
  unix_listener {self.sasl_socket} {{
    mode = 0666
  }}
}}
namespace inbox {{
  inbox = yes
}}
{inner}{chroots}{settings}
""")
        self.child = Child([program('dovecot'), '-F', '-c', str(self.dir / 'dovecot.conf')],
                           self.dir / 'output')
        wait_until(lambda: ports.accepts(self.imap_port), what='Dovecot accepts connections')

    def log(self):
        return ''.join(p.read_text(errors='replace') for p in (self.dir / 'log', self.dir / 'output')
                       if p.exists())

    def stop(self):
        self.child.stop()

    def remove(self):
        shutil.rmtree(self.dir, ignore_errors=True)
