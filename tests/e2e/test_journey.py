"""One message all the way: in over SMTP, through the queue, into a mailbox or out, and read."""
import email
import email.message
import email.policy

from tests.lib import dns, message, sink
from tests.lib.case import TestCase
from tests.lib.waiting import wait_until

ANN, BOB = 'ann@example.test', 'bob@example.test'
USERS = {ANN: 'ann-secret', BOB: 'bob-secret'}


class Journey(TestCase):
    @classmethod
    def setUpClass(cls):
        cls.far = cls.keep(sink.Sink())
        cls.dns = cls.keep(dns.Answers({
            'far.test': ['MX 10 mx.far.test'], 'mx.far.test': ['A 127.0.0.1'],
            'null.test': ['MX 0 .']}))
        cls.i = cls.instance(users=USERS, dns=cls.dns,
                             settings=f'transport_maps = inline:{{ far.test=smtp:far.test:{cls.far.port} }}\n')

    def arrived(self, user, words):
        """The message with these words, once it is in the user's INBOX."""
        return wait_until(lambda: next((m for m in self.i.messages(user) if words in m), None), 30,
                          words)

    def test_in_through_and_read_over_imap_and_pop3(self):
        text = message.plain('far@far.test', ANN, 'A journey', 'Line one\n.dotted\n' * 3)
        self.i.send('far@far.test', [ANN], text)
        stored = self.arrived(ANN, b'Subject: A journey')
        self.assertIn(b'Delivered-To: ann@example.test', stored)
        self.assertIn(b'Return-Path: <far@far.test>', stored)
        body = b'Line one\r\n.dotted\r\n' * 3
        self.assertTrue(stored.replace(b'\r\n', b'\n').endswith(body.replace(b'\r\n', b'\n')))
        client = self.i.imap(ANN)
        client.select('INBOX')
        _, data = client.fetch('1', '(BODY.PEEK[] RFC822.SIZE)')
        over_imap = data[0][1]
        client.logout()
        self.assertTrue(over_imap.endswith(body))
        self.assertEqual(email.message_from_bytes(over_imap)['Subject'], 'A journey')
        pop = self.i.pop3(ANN)
        over_pop = b'\r\n'.join(pop.retr(1)[1]) + b'\r\n'
        pop.quit()
        self.assertEqual(over_pop, over_imap)

    def test_an_attachment_arrives_byte_for_byte(self):
        content = bytes(range(256)) * 4000
        mail = email.message.EmailMessage()
        mail['From'], mail['To'], mail['Subject'] = ANN, BOB, 'With a file'
        mail.set_content('See the file.\n')
        mail.add_attachment(content, 'application', 'octet-stream', filename='bytes.bin')
        self.i.send(ANN, [BOB], mail.as_bytes(), 'submission', ANN)
        stored = email.message_from_bytes(self.arrived(BOB, b'Subject: With a file'),
                                          policy=email.policy.default)
        attachment = next(stored.iter_attachments())
        self.assertEqual(attachment.get_content(), content)

    def test_out_to_the_mx_of_another_domain(self):
        self.i.send(ANN, ['a@far.test', 'b@far.test'], message.plain(ANN, 'a@far.test', 'Out'),
                    'submission', ANN)
        got = wait_until(lambda: next((m for m in self.far.messages if b'Subject: Out' in m.content),
                                      None), 30, 'the message at the MX')
        self.assertEqual(got.recipients, ['a@far.test', 'b@far.test'])
        self.i.wait_log(r'to=<a@far\.test>, relay=mx\.far\.test\[127\.0\.0\.1\]:\d+, '
                        r'delay=[\d.]+, delays=[\d./]+, dsn=2\.0\.0, status=sent \(250 ')

    def test_a_null_mx_comes_back_as_a_bounce(self):
        self.i.send(BOB, ['x@null.test'], message.plain(BOB, 'x@null.test', 'To nowhere'),
                    'submission', BOB)

        def bounce():
            return next((m for m in self.i.messages(BOB) if b'x@null.test' in m
                         and b'multipart/report' in m), None)
        report = email.message_from_bytes(wait_until(bounce, 30, 'the bounce'))
        self.assertEqual(report['Return-Path'], '<>')
        kinds = [part.get_content_type() for part in report.walk()]
        self.assertIn('message/delivery-status', kinds)
        status = next(p for p in report.walk() if p.get_content_type() == 'message/delivery-status')
        self.assertEqual(status.get_payload()[1]['Status'], '5.1.10')

    def test_a_deferral_is_retried_and_seen_in_the_queue(self):
        self.far.replies['RCPT TO:<later@'] = '451 4.2.0 later'
        self.addCleanup(self.far.replies.pop, 'RCPT TO:<later@', None)
        self.i.send(ANN, ['later@far.test'], message.plain(ANN, 'later@far.test', 'Later'),
                    'submission', ANN)
        self.i.wait_log(r'to=<later@far\.test>.*status=deferred \(.*451 4\.2\.0 later')
        self.i.wait_queue(1)
        self.assertIn('later@far.test', self.i.run('queue', 'list'))
        self.far.replies.pop('RCPT TO:<later@')
        self.i.run('queue', 'flush')
        wait_until(lambda: any('later@far.test' in m.recipients for m in self.far.messages), 30,
                   'the second attempt')
        self.i.wait_queue(0)

    def test_a_reload_loses_nothing(self):
        client = self.i.smtp()
        self.i.reload()
        client.sendmail('far@far.test', [BOB], message.plain('far@far.test', BOB, 'Over a reload'))
        client.quit()
        self.arrived(BOB, b'Subject: Over a reload')

