"""What changes in mail on its way out, and in what servers say: with the real tables."""
from tests.lib import message
from tests.lib.case import TestCase, main
from tests.lib.instance import Instance
from tests.lib.sink import Sink
from tests.lib.waiting import wait_until

USER = 'user@example.test'


class Filters(TestCase):
    @classmethod
    def setUpClass(cls):
        cls.sink = cls.keep(Sink(replies={'RCPT TO:<full@': '550 5.2.2 mailbox full'}))
        cls.i = cls.keep(Instance(settings=f"""relayhost = [127.0.0.1]:{cls.sink.port}
smtp_generic_maps = inline:{{ {{ {USER} = tim@world.test }} }}
smtp_header_checks = pcre:$config_directory/header_checks
smtp_reply_filter = pcre:$config_directory/replies
smtp_delivery_status_filter = pcre:$config_directory/results
"""))
        for name, text in {
                'header_checks': '/^X-Inside:/ IGNORE\n/^Subject: (.*)/ REPLACE Subject: [out] $1\n',
                'replies': '/^550 5\\.2\\.2 (.*)/ 450 4.2.2 $1\n',
                'results': '/^2\\S+ (.*)/ 2.9.9 all is well: $1\n'}.items():
            (cls.i.dir / name).write_text(text)
        cls.i.start()

    def test_sender_and_header(self):
        text = message.plain(USER, 'a@else.test', 'words')
        text = text.replace('Subject:', 'X-Inside: 1\nSubject:')
        self.i.send(USER, ['a@else.test'], text, 'submission', USER)
        self.i.wait_log(r'to=<a@else\.test>.*dsn=2\.9\.9, status=sent \(all is well: 250')
        got = wait_until(lambda: next((m for m in self.sink.messages
                                       if m.recipients == ['a@else.test']), None), what='the mail')
        self.assertEqual(got.sender, 'tim@world.test')
        self.assertIn(b'Subject: [out] words\r\n', got.content)
        self.assertIn(b'From: <tim@world.test>\r\n', got.content)
        self.assertNotIn(b'X-Inside', got.content)

    def test_what_the_server_says(self):
        self.i.send(USER, ['full@else.test'], message.plain(USER, 'full@else.test'), 'submission',
                    USER)
        self.i.wait_log(r'to=<full@else\.test>.*dsn=4\.2\.2, status=deferred \(host .* said: '
                        r'450 4\.2\.2 mailbox full')


if __name__ == '__main__':
    main()
