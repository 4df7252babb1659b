"""TLS reports (RFC 8460): sessions with servers of all kinds, counted by domain, sent by mail and
by HTTPS; what arrives is looked at field by field."""
import email
import email.policy
import gzip
import json
import re
import shutil
import tempfile
import time
from pathlib import Path

from tests.lib import dns, pki, web
from tests.lib.case import TestCase, main
from tests.lib.postfix import Postfix
from tests.lib.sink import Sink
from tests.lib.waiting import wait_until

USER = 'user@example.test'
DOMAINS = ['good', 'testing', 'misfit', 'plain', 'silent']


class TlsReports(TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Path(tempfile.mkdtemp(prefix='facteur-pki-'))
        cls.folder.chmod(0o755)
        cls.addClassCleanup(shutil.rmtree, cls.folder, True)
        ca = pki.Authority(cls.folder)
        web_chain, web_key = ca.issue('web', 'reports.test',
                                      *[f'mta-sts.{d}.test' for d in DOMAINS])
        chain, key = ca.issue('server', *[f'mx.{d}.test' for d in DOMAINS])
        cls.web = cls.keep(web.Web(web_chain, web_key))
        cls.web.pages['/upload'] = (201, 'text/plain', 'thanks')
        for domain, mode, mx in (('good', 'enforce', 'mx.good.test'),
                                 ('testing', 'testing', 'other.testing.test'),
                                 ('misfit', 'enforce', 'other.misfit.test')):
            cls.web.pages[(f'mta-sts.{domain}.test', '/.well-known/mta-sts.txt')] = (
                200, 'text/plain', f'version: STSv1\r\nmode: {mode}\r\nmx: {mx}\r\n'
                                   'max_age: 86400\r\n')
        cls.postfix = cls.keep(Postfix(settings=(
            f'smtpd_tls_cert_file = {chain}\nsmtpd_tls_key_file = {key}\n'
            'virtual_mailbox_domains = ' + ' '.join(f'{d}.test' for d in DOMAINS) + '\n'
            'virtual_mailbox_maps = static:user/Maildir/\n')))
        cls.sink = cls.keep(Sink())
        records = {'reports.test': ['A 127.0.0.1']}
        rua = {'good': f'mailto:tls@reports.test,https://reports.test:{cls.web.port}/upload',
               'testing': 'mailto:a%2Bb@reports.test', 'misfit': 'mailto:tls@reports.test',
               'plain': 'mailto:tls@reports.test'}
        for d in DOMAINS:
            records[f'{d}.test'] = [f'MX 10 mx.{d}.test']
            records[f'mx.{d}.test'] = ['A 127.0.0.1']
            records[f'mta-sts.{d}.test'] = ['A 127.0.0.1']
            if d in ('good', 'testing', 'misfit'):
                records[f'_mta-sts.{d}.test'] = ['TXT v=STSv1; id=20260101;']
            if d in rua:
                records[f'_smtp._tls.{d}.test'] = [f'TXT v=TLSRPTv1; rua={rua[d]}']
        cls.names = cls.keep(dns.Answers(records))
        hops = ' '.join(f'{{ {d}.test = smtp:{d}.test:{port} }}' for d, port in
                        ((d, cls.sink.port if d == 'plain' else cls.postfix.port)
                         for d in DOMAINS))
        cls.i = cls.instance(dns=cls.names, settings=(
            f'transport_maps = inline:{{ {hops} {{ reports.test = smtp:[127.0.0.1]:'
            f'{cls.sink.port} }} }}\n'
            'smtp_tls_security_level = may\nsmtp_tls_mta_sts_enable = yes\n'
            f'smtp_tls_mta_sts_CAfile = {ca.file}\nsmtp_tls_mta_sts_port = {cls.web.port}\n'
            'smtp_tlsrpt_enable = yes\ntls_report_interval = 5s\ntls_report_delay = 0\n'
            'tls_report_retry_time = 1s\ntls_report_organization_name = Tim\n'
            'smtp_connection_cache_on_demand = no\ndns_cache_entries = 0\n'))

    def send(self, domain):
        self.i.send(USER, [f'someone@{domain}.test'],
                    f'From: {USER}\r\nSubject: x\r\n\r\nx\r\n', 'submission', USER)

    def report(self, domain, address):
        """(message, report, name of the file) of the first that has arrived."""
        def find():
            for one in self.sink.messages:
                if one.recipients != [address]:
                    continue
                message = email.message_from_bytes(one.content, policy=email.policy.default)
                if message['TLS-Report-Domain'] == f'{domain}.test':
                    return one, message
            return None
        one, message = wait_until(find, 40, f'the report for {domain}')
        attached = list(message.iter_parts())[1]
        self.assertEqual(attached.get_content_type(), 'application/tlsrpt+gzip')
        return one, message, json.loads(gzip.decompress(attached.get_content())), attached

    def check_times(self, report):
        times = report['date-range']
        begin, end = (time.strptime(times[name], '%Y-%m-%dT%H:%M:%SZ')
                      for name in ('start-datetime', 'end-datetime'))
        self.assertEqual(time.mktime(end) - time.mktime(begin), 4)  # the last second is in

    def test_a_domain_that_keeps_its_promise(self):
        self.send('good')
        self.i.wait_log(r'to=<someone@good\.test>.*status=sent')
        one, message, report, attached = self.report('good', 'tls@reports.test')
        self.assertEqual(one.sender, '')
        self.assertEqual(message.get_content_type(), 'multipart/report')
        self.assertEqual(message.get_param('report-type'), 'tlsrpt')
        self.assertEqual(message['From'], 'postmaster@example.test')
        self.assertEqual(message['To'], 'tls@reports.test')
        self.assertEqual(message['TLS-Required'], 'No')
        self.assertEqual(message['TLS-Report-Submitter'], 'mail.example.test')
        self.assertRegex(message['Subject'], r'^Report Domain: good\.test Submitter: '
                                             r'mail\.example\.test Report-ID: <\S+>$')
        self.assertRegex(attached.get_filename(),
                         r'^mail\.example\.test!good\.test!\d+!\d+!\w+\.json\.gz$')
        self.assertEqual(report['organization-name'], 'Tim')
        self.assertEqual(report['contact-info'], 'postmaster@example.test')
        self.assertTrue(report['report-id'])
        self.check_times(report)
        self.assertEqual(report['policies'], [{
            'policy': {'policy-type': 'sts', 'policy-domain': 'good.test',
                       'policy-string': ['version: STSv1', 'mode: enforce', 'mx: mx.good.test',
                                         'max_age: 86400'],
                       'mx-host': ['mx.good.test']},
            'summary': {'total-successful-session-count': 1, 'total-failure-session-count': 0}}])
        self.i.wait_log(r'TLS report for good\.test posted to https://reports\.test')
        kind, body = self.web.posted[('reports.test', '/upload')]
        self.assertEqual(kind, 'application/tlsrpt+gzip')
        self.assertEqual(json.loads(gzip.decompress(body))['policies'], report['policies'])

    def test_what_goes_wrong_is_told(self):
        for domain, words in (('testing', 'sent'), ('plain', 'sent'), ('misfit', 'deferred')):
            self.send(domain)
            self.i.wait_log(rf'to=<someone@{domain}\.test>.*status={words}')
        for domain, address, policy, failure in (
                ('testing', 'a+b@reports.test', 'sts', 'validation-failure'),
                ('plain', 'tls@reports.test', 'no-policy-found', 'starttls-not-supported'),
                ('misfit', 'tls@reports.test', 'sts', 'validation-failure')):
            *_, report, _ = self.report(domain, address)
            told = report['policies'][0]
            with self.subTest(domain):
                self.assertEqual(told['policy']['policy-type'], policy)
                self.assertEqual(told['policy']['policy-domain'], f'{domain}.test')
                self.assertEqual(told['summary'], {'total-successful-session-count': 0,
                                                   'total-failure-session-count': 1})
                detail = told['failure-details'][0]
                self.assertEqual(detail['result-type'], failure)
                self.assertEqual(detail['receiving-mx-hostname'], f'mx.{domain}.test')
                self.assertEqual(detail['receiving-ip'], '127.0.0.1')
                self.assertEqual(detail['failed-session-count'], 1)

    def test_who_does_not_ask_hears_nothing_and_counts_outlive_a_kill(self):
        self.i.add_settings('tls_report_delay = 3s\n')
        self.i.reload()
        self.send('silent')
        self.i.wait_log(r'to=<someone@silent\.test>.*status=sent')
        before = len(self.sink.messages)
        self.send('good')
        kept = self.i.dir / 'spool/policy/tlsrpt'
        path = wait_until(lambda: next(kept.glob('*-good.test'), None), 20, 'the counts on disk')
        self.assertFalse(list(kept.glob('*-silent.test')))
        self.assertEqual(json.loads(path.read_text())['domain'], 'good.test')
        self.i.kill('policyd')
        wait_until(lambda: any(re.search(rb'TLS-Report-Domain: good\.test', m.content)
                               for m in self.sink.messages[before:]), 40, 'the report')


if __name__ == '__main__':
    main()
