"""What one client may have and do, counted over all processes of smtpd."""
import re
import socket
import unittest

from tests.lib import dns
from tests.lib.case import TestCase
from tests.lib.waiting import wait_until

SETTINGS = '''mynetworks = 192.0.2.0/24
smtpd_error_sleep_time = 0
smtpd_client_connection_count_limit = 6
'''
TOO_MANY = r'421 4\.7\.0 \S+ Error: too many connections from 127\.0\.0\.1\r\n'


class Limits(TestCase):
    def suite(self, settings=''):
        i = self.own_instance(settings=SETTINGS + settings, dns=self.own(dns.Answers({})))
        # More than one process, or there is nothing to prove.
        master = i.dir / 'master.cf'
        text = re.sub(r'^(\S+:%d\s+inet\s+\S+\s+\S+\s+\S+\s+\S+\s+)\S+' % i.port('smtp'), r'\g<1>4',
                      master.read_text(), flags=re.M)
        master.write_text(text)
        i.run('stop')
        return i.start()

    def connect(self, i):
        """(socket, the first line)."""
        client = socket.create_connection(('127.0.0.1', i.port('smtp')), timeout=20)
        self.addCleanup(client.close)
        return client, client.makefile('rb').readline().decode()

    def fill(self, i):
        """Connections until six stand and one more is refused; one that has just ended may still
        count, so an earlier refusal is asked again."""
        clients = []

        def full():
            client, first = self.connect(i)
            if re.match(TOO_MANY, first):
                client.close()
                return len(clients) >= 6
            clients.append(client)
            self.assertLess(len(clients), 20)
            return False
        wait_until(full, what='the limit')
        return clients

    def fill_several(self, i):
        """As fill(), or None where a single process took them all (others may just be starting)."""
        earlier = len(i.log())
        clients = self.fill(i)
        pids = set(re.findall(r'smtpd\[(\d+)\]: connect from', i.log()[earlier:]))
        if len(clients) == 6 and len(pids) > 1:
            return clients
        for client in clients:
            client.close()
        return None

    def test_connections_count_over_all_processes(self):
        i = self.suite()
        clients = wait_until(lambda: self.fill_several(i), what='the limit, over several processes')
        i.wait_log(r'policyd\[\d+\]: warning: Connection concurrency limit exceeded: 7 from '
                   r'localhost\[127\.0\.0\.1\] for service')
        for client in clients:
            client.close()
        # Each that leaves makes room for another.
        wait_until(lambda: self.connect(i)[1].startswith('220'), what='room')

    def test_connections_of_a_dead_process_go(self):
        i = self.suite()
        self.assertEqual(len(self.fill(i)), 6)
        self.assertGreater(i.kill('smtpd'), 1)
        wait_until(lambda: self.connect(i)[1].startswith('220'), what='room')

    def test_a_new_policyd_learns_who_is_there(self):
        i = self.suite()
        clients = self.fill(i)
        i.kill('policyd')

        def refused():
            client, first = self.connect(i)
            if first.startswith('220'):
                client.close()  # the new one does not know yet
            return re.match(TOO_MANY, first)
        wait_until(refused, 30, 'the limit counts again')
        self.assertEqual(len(clients), 6)

    def test_limits_of_one_service_are_its_own(self):
        i = self.own_instance(settings=SETTINGS, dns=self.own(dns.Answers({})))
        master = i.dir / 'master.cf'
        service = f'127.0.0.1:{i.port("smtp")}'
        text = master.read_text()
        line = next(each for each in text.splitlines() if each.startswith(service))
        master.write_text(text.replace(line, line + '\n  -o smtpd_client_recipient_rate_limit=2'))
        i.run('stop')
        i.start()
        with i.smtp() as client:
            client.ehlo()
            client.mail('a@else.example')
            codes = [client.rcpt('user@example.test') for _ in range(3)]
        self.assertEqual([code for code, _ in codes], [250, 250, 450])
        self.assertEqual(codes[2][1], b'4.7.1 Error: too many recipients from 127.0.0.1')


if __name__ == '__main__':
    unittest.main()
