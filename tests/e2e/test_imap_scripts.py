"""The scripts of tests/imap against Facteur, and against Dovecot: where the two differ, the script
says so and why.

    IMAP_SCRIPTS='rfc7162 rfc4731' tests/run e2e imap_scripts      only these
"""
import os
import unittest

from tests.imap.player import Player
from tests.imap.script import scripts
from tests.lib import process
from tests.lib.case import TestCase
from tests.lib.dovecot import Dovecot

PASSWORD = 'secret'
WORDS = os.environ.get('IMAP_SCRIPTS', '').split()
SETTINGS = 'mail_max_userip_connections = 0\n'
DOVECOT = '''\
mailbox_idle_check_interval = 1s
mail_attribute_dict = file:%h/attributes
protocol imap {
  imap_metadata = yes
}
'''


def user_of(script):
    return script.name.replace('/', '-') + '@example.test'


class Scripts(TestCase):
    server = None

    def play_all(self, ports):
        played, failures = scripts(self.server, WORDS), []
        for script in played:
            failures += Player(script, ports, user_of(script), PASSWORD).play()
        exchanges = sum(script.exchanges() for script in played)
        print(f'{self.server}: {len(played)} scripts, {exchanges} exchanges')
        if failures:
            self.fail('\n' + '\n'.join(failures))


class Facteur(Scripts):
    server = 'facteur'

    def test_scripts(self):
        users = {user_of(s): PASSWORD for s in scripts('facteur', WORDS)}
        i = self.own_instance(settings=SETTINGS)
        lines = (i.dir / 'users').read_text().splitlines()
        model = next(line for line in lines if line.startswith('user@')).split(':')
        with open(i.dir / 'users', 'a') as file:
            for name in users:
                fields = [name, '{PLAIN}' + PASSWORD] + model[2:]
                file.write(':'.join(fields).replace('user@example.test', name) + '\n')
        self.play_all({'imap': i.port('imap'), 'imaps': i.port('imaps')})


@unittest.skipIf(process.missing('dovecot'), 'dovecot is not installed')
class AsDovecot(Scripts):
    server = 'dovecot'

    def test_scripts(self):
        peer = self.own(Dovecot({user_of(s): PASSWORD for s in scripts('dovecot', WORDS)},
                                settings=SETTINGS + DOVECOT))
        self.play_all({'imap': peer.imap_port, 'imaps': peer.imaps_port})


if __name__ == '__main__':
    unittest.main()
