#!/usr/bin/env python3
"""Tables in MariaDB, beside Postfix with the same files."""
import os
import shutil
import subprocess
import sys
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from tests.lib import ports  # noqa: E402
from tests.lib.process import program  # noqa: E402
from tests.lib.tables import SQL, USERS, TableCase  # noqa: E402
from tests.lib.waiting import wait_until  # noqa: E402


class MysqlTest(TableCase):
    def test_mysql(self):
        data, port = self.dir / 'my', ports.free_port()
        data.mkdir()
        if os.getuid() == 0:
            shutil.chown(data, 'nobody', 'nogroup')
        subprocess.run(['mariadb-install-db', '--no-defaults', f'--datadir={data}', '--user=nobody',
                        '--auth-root-authentication-method=normal', '--skip-test-db'], check=True,
                       capture_output=True, timeout=120, env=dict(os.environ, TMPDIR=str(data)))
        path = f'{data}/socket'
        self.child(program('mariadbd'), '--no-defaults', f'--datadir={data}', f'--port={port}',
                   f'--socket={path}', '--bind-address=127.0.0.1', f'--tmpdir={data}',
                   f'--pid-file={data}/pid', '--innodb-flush-log-at-trx-commit=0',
                   *(['--user=nobody'] if os.getuid() == 0 else []))
        def sql(text):
            return subprocess.run(['mariadb', '--no-defaults', '-u', 'root', '-S', path], input=text,
                                  text=True, capture_output=True, timeout=30)
        wait_until(lambda: sql('SELECT 1').returncode == 0, 60, 'MariaDB')
        quoted = ','.join('(%s)' % ','.join('NULL' if v is None else "'" + v.replace("'", "''") + "'"
                                            for v in row) for row in USERS)
        done = sql('CREATE DATABASE mail; USE mail; SET NAMES utf8mb4;'
                   'CREATE TABLE users (address VARCHAR(400) CHARACTER SET utf8mb4, '
                   'goto VARCHAR(200) CHARACTER SET utf8mb4);'
                   f"INSERT INTO users VALUES {quoted};"
                   '\nDELIMITER //\nCREATE PROCEDURE find(a VARCHAR(200) CHARACTER SET utf8mb4) '
                   'SELECT goto FROM users WHERE address = a//\nDELIMITER ;\n'
                   "GRANT ALL ON mail.* TO mail@'127.0.0.1' IDENTIFIED BY 'secret';"
                   "GRANT ALL ON mail.* TO mail@localhost IDENTIFIED BY 'secret';")
        self.assertEqual(done.returncode, 0, done.stderr)
        login = 'user = mail\npassword = secret\ndbname = mail\n'
        self.sql('mysql', f'hosts = inet:127.0.0.1:{port}\n' + login)
        self.same('mysql:' + self.config('my-unix.cf', f'hosts = unix:{path}\n' + login +
                                         SQL['plain']), ['alice@example.org'])
        call = self.config('my-call.cf', f'hosts = unix:{path}\n' + login +
                           "query = CALL find('%s')\n")
        self.assertEqual(self.same('mysql:' + call, ['bob@example.org'])['bob@example.org'],
                         'bob@else.where,carol')
        slow = 'mysql:' + self.config('my-slow.cf', f'hosts = unix:{path}\ntimeout = 1\n' + login +
                                      "query = SELECT SLEEP(20), '%s'\n")
        started = time.monotonic()
        self.assertEqual(self.ours('x', slow)[:2], (1, ''))
        self.assertLess(time.monotonic() - started, 10)
        self.wrong_server('mysql', f'hosts = 127.0.0.1:{ports.free_port()}\n' + login)


if __name__ == '__main__':
    unittest.main(verbosity=2)
