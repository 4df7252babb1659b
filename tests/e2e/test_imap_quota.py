"""The QUOTA commands where a quota is configured (RFC 9208)."""
import re
import unittest

from tests.lib.case import TestCase

USER = 'user@example.test'
SETTINGS = 'quota = maildir:User quota\nquota_rule = *:bytes=20000:messages=4\n'


class ImapQuota(TestCase):
    @classmethod
    def setUpClass(cls):
        cls.i = cls.instance(settings=SETTINGS)

    def roots(self, client):
        status, data = client.getquotaroot('INBOX')
        self.assertEqual(status, 'OK')
        return [line.decode() for part in data for line in part if line]

    def test_it_is_told_and_enforced(self):
        client = self.i.imap(USER, tls=False)
        self.addCleanup(client.shutdown)
        self.assertIn('QUOTA=RES-STORAGE', client.capability()[1][0].decode())
        self.assertEqual(self.roots(client), [
            'INBOX "User quota"', '"User quota" (STORAGE 0 20 MESSAGE 0 4)'])
        text = b'Subject: x\r\n\r\n' + b'x' * 5000 + b'\r\n'
        for _ in range(3):
            self.assertEqual(client.append('INBOX', None, None, text)[0], 'OK')
        # In units of 1024 octets, what was begun counted as a whole one
        self.assertEqual(self.roots(client)[1], '"User quota" (STORAGE 15 20 MESSAGE 3 4)')
        status, data = client.append('INBOX', None, None, text * 2)
        self.assertEqual(status, 'NO')
        self.assertTrue(data[0].startswith(b'[OVERQUOTA]'), data)
        status, data = client.getquota('"User quota"')
        self.assertEqual((status, data), ('OK', [b'"User quota" (STORAGE 15 20 MESSAGE 3 4)']))
        self.assertEqual(client.setquota('"User quota"', '(STORAGE 1)')[0], 'NO')
        client.select('INBOX')
        client.store('1:2', '+FLAGS.SILENT', '(\\Deleted)')
        told = client.status('INBOX', '(DELETED DELETED-STORAGE)')[1][0].decode()
        self.assertTrue(re.search(r'DELETED 2\b', told) and 'DELETED-STORAGE 10' in told, told)
        client.expunge()
        self.assertEqual(self.roots(client)[1], '"User quota" (STORAGE 5 20 MESSAGE 1 4)')


if __name__ == '__main__':
    unittest.main()
