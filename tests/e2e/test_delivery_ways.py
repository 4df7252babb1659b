"""Where mail of local and virtual users goes when tables and other transports say so: local(8) and
virtual(8) of Postfix."""
import shutil
import tempfile
import unittest
from pathlib import Path

from tests.lib import case, dns
from tests.lib.sink import Sink
from tests.lib.waiting import wait_until

TEXT = 'From: a@other.test\r\nSubject: {}\r\n\r\nText.\r\n'


class DeliveryWays(case.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.names = cls.keep(dns.Answers({'other.test': ['A 192.0.2.1', 'A 192.0.2.66'],
                                          'parked.test': ['A 192.0.2.66']}))
        cls.lmtp = cls.keep(Sink(lmtp=True))
        cls.smtp = cls.keep(Sink())
        cls.base = Path(tempfile.mkdtemp(prefix='facteur-ways-', dir='/tmp'))
        cls.base.chmod(0o777)
        cls.addClassCleanup(shutil.rmtree, cls.base, ignore_errors=True)
        (cls.base / 'records').write_text('/ IN A 192\\.0\\.2\\.66$/ IGNORE\n')
        cls.i = cls.instance(dns=cls.names, settings=f'''
mydestination = local.test
myorigin = local.test
local_recipient_maps =
alias_maps = inline:{{ {{ team = passed, unknown }}, {{ root = passed }} }}
mailbox_transport_maps = inline:{{ passed=lmtp:inet:127.0.0.1:{cls.lmtp.port} }}
fallback_transport_maps = inline:{{ gone=smtp:[127.0.0.1]:{cls.smtp.port} }}
luser_relay = $user.unknown@relay.test
transport_maps = inline:{{ relay.test=smtp:[127.0.0.1]:{cls.smtp.port} }}
always_bcc = copies@relay.test
virtual_mailbox_domains = tables.test
virtual_mailbox_maps = inline:{{ dir@tables.test=dir/, box@tables.test=box,
  bad@tables.test=../bad, low@tables.test=low/ }}
virtual_mailbox_base = {cls.base}
virtual_uid_maps = inline:{{ low@tables.test=7, @tables.test=5000 }}
virtual_gid_maps = static:5000
recipient_delimiter = +
disable_expn_command = no
smtpd_sender_restrictions = reject_unknown_sender_domain
smtpd_dns_reply_filter = regexp:{cls.base}/records
''')

    def send(self, to, subject, sender='a@other.test'):
        self.i.send(sender, [to], TEXT.format(subject))

    @staticmethod
    def with_subject(sink, subject):
        return [m for m in sink.messages if f'Subject: {subject}\r\n'.encode() in m.content]

    def wait_sink(self, sink, subject, to):
        wait_until(lambda: any(to in m.recipients for m in self.with_subject(sink, subject)), 20,
                   f'{subject} for {to}')
        return next(m for m in self.with_subject(sink, subject) if to in m.recipients)

    def test_mailbox_transport_takes_the_message_as_it_is(self):
        self.send('passed+x@local.test', 'mailbox transport')
        message = self.wait_sink(self.lmtp, 'mailbox transport', 'passed+x@local.test')
        self.assertEqual(message.sender, 'a@other.test')
        self.assertNotIn(b'Delivered-To:', message.content)
        self.i.wait_log(r'to=<passed\+x@local.test>, relay=local.*status=sent '
                        r'\(forwarded as \w+ by lmtp:')

    def test_unknown_users_have_a_way_or_a_relay(self):
        self.send('gone@local.test', 'fallback')
        self.wait_sink(self.smtp, 'fallback', 'gone@local.test')
        self.send('nobody+x@local.test', 'luser')
        message = self.wait_sink(self.smtp, 'luser', 'nobody.unknown@relay.test')
        self.assertIn(b'Delivered-To: nobody+x@local.test\r\n', message.content)

    def test_an_alias_has_members_of_all_kinds_and_one_copy(self):
        self.send('team@local.test', 'team')
        self.wait_sink(self.lmtp, 'team', 'passed@local.test')
        self.wait_sink(self.smtp, 'team', 'unknown.unknown@relay.test')
        self.wait_sink(self.smtp, 'team', 'copies@relay.test')
        self.i.wait_queue(0)
        copies = [m for m in self.with_subject(self.smtp, 'team')
                  if 'copies@relay.test' in m.recipients]
        self.assertEqual(len(copies), 1, 'mail that an alias sends on has no further copy')

    def test_expn_tells_the_members_of_an_alias(self):
        with self.i.smtp() as client:
            client.ehlo('client.test')
            self.assertTrue(client.has_extn('expn'))
            code, text = client.docmd('EXPN', '<team@local.test>')
            self.assertEqual((code, text), (250, b'2.1.5 <passed@local.test>\n'
                                                 b'2.1.5 <unknown@local.test>'))
            self.assertEqual(client.docmd('EXPN', 'passed@local.test')[0], 550)
            self.assertEqual(client.docmd('EXPN', 'x@far.test', )[0] // 100, 5)
            self.assertEqual(client.docmd('MAIL', 'FROM:<-x@far.test>'),
                             (501, b'5.1.7 Bad sender address syntax'))
            client.mail('a@other.test')
            self.assertEqual(client.docmd('RCPT', 'TO:<-x@local.test>'),
                             (501, b'5.1.3 Bad recipient address syntax'))

    def test_records_that_a_filter_ignores_are_not_there(self):
        with self.i.smtp() as client:
            client.ehlo('client.test')
            client.mail('a@parked.test')
            code, text = client.rcpt('passed@local.test')
            self.assertEqual(code, 450)
            self.assertIn(b'4.1.8', text)
            client.rset()
            client.mail('a@other.test')
            self.assertEqual(client.rcpt('passed@local.test')[0], 250)

    def test_mail_from_outside_without_sender_has_its_copy(self):
        self.send('passed@local.test', 'null sender', '')
        message = self.wait_sink(self.smtp, 'null sender', 'copies@relay.test')
        self.assertEqual(message.sender, '')

    def test_tables_say_where_virtual_mailboxes_are(self):
        self.send('dir+x@tables.test', 'maildir')
        self.send('box@tables.test', 'mbox')
        self.i.wait_log(r'to=<dir\+x@tables.test>, relay=virtual.*\(delivered to maildir\)')
        self.i.wait_log(r'to=<box@tables.test>, relay=virtual.*\(delivered to mailbox\)')
        found = list((self.base / 'dir/new').iterdir())
        self.assertEqual(len(found), 1)
        self.assertIn(b'Delivered-To: dir+x@tables.test\r\n', found[0].read_bytes())
        box = self.base / 'box'
        self.assertTrue(box.read_text().startswith('From a@other.test  '))
        self.send('bad@tables.test', 'outside')
        self.i.wait_log(r'to=<bad@tables.test>.*dsn=4\.3\.5, status=deferred')
        self.send('low@tables.test', 'low')
        self.i.wait_log(r'to=<low@tables.test>.*dsn=4\.3\.5, status=deferred .*bad uid 7')
        self.assertFalse((self.base.parent / 'bad').exists())


if __name__ == '__main__':
    case.main()
