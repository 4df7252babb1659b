"""All kinds of mail through Facteur to the servers that others run: what arrives is what was sent."""
import os
import smtplib
import unittest

from tests.lib import peers
from tests.lib.case import TestCase, main
from tests.lib.dovecot import Dovecot
from tests.lib.postfix import Postfix
from tests.lib.waiting import wait_until

SENDER = 'user@example.test'
MANY = 60
HEADER = (b'X-Number: %d\r\nFrom: <user@example.test>\r\nTo: <someone@elsewhere.test>\r\n'
          b'Subject: a test\r\nDate: Sun, 22 Nov 2026 12:00:00 +0000\r\nMessage-ID: <%d@client.test>\r\n')
BODIES = {
    'plain': b'\r\nHello,\r\nthis is a test.\r\n',
    'dots': b'\r\n.\r\n..\r\n.hidden\r\n...\r\nend.\r\n\r\n.\r\n',
    'no end of line': b'\r\nthe last line ends\r\n',
    'empty': b'\r\n',
    'header only': b'',
    '8-bit': 'MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n'
             'Content-Transfer-Encoding: 8bit\r\n\r\nGrüße aus Köln: 日本語\r\n'.encode(),
    'long lines': b'\r\n' + (b'x' * 990 + b'\r\n') * 50,
    'blanks': b'\r\nends in blanks  \t \r\n \r\n\t\r\n',
    'large': b'\r\n' + (b'0123456789abcdef' * 4 + b'\r\n') * 50000,
}


@unittest.skipIf(os.getuid() != 0, 'the peers switch users')
class Peers(TestCase):
    @classmethod
    def setUpClass(cls):
        cls.peers = {
            'postfix': cls.keep(Postfix('postfix.test', settings=(
                'virtual_mailbox_maps = static:user/Maildir/\n'
                'message_size_limit = 20000000\nvirtual_mailbox_limit = 0\n'))),
            'exim': cls.keep(peers.Exim()),
            'opensmtpd': cls.keep(peers.OpenSmtpd()),
            'cyrus': cls.keep(peers.CyrusLmtp()),
        }
        users = {f'{name}@dovecot.test': 'secret'
                 for name in ['user', *(f'r{i}' for i in range(MANY))]}
        cls.dovecot = cls.keep(Dovecot(users))
        cls.peers['dovecot'] = cls.dovecot
        hops = ''
        for name, peer in cls.peers.items():
            lmtp = name in ('cyrus', 'dovecot')
            port = peer.lmtp_port if name == 'dovecot' else peer.port
            hop = f'lmtp:inet:127.0.0.1:{port}' if lmtp else f'smtp:[127.0.0.1]:{port}'
            hops += f' {{ {name}.test = {hop} }}'
        cls.i = cls.instance(settings=f'transport_maps = inline:{{{hops} }}\n'
                                      'message_size_limit = 20000000\nsmtputf8_enable = yes\n')
        cls.sent = 0

    def stored(self, name):
        peer = self.peers[name]
        if name == 'dovecot':
            return [f.read_bytes() for f in (peer.dir / 'mail').glob('*/Maildir/new/*')]
        return peer.messages()

    def send(self, recipients, body, options=()):
        """Sends one; its content, and how it begins."""
        Peers.sent += 1
        content = HEADER % (Peers.sent, Peers.sent) + body
        with self.i.smtp('submission', SENDER) as client:
            client.ehlo()
            self.assertEqual(client.mail(SENDER, list(options))[0], 250)
            for recipient in recipients:
                self.assertEqual(client.rcpt(recipient)[0], 250, recipient)
            # Not smtplib's data(), which changes line ends and what is last.
            self.assertEqual(client.docmd('DATA')[0], 354)
            dotted = content.replace(b'\r\n.', b'\r\n..')
            client.send(dotted + b'.\r\n')
            self.assertEqual(client.getreply()[0], 250)
        return content, content[:content.index(b'\r\n')]

    def arrived(self, name, mark, count=1):
        """What arrived, from our first line on, with LF line ends."""
        def found():
            all_of_it = [c.replace(b'\r\n', b'\n') for c in self.stored(name)]
            ours = [c[c.index(mark):] for c in all_of_it if mark + b'\n' in c]
            return ours if len(ours) >= count else None
        return wait_until(found, 40, f'{mark} at {name}')

    def test_content_arrives_as_it_was_sent(self):
        # One message to all of them at once, for each kind.
        for kind, body in BODIES.items():
            content, mark = self.send([f'user@{name}.test' for name in self.peers], body)
            for name in self.peers:
                with self.subTest(kind=kind, peer=name):
                    expected = content.replace(b'\r\n', b'\n')
                    got = self.arrived(name, mark)
                    self.assertEqual(len(got), 1)
                    if kind in ('empty', 'header only'):  # for some it is the same
                        got[0], expected = got[0].rstrip(b'\n'), expected.rstrip(b'\n')
                    self.assertEqual(got[0], expected)

    def test_many_recipients_get_one_copy_each(self):
        for name in self.peers:
            with self.subTest(peer=name):
                _, mark = self.send([f'r{i}@{name}.test' for i in range(MANY)], BODIES['plain'])
                self.arrived(name, mark, MANY)
                self.i.wait_queue(0)
                self.assertEqual(len(self.arrived(name, mark, MANY)), MANY)

    def test_smtputf8_goes_where_it_is_understood(self):
        able = ('postfix', 'exim')
        for name in self.peers:
            with self.subTest(peer=name):
                Peers.sent += 1
                mark = b'X-Number: %d' % Peers.sent
                content = mark + ('\r\nSubject: Grüße\r\nFrom: <user@example.test>\r\n'
                                  'Date: Sun, 22 Nov 2026 12:00:00 +0000\r\n'
                                  f'Message-Id: <utf8-{name}@example.test>\r\n\r\n'
                                  'Köln\r\n').encode()
                with self.i.smtp('submission', SENDER) as client:
                    client.ehlo()
                    client.sendmail(SENDER, [f'user@{name}.test'], content,
                                    mail_options=['SMTPUTF8', 'BODY=8BITMIME'])
                if name in able:
                    self.assertEqual(self.arrived(name, mark), [content.replace(b'\r\n', b'\n')])
                else:
                    self.i.wait_log(rf'to=<user@{name}\.test>.*dsn=5\.6\.7, status=bounced')

    def test_success_is_told(self):
        for name in self.peers:
            with self.subTest(peer=name):
                Peers.sent += 1
                subject = f'told {Peers.sent}'
                with self.i.smtp('submission', SENDER) as client:
                    client.ehlo()
                    client.sendmail(SENDER, [f'user@{name}.test'],
                                    f'Subject: {subject}\r\n\r\nx\r\n',
                                    mail_options=[f'ENVID=e{Peers.sent}'],
                                    rcpt_options=['NOTIFY=SUCCESS'])
                # Who understands DSN tells it himself, to a sender whose host he cannot reach.
                if name in ('postfix', 'exim', 'opensmtpd'):
                    self.i.wait_log(rf'to=<user@{name}\.test>.*status=sent')
                    continue
                notice = wait_until(lambda: next((m for m in self.i.messages(SENDER)
                                                  if subject.encode() in m and
                                                  b'report-type=delivery-status' in m), None))
                self.assertIn(f'rfc822; user@{name}.test'.encode(), notice.replace(b';user', b'; user'))
                self.assertIn(b'Original-Envelope-Id: e%d' % Peers.sent, notice)

    def test_a_peer_that_stops_gets_its_mail_later(self):
        exim = self.own(peers.Exim())
        self.i.add_settings('minimal_backoff_time = 1s\nmaximal_backoff_time = 1s\n'
                            'transport_maps = ' + self.transport_maps() +
                            f' inline:{{ {{ late.test = smtp:[127.0.0.1]:{exim.port} }} }}\n')
        self.i.reload()
        exim.stop()
        _, mark = self.send(['user@late.test'], BODIES['plain'])
        self.i.wait_log(r'to=<user@late\.test>.*status=deferred \(connect to')
        exim.run()
        wait_until(lambda: any(mark in m for m in exim.messages()), 30, 'the mail that waited')

    def transport_maps(self):
        return self.i.run('conf', 'transport_maps').split('=', 1)[1].strip()


if __name__ == '__main__':
    main()
