import unittest

from rfc import findings_in, references


class Rfc(unittest.TestCase):
    def found(self, text):
        return findings_in('a.cc', text, {'5321', '3501'})

    def test_the_one_form(self):
        self.assertFalse(self.found('// RFC 5321 section 4.1.1.3 says'))
        self.assertFalse(self.found('// RFC 5321, and RFC 3501 appendix B'))
        self.assertFalse(self.found('"RFC822.SIZE"'))

    def test_other_forms(self):
        for text in ['RFC5321', 'RFC-5321', 'RFC 5321 Section 4', 'RFC 5321, sec. 4',
                     'RFC 9999 section 1']:
            self.assertEqual(len(self.found(text)), 1, text)

    def test_sections_are_listed(self):
        rows = [(n, s) for _, _, n, s, _ in references('RFC 5321 section 4.1.1. RFC 3501')]
        self.assertEqual(rows, [('5321', '4.1.1'), ('3501', '')])
