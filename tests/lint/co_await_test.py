import unittest

from co_await import findings_in


class CoAwait(unittest.TestCase):
    def test_forms_that_are_miscompiled(self):
        for form in ['co_await run([s]{ return s; });', 'co_await f(Req{.id = s});',
                     'auto x = c ? co_await f() : std::string();', 'throw X(co_await f());',
                     'P p{co_await a(), co_await b()};', 'if (!co_await f()) { return; }',
                     'while (!done && co_await f(g())) { }']:
            self.assertTrue(findings_in('a.cc', f'Task<void> t() {{ {form} }}'), form)

    def test_forms_that_are_not(self):
        for form in ['co_await f(std::move(request));', 'if (a) co_await f(b);',
                     '// co_await f(Req{.id = s});', 'for (auto& x : co_await f()) { g(x); }',
                     'auto operator co_await() { return Awaiter{handle}; }']:
            self.assertEqual(findings_in('a.cc', f'Task<void> t() {{ {form} }}'), [], form)
