"""Memory of idle connections: opened one after another, held, the growth of PSS divided."""
import socket
import ssl
import time

from metering import wait_until

CONTEXT = ssl.create_default_context()
CONTEXT.check_hostname = False
CONTEXT.verify_mode = ssl.CERT_NONE


def read_line(connection):
    data = b''
    while not data.endswith(b'\n'):
        piece = connection.recv(4096)
        if not piece:
            raise OSError(f'closed: {data!r}')
        data += piece
    return data


def tagged(connection, tag, command):
    connection.sendall(tag + b' ' + command + b'\r\n')
    data = b''
    while not (data.endswith(b'\n') and (data.startswith(tag) or b'\n' + tag + b' ' in data)):
        piece = connection.recv(65536)
        if not piece:
            raise OSError(f'closed: {data!r}')
        data += piece
    if tag + b' OK' not in data:
        raise OSError(repr(data[-200:]))


def open_one(server, protocol, tls, number):
    port = {'smtp': 'smtp_port', 'imap': 'imaps_port' if tls else 'imap_port'}[protocol]
    connection = socket.create_connection(('127.0.0.1', getattr(server, port)), timeout=20)
    if tls:
        connection = CONTEXT.wrap_socket(connection)
    read_line(connection)
    if protocol == 'smtp':
        connection.sendall(b'EHLO client.test\r\n')
        read_line(connection)
    else:
        tagged(connection, b'a', b'LOGIN user%d@example.test pw' % (number % 1000))
        tagged(connection, b'b', b'SELECT INBOX')
        connection.sendall(b'c IDLE\r\n')
        read_line(connection)
    return connection


def settled(group):
    """PSS once it has stopped moving (bounded)."""
    last = [group.pss_kb()]

    def still():
        time.sleep(0.5)
        previous, last[0] = last[0], group.pss_kb()
        return abs(previous - last[0]) < 64
    wait_until(still, 10)
    return last[0]


def measure(server, protocol, tls, count):
    first = [open_one(server, protocol, tls, i) for i in range(5)]  # what starts on demand
    before, cpu, began = settled(server.group), server.group.cpu(), time.monotonic()
    held = [open_one(server, protocol, tls, i) for i in range(count)]
    opened = time.monotonic() - began
    after = settled(server.group)
    result = {'kb_each': (after - before) / count, 'open_per_s': count / opened,
              'cpu_ms_each': (server.group.cpu() - cpu) * 1000 / count}
    for connection in held + first:
        connection.close()
    return result
