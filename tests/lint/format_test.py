import os
import shutil
import tempfile
import unittest

import format as lint


@unittest.skipUnless(shutil.which('clang-format'), 'no clang-format')
class Format(unittest.TestCase):
    def test_crooked_code_is_found(self):
        with tempfile.NamedTemporaryFile('w', suffix='.cc', dir=os.getcwd()) as file:
            file.write('int   main( ) {return 0 ;}\n')
            file.flush()
            self.assertEqual(len(lint.findings([file.name])), 1)

    def test_straight_code_is_not(self):
        with tempfile.NamedTemporaryFile('w', suffix='.cc', dir=os.getcwd()) as file:
            file.write('int main() {\n    return 0;\n}\n')
            file.flush()
            self.assertEqual(lint.findings([file.name]), [])
