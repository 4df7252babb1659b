#!/usr/bin/env python3
"""addressd, locked in as it is, asks tables in servers, and defers mail when they fail."""
import smtplib
import socketserver
import sqlite3
import sys
import threading
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from tests.lib.instance import Instance  # noqa: E402
from tests.lib.waiting import wait_until  # noqa: E402


class Lines(socketserver.StreamRequestHandler):
    """tcp_table(5)"""

    def handle(self):
        for line in self.rfile:
            key = line.decode().strip().removeprefix('get ')
            answer = {'tcp@example.test': '200 user@example.test',
                      'broken@example.test': '400 later'}.get(key, '500 no')
            self.wfile.write(answer.encode() + b'\n')


class TableDaemonTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        server = socketserver.ThreadingTCPServer(('127.0.0.1', 0), Lines)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        cls.addClassCleanup(server.server_close)
        cls.addClassCleanup(server.shutdown)
        cls.i = Instance()
        cls.addClassCleanup(cls.i.remove)
        cls.database = cls.i.dir / 'aliases.sqlite'
        with sqlite3.connect(cls.database) as database:
            database.execute('CREATE TABLE aliases (address TEXT, goto TEXT)')
            database.execute("INSERT INTO aliases VALUES ('sql@example.test', 'user@example.test')")
        cls.config = cls.i.dir / 'aliases.cf'
        cls.write("query = SELECT goto FROM aliases WHERE address = '%s'\n")
        cls.i.add_settings(f'virtual_alias_maps = proxy:sqlite:{cls.config}, '
                           f'tcp:127.0.0.1:{server.server_address[1]}\n')
        cls.i.start()
        cls.addClassCleanup(cls.i.stop)

    @classmethod
    def write(cls, query):
        cls.config.write_text(f'dbpath = {cls.database}\n{query}')

    def rcpt(self, recipient):
        with smtplib.SMTP('127.0.0.1', self.i.port('smtp'), timeout=30) as client:
            client.ehlo('client.test')
            client.mail('sender@away.test')
            return client.rcpt(recipient)[0]

    def test_tables_in_servers(self):
        self.assertEqual(self.rcpt('sql@example.test'), 250)
        self.assertEqual(self.rcpt('tcp@example.test'), 250)
        self.assertEqual(self.rcpt('broken@example.test'), 451)
        self.assertEqual(self.rcpt('nobody@example.test'), 550)
        self.i.send('sender@away.test', ['sql@example.test'], 'Subject: by SQL\r\n\r\nx\r\n')
        self.assertIn(b'by SQL', self.i.wait_messages('user@example.test')[0])
        # Its file changes: it is read again; a wrong one leaves mail to be tried later.
        self.write('query = SELECT goto FROM nowhere\n')
        wait_until(lambda: self.rcpt('other@example.test') == 451, 20, 'the new file')
        self.write("query = SELECT 'user@example.test' WHERE '%s' = 'new@example.test'\n")
        wait_until(lambda: self.rcpt('new@example.test') == 250, 20, 'the next file')


if __name__ == '__main__':
    unittest.main(verbosity=2)
