"""DANE (RFC 7672): signed zones, a validating resolver, servers with right and wrong records."""
import json
import re
import shutil
import tempfile
from pathlib import Path

from tests.lib import dnssec, pki
from tests.lib.case import TestCase, main
from tests.lib.postfix import Postfix

USER = 'user@example.test'
MESSAGE = 'From: user@example.test\r\nSubject: {0}\r\n\r\n{0}\r\n'
WRONG = '3 1 1 ' + '00' * 32


class Dane(TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Path(tempfile.mkdtemp(prefix='facteur-pki-'))
        cls.folder.chmod(0o755)
        cls.addClassCleanup(shutil.rmtree, cls.folder, True)
        ca = pki.Authority(cls.folder)
        chain, key = ca.issue('server', 'mx.ta.test')
        good = pki.tlsa(chain)
        anchor = pki.tlsa(ca.file, 2, 0, 1)
        domains = ['right', 'both', 'ta', 'tawrong', 'wrong', 'none', 'pkix', 'bogus', 'plain',
                   'alias', 'insecuremx', 'nomx']
        cls.postfix = cls.keep(Postfix(settings=(
            f'smtpd_tls_cert_file = {chain}\nsmtpd_tls_key_file = {key}\n'
            'virtual_mailbox_domains = ' + ' '.join(f'{d}.test' for d in domains) + '\n'
            'virtual_mailbox_maps = static:user/Maildir/\n')))
        port = cls.postfix.port
        host = '@ MX 10 mx\nmx A 127.0.0.1\n'

        def record(data, name='mx'):
            return f'_{port}._tcp.{name} TLSA {data}\n'

        signed = {
            'right.test': host + record(good),
            # RFC 7671 section 9: the stronger digest counts, the weaker one is passed over.
            'both.test': host + record(WRONG) + record(pki.tlsa(chain, 3, 1, 2)),
            'ta.test': host + record(anchor),
            'tawrong.test': host + record(anchor),
            'wrong.test': host + record(WRONG),
            'none.test': host,
            'pkix.test': host + record('1 1 1 ' + good.split()[3]),
            'alias.test': '@ MX 10 mx\nmx CNAME mx.right.test.\n',
            'nomx.test': '@ A 127.0.0.1\n' + record(good, '@').replace('.@', ''),
        }
        unsigned = {'plain.test': host + record(good),
                    'insecuremx.test': '@ MX 10 mx.right.test.\n'}
        expired = {'bogus.test': host + record(good)}
        cls.names = cls.keep(dnssec.SignedNames(signed, unsigned, expired))
        hops = ' '.join(f'{{ {d}.test = smtp:{d}.test:{port} }}' for d in domains)
        cls.settings = (f'transport_maps = inline:{{ {hops} }}\nsmtp_tls_loglevel = 1\n'
                        'smtp_dns_support_level = dnssec\nsmtp_connection_cache_on_demand = no\n'
                        'dns_timeout = 2s\n')
        cls.i = cls.instance(dns=cls.names, settings=cls.settings +
                             'smtp_tls_security_level = dane\n')

    def send(self, domain, instance=None):
        (instance or self.i).send(USER, f'someone@{domain}.test', MESSAGE.format(domain),
                                  protocol='submission', login=USER)

    def sent(self, domain, trust, instance=None):
        i = instance or self.i
        self.send(domain, i)
        i.wait_log(rf'to=<someone@{domain}\.test>.*status=sent')
        # Other daemons may say something in between.
        self.assertRegex(i.log(), rf'{trust} TLS connection established to \S*\[127\.0\.0\.1\]:'
                                  rf'\d+: [^\n]*\n(?:[^\n]*\n){{0,3}}?'
                                  rf'[^\n]*to=<someone@{domain}\.test>')

    def deferred(self, domain, words, status='4.7.5', instance=None):
        i = instance or self.i
        self.send(domain, i)
        i.wait_log(rf'to=<someone@{domain}\.test>.*dsn={re.escape(status)}, '
                   rf'status=deferred \({words}')

    def test_a_record_that_matches(self):
        self.sent('right', 'Verified')

    def test_the_strongest_digest_counts(self):
        self.sent('both', 'Verified')

    def test_an_authority_of_the_domain(self):
        self.sent('ta', 'Verified')

    def test_an_authority_with_a_certificate_for_another_name(self):
        self.deferred('tawrong', 'Server certificate not verified')

    def test_a_record_that_does_not_match(self):
        self.deferred('wrong', 'Server certificate not trusted')

    def test_no_record(self):
        self.sent('none', 'Untrusted')

    def test_records_of_no_use_ask_for_encryption(self):
        self.sent('pkix', 'Untrusted')

    def test_expired_signatures(self):
        self.deferred('bogus', 'Host or domain name not found', '4.4.3')

    def test_an_unsigned_zone(self):
        self.sent('plain', 'Untrusted')

    def test_a_host_that_is_an_alias(self):
        self.sent('alias', 'Verified')

    def test_a_domain_without_mx(self):
        self.sent('nomx', 'Verified')

    def test_an_unsigned_mx_record_proves_no_more_than_trusted(self):
        self.sent('insecuremx', 'Trusted')

    def test_dane_only(self):
        only = self.own_instance(dns=self.names, settings=self.settings +
                                 'smtp_tls_security_level = dane-only\n')
        self.sent('right', 'Verified', only)
        self.deferred('none', 'no TLSA records found', instance=only)
        self.deferred('pkix', 'TLSA records unusable', instance=only)
        self.deferred('insecuremx', 'non DNSSEC destination', instance=only)

    def test_probe_tells_what_would_be_used(self):
        told = json.loads(self.i.run('probe', '--json', f'right.test:{self.postfix.port}'))
        server = told['servers'][0]
        self.assertEqual('dane', told['configured_level'])
        self.assertEqual('usable', server['dane']['result'])
        self.assertEqual('Verified', server['tls']['trust'])
        self.assertEqual('ready for mail', server['result'])
        text = self.i.run('probe', f'wrong.test:{self.postfix.port}', check=False)
        self.assertIn('result: Server certificate not trusted', text)
        self.assertNotIn('DATA', self.postfix.log())


if __name__ == '__main__':
    main()
