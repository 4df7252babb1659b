import os
import tempfile
import unittest

import headers


class Headers(unittest.TestCase):
    def test_own_header_comes_first(self):
        self.assertFalse(headers.order('a/b.cc', '#include "a/b.h"\n#include <string>\n', True))
        self.assertTrue(headers.order('a/b.cc', '#include <string>\n#include "a/b.h"\n', True))
        self.assertFalse(headers.order('a/main.cc', '#include <string>\n', False))

    def test_headers_are_slim_and_guarded(self):
        self.assertTrue(headers.inside('a.h', 'int a;\n'))
        self.assertTrue(headers.inside('a.h', '#pragma once\n#include <fmt/format.h>\n'))
        self.assertFalse(headers.inside('a.h', '#pragma once\n#include <string>\n'))

    def test_a_header_that_needs_another_is_found(self):
        with tempfile.NamedTemporaryFile('w', suffix='.h', dir=os.getcwd()) as file:
            file.write('#pragma once\nstd::string a();\n')
            file.flush()
            self.assertEqual(len(headers.alone(file.name)), 1)
