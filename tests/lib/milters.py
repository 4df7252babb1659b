"""Real milters, each on a port of its own and without the network."""
import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path

from . import ports
from .process import Child, program
from .waiting import wait_until

EICAR = ('X5O!P%@AP[4\\PZX54(P^)7CC)7}$' 'EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*').encode()

# libmilter's side, by way of python3-milter: what it hears goes to a file, what it does stands in
# the header field X-Wish.
SCRIPT = r'''
import sys
import Milter
from Milter import ACCEPT, CONTINUE, DISCARD, REJECT, TEMPFAIL


class All(Milter.Base):
    def note(self, *what):
        with open(sys.argv[2], 'a') as f:
            print(*what, file=f)

    def connect(self, name, family, address):
        self.note('connect', name, address[0], self.getsymval('j'), self.getsymval('{daemon_name}'))
        return CONTINUE

    def hello(self, name):
        self.note('helo', name)
        return CONTINUE

    def envfrom(self, sender, *parameters):
        self.wishes, self.body_size = [], 0
        self.note('mail', sender, *parameters, self.getsymval('{mail_addr}'))
        return CONTINUE

    def envrcpt(self, recipient, *parameters):
        self.note('rcpt', recipient, *parameters, self.getsymval('{rcpt_mailer}'))
        if 'refused' in recipient:
            self.setreply('550', '5.7.9', 'first line', 'second line')
            return REJECT
        return TEMPFAIL if 'later' in recipient else CONTINUE

    def data(self):
        self.note('data', self.getsymval('i') is not None)
        return CONTINUE

    def header(self, name, value):
        if name == 'X-Wish':
            self.wishes.append(value)
        self.note('header', name, repr(value))
        return CONTINUE

    def eoh(self):
        self.note('eoh')
        return CONTINUE

    def body(self, block):
        self.body_size += len(block)
        return CONTINUE

    def eom(self):
        self.note('eom', self.body_size)
        for wish in self.wishes:
            if wish in ('REJECT', 'TEMPFAIL', 'DISCARD'):
                return {'REJECT': REJECT, 'TEMPFAIL': TEMPFAIL, 'DISCARD': DISCARD}[wish]
            if wish == 'change':
                self.change()
        return CONTINUE

    def change(self):
        self.progress()
        self.addheader('X-Added', 'at the end')
        self.addheader('X-Put-In', 'in front', 0)
        self.chgheader('Subject', 1, 'changed')
        self.chgheader('X-Gone', 1, '')
        self.replacebody(b'another body\r\n')
        self.chgfrom('<other@client.test>')
        self.addrcpt('<second@example.test>')
        self.delrcpt('<gone@example.test>')

    def abort(self):
        self.note('abort')
        return CONTINUE

    def close(self):
        self.note('close')
        return CONTINUE


Milter.factory = All
flags = (Milter.ADDHDRS + Milter.CHGHDRS + Milter.CHGBODY + Milter.ADDRCPT + Milter.DELRCPT
         + Milter.CHGFROM + Milter.QUARANTINE)
Milter.set_flags(flags)
Milter.runmilter('all', sys.argv[1], 60)
'''


class Software:
    """A milter that listens at `place` once it runs."""

    def __init__(self, name):
        self.dir = Path(tempfile.mkdtemp(prefix=f'facteur-{name}-'))
        self.dir.chmod(0o755)
        self.port = ports.free_port()
        self.place = f'inet:127.0.0.1:{self.port}'
        self.children = []

    def run(self, *command, ready):
        child = Child([str(word) for word in command], self.dir / 'output')
        self.children.append(child)
        wait_until(lambda: ready() or not child.alive(), 30, f'{command[0]} runs')
        if not child.alive():
            raise AssertionError(self.log())

    def listens(self):
        """Told without a connection: some milters take one for a mail server that went away."""
        local = f'0100007F:{self.port:04X} 00000000:0000 0A'
        return local in Path('/proc/net/tcp').read_text()

    def log(self):
        files = sorted(self.dir.glob('*output')) + sorted(self.dir.glob('*.log'))
        return ''.join(f.read_text(errors='replace') for f in files)

    def stop(self):
        for child in reversed(self.children):
            child.stop()

    def remove(self):
        shutil.rmtree(self.dir, ignore_errors=True)


class PythonMilter(Software):
    def __init__(self):
        super().__init__('pymilter')
        (self.dir / 'filter.py').write_text(SCRIPT)
        self.run('/usr/bin/python3', self.dir / 'filter.py', f'inet:{self.port}@127.0.0.1',
                 self.dir / 'heard', ready=self.listens)

    def heard(self):
        path = self.dir / 'heard'
        return path.read_text().splitlines() if path.exists() else []


class OpenDkim(Software):
    """Signs for `domain`, and verifies with a key that it finds in a file instead of the DNS."""

    def __init__(self, domain, internal):
        super().__init__('opendkim')
        subprocess.run(['openssl', 'genrsa', '-out', self.dir / 'key', '2048'], check=True,
                       capture_output=True)
        der = subprocess.run(['openssl', 'rsa', '-in', self.dir / 'key', '-pubout'], check=True,
                             capture_output=True, text=True).stdout
        public = ''.join(line for line in der.splitlines() if '-' not in line)
        (self.dir / 'dns').write_text(f's._domainkey.{domain} v=DKIM1; k=rsa; p={public}\n')
        (self.dir / 'internal').write_text(internal + '\n')
        (self.dir / 'conf').write_text(
            f'Socket inet:{self.port}@127.0.0.1\nDomain {domain}\nSelector s\n'
            f'KeyFile {self.dir}/key\nMode sv\nInternalHosts {self.dir}/internal\n'
            f'TestDNSData {self.dir}/dns\nSyslog no\nBackground no\nAuthservID mx.{domain}\n'
            'Canonicalization relaxed/relaxed\nRequireSafeKeys no\nAlwaysAddARHeader yes\n')
        self.run(program('opendkim'), '-f', '-x', self.dir / 'conf', ready=self.listens)


class Clamav(Software):
    """clamd with one signature, and clamav-milter."""

    def __init__(self):
        super().__init__('clamav')
        (self.dir / 'db').mkdir()
        md5 = hashlib.md5(EICAR, usedforsecurity=False).hexdigest()
        (self.dir / 'db/own.hdb').write_text(f'{md5}:{len(EICAR)}:Eicar-Test\n')
        socket = self.dir / 'clamd.sock'
        (self.dir / 'clamd.conf').write_text(
            f'LocalSocket {socket}\nDatabaseDirectory {self.dir}/db\nForeground yes\n'
            f'TemporaryDirectory {self.dir}\nConcurrentDatabaseReload no\nMaxThreads 2\n')
        self.run(program('clamd'), '-c', self.dir / 'clamd.conf', ready=socket.exists)
        (self.dir / 'milter.conf').write_text(
            f'MilterSocket inet:{self.port}@127.0.0.1\nClamdSocket unix:{socket}\nForeground yes\n'
            f'TemporaryDirectory {self.dir}\nOnInfected Reject\nAddHeader Replace\n'
            'RejectMsg Infected: %v\n')
        self.run(program('clamav-milter'), '-c', self.dir / 'milter.conf', ready=self.listens)


class Rspamd(Software):
    """The milter worker by itself, with a rule of its own and milter_headers."""

    def __init__(self):
        super().__init__('rspamd')
        (self.dir / 'rules.lua').write_text("""
rspamd_config:register_symbol({name = 'ODD_SUBJECT', score = 5, callback = function(task)
  return (task:get_subject() or ''):find('odd') ~= nil
end})
""")
        (self.dir / 'conf').write_text(f"""
options {{
  filters = ""; pidfile = "{self.dir}/pid"; tempdir = "{self.dir}"; dbdir = "{self.dir}";
  gtube_patterns = "all"; control_socket = "{self.dir}/control mode=0600";
  url_tld = "/usr/share/rspamd/effective_tld_names.dat";
  dns {{ nameserver = ["127.0.0.1:{ports.free_port()}"]; timeout = 0.1s; retransmits = 1; }}
}}
logging {{ type = "file"; filename = "{self.dir}/rspamd.log"; level = "info"; }}
actions {{ reject = 15; add_header = 4; greylist = null; }}
milter_headers {{ use = ["x-spam-status", "x-spamd-bar"]; }}
modules {{ path = "/usr/share/rspamd/plugins/milter_headers.lua"; }}
worker {{ type = "rspamd_proxy"; bind_socket = "127.0.0.1:{self.port}"; milter = yes; count = 1;
  timeout = 60s; upstream "local" {{ default = yes; self_scan = yes; }} }}
lua = "{self.dir}/rules.lua";
""")
        self.run(program('rspamd'), '--insecure', '-f', '-c', self.dir / 'conf',
                 ready=self.listens)
