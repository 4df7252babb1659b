"""REQUIRETLS (RFC 8689) from one Facteur through another: each hop proves itself, and what comes
back says no more than the header and goes no other way."""
import shutil
import smtplib
import tempfile
from pathlib import Path

from tests.lib import dns, pki
from tests.lib.case import TestCase, main
from tests.lib.instance import TRUSTING, Instance
from tests.lib.sink import Sink
from tests.lib.waiting import wait_until

TIM, ANN = 'tim@a.test', 'ann@b.test'
SECRET = 'the words that nobody else may read'


class RequireTls(TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Path(tempfile.mkdtemp(prefix='facteur-pki-'))
        cls.folder.chmod(0o755)
        cls.addClassCleanup(shutil.rmtree, cls.folder, True)
        ca = pki.Authority(cls.folder)
        records = {}
        for name in ('a', 'b'):
            records[f'{name}.test'] = [f'MX 10 mx.{name}.test']
            records[f'mx.{name}.test'] = ['A 127.0.0.1']
        cls.names = cls.keep(dns.Answers(records))
        cls.sink = cls.keep(Sink())
        cls.a = cls.keep(Instance(users={TIM: 'secret'}, domain='a.test', dns=cls.names))
        cls.b = cls.keep(Instance(users={ANN: 'secret'}, domain='b.test', dns=cls.names))
        clear = f'smtp:[127.0.0.1]:{cls.sink.port}'
        for own, other, name, routes in (
                (cls.a, cls.b, 'b', '{{ plain.test = {hop} }}'),
                (cls.b, cls.a, 'a', '{{ plain.test = {clear} }} {{ clear.test = {clear} }}')):
            hop = f'{name}.test:{other.port("smtp")}'
            chain, key = ca.issue(own.domain, f'mx.{own.domain}')
            own.add_settings(
                f'smtpd_tls_cert_file = {chain}\nsmtpd_tls_key_file = {key}\n'
                f'transport_maps = inline:{{ {{ {name}.test = smtp:{hop} }} '
                + routes.format(hop=f'smtp:{hop}', clear=clear) + ' }\n'
                f'smtp_tls_policy_maps = inline:{{ {{ {hop} = secure match=mx.{name}.test }} }}\n'
                f'smtp_tls_CAfile = {ca.file}\nsmtp_tls_security_level = may\n'
                'smtp_tls_loglevel = 1\ndns_cache_entries = 0\n')
        cls.a.start()
        cls.b.start()

    def send(self, recipient, subject, sender=TIM, header=''):
        with smtplib.SMTP('127.0.0.1', self.a.port('smtp'), timeout=30) as client:
            client.starttls(context=TRUSTING)
            client.sendmail(sender, [recipient],
                            f'{header}From: {sender}\r\nSubject: {subject}\r\n\r\n{SECRET}\r\n',
                            mail_options=['REQUIRETLS'])

    def mail(self, instance, user, words):
        return wait_until(lambda: next((m for m in instance.messages(user) if words in m), None),
                          what=words)

    def test_it_arrives_by_proved_servers(self):
        self.send(ANN, 'one')
        self.a.wait_log(rf'to=<{ANN}>.*relay=mx\.b\.test\[.*status=sent')
        self.a.wait_log(r'Verified TLS connection established to mx\.b\.test\[')
        self.assertIn(SECRET.encode(), self.mail(self.b, ANN, b'Subject: one'))

    def test_the_second_hop_returns_what_it_cannot_pass_on(self):
        self.send('someone@plain.test', 'two')
        self.a.wait_log(r'to=<someone@plain\.test>.*relay=mx\.b\.test\[.*status=sent')
        self.b.wait_log(r'to=<someone@plain\.test>.*dsn=5\.7\.30, status=bounced')
        self.b.wait_log(rf'to=<{TIM}>.*relay=mx\.a\.test\[.*status=sent')
        self.assertRegex(self.b.log(), r'Verified TLS connection established to mx\.a\.test\[')
        notice = self.mail(self.a, TIM, b'Subject: two')
        self.assertIn(b'Status: 5.7.30', notice)
        self.assertNotIn(SECRET.encode(), notice)
        self.assertFalse([m for m in self.sink.messages if b'Subject: two' in m.content])

    def test_a_notice_goes_no_less_safe_way(self):
        self.send('someone@plain.test', 'three', sender='eve@clear.test')
        self.b.wait_log(r'to=<someone@plain\.test>.*dsn=5\.7\.30, status=bounced')
        self.b.wait_log(r'to=<eve@clear\.test>.*dsn=5\.7\.30, status=bounced')
        self.assertFalse([m for m in self.sink.messages if 'eve@clear.test' in m.recipients])

    def test_the_header_field_says_nothing_beside_it(self):
        self.send('someone@plain.test', 'four', header='TLS-Required: No\r\n')
        self.b.wait_log(r'to=<someone@plain\.test>.*dsn=5\.7\.30, status=bounced')
        self.mail(self.a, TIM, b'Subject: four')


if __name__ == '__main__':
    main()
