"""SRS: mail that an alias or a ~/.forward sends to another host has a sender of ours, of which
bounces find the way back."""
import base64
import hashlib
import hmac
import os
import time

from tests.lib import case
from tests.lib.sink import Sink
from tests.lib.waiting import wait_until

TEXT = 'From: a@origin.test\r\nSubject: {}\r\n\r\nText.\r\n'
SECRETS = ('new secret', 'old secret')
BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'


def srs(secret, user, domain, when=None):
    """As libsrs2 makes it."""
    day = int((time.time() if when is None else when) // 86400) % 1024
    stamp = BASE32[day // 32] + BASE32[day % 32]
    digest = hmac.new(secret.encode(), (stamp + domain + user).lower().encode(), hashlib.sha1)
    return f'SRS0={base64.b64encode(digest.digest()).decode()[:4]}={stamp}={domain}={user}@fwd.test'


class Srs(case.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.sink = cls.keep(Sink())
        cls.i = cls.instance(settings=f'''
mydestination = local.test
local_recipient_maps =
alias_maps = inline:{{ out=x@remote.test }}
virtual_alias_maps = inline:{{ away@example.test=x@remote.test,
  {{ both@example.test = user@example.test, x@remote.test }} }}
transport_maps = inline:{{ remote.test=smtp:[127.0.0.1]:{cls.sink.port},
  origin.test=smtp:[127.0.0.1]:{cls.sink.port}, first.test=smtp:[127.0.0.1]:{cls.sink.port} }}
srs_domain = fwd.test
srs_exclude_domains = .partner.test
''', users={'user@example.test': 'secret', 'fwd@local.test': 'secret'})
        secrets = cls.i.dir / 'srs.secrets'
        secrets.write_text('# the first one signs\n' + '\n'.join(SECRETS) + '\n')
        secrets.chmod(0o644)
        cls.i.reload()

    def forwarded(self, to, subject, sender='a@origin.test'):
        """The sender that the other host sees."""
        self.i.send(sender, [to], TEXT.format(subject))

        def there():
            return next((m for m in self.sink.messages
                         if f'Subject: {subject}\r\n'.encode() in m.content), None)
        return wait_until(there, 20, f'{subject} at the other host').sender

    def refused(self, address):
        with self.i.smtp() as client:
            client.ehlo()
            client.mail('')
            return client.rcpt(address)

    def test_an_alias_forwards_and_the_bounce_comes_back(self):
        sender = self.forwarded('away@example.test', 'virtual alias')
        self.assertEqual(sender, srs(SECRETS[0], 'a', 'origin.test'))
        self.i.send('', [sender], TEXT.format('a bounce'))
        bounce = wait_until(lambda: next((m for m in self.sink.messages
                                          if b'Subject: a bounce\r\n' in m.content), None),
                            20, 'the bounce')
        self.assertEqual((bounce.sender, bounce.recipients), ('', ['a@origin.test']))

    def test_local_aliases_and_forward_files(self):
        self.assertTrue(self.forwarded('out@local.test', 'local alias').startswith('SRS0='))
        home = self.i.maildir('fwd@local.test').parent
        home.mkdir(parents=True, exist_ok=True)
        (home / '.forward').write_text('x@remote.test\n')
        os.chmod(home / '.forward', 0o644)
        self.assertEqual(self.forwarded('fwd@local.test', 'forward file'),
                         srs(SECRETS[0], 'a', 'origin.test'))

    def test_only_what_needs_it(self):
        self.assertEqual(self.forwarded('away@example.test', 'ours', 'user@example.test'),
                         'user@example.test')
        self.assertEqual(self.forwarded('away@example.test', 'partner', 'b@in.partner.test'),
                         'b@in.partner.test')
        self.assertEqual(self.forwarded('away@example.test', 'nobody', ''), '')
        self.assertEqual(self.forwarded('x@remote.test', 'relayed'), 'a@origin.test')
        self.assertTrue(self.forwarded('both@example.test', 'both').startswith('SRS0='))
        text = self.i.wait_messages('user@example.test')
        self.assertTrue(any(b'Return-Path: <a@origin.test>' in m and b'Subject: both' in m
                            for m in text))

    def test_what_was_sent_on_before_goes_back_to_whom_sent_it_first(self):
        first = 'SRS0=abcd=AA=origin.test=a@first.test'
        sender = self.forwarded('away@example.test', 'twice', first)
        self.assertRegex(sender, r'^SRS1=....=first\.test==abcd=AA=origin\.test=a@fwd\.test$')
        self.i.send('', [sender], TEXT.format('second bounce'))
        wait_until(lambda: any(m.recipients == [first] for m in self.sink.messages), 20,
                   'the bounce at the first host')

    def test_forged_and_old_addresses_are_refused(self):
        for secret in SECRETS:
            self.assertEqual(self.refused(srs(secret, 'a', 'origin.test'))[0], 250)
        code, text = self.refused(srs('guessed', 'a', 'origin.test'))
        self.assertEqual(code, 550)
        self.assertIn(b'5.7.1', text)
        self.assertIn(b'not made here', text)
        code, text = self.refused(srs(SECRETS[0], 'a', 'origin.test', time.time() - 30 * 86400))
        self.assertEqual(code, 550)
        self.assertIn(b'too old', text)
        self.assertRegex(self.refused('SRS0=x@fwd.test')[1].decode(), r'5\.7\.1')


if __name__ == '__main__':
    case.main()
