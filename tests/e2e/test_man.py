#!/usr/bin/env python3
"""The manual pages: there is one for everything, and groff has nothing to say about them."""
import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(os.environ.get('FACTEUR_BIN', ROOT / 'build/bin')).resolve()


class ManTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dir = Path(tempfile.mkdtemp(prefix='facteur-man-'))
        cls.addClassCleanup(shutil.rmtree, cls.dir)
        subprocess.run([ROOT / 'man/generate', BIN, cls.dir], check=True, timeout=120)

    def text(self, page):
        done = subprocess.run(['groff', '-man', '-Tutf8', '-ww', '-P-cbou', '-rLL=200n',
                               self.dir / page],
                              capture_output=True, text=True, timeout=60, cwd=self.dir)
        self.assertEqual(done.stderr, '', page)
        return done.stdout

    def test_every_page_renders_without_warnings(self):
        pages = [page.relative_to(self.dir) for page in self.dir.glob('man*/*')]
        self.assertGreater(len(pages), 10)
        for page in pages:
            if not (self.dir / page).read_text().startswith('.so '):
                self.assertTrue('NAME' in self.text(page), page)

    def test_every_program_and_every_name_has_a_page(self):
        for program in filter(Path.is_file, BIN.iterdir()):
            pages = list(self.dir.glob(f'man*/{program.name}.*'))
            self.assertTrue(pages, f'{program.name} has no /*++ comment in its main.cc')
        names = subprocess.run([BIN / 'facteur', '--names'], capture_output=True, text=True,
                               check=True, timeout=20).stdout.split()
        for name in names:
            self.assertTrue(list(self.dir.glob(f'man1/{Path(name).name}.1')), name)

    def test_main_cf_has_every_parameter(self):
        page = self.text('man5/main.cf.5')
        for program in filter(Path.is_file, BIN.iterdir()):
            if program.name == 'facteur':
                continue
            table = subprocess.run([program, '--parameters'], capture_output=True, text=True,
                                   timeout=20)
            if table.returncode:
                continue
            for line in table.stdout.splitlines():
                self.assertTrue(line.split('\t')[0] in page, line)


if __name__ == '__main__':
    unittest.main(verbosity=2)
