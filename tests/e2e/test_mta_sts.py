"""MTA-STS (RFC 8461) and REQUIRETLS (RFC 8689): policies over HTTPS, a real Postfix behind them."""
import re
import shutil
import smtplib
import tempfile
from pathlib import Path

from tests.lib import dns, pki, web
from tests.lib.case import TestCase, main
from tests.lib.instance import TRUSTING
from tests.lib.postfix import Postfix
from tests.lib.waiting import wait_until

USER = 'user@example.test'
MESSAGE = 'From: user@example.test\r\nSubject: {0}\r\n\r\n{0}\r\n'
DOMAINS = ['good', 'misfit', 'testing', 'badcert', 'redirect', 'nothing', 'wrongtype', 'untrusted']


def policy(mode, mx, age=86400):
    return (200, 'text/plain', f'version: STSv1\r\nmode: {mode}\r\nmx: {mx}\r\nmax_age: {age}\r\n')


class MtaSts(TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Path(tempfile.mkdtemp(prefix='facteur-pki-'))
        cls.folder.chmod(0o755)
        cls.addClassCleanup(shutil.rmtree, cls.folder, True)
        ca = pki.Authority(cls.folder)
        web_chain, web_key = ca.issue('web', *[f'mta-sts.{d}.test' for d in DOMAINS
                                               if d != 'badcert'])
        chain, key = ca.issue('server', *[f'mx.{d}.test' for d in DOMAINS if d != 'untrusted'])
        cls.web = cls.keep(web.Web(web_chain, web_key))
        path = '/.well-known/mta-sts.txt'
        pages = {d: policy('enforce', f'mx.{d}.test') for d in DOMAINS}
        pages['misfit'] = policy('enforce', 'other.misfit.test')
        pages['testing'] = policy('testing', 'other.testing.test')
        pages['redirect'] = (302, 'text/plain', f'https://mta-sts.good.test:{cls.web.port}{path}')
        pages['wrongtype'] = (200, 'text/html', pages['wrongtype'][2])
        pages.pop('nothing')
        for domain, page in pages.items():
            cls.web.pages[(f'mta-sts.{domain}.test', path)] = page
        cls.postfix = cls.keep(Postfix(settings=(
            f'smtpd_tls_cert_file = {chain}\nsmtpd_tls_key_file = {key}\n'
            'virtual_mailbox_domains = ' + ' '.join(f'{d}.test' for d in DOMAINS) + '\n'
            'virtual_mailbox_maps = static:user/Maildir/\n')))
        records = {}
        for d in DOMAINS:
            records[f'{d}.test'] = [f'MX 10 mx.{d}.test']
            records[f'mx.{d}.test'] = ['A 127.0.0.1']
            records[f'mta-sts.{d}.test'] = ['A 127.0.0.1']
            records[f'_mta-sts.{d}.test'] = ['TXT v=STSv1; id=20260101;']
        cls.names = cls.keep(dns.Answers(records))
        hops = ' '.join(f'{{ {d}.test = smtp:{d}.test:{cls.postfix.port} }}' for d in DOMAINS)
        cls.i = cls.instance(dns=cls.names, settings=(
            f'transport_maps = inline:{{ {hops} }}\nsmtp_tls_loglevel = 1\n'
            'smtp_tls_security_level = may\nsmtp_tls_mta_sts_enable = yes\n'
            f'smtp_tls_mta_sts_CAfile = {ca.file}\nsmtp_tls_mta_sts_port = {cls.web.port}\n'
            'smtp_connection_cache_on_demand = no\ndns_cache_entries = 0\n'))

    def send(self, domain, options=(), header=''):
        with smtplib.SMTP('127.0.0.1', self.i.port('submission'), timeout=30) as client:
            client.starttls(context=TRUSTING)
            client.login(USER, self.i.users[USER])
            client.sendmail(USER, [f'someone@{domain}.test'], header + MESSAGE.format(domain),
                            mail_options=list(options))

    def sent(self, domain, trust):
        self.send(domain)
        self.i.wait_log(rf'to=<someone@{domain}\.test>.*status=sent')
        self.assertRegex(self.i.log(), rf'{trust} TLS connection established to '
                                       rf'mx\.{domain}\.test\[127\.0\.0\.1\]:\d+: TLSv1\.')

    def deferred(self, domain, words):
        self.send(domain)
        self.i.wait_log(rf'to=<someone@{domain}\.test>.*dsn=4\.7\.5, status=deferred \({words}')

    def test_an_enforced_policy_that_is_met(self):
        self.sent('good', 'Verified')

    def test_a_host_that_the_policy_does_not_name(self):
        self.deferred('misfit', r'MX host mx\.misfit\.test is not in the MTA-STS policy')

    def test_a_certificate_for_another_name(self):
        self.deferred('untrusted', 'Server certificate not verified')

    def test_testing_only_looks(self):
        self.send('testing')
        self.i.wait_log(r'to=<someone@testing\.test>.*status=sent')

    def test_without_a_policy_mail_goes_as_before(self):
        for domain, failure in (('badcert', 'sts-webpki-invalid'),
                                ('redirect', 'sts-policy-fetch-error'),
                                ('wrongtype', 'sts-policy-fetch-error'),
                                ('nothing', 'sts-policy-fetch-error')):
            self.send(domain)
            self.i.wait_log(rf'to=<someone@{domain}\.test>.*status=sent')
            self.assertRegex(self.i.log(), rf'MTA-STS policy of {domain}\.test: {failure}')

    def test_a_known_policy_outlives_a_restart_and_its_server(self):
        self.sent('good', 'Verified')
        path = self.i.dir / 'spool/policy/sts/good.test'
        wait_until(path.exists, what='the policy is kept')
        asked = len([a for a in self.web.asked if a[0] == 'mta-sts.good.test'])
        self.i.stop()
        self.i.start()
        before = len(self.i.log())
        self.send('good')
        wait_until(lambda: re.search(r'Verified TLS connection established to mx\.good\.test',
                                     self.i.log()[before:]), what='a verified connection')
        self.assertEqual(asked, len([a for a in self.web.asked if a[0] == 'mta-sts.good.test']))

    def test_requiretls_is_offered_inside_tls_only(self):
        with smtplib.SMTP('127.0.0.1', self.i.port('smtp'), timeout=30) as client:
            client.ehlo()
            self.assertFalse(client.has_extn('requiretls'))
            self.assertEqual(530, client.docmd('MAIL FROM:<a@b.test> REQUIRETLS')[0])
            client.starttls(context=TRUSTING)
            client.ehlo()
            self.assertTrue(client.has_extn('requiretls'))

    def test_requiretls_returns_what_the_next_hop_cannot_promise(self):
        self.send('good', ['REQUIRETLS'])
        self.i.wait_log(r'to=<someone@good\.test>.*dsn=5\.7\.30, status=bounced \(REQUIRETLS')

    def test_tls_not_required_passes_a_broken_policy(self):
        self.send('misfit', header='TLS-Required: No\r\n')
        self.i.wait_log(r'to=<someone@misfit\.test>.*status=sent')


if __name__ == '__main__':
    main()
