"""Messages as strangers send them: the same ones for the same seed."""
import base64
import random
import urllib.parse

CHARSETS = {
    'utf-8': 'żółć 日本 ñ', 'iso-8859-1': 'déjà vu', 'iso-8859-2': 'żółć', 'iso-8859-5': 'Привет',
    'iso-8859-7': 'Ελλάς', 'iso-8859-8': 'שלום', 'iso-8859-9': 'Iğdır', 'iso-8859-15': 'œuvre €',
    'windows-1250': 'příliš', 'windows-1251': 'Здравствуй', 'windows-1252': '“quoted”',
    'windows-1253': 'Αθήνα', 'windows-1255': 'שלום', 'windows-1256': 'مرحبا', 'windows-1257': 'ąčę',
    'koi8-r': 'письмо', 'koi8-u': 'їжак', 'gb2312': '你好', 'gbk': '測試', 'gb18030': '你好 𠀀',
    'big5': '測試', 'euc-jp': '日本語', 'iso-2022-jp': '日本語', 'shift_jis': 'テスト', 'euc-kr': '한국어',
    'us-ascii': 'plain',
}
NAMES = ['', 'Joe Q. Public ', '"Joe \\"Q\\" Public" ', '"last, first" ', 'J. R. "Bob" Dobbs ',
         '=?utf-8?Q?J=C3=B6rg?= ', 'a.b.c ', 'Jörg ', 'A B C ', '"tab\\\tin it" ']
ROUTES = ['<a@b.example>', '<"quoted local"@b.example>', '<@r1,@r2:a@b.example>', '<a@[192.0.2.1]>',
          '<a (comment) @ b.example>', '<jörg@b.example>', '<A.B+c@Sub.Example>']
BARE = ['a@b.example', 'a.b@c.example (Comment Name)', 'nodomain', '"quoted local"@b.example']
TYPES = ['text/plain', 'text/html; charset=utf-8', 'TEXT/PLAIN; CHARSET="us-ascii"',
         'application/octet-stream; name="a b.bin"', 'image/png; name=x.png',
         'text/plain; charset=koi8-r; format=flowed; delsp=yes', 'application/pdf;name="a;b.pdf"',
         'text/plain; charset = utf-8', 'text/x-markdown; a=b; c="d\\"e"',
         'audio/basic', 'x-unknown/x-unknown']
DISPOSITIONS = ['inline', 'attachment; filename="a b.txt"', 'attachment; filename=plain.txt',
                'INLINE; FILENAME=x', 'attachment; size=12; filename="q\\"q.txt"', 'form-data; name="f"']


class Corpus:
    """Grows messages; each has a name that says what is odd in it."""

    def __init__(self, seed=1):
        self.random = random.Random(seed)
        self.boundaries = self.top = 0

    def pick(self, choices):
        return self.random.choice(choices)

    def address(self):
        if self.random.random() < 0.2:
            return self.pick(BARE)
        return self.pick(NAMES) + self.pick(ROUTES)

    def addresses(self):
        text = self.pick([', ', ',', ' , ', ',\r\n ']).join(
            self.address() for _ in range(self.random.randint(1, 4)))
        return self.pick([text, text, text, f'group: {text};', f'empty:;, {text}'])

    def encoded_word(self):
        charset, text = self.pick(list(CHARSETS.items()))
        octets = text.encode(charset, 'replace')
        if self.random.random() < 0.5:
            return f'=?{charset}?B?{base64.b64encode(octets).decode()}?='
        return f'=?{charset}?q?' + ''.join(f'={b:02X}' for b in octets) + '?='

    def header(self):
        fields = []
        for name in ('From', 'Sender', 'Reply-To', 'To', 'Cc', 'Bcc'):
            for _ in range(self.pick([0, 1, 1, 1, 2])):
                fields.append(f'{name}: {self.addresses()}')
        fields.append('Subject: ' + self.pick([self.encoded_word(), 'plain', '',
                                               'folded\r\n over\r\n\tlines', '"quoted" \\ (x)', 'grüße']))
        fields.append('Date: ' + self.pick(['Mon, 02 Mar 2020 12:00:00 +0000', 'yesterday', '',
                                            '2 Mar 20 12:00 EST', 'Mon, 02 Mar 2020 12:00:00 +0000 (UTC)']))
        fields.append('Message-ID: ' + self.pick(['<a@b>', '<a b@c>', 'bare', '<a@b> <c@d>', '']))
        fields.append('In-Reply-To: ' + self.pick(['<x@y>', '', 'Your message of "today" <x@y>']))
        self.random.shuffle(fields)
        return fields[:self.random.randint(0, len(fields))]

    def parameters_2231(self):
        charset, text = self.pick(list(CHARSETS.items()))
        value = urllib.parse.quote(text.encode(charset, 'replace'), safe='')
        return self.pick([
            f"; name*={charset}'en'{value}", f"; name*0*={charset}''{value[:6]}; name*1*={value[6:]}",
            '; name*0=one; name*1=two', "; name*0*=utf-8''a%20; name*1=b; name*2*=%41",
            '; name*1=second; name*0=first', '; name*0=only; name*2=gap', '; name*x=odd', '; name*=plain'])

    def leaf(self):
        head = ['Content-Type: ' + self.pick(TYPES) + self.pick(['', '', self.parameters_2231()])]
        if self.random.random() < 0.4:
            head.append('Content-Transfer-Encoding: ' + self.pick(
                ['7bit', 'base64', 'Quoted-Printable', '8BIT', ' binary ', 'x-unknown']))
        if self.random.random() < 0.3:
            head.append('Content-Disposition: ' + self.pick(DISPOSITIONS))
        if self.random.random() < 0.2:
            head.append(self.pick(['Content-ID: <id@x>', 'Content-Description: ' + self.encoded_word(),
                                   'Content-Language: en, de',
                                   'Content-MD5: Q2hlY2sgSW50ZWdyaXR5IQ==']))
        self.random.shuffle(head)
        lines = self.random.randint(0, 4)
        body = ''.join(self.pick(['text', '', '--', '-- ', '.', 'x' * 100]) + '\r\n' for _ in range(lines))
        return head[:self.pick([0, 1, 9])], body + self.pick(['', 'no line end'])

    def entity(self, depth):
        choice = self.random.random()
        if depth == 0 or choice < 0.4:
            return self.leaf()
        if choice < 0.55:
            head, body = self.entity(depth - 1)
            return ['Content-Type: message/rfc822'], '\r\n'.join(
                self.header() + ['MIME-Version: 1.0'] + head) + '\r\n\r\n' + body
        return self.multipart(depth)

    def multipart(self, depth):
        self.boundaries += 1
        boundary = self.pick([f'b{self.boundaries}', f'=_{self.boundaries}.x', f"b'({self.boundaries})+_,-./:=?",
                              f'b {self.boundaries}'])
        form = self.pick([f'boundary="{boundary}"'] * 3 + [
            f'boundary*0="{boundary[:1]}"; boundary*1="{boundary[1:]}"'])
        body = self.pick(['', 'preamble\r\n', '\r\n'])
        for _ in range(self.random.randint(0, 3)):
            head, inside = self.entity(depth - 1)
            space = self.pick(['', '', ' ', '\t'])
            body += f'--{boundary}{space}\r\n' + ''.join(h + '\r\n' for h in head) + '\r\n' + inside + '\r\n'
        ends = [f'--{boundary}--\r\n', f'--{boundary}--\r\nepilogue\r\n']
        body += self.pick(ends + (['', f'--{boundary}--'] if depth == self.top else []))
        kind = self.pick(['mixed', 'alternative', 'related; type="text/html"', 'MIXED', 'x-odd'])
        return [f'Content-Type: multipart/{kind}; {form}'], body

    def message(self):
        self.top = self.random.randint(0, 5)
        head, body = self.entity(self.top)
        fields = self.header() + ['MIME-Version: 1.0']
        return '\r\n'.join(fields + head) + '\r\n\r\n' + body


def extremes():
    """(name, text) of single monsters."""
    yield 'many-parts', ('Content-Type: multipart/mixed; boundary=b\r\n\r\n' +
                         '--b\r\n\r\nx\r\n' * 3000 + '--b--\r\n')
    yield 'deep', ''.join(f'Content-Type: multipart/mixed; boundary=b{n}x\r\n\r\n--b{n}x\r\n'
                          for n in range(45)) + '\r\ninside\r\n'
    yield 'huge-header', 'X-Long: ' + 'a' * 200000 + '\r\nSubject: behind\r\n\r\nbody\r\n'
    yield 'many-fields', ''.join(f'Received: by {n}\r\n' for n in range(3000)) + 'Subject: s\r\n\r\nx\r\n'
    yield 'many-recipients', 'To: ' + ',\r\n '.join(f'u{n}@x.example' for n in range(1500)) + '\r\n\r\nx\r\n'
    yield 'no-header', '\r\nonly a body\r\n'
    yield 'no-body', 'Subject: no body\r\n'
    yield 'no-line-end', 'Subject: no line end'


def odd():
    """(name, text) of what Dovecot understands in another way."""
    yield 'boundary-2231', ("Content-Type: multipart/mixed; boundary*=us-ascii''b%3D\r\n\r\n"
                            '--b=\r\n\r\nx\r\n--b=--\r\n')
    yield 'digest-without-body', ('Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\n'
                                  'Subject: no empty line\r\n--b--\r\n')
    yield 'delimiter-at-delimiter', (
        'Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\nContent-Type: message/rfc822\r\n\r\n'
        'Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n--a--\r\n')
    yield 'two-spaces', 'Subject: two  spaces\r\n\r\nx\r\n'
    yield 'no-subtype', 'Content-Type: text\r\n\r\nx\r\n'
    yield 'broken-domain', 'To: a@b..example\r\n\r\nx\r\n'
    yield 'name-without-brackets', 'To: Some Body a@b.example\r\n\r\nx\r\n'
    yield 'empty-parameter', "Content-Type: text/plain;; name*=utf-8''a\r\n\r\nx\r\n"
    yield 'very-deep', ''.join(f'Content-Type: multipart/mixed; boundary=b{n}x\r\n\r\n--b{n}x\r\n'
                               for n in range(60)) + '\r\ninside\r\n'
    yield 'many-parts', ('Content-Type: multipart/mixed; boundary=b\r\n\r\n' +
                         '--b\r\n\r\nx\r\n' * 10050 + '--b--\r\n')


def generate(count, seed=1):
    """(name, octets) in wire form."""
    corpus = Corpus(seed)
    for number in range(count):
        yield f'random-{number}', corpus.message().encode('utf-8')
    for name, text in extremes():
        yield name, text.encode('utf-8')
