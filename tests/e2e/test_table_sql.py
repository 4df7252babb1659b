#!/usr/bin/env python3
"""Tables in PostgreSQL and SQLite, beside Postfix with the same files."""
import os
import shutil
import sqlite3
import subprocess
import sys
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from tests.lib import ports  # noqa: E402
from tests.lib.tables import SQL, USERS, TableCase, owner  # noqa: E402
from tests.lib.waiting import wait_until  # noqa: E402

POSTGRES = Path('/usr/lib/postgresql/15/bin')


class SqlTest(TableCase):
    def test_sqlite(self):
        path = self.dir / 'users.sqlite'
        with sqlite3.connect(path) as database:
            database.execute('CREATE TABLE users (address TEXT, goto TEXT)')
            database.executemany('INSERT INTO users VALUES (?, ?)', USERS)
        self.sql('sqlite', f'dbpath = {path}\n')
        self.wrong_server('sqlite', f'dbpath = {self.dir}/none.sqlite\n')
        self.assertFalse((self.dir / 'none.sqlite').exists())
        # Parameters in main.cf itself.
        self.setting(f'legacy_dbpath = {path}\nlegacy_query = ' + SQL['plain'][8:])
        self.assertEqual(self.same('sqlite:legacy', ['alice@example.org'])['alice@example.org'],
                         'alice')

    def test_pgsql(self):
        data, port = self.dir / 'pg', ports.free_port()
        data.mkdir()
        if os.getuid() == 0:
            shutil.chown(data, 'postgres', 'postgres')
        who = owner('postgres')
        subprocess.run([POSTGRES / 'initdb', '-D', data, '-A', 'password', '-U', 'mail',
                        '--pwfile', self.config('password', 'secret\n', 0o644), '-E', 'UTF8',
                        '--locale=C', '--no-sync'], check=True, capture_output=True, cwd=data,
                       timeout=60, **who)
        server = self.child(POSTGRES / 'postgres', '-D', data, '-p', port, '-k', data, '-F',
                            '-c', 'listen_addresses=127.0.0.1', user='postgres')
        def sql(text):
            return subprocess.run(['psql', '-h', '127.0.0.1', '-p', str(port), '-U', 'mail', '-v',
                                   'ON_ERROR_STOP=1', 'postgres'], input=text, text=True,
                                  capture_output=True, timeout=30,
                                  env=dict(os.environ, PGPASSWORD='secret'))
        wait_until(lambda: sql('SELECT 1').returncode == 0, 30, 'PostgreSQL')
        quoted = ','.join('(%s)' % ','.join('NULL' if v is None else "'" + v.replace("'", "''") + "'"
                                            for v in row) for row in USERS)
        self.assertEqual(sql('CREATE TABLE users (address TEXT, goto TEXT);'
                             f'INSERT INTO users VALUES {quoted};').returncode, 0)
        login = 'user = mail\npassword = secret\ndbname = postgres\n'
        self.sql('pgsql', f'hosts = 127.0.0.1:{port}\n' + login)
        # The first of two servers is dead; then a server that stops, and one that is slow.
        dead = f'hosts = 127.0.0.1:{ports.free_port()} 127.0.0.1:{port}\n'
        table = 'pgsql:' + self.config('two.cf', dead + login + SQL['plain'])
        self.assertEqual(self.ours('alice@example.org', table)[:2], (0, 'alice\n'))
        slow = 'pgsql:' + self.config('slow.cf', f'hosts = 127.0.0.1:{port}\ntimeout = 1\n' + login +
                                      "query = SELECT '%s' FROM pg_sleep(30)\n")
        started = time.monotonic()
        self.assertEqual(self.ours('x', slow)[:2], (1, ''))
        self.assertLess(time.monotonic() - started, 10)
        wrong = 'password = wrong\nuser = mail\ndbname = postgres\n'
        self.wrong_server('pgsql', f'hosts = 127.0.0.1:{port}\n' + wrong)
        server.stop()
        self.wrong_server('pgsql', f'hosts = 127.0.0.1:{port}\n' + login)


if __name__ == '__main__':
    unittest.main(verbosity=2)
