#!/usr/bin/env python3
"""Tables in Redis and memcached, and those of socketmap and tcp_table servers."""
import os
import socket
import socketserver
import subprocess
import sys
import threading
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from tests.lib import ports  # noqa: E402
from tests.lib.process import program  # noqa: E402
from tests.lib.tables import INJECTIONS, TableCase  # noqa: E402
from tests.lib.waiting import wait_until  # noqa: E402


class Lines(socketserver.StreamRequestHandler):
    """tcp_table(5)"""

    def handle(self):
        for line in self.rfile:
            key = line.decode().strip().removeprefix('get ')
            if key == 'slow':
                time.sleep(20)
            answer = {'alice@example.org': '200 alice%20here', 'broken': 'gibberish',
                      'temporary': '400 later', 'close': None}.get(key, '500 no')
            if answer is None:
                return
            self.wfile.write(answer.encode() + b'\n')


class Netstrings(socketserver.StreamRequestHandler):
    """socketmap_table(5)"""

    def handle(self):
        while True:
            digits = b''
            while not digits.endswith(b':'):
                try:
                    byte = self.rfile.read(1)
                except ConnectionError:
                    return
                if not byte:
                    return
                digits += byte
            text = self.rfile.read(int(digits[:-1]) + 1)[:-1].decode()
            name, _, key = text.partition(' ')
            answer = {'alice@example.org': 'OK alice in ' + name, 'temporary': 'TEMP later',
                      'perm': 'PERM never', 'timeout': 'TIMEOUT', 'broken': 'HUH',
                      'space': 'OK two words'}.get(key, 'NOTFOUND ')
            answer = 'x' * 200000 if key == 'long' else answer
            self.wfile.write(f'{len(answer)}:{answer},'.encode())


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


def serve(handler):
    server = Server(('127.0.0.1', 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, server.server_address[1]


class ServersTest(TableCase):
    def test_redis(self):
        port = ports.free_port()
        self.child(program('redis-server'), '--port', port, '--bind', '127.0.0.1', '--dir', self.dir,
                   '--save', '', '--requirepass', 'secret')
        def redis(*words):
            return subprocess.run(['redis-cli', '-p', str(port), '-a', 'secret', '-n', '3', *words],
                                  capture_output=True, text=True, timeout=20)
        wait_until(lambda: 'PONG' in redis('PING').stdout, 20, 'Redis')
        redis('SET', 'alias:alice@example.org', 'alice')
        redis('HSET', 'aliases', 'bob@example.org', 'bob')
        redis('SADD', 'members:list', 'one', 'two')
        common = f'hosts = 127.0.0.1:{port}\npassword = secret\ndatabase = 3\n'
        get = 'redis:' + self.config('redis.cf', common + 'command = GET alias:%s\n')
        self.assertEqual(self.ours('ALICE@example.org', get)[:2], (0, 'alice\n'))
        for key in ['nobody', *INJECTIONS]:
            if '\0' not in key and key:
                self.assertEqual(self.ours(key, get)[:2], (1, ''), key)
        hashed = 'redis:' + self.config('redis-hash.cf', common + 'command = HGET aliases %s\n'
                                        'result_format = %s+%U\n')
        self.assertEqual(self.ours('bob@example.org', hashed)[:2], (0, 'bob+bob\n'))
        members = 'redis:' + self.config('redis-set.cf', common + 'command = SMEMBERS members:%s\n')
        self.assertEqual(sorted(self.ours('list', members)[1].strip().split(',')), ['one', 'two'])
        for wrong in (f'hosts = 127.0.0.1:{ports.free_port()}\n',
                      f'hosts = 127.0.0.1:{port}\npassword = wrong\n'):
            table = 'redis:' + self.config('redis-wrong.cf', wrong)
            self.assertEqual(self.ours('x', table)[:2], (1, ''))

    def test_memcache(self):
        port = ports.free_port()
        self.child(program('memcached'), '-l', '127.0.0.1', '-p', port,
                   *(['-u', 'nobody'] if os.getuid() == 0 else []))
        def memcached(text):
            with socket.create_connection(('127.0.0.1', port), timeout=10) as s:
                s.sendall(text.encode())
                return s.recv(4096).decode()
        wait_until(lambda: ports.accepts(port), 20, 'memcached')
        self.assertEqual(memcached('set m:alice@example.org 0 0 5\r\nalice\r\n'), 'STORED\r\n')
        common = f'memcache = inet:127.0.0.1:{port}\n'
        table = 'memcache:' + self.config('mc.cf', common + 'key_format = m:%s\n')
        self.assertEqual(self.ours('alice@example.org', table)[:2], (0, 'alice\n'))
        for key in ['nobody@example.org', *INJECTIONS]:
            self.assertEqual(self.ours(key, table)[:2], (1, ''), key)
        self.assertNotIn('VALUE', memcached('get y\r\n'))
        backed = 'memcache:' + self.config('mc-backup.cf', common + 'backup = inline:{bob=robert}\n')
        self.assertEqual(self.ours('bob', backed)[:2], (0, 'robert\n'))
        dead = 'memcache:' + self.config(
            'mc-dead.cf', f'memcache = inet:127.0.0.1:{ports.free_port()}\nmax_try = 1\n')
        self.assertEqual(self.ours('alice', dead)[:2], (1, ''))

    def test_tcp_and_socketmap(self):
        server, port = serve(Lines)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        table = f'tcp:127.0.0.1:{port}'
        answers = self.same(table, ['alice@example.org', 'nobody', 'two words', 'a%b'])
        self.assertEqual(answers['alice@example.org'], 'alice here')
        for key in ('broken', 'temporary', 'close'):
            self.assertEqual(self.ours(key, table)[:2], (1, ''), key)
        self.setting('table_client_timeout = 2s\n')
        started = time.monotonic()
        self.assertEqual(self.ours('slow', table)[:2], (1, ''))
        self.assertLess(time.monotonic() - started, 15)
        server, port = serve(Netstrings)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        table = f'socketmap:inet:127.0.0.1:{port}:users'
        answers = self.same(table, ['alice@example.org', 'ALICE@example.org', 'nobody', 'space'])
        self.assertEqual(answers['alice@example.org'], 'alice in users')
        for key in ('temporary', 'perm', 'timeout', 'broken', 'long'):
            self.assertEqual(self.ours(key, table)[:2], (1, ''), key)


if __name__ == '__main__':
    unittest.main(verbosity=2)
