"""What the tests of tables with servers share: keys, files, and Postfix's postmap beside ours."""
import os
import pwd
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from .process import Child

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(os.environ.get('FACTEUR_BIN', ROOT / 'build/bin')).resolve()

USERS = [('alice@example.org', 'alice'), ('bob@example.org', 'bob@else.where'),
         ('bob@example.org', 'carol'), ('"o\'brien"@example.org', 'obrien'),
         ('null@example.org', None), ('empty@example.org', '')]
INJECTIONS = ["' OR '1'='1", "x' UNION SELECT 'owned", "\\' OR 1=1 -- ", "%s%d", "*)(mail=*",
              "a\\2a)(uid=*", "alice@example.org'; DROP TABLE users; --", "é@example.org",
              '"; ', "get x\r\nset y 0 0 1\r\nz", "nul\\0", "x" * 300]
KEYS = ['alice@example.org', 'ALICE@Example.ORG', 'bob@example.org', '"o\'brien"@example.org',
        'null@example.org', 'empty@example.org', 'nobody@example.org', 'alice', '@example.org',
        'alice@', 'alice@mail.example.org', *[key for key in INJECTIONS if '\r' not in key]]

PLAIN = ['alice@example.org\talice', 'ALICE@Example.ORG\talice',
         'bob@example.org\tbob@else.where,carol', '"o\'brien"@example.org\tobrien']

# Files with every way to write a query.
SQL = {
    'plain': "query = SELECT goto FROM users WHERE address = '%s'\n",
    'parts': "query = SELECT goto FROM users WHERE address = '%u@%d'\n",
    'labels': "query = SELECT goto FROM users WHERE address = '%u@%2.%1'\n",
    'format': "query = SELECT goto FROM users WHERE address = '%s'\n"
              "result_format = smtp:[%s] %U %D %% %1\n",
    'user': "query = SELECT goto FROM users WHERE address = '%s'\nresult_format = <%u>\n",
    'domain': "query = SELECT goto FROM users WHERE address = '%s'\nresult_format = <%d>\n",
    'domains': "query = SELECT goto FROM users WHERE address = '%s'\n"
               "domain = example.net, inline:{example.org=x}\n",
    'limit': "query = SELECT goto FROM users WHERE address = '%s'\nexpansion_limit = 1\n",
    'old': "table = users\nselect_field = goto\nwhere_field = address\n",
    'wrong': "query = SELECT goto FROM nowhere WHERE address = '%s'\n",
}


def owner(user):
    """Arguments for Popen: these servers do not run as root."""
    if os.getuid() != 0:
        return {}
    entry = pwd.getpwnam(user)
    return {'user': entry.pw_uid, 'group': entry.pw_gid, 'extra_groups': []}


class TableCase(unittest.TestCase):
    """A folder with main.cf, and both postmaps."""
    @classmethod
    def setUpClass(cls):
        cls.dir = Path(tempfile.mkdtemp(prefix='facteur-table-'))
        cls.dir.chmod(0o755)
        cls.addClassCleanup(shutil.rmtree, cls.dir, ignore_errors=True)
        (cls.dir / 'main.cf').write_text('compatibility_level = 3.6\n'
                                         'smtputf8_enable = no\n'
                                         'proxy_read_maps = $virtual_alias_maps\n')
        (cls.dir / 'master.cf').write_text('')
        (cls.dir / 'postmap').symlink_to(BIN / 'facteur')
        cls.children = []

    @classmethod
    def child(cls, *command, user=None, **options):
        started = Child([str(word) for word in command], cls.dir / f'{Path(command[0]).name}.log',
                        **owner(user) if user else {}, **options)
        cls.addClassCleanup(started.stop)
        return started

    def call(self, tool, key, table, timeout=60, text=None):
        done = subprocess.run([str(tool), '-c', str(self.dir), '-q', key, table], input=text,
                              capture_output=True, text=True, timeout=timeout)
        return done.returncode, done.stdout, done.stderr

    def ours(self, key, table, **more):
        return self.call(self.dir / 'postmap', key, table, **more)

    def same(self, table, keys):
        """Both postmaps say the same for each key; what ours says."""
        answers = {}
        for key in keys:
            theirs = self.call('/usr/sbin/postmap', key, table)
            mine = self.ours(key, table)
            self.assertEqual(mine[:2], theirs[:2],
                             f'{table} {key!r}\nours: {mine}\nPostfix: {theirs}')
            answers[key] = mine[1].strip()
        return answers

    def same_at_once(self, table, keys):
        """The same with all keys in one call: the lines that both give."""
        lines = ''.join(key + '\n' for key in keys)
        theirs = self.call('/usr/sbin/postmap', '-', table, text=lines)
        mine = self.ours('-', table, text=lines)
        self.assertEqual(mine[:2], theirs[:2], f'{table}\nours: {mine}\nPostfix: {theirs}')
        return mine[1].splitlines()

    def config(self, name, text, mode=0o600):
        path = self.dir / name
        path.write_text(text)
        path.chmod(mode)
        return str(path)

    def setting(self, text):
        path = self.dir / 'main.cf'
        path.write_text(path.read_text() + text)

    def sql(self, kind, common):
        for name, text in SQL.items():
            table = f'{kind}:' + self.config(f'{kind}-{name}.cf', common + text)
            with self.subTest(table=table):
                if name in ('limit', 'wrong'):  # the first failure ends postmap
                    self.same(table, ['bob@example.org', 'nobody@example.org'])
                    continue
                answers = self.same_at_once(table, KEYS)
                if name == 'plain':
                    self.assertEqual(answers, PLAIN)

    def wrong_server(self, kind, common):
        table = f'{kind}:' + self.config(f'{kind}-none.cf', common + SQL['plain'])
        status, out, err = self.ours('alice@example.org', table)
        self.assertEqual((status, out), (1, ''))
        self.assertIn(table, err)
