"""Mail leaves for other hosts: real name servers, real and scripted servers on the other side."""
import os
import re
import unittest

from tests.lib import dns, ports, process
from tests.lib.case import TestCase, main
from tests.lib.postfix import Postfix
from tests.lib.sink import Sink
from tests.lib.waiting import wait_until

USER = 'user@example.test'
MESSAGE = 'From: user@example.test\r\nSubject: {0}\r\n\r\n.a line with a dot\r\n{0}\r\n'


class Relay(TestCase):
    """All domains below have their servers on one port: transport_maps keeps the MX lookup."""

    def send(self, recipient, subject='hello', **options):
        return self.i.send(USER, recipient, MESSAGE.format(subject), protocol='submission',
                           login=USER, **options)

    def bounced(self, recipient, status, words):
        """The log tells that the mail went back, and why."""
        self.i.wait_log(rf'(\S+): to=<{re.escape(recipient)}>.*dsn={re.escape(status)}, '
                        rf'status=bounced \(.*{re.escape(words)}')

    def notice(self, subject):
        """The notification about a message, as text."""
        def found():
            texts = [m.decode(errors='replace') for m in self.i.messages(USER)]
            return next((t for t in texts if f'Subject: {subject}' in t and 'report-type' in t),
                        None)
        return wait_until(found, 30, f'notice about {subject}')


@unittest.skipIf(process.missing('nsd'), 'nsd is not installed')
class NameService(Relay):
    @classmethod
    def setUpClass(cls):
        cls.port = ports.free_port()
        cls.sink = cls.keep(Sink(port=cls.port))
        zones = {
            'set.test': '@ MX 10 dead\n@ MX 20 live\ndead A 127.0.0.9\nlive A 127.0.0.1',
            'plain.test': '@ A 127.0.0.1',
            'null.test': '@ MX 0 .\n@ A 127.0.0.1',
            'alias.test': 'mail CNAME set.test.',
            'loop.test': '@ MX 10 mx.example.test.\n@ MX 20 backup\nbackup A 127.0.0.1',
            'six.test': '@ MX 10 six\n@ MX 20 four\nsix AAAA ::1\nfour A 127.0.0.1',
            'nohost.test': '@ MX 10 nowhere',
        }
        cls.nsd = cls.keep(dns.Nsd(zones))
        hops = ' '.join(f'{{ {name} = smtp:{name}:{cls.port} }}'
                        for name in [*zones, 'mail.alias.test'] if name != 'loop.test')
        cls.i = cls.instance(dns=cls.nsd, settings=(
            f'myhostname = mx.example.test\ntransport_maps = inline:{{ {hops} }}\n'))

    def test_a_dead_mx_is_passed_over(self):
        self.send('someone@set.test', 'set')
        self.i.wait_log(r'to=<someone@set\.test>, relay=live\.set\.test\[127\.0\.0\.1\]:\d+, '
                        r'(conn_use=\d+, )?delay=[\d.]+, delays=[\d./]+, dsn=2\.0\.0, '
                        r'status=sent \(250 2\.0\.0 Ok: taken as')
        self.assertRegex(self.i.log(), r'connect to dead\.set\.test\[127\.0\.0\.9\]:\d+: '
                                       r'Connection refused')

    def test_a_domain_without_mx_is_its_own(self):
        self.send('someone@plain.test', 'plain')
        self.i.wait_log(r'to=<someone@plain\.test>, relay=plain\.test\[127\.0\.0\.1\].*status=sent')

    def test_an_alias_leads_to_the_mx_of_its_target(self):
        self.send('someone@mail.alias.test', 'alias')
        self.i.wait_log(r'to=<someone@mail\.alias\.test>, relay=live\.set\.test.*status=sent')

    def test_ipv6_first_by_preference_then_ipv4(self):
        self.send('someone@six.test', 'six')
        self.i.wait_log(r'to=<someone@six\.test>, relay=four\.six\.test.*status=sent')
        self.assertRegex(self.i.log(), r'connect to six\.six\.test\[::1\]:\d+:')

    def test_a_null_mx_returns_the_mail(self):
        self.send('someone@null.test', 'null')
        self.bounced('someone@null.test', '5.1.10',
                     'Domain null.test does not accept mail (nullMX)')

    def test_a_domain_that_does_not_exist_returns_the_mail(self):
        self.send('someone@nowhere.set.test', 'nxdomain')
        self.bounced('someone@nowhere.set.test', '5.4.4', 'Host not found')

    def test_an_mx_without_address_returns_the_mail(self):
        self.send('someone@nohost.test', 'nohost')
        self.bounced('someone@nohost.test', '5.4.4', 'name=nowhere.nohost.test')

    def test_mail_that_would_loop_is_returned(self):
        self.send('someone@loop.test', 'loop')
        self.bounced('someone@loop.test', '5.4.6', 'mail for loop.test loops back to myself')

    def test_a_dead_delegation_keeps_the_mail(self):
        # nsd refuses what is below none of its zones.
        self.send('someone@dead.delegation', 'dead')
        self.i.wait_log(r'to=<someone@dead\.delegation>, relay=none.*dsn=4\.4\.3, '
                        r'status=deferred \(Host or domain name not found\. Name service error')


class Peers(Relay):
    @classmethod
    def setUpClass(cls):
        cls.sink = cls.keep(Sink(extensions=('PIPELINING', '8BITMIME', 'SIZE 1000000', 'DSN',
                                             'ENHANCEDSTATUSCODES', 'AUTH PLAIN LOGIN')))
        cls.lmtp = cls.keep(Sink(lmtp=True, replies={'RCPT TO:<full@': '452 4.2.2 full'}))
        hop = f'[127.0.0.1]:{cls.sink.port}'
        cls.i = cls.instance(settings=f"""relayhost = {hop}
smtp_sasl_auth_enable = yes
smtp_sasl_security_options = noanonymous
smtp_sasl_password_maps = inline:{{ {{ {hop} = me:pass }} }}
transport_maps = inline:{{ {{ lmtp.test = lmtp:inet:127.0.0.1:{cls.lmtp.port} }} }}
""")

    def test_a_relay_host_with_a_password(self):
        self.send('someone@else.test', 'relayed')
        self.i.wait_log(r'to=<someone@else\.test>, relay=127\.0\.0\.1\[127\.0\.0\.1\].*status=sent')
        self.assertIn('AUTH PLAIN AG1lAHBhc3M=', self.sink.commands)
        message = self.sink.messages[-1]
        self.assertEqual(message.sender, USER)
        self.assertIn(b'\r\n\r\n.a line with a dot\r\n', message.content)

    def test_what_the_server_says_is_told(self):
        self.sink.replies['RCPT TO:<nobody@'] = '550 5.1.1 <nobody@else.test>: no such user'
        self.send(['nobody@else.test', 'somebody@else.test'], 'partial')
        self.i.wait_log(r'to=<somebody@else\.test>.*status=sent')
        self.i.wait_log(r'to=<nobody@else\.test>.*dsn=5\.1\.1, status=bounced \(host '
                        r'127\.0\.0\.1\[127\.0\.0\.1\] said: 550 5\.1\.1 <nobody@else\.test>: no '
                        r'such user \(in reply to RCPT TO command\)\)')
        text = self.notice('partial')
        self.assertIn('Diagnostic-Code: smtp; 550 5.1.1 <nobody@else.test>: no such user', text)

    def test_one_connection_serves_many_messages(self):
        with self.i.smtp('submission', USER) as client:
            for number in range(20):
                client.sendmail(USER, f'many{number}@else.test', MESSAGE.format(number))
        wait_until(lambda: sum(m.recipients[0].startswith('many') for m in self.sink.messages) == 20,
                   what='20 messages')
        self.assertLess(self.sink.connections, 20)

    def test_reloads_neither_lose_nor_repeat(self):
        def count(number):
            return sum(m.recipients == [f'again{number}@else.test'] for m in self.sink.messages)
        for number in range(60):
            if number % 20 == 10:
                self.i.reload()
            self.send(f'again{number}@else.test', number)
        wait_until(lambda: all(count(number) for number in range(60)), 60, '60 messages')
        # What the test of LMTP left may be waiting there.
        wait_until(lambda: len(self.i.queue()) <= 1, 30, 'an empty queue')
        self.assertEqual([count(number) for number in range(60)], [1] * 60)

    def test_lmtp_answers_for_each_recipient(self):
        self.send(['one@lmtp.test', 'full@lmtp.test'], 'lmtp')
        self.i.wait_log(r'to=<one@lmtp\.test>.*status=sent')
        self.i.wait_log(r'to=<full@lmtp\.test>.*dsn=4\.2\.2, status=deferred')
        self.assertIn('LHLO', self.lmtp.commands[0])


@unittest.skipIf(process.missing('postfix') or os.getuid() != 0, 'needs Postfix and root')
class ToPostfix(Relay):
    @classmethod
    def setUpClass(cls):
        cls.postfix = cls.keep(Postfix())
        cls.i = cls.instance(settings=f"""relayhost = [127.0.0.1]:{cls.postfix.port}
smtp_tls_security_level = encrypt
smtp_tls_loglevel = 1
""")

    def test_a_real_postfix_takes_it_over_tls(self):
        self.send('user@postfix.test', 'to postfix')
        content = self.postfix.wait_messages()[-1]
        self.assertIn(b'.a line with a dot', content)
        self.assertRegex(self.i.log(), r'Untrusted TLS connection established to 127\.0\.0\.1'
                                       r'\[127\.0\.0\.1\]:\d+: TLSv1\.3 with cipher \S+ '
                                       r'\(256/256 bits\)')
        self.i.wait_log(r'status=sent \(250 2\.0\.0 Ok: .*queued as')
        self.assertRegex(self.postfix.log(), r'client=\S+\[127\.0\.0\.1\]')


if __name__ == '__main__':
    main()
