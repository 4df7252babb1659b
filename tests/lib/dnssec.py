"""Zones signed by a private key, served by nsd, and a validating unbound in front of them."""
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from . import dns, ports
from .process import Child, program
from .waiting import wait_until


def run(*command, cwd):
    done = subprocess.run([program(command[0]), *command[1:]], cwd=cwd, capture_output=True,
                          text=True)
    if done.returncode:
        raise AssertionError(f'{command}: {done.stdout}{done.stderr}')
    return done.stdout.strip()


def moment(seconds):
    return time.strftime('%Y%m%d%H%M%S', time.gmtime(time.time() + seconds))


class SignedNames:
    """signed, unsigned, expired: {'example.test': 'zone text'}; `port` is that of the resolver,
    which trusts the keys of the signed zones and of the expired ones."""

    def __init__(self, signed=None, unsigned=None, expired=None):
        self.dir = Path(tempfile.mkdtemp(prefix='facteur-dnssec-'))
        signed, unsigned, expired = signed or {}, unsigned or {}, expired or {}
        self.anchors = []
        zones = dict(unsigned)
        for name, text in {**signed, **expired}.items():
            zones[name] = self.sign(name, text, stale=name in expired)
        self.nsd = PlainNsd(self.dir / 'nsd', zones, {**signed, **expired})
        self.port = ports.free_port()
        (self.dir / 'unbound.conf').write_text(self.config(zones))
        self.child = Child([program('unbound'), '-d', '-p', '-c', str(self.dir / 'unbound.conf')],
                           self.dir / 'log')
        wait_until(lambda: ports.accepts(self.port), what='unbound accepts connections')

    def sign(self, name, text, stale):
        folder = self.dir / name
        folder.mkdir()
        zone = folder / 'zone'
        zone.write_text(header(name) + text + '\n')
        key = run('ldns-keygen', '-a', 'ECDSAP256SHA256', '-k', f'{name}.', cwd=folder)
        dates = ['-i', moment(-86400 * 30), '-e', moment(-86400)] if stale else []
        run('ldns-signzone', *dates, '-o', f'{name}.', '-f', 'zone.signed', 'zone', key, cwd=folder)
        self.anchors.append((folder / f'{key}.ds').read_text().strip())
        return (folder / 'zone.signed').read_text()

    def config(self, zones):
        lines = ['server:', '  interface: 127.0.0.1', f'  port: {self.port}', '  username: ""',
                 '  chroot: ""', f'  directory: "{self.dir}"', f'  pidfile: "{self.dir}/pid"',
                 '  use-syslog: no', '  verbosity: 1', '  do-not-query-localhost: no',
                 '  module-config: "validator iterator"', '  num-threads: 1', '  do-ip6: no',
                 '  local-zone: "test." nodefault', '  val-log-level: 2']
        lines += [f'  trust-anchor: "{anchor}"' for anchor in self.anchors]
        lines += ['remote-control:', '  control-enable: no']
        for name in zones:
            lines += ['stub-zone:', f'  name: "{name}"',
                      f'  stub-addr: 127.0.0.1@{self.nsd.port}']
        return '\n'.join(lines) + '\n'

    def log(self):
        return (self.dir / 'log').read_text(errors='replace')

    def stop(self):
        self.child.stop()
        self.nsd.stop()

    def remove(self):
        shutil.rmtree(self.dir, ignore_errors=True)


def header(name):
    return (f'$ORIGIN {name}.\n$TTL 60\n@ SOA ns.{name}. root.{name}. 1 3600 600 86400 60\n'
            f'@ NS ns.{name}.\nns A 127.0.0.1\n')


class PlainNsd(dns.Nsd):
    """Zones whose text is complete when they are in `complete`."""

    def __init__(self, folder, zones, complete):
        self.dir = folder
        folder.mkdir()
        self.port = ports.free_port()
        config = (f'server:\n  ip-address: 127.0.0.1\n  port: {self.port}\n  username: ""\n'
                  f'  zonesdir: "{folder}"\n  database: ""\n  pidfile: "{folder}/pid"\n'
                  f'  xfrdfile: "{folder}/xfrd"\n  zonelistfile: "{folder}/list"\n'
                  f'  chroot: ""\n  server-count: 1\n  reuseport: no\n'
                  f'remote-control:\n  control-enable: no\n')
        for name, text in zones.items():
            whole = text if name in complete else header(name) + text + '\n'
            (folder / f'{name}.zone').write_text(whole)
            config += f'zone:\n  name: "{name}"\n  zonefile: "{name}.zone"\n'
        (folder / 'nsd.conf').write_text(config)
        self.child = Child([program('nsd'), '-d', '-c', str(folder / 'nsd.conf')], folder / 'log')
        wait_until(lambda: ports.accepts(self.port), what='nsd accepts connections')
