"""DNS servers on loopback: nsd with zones that the test writes, and a small one for faults."""
import shutil
import socket
import socketserver
import struct
import tempfile
import threading
from pathlib import Path

from . import ports
from .process import Child, program
from .waiting import wait_until

TYPES = {'A': 1, 'NS': 2, 'CNAME': 5, 'SOA': 6, 'PTR': 12, 'MX': 15, 'TXT': 16, 'AAAA': 28,
         'TLSA': 52}


def name_to_wire(name):
    out = b''
    for label in name.rstrip('.').split('.'):
        if label:
            out += bytes([len(label)]) + label.encode()
    return out + b'\0'


def name_from_wire(packet, at):
    """(name in lower case, offset behind it); questions are never compressed."""
    labels = []
    while packet[at]:
        labels.append(packet[at + 1:at + 1 + packet[at]].decode(errors='replace').lower())
        at += 1 + packet[at]
    return '.'.join(labels), at + 1


def data_to_wire(kind, value):
    """RDATA of 'A 192.0.2.1', 'MX 10 mx.example.test', 'TXT words'."""
    if kind == 'A':
        return socket.inet_aton(value)
    if kind == 'AAAA':
        return socket.inet_pton(socket.AF_INET6, value)
    if kind == 'MX':
        preference, host = value.split()
        return struct.pack('!H', int(preference)) + name_to_wire(host)
    if kind == 'TXT':
        text = value.encode()
        pieces = [text[i:i + 255] for i in range(0, len(text), 255)] or [b'']
        return b''.join(bytes([len(p)]) + p for p in pieces)
    if kind == 'TLSA':
        usage, selector, matching, digest = value.split()
        return bytes([int(usage), int(selector), int(matching)]) + bytes.fromhex(digest)
    return name_to_wire(value)


class Answers:
    """A small authoritative server.  records: {'name': ['A 127.0.0.1', 'MX 10 mx.name']}.

    A record 'SERVFAIL', 'REFUSED' or 'TIMEOUT' in place of those makes that fault.  Names that
    are not there do not exist (NXDOMAIN).  The records may be changed while it runs; `asked`
    lists (name, type number) of all questions."""

    def __init__(self, records=None):
        self.records = {k.lower().rstrip('.'): v for k, v in (records or {}).items()}
        self.asked = []
        self.port = ports.free_port()
        outer = self

        class Udp(socketserver.BaseRequestHandler):
            def handle(self):
                packet, reply_socket = self.request
                answer = outer.answer(packet, 512)
                if answer:
                    reply_socket.sendto(answer, self.client_address)

        class Tcp(socketserver.BaseRequestHandler):
            def handle(self):
                size = self.request.recv(2)
                if len(size) == 2:
                    packet = self.request.recv(struct.unpack('!H', size)[0])
                    answer = outer.answer(packet, 65535)
                    if answer:
                        self.request.sendall(struct.pack('!H', len(answer)) + answer)

        socketserver.ThreadingTCPServer.allow_reuse_address = True
        self.servers = [socketserver.ThreadingUDPServer(('127.0.0.1', self.port), Udp),
                        socketserver.ThreadingTCPServer(('127.0.0.1', self.port), Tcp)]
        for server in self.servers:
            server.daemon_threads = True
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()

    def answer(self, packet, limit):
        identity, flags = struct.unpack('!HH', packet[:4])
        name, end = name_from_wire(packet, 12)
        kind = struct.unpack('!H', packet[end:end + 2])[0]
        self.asked.append((name, kind))
        found = self.records.get(name)
        code, records = self.records_for(name, kind, found)
        if code is None:
            return None
        body = packet[12:end + 4]
        for owner, record_kind, value in records:
            data = data_to_wire(record_kind, value)
            body += name_to_wire(owner) + struct.pack('!HHIH', TYPES[record_kind], 1, 60, len(data))
            body += data
        header = 0x8400 | (flags & 0x0100) | code
        if 12 + len(body) > limit:
            return struct.pack('!HHHHHH', identity, header | 0x0200, 1, 0, 0, 0) + packet[12:end + 4]
        return struct.pack('!HHHHHH', identity, header, 1, len(records), 0, 0) + body

    def records_for(self, name, kind, found):
        """(RCODE, [(owner, type, value)]); RCODE None: no answer at all."""
        if found is None:
            # A name with something below it exists (RFC 8020).
            below = any(other.endswith('.' + name) for other in self.records)
            return (0 if below else 3), []
        for fault, code in (('SERVFAIL', 2), ('REFUSED', 5), ('TIMEOUT', None)):
            if fault in found:
                return code, []
        records = []
        for record in found:
            record_kind, _, value = record.partition(' ')
            if TYPES[record_kind] == kind:
                records.append((name, record_kind, value))
            elif record_kind == 'CNAME':
                target = value.lower().rstrip('.')
                code, more = self.records_for(target, kind, self.records.get(target))
                return code, [(name, 'CNAME', value)] + (more if code is not None else [])
        return 0, records

    def stop(self):
        for server in self.servers:
            server.shutdown()
            server.server_close()
        self.servers = []

    def remove(self):
        pass


class Nsd:
    """NSD from Debian, with zones as text: {'example.test': '@ MX 10 mx\\nmx A 127.0.0.1\\n'}."""

    def __init__(self, zones):
        self.dir = Path(tempfile.mkdtemp(prefix='facteur-nsd-'))
        self.port = ports.free_port()
        config = (f'server:\n  ip-address: 127.0.0.1\n  port: {self.port}\n  username: ""\n'
                  f'  zonesdir: "{self.dir}"\n  database: ""\n  pidfile: "{self.dir}/pid"\n'
                  f'  xfrdfile: "{self.dir}/xfrd"\n  zonelistfile: "{self.dir}/list"\n'
                  f'  chroot: ""\n  server-count: 1\n  reuseport: no\n'
                  f'remote-control:\n  control-enable: no\n')
        for name, text in zones.items():
            (self.dir / f'{name}.zone').write_text(
                f'$ORIGIN {name}.\n$TTL 60\n'
                f'@ SOA ns.{name}. root.{name}. 1 3600 600 86400 60\n@ NS ns.{name}.\n'
                f'ns A 127.0.0.1\n{text}\n')
            config += f'zone:\n  name: "{name}"\n  zonefile: "{name}.zone"\n'
        (self.dir / 'nsd.conf').write_text(config)
        self.child = Child([program('nsd'), '-d', '-c', str(self.dir / 'nsd.conf')],
                           self.dir / 'log')
        wait_until(lambda: ports.accepts(self.port), what='nsd accepts connections')

    def log(self):
        return (self.dir / 'log').read_text(errors='replace')

    def stop(self):
        self.child.stop()

    def remove(self):
        shutil.rmtree(self.dir, ignore_errors=True)
