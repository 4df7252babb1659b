"""The policy delegation protocol: smtpd, policyd, and servers that decide."""
import os
import shutil
import smtplib
import socketserver
import tempfile
import threading
import unittest
from pathlib import Path

from tests.lib import dns, ports, process
from tests.lib.case import TestCase
from tests.lib.waiting import wait_until

SETTINGS = '''mynetworks = 192.0.2.0/24
smtpd_error_sleep_time = 0
'''
MESSAGE = 'From: a@else.example\r\nSubject: {}\r\n\r\nhello\r\n'


class PolicyServer:
    """Answers with what decide(attributes) gives; keeps all questions."""

    def __init__(self, decide, path=None):
        self.questions, self.connections = [], 0
        outer = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                outer.connections += 1
                attributes = {}
                for line in self.rfile:
                    name, equals, value = line.decode().rstrip('\n').partition('=')
                    if equals:
                        attributes[name] = value
                        continue
                    outer.questions.append(attributes)
                    action = decide(attributes)
                    if action is None:
                        return
                    self.wfile.write(f'action={action}\n\n'.encode())
                    attributes = {}

        kind = socketserver.ThreadingUnixStreamServer if path else socketserver.ThreadingTCPServer
        self.server = kind(path or ('127.0.0.1', 0), Handler)
        if path:
            os.chmod(path, 0o666)
        self.server.daemon_threads = True
        self.address = f'unix:{path}' if path else 'inet:127.0.0.1:%d' % self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def remove(self):
        pass


class Postgrey:
    def __init__(self):
        self.dir = Path(tempfile.mkdtemp(prefix='facteur-postgrey-'))
        self.dir.chmod(0o777)
        self.port = ports.free_port()
        user = 'nobody' if os.geteuid() == 0 else str(os.geteuid())
        group = 'nogroup' if os.geteuid() == 0 else str(os.getegid())
        self.child = process.Child(
            [process.program('postgrey'), f'--inet=127.0.0.1:{self.port}', f'--dbdir={self.dir}',
             f'--user={user}', f'--group={group}', '--delay=1', '--auto-whitelist-clients=0'],
            self.dir / 'log')
        wait_until(lambda: ports.accepts(self.port), what='postgrey accepts connections')

    def log(self):
        return (self.dir / 'log').read_text(errors='replace')

    def stop(self):
        self.child.stop()

    def remove(self):
        shutil.rmtree(self.dir, ignore_errors=True)


class Policy(TestCase):
    def suite(self, settings):
        server = self.own(dns.Answers({}))
        return self.own_instance(settings=SETTINGS + settings, dns=server)

    def send(self, instance, recipient='user@example.test', sender='a@else.example'):
        """The reply to RCPT, or to the message when that was taken."""
        with instance.smtp() as client:
            try:
                client.sendmail(sender, [recipient], MESSAGE.format('policy'))
                return 'sent'
            except smtplib.SMTPRecipientsRefused as refused:
                code, text = refused.recipients[recipient]
                return f'{code} {text.decode()}'
            except smtplib.SMTPResponseException as refused:
                return f'{refused.smtp_code} {refused.smtp_error.decode()}'

    @unittest.skipIf(process.missing('postgrey'), 'postgrey is not installed')
    def test_postgrey_defers_the_first_attempt_and_takes_the_second(self):
        grey = self.own(Postgrey())
        i = self.suite('smtpd_recipient_restrictions = reject_unauth_destination,\n'
                       f'  check_policy_service inet:127.0.0.1:{grey.port}\n')
        first = self.send(i)
        self.assertRegex(first, r'^450 4\.\d\.\d <user@example.test>: Recipient address rejected: '
                                r'Greylisted')
        wait_until(lambda: self.send(i) == 'sent', 20, 'postgrey lets the second attempt through')
        message, = i.wait_messages('user@example.test')
        self.assertIn(b'\r\nX-Greylist: delayed ', message)

    def test_a_unix_socket_and_every_stage(self):
        folder = tempfile.mkdtemp(prefix='facteur-policy-')
        self.addCleanup(shutil.rmtree, folder)
        os.chmod(folder, 0o755)
        server = self.own(PolicyServer(lambda _: 'DUNNO', folder + '/socket'))
        lists = ('client', 'helo', 'sender', 'relay', 'recipient', 'data', 'end_of_data')
        i = self.suite(''.join(
            f'smtpd_{name}_restrictions = check_policy_service {{ {server.address}, '
            f'policy_context={name} }}'
            + (', reject_unauth_destination' if name == 'relay' else '') + '\n'
            for name in lists))
        self.assertEqual(self.send(i), 'sent')
        self.assertEqual([q['policy_context'] for q in server.questions], list(lists))
        states = ['RCPT'] * 5 + ['DATA', 'END-OF-MESSAGE']
        self.assertEqual([q['protocol_state'] for q in server.questions], states)
        self.assertEqual(server.connections, 1)
        self.assertEqual(len({q['instance'] for q in server.questions}), 1)
        last = server.questions[-1]
        for name, value in {'request': 'smtpd_access_policy', 'client_address': '127.0.0.1',
                            'helo_name': 'client.test', 'sender': 'a@else.example',
                            'recipient': 'user@example.test', 'recipient_count': '1',
                            'server_port': str(i.port('smtp'))}.items():
            self.assertEqual(last[name], value, name)
        self.assertGreater(int(last['size']), 40)

    def test_what_a_server_answers_is_done(self):
        actions = {'reject': 'REJECT go away', 'numbers': '552 5.2.2 full', 'hold': 'HOLD',
                   'defer': 'DEFER_IF_PERMIT later', 'drop': 'DISCARD', 'class': 'strict',
                   'add': 'PREPEND X-Policy: yes', 'odd': 'no_such_restriction'}
        server = self.own(PolicyServer(
            lambda q: actions.get(q['sender'].partition('@')[0], 'DUNNO')))
        i = self.suite('smtpd_restriction_classes = strict\n'
                       'strict = reject_non_fqdn_helo_hostname, reject\n'
                       f'smtpd_recipient_restrictions = check_policy_service {server.address}\n')
        start = '<user@example.test>: Recipient address rejected: '
        for sender, reply in {'reject': f'554 5.7.1 {start}go away',
                              'numbers': f'552 5.2.2 {start}full',
                              'defer': f'450 4.7.1 {start}later',
                              'class': f'554 5.7.1 {start}Access denied',
                              'odd': '451 4.3.5 Server configuration error',
                              'hold': 'sent', 'drop': 'sent', 'add': 'sent'}.items():
            self.assertEqual(self.send(i, sender=f'{sender}@else.example'), reply, sender)
        i.wait_queue(1)
        message, = i.wait_messages('user@example.test')
        self.assertIn(b'X-Policy: yes', message)
        self.assertEqual(len(server.questions), 8)

    def test_a_server_that_fails(self):
        gone = ports.free_port()
        flaky = {'left': 1}

        def decide(_):
            flaky['left'] -= 1
            return None if flaky['left'] >= 0 else 'REJECT decided'
        server = self.own(PolicyServer(decide))
        i = self.suite(
            'smtpd_policy_service_retry_delay = 1s\nsmtpd_policy_service_try_limit = 1\n'
            'smtpd_sender_restrictions = check_policy_service '
            f'{{ inet:127.0.0.1:{gone}, default_action=DUNNO }}, flaky\n'
            'smtpd_restriction_classes = flaky, again\n'
            'flaky = check_sender_access inline:{flaky@else.example=again}\n'
            f'again = check_policy_service {{ {server.address}, try_limit=2 }}\n'
            f'smtpd_recipient_restrictions = check_policy_service inet:localhost:{gone}\n')
        self.assertEqual(self.send(i), '451 4.3.5 <user@example.test>: Recipient address rejected: '
                                       'Server configuration problem')
        i.wait_log(r'policyd\[\d+\]: warning: problem talking to server inet:localhost:\d+: '
                   r'connect to .*Connection refused')
        # It hangs up on the first question and answers the repetition.
        self.assertEqual(self.send(i, sender='flaky@else.example'),
                         '554 5.7.1 <flaky@else.example>: Sender address rejected: decided')
        self.assertEqual(len(server.questions), 2)

    def test_policyd_may_die_while_a_server_thinks(self):
        asked, go = threading.Event(), threading.Event()

        def decide(_):
            asked.set()
            go.wait(30)
            return 'REJECT after all'
        server = self.own(PolicyServer(decide))
        i = self.suite(f'smtpd_sender_restrictions = check_policy_service {server.address}\n')
        replies = []
        client = threading.Thread(target=lambda: replies.append(self.send(i)))
        client.start()
        self.assertTrue(asked.wait(20))
        i.kill('policyd')
        go.set()
        client.join(40)
        self.assertEqual(replies, ['554 5.7.1 <a@else.example>: Sender address rejected: after all'])

    def test_what_is_written_wrong_is_found_before_the_start(self):
        i = self.own_instance()
        for line, text in {
                'check_policy_service localhost:1': 'check_policy_service needs inet:host:port',
                'check_policy_service { inet:localhost:1, time=1s }': 'no option "time"',
                'strict': 'unknown restriction "strict"'}.items():
            i.add_settings(f'smtpd_client_restrictions = {line}\n')
            self.assertIn(text, i.run('check', check=False))
        i.add_settings('smtpd_client_restrictions = strict\nsmtpd_restriction_classes = strict\n'
                       'strict = reject_nonsense\n')
        said = i.run('check', check=False)
        self.assertIn('unknown restriction "reject_nonsense"', said)
        self.assertNotIn('unknown parameter "strict"', said)


if __name__ == '__main__':
    unittest.main()
