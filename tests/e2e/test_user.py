"""`facteur user`: what stands in the passwd-file afterwards."""
import json
import os
import stat
import subprocess
import unittest

from tests.lib import process
from tests.lib.case import TestCase
from tests.lib.instance import Instance


class User(TestCase):
    @classmethod
    def setUpClass(cls):
        cls.i = cls.keep(Instance())
        cls.users = cls.i.dir / 'users'

    def user(self, *arguments, password='', check=True):
        return self.i.run('user', *arguments, check=check, input=password)

    def test_add_passwd_delete_leave_the_rest_alone(self):
        with open(self.users, 'a') as file:
            file.write('# a comment\nold@example.test:{PLAIN}x:::::: nologin\n\n')
        before = self.users.read_text()
        mode = os.stat(self.users)
        self.user('add', 'New@Example.test', '--scheme', 'SHA512-CRYPT', password='secret\n')
        text = self.users.read_text()
        self.assertTrue(text.startswith(before))
        self.assertIn('\nnew@example.test:{SHA512-CRYPT}$6$', text)
        self.user('passwd', 'new@example.test', '--scheme', 'PLAIN', password='other\n')
        self.assertEqual(self.users.read_text(), before + 'new@example.test:{PLAIN}other\n')
        self.user('delete', 'new@example.test')
        self.assertEqual(self.users.read_text(), before)
        after = os.stat(self.users)
        self.assertEqual((mode.st_uid, mode.st_gid, stat.S_IMODE(mode.st_mode)),
                         (after.st_uid, after.st_gid, stat.S_IMODE(after.st_mode)))

    def test_what_cannot_be_is_refused(self):
        for arguments in [('add', 'user@example.test'), ('passwd', 'who@example.test'),
                          ('delete', 'who@example.test'), ('add', 'a:b'), ('add', '#a'),
                          ('add', 'x@example.test', '--scheme', 'ROT13')]:
            before = self.users.read_text()
            with self.assertRaises(AssertionError, msg=str(arguments)):
                self.user(*arguments, password='secret\n')
            self.assertEqual(self.users.read_text(), before)

    def test_list_as_json(self):
        listed = json.loads(self.user('list', '--json'))
        self.assertIn('user@example.test', [entry['user'] for entry in listed])
        self.assertNotIn('secret', json.dumps(listed))

    @unittest.skipIf(process.missing('doveadm'), 'Dovecot is not installed')
    def test_dovecot_verifies_what_we_made_and_we_what_it_made(self):
        for scheme in ('ARGON2ID', 'BLF-CRYPT', 'SHA512-CRYPT', 'SSHA256', 'PBKDF2', 'PLAIN'):
            name = f'{scheme.lower()}@example.test'
            self.user('add', name, '--scheme', scheme, password='a secret\n')
            stored = next(line.split(':')[1] for line in self.users.read_text().splitlines()
                          if line.startswith(name + ':'))
            done = subprocess.run(['doveadm', 'pw', '-t', stored, '-p', 'a secret'],
                                  capture_output=True, text=True, timeout=60)
            self.assertEqual(done.returncode, 0, done.stderr)
