"""testssl.sh at every TLS port: no weak protocol or cipher, no renegotiation, no known hole."""
import concurrent.futures
import json
import subprocess
import unittest

from tests.lib import process
from tests.lib.case import TestCase
from tests.lib.waiting import wait_until

PORTS = {'smtp': 'smtp', 'submissions': None, 'imap': 'imap', 'imaps': None, 'pop3': 'pop3',
         'pop3s': None}
# What it finds of the certificate is that it is self-signed.  BREACH and the like are HTTP's.
BAD = {'LOW', 'MEDIUM', 'HIGH', 'CRITICAL', 'FATAL'}
# CBC ciphers of TLSv1.2 with ECDHE: OpenSSL pads them in constant time, and old clients need them.
KNOWN = {'LUCKY13', 'cipherlist_OBSOLETED', 'cipherlist_AVERAGE', 'cipher_order', 'cipher_negotiated'}


class Testssl(TestCase):
    @classmethod
    def setUpClass(cls):
        cls.i = cls.instance(users={'anna@example.test': 'secret'},
                             settings='smtpd_tls_security_level = may\n'
                                      'smtpd_client_connection_count_limit = 0\n'
                                      'smtpd_peername_lookup = no\n')
        for name in PORTS:
            if PORTS[name]:
                wait_until(lambda n=name: cls.i.greets(n), what=f'{name} greets')

    def findings(self, name):
        path = self.i.dir / f'{name}.json'
        command = [process.program('testssl'), '--quiet', '--color', '0', '--warnings', 'off',
                   '--nodns', 'none', '-p', '-s', '-R', '-I', '-C', '--jsonfile', str(path)]
        if PORTS[name]:
            command += ['-t', PORTS[name]]
        done = subprocess.run(command + [f'127.0.0.1:{self.i.port(name)}'], capture_output=True,
                              text=True, timeout=400, check=False)
        self.assertTrue(path.exists(), done.stdout + done.stderr)
        return json.loads(path.read_text())

    def test_every_port(self):
        with concurrent.futures.ThreadPoolExecutor(len(PORTS)) as pool:
            all_findings = dict(zip(PORTS, pool.map(self.findings, PORTS)))
        for name, findings in all_findings.items():
            with self.subTest(port=name):
                ids = {each['id']: each for each in findings}
                self.assertIn('TLS1_2', ids)
                self.assertIn('offered', ids['TLS1_2']['finding'])
                self.assertIn('offered', ids['TLS1_3']['finding'])
                for old in ('SSLv2', 'SSLv3', 'TLS1', 'TLS1_1'):
                    self.assertIn('not offered', ids[old]['finding'])
                bad = [f"{each['id']}: {each['severity']}: {each['finding']}" for each in findings
                       if each['severity'] in BAD and each['id'] not in KNOWN]
                self.assertEqual(bad, [])


if __name__ == '__main__':
    unittest.main()
