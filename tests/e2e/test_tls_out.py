"""TLS on the way out: levels, policies, fingerprints, anchors, client certificates, resumption."""
import shutil
import tempfile
from pathlib import Path

from tests.lib import dns, pki
from tests.lib.case import TestCase, main
from tests.lib.postfix import Postfix

USER = 'user@example.test'
MESSAGE = 'From: user@example.test\r\nSubject: {0}\r\n\r\n{0}\r\n'


class ToPostfix(TestCase):
    """Every case is a domain whose mail goes to the same Postfix under another policy."""

    @classmethod
    def setUpClass(cls):
        cls.folder = Path(tempfile.mkdtemp(prefix='facteur-pki-'))
        cls.folder.chmod(0o755)
        cls.addClassCleanup(shutil.rmtree, cls.folder, True)
        ca = pki.Authority(cls.folder / 'one')
        other = pki.Authority(cls.folder / 'two', 'Other CA')
        chain, key = ca.issue('server', 'mx.right.test', '*.wild.test')
        client, client_key = other.issue('client', 'client.test')
        cls.client_print = pki.fingerprint(client)
        cls.postfix = cls.keep(Postfix(settings=(
            f'smtpd_tls_cert_file = {chain}\nsmtpd_tls_key_file = {key}\n'
            f'smtpd_tls_CAfile = {other.file}\nsmtpd_tls_ask_ccert = yes\n'
            'smtpd_tls_loglevel = 1\nsmtpd_tls_received_header = yes\n'
            'smtpd_tls_fingerprint_digest = sha256\n')))
        policies = {
            'may': 'may',
            'none': 'none',
            'encrypt': 'encrypt protocols=TLSv1.2 ciphers=high exclude=AES256:CHACHA20',
            'verify': 'verify match=mx.right.test',
            'verify-name': 'verify',
            'secure': 'secure match=.wild.test',
            'secure-wrong': 'secure match=mx.wrong.test',
            'print': f'fingerprint match=00:11|{pki.fingerprint(chain)}',
            'key': f'fingerprint match={pki.key_fingerprint(chain)}',
            'print-wrong': 'fingerprint match=00:11',
            'anchor': f'secure match=mx.right.test tafile={cls.folder}/anchors/ca.pem',
            'anchor-wrong': f'secure match=mx.right.test tafile={cls.folder}/anchors/other.pem',
            'mistake': 'secure color=red',
        }
        anchors = cls.folder / 'anchors'
        anchors.mkdir()
        anchors.chmod(0o755)
        shutil.copy(ca.file, anchors / 'ca.pem')
        shutil.copy(other.file, anchors / 'other.pem')
        port = cls.postfix.port
        # Each domain has a name of its own for the same server.
        cls.names = cls.keep(dns.Answers({f'mx.{n}.test': ['A 127.0.0.1'] for n in policies}))
        hops = ' '.join(f'{{ {n}.test = smtp:[mx.{n}.test]:{port} }}' for n in policies)
        table = ' '.join(f'{{ [mx.{n}.test]:{port} = {p} }}' for n, p in policies.items())
        aliases = ' '.join(f'{n}.test' for n in policies)
        cls.postfix.command('postconf', f'virtual_mailbox_domains = postfix.test {aliases}')
        cls.postfix.command('postconf', 'virtual_mailbox_maps = static:user/Maildir/')
        cls.postfix.command('postfix', 'reload')
        cls.i = cls.instance(dns=cls.names, settings=(
            f'transport_maps = inline:{{ {hops} }}\nsmtp_tls_policy_maps = inline:{{ {table} }}\n'
            f'smtp_tls_CAfile = {ca.file}\nsmtp_tls_loglevel = 1\n'
            f'smtp_tls_cert_file = {client}\nsmtp_tls_key_file = {client_key}\n'
            f'smtp_tls_trust_anchor_directory = {anchors}\n'
            'smtp_connection_cache_on_demand = no\n'))

    def send(self, name):
        self.i.send(USER, f'someone@{name}.test', MESSAGE.format(name), protocol='submission',
                    login=USER)

    def sent(self, name, trust):
        self.send(name)
        self.i.wait_log(rf'to=<someone@{name}\.test>.*status=sent')
        if trust:
            self.assertRegex(self.i.log(), rf'{trust} TLS connection established to '
                                           rf'mx\.{name}\.test\[127\.0\.0\.1\]:\d+: TLSv1\.')

    def deferred(self, name, words, status='4.7.5'):
        self.send(name)
        self.i.wait_log(rf'to=<someone@{name}\.test>.*dsn={status}, status=deferred \({words}')

    def test_none(self):
        self.sent('none', None)
        self.assertNotRegex(self.i.log(), r'connection established to mx\.none\.test')

    def test_may_takes_any_certificate(self):
        self.sent('may', 'Trusted')

    def test_versions_and_ciphers_of_a_policy(self):
        self.sent('encrypt', 'Trusted')
        self.assertRegex(self.i.log(), r'to mx\.encrypt\.test\[127\.0\.0\.1\]:\d+: '
                                       r'TLSv1\.2 with cipher \S*AES128\S* \(128/128 bits\)')

    def test_names(self):
        self.sent('verify', 'Verified')
        self.sent('secure', 'Verified')

    def test_a_wrong_name_waits(self):
        self.deferred('verify-name', 'Server certificate not verified')
        self.deferred('secure-wrong', 'Server certificate not verified')
        self.assertRegex(self.i.log(), r'server certificate verification failed for '
                                       r'mx\.secure-wrong\.test\[127\.0\.0\.1\]:\d+: '
                                       r'num=62:hostname mismatch')

    def test_fingerprints(self):
        self.sent('print', 'Verified')
        self.sent('key', 'Verified')
        self.deferred('print-wrong', 'Server certificate not trusted')

    def test_anchors(self):
        self.sent('anchor', 'Verified')
        self.deferred('anchor-wrong', 'Server certificate not trusted')

    def test_a_mistake_in_the_policy_waits(self):
        self.deferred('mistake', 'client TLS configuration problem')

    def test_the_client_certificate_is_shown_and_its_key_stays_in_authd(self):
        self.sent('may', 'Trusted')
        self.assertRegex(self.postfix.log(), r'Trusted TLS connection established from \S+: TLSv1')
        smtp = [pid for pid, name in self.i.workers().items() if name == 'smtp-client']
        self.assertTrue(smtp)

    def test_a_session_is_resumed(self):
        for _ in range(2):
            self.send('verify')
        self.i.wait_log(r'(Verified TLS connection (established|reused) to mx\.verify[\s\S]*){2}')
        self.send('verify')
        self.i.wait_log(r'Verified TLS connection reused to mx\.verify\.test')


if __name__ == '__main__':
    main()
