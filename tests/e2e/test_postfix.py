"""A real Postfix on either side, with AUTH and STARTTLS between them."""
import os
import smtplib
import unittest

from tests.lib import dns, message, process
from tests.lib.case import TestCase
from tests.lib.dovecot import Dovecot
from tests.lib.postfix import Postfix
from tests.lib.waiting import wait_until

USER = 'user@example.test'


@unittest.skipIf(process.missing('postfix') or os.getuid() != 0, 'needs Postfix and root')
class AsMx(TestCase):
    """Facteur -> Postfix by MX, and back."""

    @classmethod
    def setUpClass(cls):
        cls.postfix = cls.keep(Postfix())
        cls.dns = cls.keep(dns.Answers({'postfix.test': ['MX 10 mx.postfix.test'],
                                        'mx.postfix.test': ['A 127.0.0.1']}))
        cls.i = cls.instance(dns=cls.dns, settings=(
            f'transport_maps = inline:{{ postfix.test=smtp:postfix.test:{cls.postfix.port} }}\n'))
        cls.postfix.command('postconf', '-e',
                            f'transport_maps = inline:{{ example.test='
                            f'smtp:[127.0.0.1]:{cls.i.port("smtp")} }}',
                            'smtp_tls_security_level = encrypt', 'smtp_tls_loglevel = 1')
        cls.postfix.command('postfix', 'reload')

    def test_facteur_to_postfix(self):
        self.i.send(USER, ['user@postfix.test'],
                    message.plain(USER, 'user@postfix.test', 'To Postfix', '.dot\n' * 5000),
                    'submission', USER)
        got = self.postfix.wait_messages()[0]
        self.assertIn(b'Subject: To Postfix', got)
        self.assertEqual(got.count(b'\n.dot'), 5000)
        self.assertIn(b'with ESMTPS', got)  # Postfix saw TLS
        self.i.wait_queue(0)

    def test_postfix_to_facteur(self):
        with smtplib.SMTP('127.0.0.1', self.postfix.port, timeout=20) as client:
            client.sendmail('user@postfix.test', [USER],
                            message.plain('user@postfix.test', USER, 'To Facteur', '.dot\n' * 5000))
        wait_until(lambda: any(b'Subject: To Facteur' in m for m in self.i.messages(USER)), 30,
                   'the message from Postfix')
        self.assertRegex(self.postfix.log(), r'TLS connection established to 127\.0\.0\.1')
        wait_until(lambda: not self.postfix.queue(), what='Postfix has nothing left')

    def test_postfix_hears_that_a_user_is_unknown(self):
        with smtplib.SMTP('127.0.0.1', self.postfix.port, timeout=20) as client:
            client.sendmail('user@postfix.test', ['nobody@example.test'],
                            message.plain('user@postfix.test', 'nobody@example.test'))
        wait_until(lambda: 'status=bounced' in self.postfix.log(), 30, 'a bounce in Postfix')
        self.assertRegex(self.postfix.log(), r'said: 550 5\.1\.1 <nobody@example\.test>')


@unittest.skipIf(process.missing('postfix', 'dovecot') or os.getuid() != 0,
                 'needs Postfix, Dovecot and root')
class AsRelayhost(TestCase):
    """A Postfix with Dovecot's SASL as Facteur's relayhost: AUTH inside STARTTLS."""

    def test_relay_with_login(self):
        dovecot = self.own(Dovecot({'facteur': 'relay-secret'}))
        postfix = self.own(Postfix(dovecot_sasl=dovecot.sasl_socket,
                                   settings='mynetworks = 192.0.2.0/24\n'))
        i = self.own_instance(settings=(
            f'relayhost = [127.0.0.1]:{postfix.submission}\n'
            'smtp_tls_security_level = encrypt\nsmtp_sasl_auth_enable = yes\n'
            'smtp_sasl_security_options = noanonymous\n'
            f'smtp_sasl_password_maps = inline:{{ '
            f'[127.0.0.1]:{postfix.submission}=facteur:relay-secret }}\n'))
        i.send(USER, ['user@postfix.test'], message.plain(USER, 'user@postfix.test', 'Relayed'),
               'submission', USER)
        self.assertIn(b'Subject: Relayed', postfix.wait_messages()[0])
        self.assertIn('sasl_username=facteur', postfix.log())

    def test_every_mechanism(self):
        """Each by its own transport, with a mechanism filter; the last one chooses by itself."""
        names = ['plain', 'login', 'cram-md5', 'scram-sha-1', 'scram-sha-256']
        dovecot = self.own(Dovecot({'facteur': 'relay-secret'}, settings=(
            f'auth_mechanisms = {" ".join(names)}\n')))
        postfix = self.own(Postfix(dovecot_sasl=dovecot.sasl_socket,
                                   settings='mynetworks = 192.0.2.0/24\n'))
        hop = f'[127.0.0.1]:{postfix.submission}'
        domains = {name: f'{name}.test' for name in [*names, 'best']}
        transports = ' '.join(f'{{ {domain}={name}:{hop} }}' for name, domain in domains.items())
        postfix.command('postconf', '-e', f'virtual_mailbox_domains = {",".join(domains.values())}',
                        'virtual_mailbox_maps = static:user/Maildir/')
        postfix.command('postfix', 'reload')
        services = ''.join(
            f'{name} unix - - - - 1 smtp-client\n' +
            (f'  -o smtp_sasl_mechanism_filter={name}\n' if name in names else '')
            for name in domains)
        i = self.own_instance(services=services, settings=(
            f'transport_maps = inline:{{ {transports} }}\n'
            'smtp_tls_security_level = encrypt\nsmtp_sasl_auth_enable = yes\n'
            'smtp_sasl_security_options = noanonymous\n'
            f'smtp_sasl_password_maps = inline:{{ {hop}=facteur:relay-secret }}\n'))
        for name, domain in domains.items():
            with self.subTest(name):
                i.send(USER, [f'user@{domain}'], message.plain(USER, f'user@{domain}', name),
                       'submission', USER)
                i.wait_log(rf'to=<user@{domain}>.*status=sent')
                method = 'SCRAM-SHA-256' if name == 'best' else name.upper()
                wait_until(lambda: f'sasl_method={method}, sasl_username=facteur' in postfix.log(),
                           what=f'a login with {method}')


@unittest.skipIf(process.missing('postfix') or os.getuid() != 0, 'needs Postfix and root')
class AsClient(TestCase):
    """Postfix sends through Facteur's submission service, and delivers to it over LMTP."""

    def test_postfix_over_lmtp(self):
        i = self.own_instance()
        postfix = self.own(Postfix(settings=(
            'relay_domains = example.test\n'
            f'relay_transport = lmtp:inet:127.0.0.1:{i.port("lmtp")}\n')))
        with smtplib.SMTP('127.0.0.1', postfix.port, timeout=20) as client:
            client.sendmail('user@postfix.test', [USER],
                            message.plain('user@postfix.test', USER, 'Over LMTP'))
        self.assertIn(b'Subject: Over LMTP', i.wait_messages(USER)[0])
        wait_until(lambda: not postfix.queue(), what='Postfix has nothing left')
