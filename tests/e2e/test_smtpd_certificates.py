"""TLS client certificates at smtpd: asked for, demanded, and what restrictions make of them."""
import hashlib
import re
import smtplib
import socket
import ssl
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from tests.lib.case import TestCase
from tests.lib.waiting import wait_until

SETTINGS = '''mynetworks = 192.0.2.0/24
compatibility_level = 3.6
smtpd_tls_security_level = may
smtpd_tls_ask_ccert = yes
smtpd_tls_CAfile = {ca}
smtpd_tls_received_header = yes
smtpd_tls_loglevel = 1
smtpd_error_sleep_time = 0
relay_clientcerts = texthash:$config_directory/certs
smtpd_relay_restrictions = permit_tls_clientcerts, reject_unauth_destination
smtpd_sender_restrictions = check_ccert_access texthash:$config_directory/ccerts
'''


class Authority:
    """A CA, and certificates that it signs."""

    def __init__(self):
        self.dir = Path(tempfile.mkdtemp(prefix='facteur-ca-'))
        self.dir.chmod(0o755)
        self.ca = self.make('ca', signed=False)[0]

    def make(self, name, signed=True):
        """(certificate file, key file)"""
        certificate, key = self.dir / f'{name}.pem', self.dir / f'{name}.key'
        command = ['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt',
                   'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', f'/CN={name}',
                   '-keyout', key, '-out', certificate]
        if signed:
            command += ['-CA', self.dir / 'ca.pem', '-CAkey', self.dir / 'ca.key']
        subprocess.run(command, check=True, capture_output=True, timeout=30)
        return certificate, key

    def stop(self):
        pass

    def remove(self):
        shutil.rmtree(self.dir, ignore_errors=True)


def digest(certificate):
    der = ssl.PEM_cert_to_DER_cert(certificate.read_text())
    text = hashlib.sha256(der).hexdigest().upper()
    return ':'.join(text[i:i + 2] for i in range(0, len(text), 2))


def key_digest(certificate):
    """Of the public key, as postconf(5) tells how to make it."""
    done = subprocess.run(f'openssl x509 -in {certificate} -noout -pubkey | '
                          'openssl pkey -pubin -outform DER | openssl dgst -sha256 -c',
                          shell=True, check=True, capture_output=True, text=True, timeout=30)
    return done.stdout.split()[-1].upper()


class Certificates(TestCase):
    @classmethod
    def setUpClass(cls):
        cls.authority = cls.keep(Authority())
        cls.good, cls.other, cls.bad = (cls.authority.make(n) for n in ('good', 'other', 'bad'))
        cls.stranger = cls.authority.make('stranger', signed=False)
        cls.i = cls.instance(users={'anna@example.test': 'secret'},
                             settings=SETTINGS.format(ca=cls.authority.ca))
        (cls.i.dir / 'certs').write_text(f'{digest(cls.good[0])} good\n'
                                         f'{key_digest(cls.other[0])} other\n')
        (cls.i.dir / 'ccerts').write_text(f'{digest(cls.bad[0])} REJECT stolen\n')

    def smtp(self, pair=None, port='smtp'):
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        if pair:
            context.load_cert_chain(*pair)
        smtp = smtplib.SMTP('127.0.0.1', self.i.port(port), 'client.example', timeout=20)
        self.addCleanup(smtp.close)
        smtp.starttls(context=context)
        return smtp

    def relays(self, pair):
        smtp = self.smtp(pair)
        smtp.ehlo()
        smtp.mail('a@else.example')
        return smtp.rcpt('b@far.example')

    def test_a_fingerprint_permits_to_relay(self):
        self.assertEqual(self.relays(self.good)[0], 250)
        self.assertEqual(self.relays(self.other)[0], 250)
        self.assertIn(b'Relay access denied', self.relays(self.stranger)[1])
        self.assertIn(b'Relay access denied', self.relays(None)[1])

    def test_a_table_refuses_a_certificate(self):
        self.assertIn(b'stolen', self.relays(self.bad)[1])

    def test_received_and_log_tell_of_it(self):
        message = 'Subject: {}\r\n\r\nhello\r\n'
        for name, pair in (('good', self.good), ('stranger', self.stranger), ('none', None)):
            smtp = self.smtp(pair)
            smtp.sendmail('a@else.example', ['anna@example.test'], message.format(name))
        texts = {}
        for each in self.i.wait_messages('anna@example.test', 3):
            text = each.decode() if isinstance(each, bytes) else each.as_string()
            texts[text.split('Subject: ')[1].split()[0]] = text
        self.assertIn('(Client CN "good", Issuer "ca" (verified OK))', texts['good'])
        self.assertIn('(Client CN "stranger", Issuer "stranger" (not verified))',
                      texts['stranger'])
        self.assertIn('(Client did not present a certificate)', texts['none'])
        self.i.wait_log('Trusted TLS connection established from')

    def test_all_trusted_certificates(self):
        i = self.own_instance(settings=SETTINGS.format(ca=self.authority.ca).replace(
            'permit_tls_clientcerts', 'permit_tls_all_clientcerts').replace(
                'smtpd_tls_security_level = may', 'smtpd_tls_security_level = encrypt') +
            'smtpd_tls_req_ccert = yes\n')
        for name in ('certs', 'ccerts'):
            (i.dir / name).write_text('')
        shared, self.i = self.i, i
        try:
            self.assertEqual(self.relays(self.good)[0], 250)
            for pair, why in ((None, b'No client certificate presented'),
                              (self.stranger, b'Client certificate not trusted')):
                code, text = self.smtp(pair).docmd('EHLO a.example')
                self.assertEqual(code, 421)
                self.assertIn(why, text)
        finally:
            self.i = shared

    def test_a_new_certificate_serves_without_a_reload(self):
        i = self.own_instance(settings='tls_certificate_check_interval = 1s\n'
                                       'smtpd_tls_security_level = may\n')
        old = self.common_name(i)
        certificate, key = self.authority.make('renewed')
        main = (i.dir / 'main.cf').read_text()
        for words, text in (('chain_files|cert_file', key.read_text() + certificate.read_text()),
                            ('key_file', key.read_text())):
            found = re.search(rf'^smtpd_tls_(?:{words}) *= *(\S+)', main, re.M)
            if found:
                path = Path(found[1].replace('$config_directory', str(i.dir)))
                path.write_text(text)
        i.wait_log('TLS certificates have changed on disk')
        wait_until(lambda: self.common_name(i) not in (old, None), what='the new one serves')

    def common_name(self, i):
        """A digest of what smtps presents; None while it does not."""
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        try:
            with socket.create_connection(('127.0.0.1', i.port('submissions')), timeout=10) as s:
                with context.wrap_socket(s) as tls:
                    return hashlib.sha256(tls.getpeercert(binary_form=True)).hexdigest()
        except OSError:
            return None


if __name__ == '__main__':
    unittest.main()
