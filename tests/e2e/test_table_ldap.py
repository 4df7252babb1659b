#!/usr/bin/env python3
"""Tables in OpenLDAP, beside Postfix with the same files."""
import subprocess
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from tests.lib import ports  # noqa: E402
from tests.lib.process import program  # noqa: E402
from tests.lib.tables import INJECTIONS, TableCase  # noqa: E402
from tests.lib.waiting import wait_until  # noqa: E402

SLAPD = """
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
include /etc/ldap/schema/nis.schema
modulepath /usr/lib/ldap
moduleload back_mdb
database mdb
suffix dc=test
rootdn cn=admin,dc=test
rootpw secret
directory {data}
"""
LDIF = """dn: dc=test
objectClass: dcObject
objectClass: organization
o: test
dc: test

dn: uid=alice,dc=test
objectClass: inetOrgPerson
uid: alice
cn: Alice
sn: A
mail: alice@example.org

dn: uid=bob,dc=test
objectClass: inetOrgPerson
uid: bob
cn: Bob
sn: B
mail: bob@example.org
mail: robert@example.org

dn: cn=staff,dc=test
objectClass: groupOfNames
objectClass: extensibleObject
cn: staff
mail: staff@example.org
member: uid=alice,dc=test
member: uid=bob,dc=test
member: uid=gone,dc=test

dn: cn=everybody,dc=test
objectClass: groupOfNames
objectClass: extensibleObject
cn: everybody
mail: everybody@example.org
member: cn=staff,dc=test
labeledURI: ldap:///dc=test?mail?sub?(uid=alice)

dn: cn=delegated,dc=test
objectClass: groupOfNames
objectClass: extensibleObject
cn: delegated
mail: delegated@example.org
description: elsewhere@example.net
member: uid=alice,dc=test
"""
GROUPS = 'query_filter = (mail=%s)\nresult_attribute =\nleaf_result_attribute = mail\n'
LDAP = {
    'mail': 'query_filter = (mail=%s)\nresult_attribute = uid\n',
    'parts': 'query_filter = (&(uid=%u)(mail=*@%d))\nresult_attribute = mail\n'
             'result_format = <%s> %U\n',
    'base': 'search_base = uid=%u,dc=test\nscope = base\nquery_filter = (mail=%s)\n'
            'result_attribute = uid\n',
    'one': 'scope = one\nquery_filter = (uid=%u)\nresult_attribute = mail\n'
           'domain = example.org\n',
    'groups': GROUPS + 'special_result_attribute = member\n',
    'urls': GROUPS + 'special_result_attribute = member, labeledURI\n',
    'terminal': GROUPS + 'special_result_attribute = member\n'
                'terminal_result_attribute = description\n',
    'both': 'query_filter = (mail=%s)\nresult_attribute = mail\nspecial_result_attribute = member\n',
    'limit': GROUPS + 'special_result_attribute = member\nexpansion_limit = 2\n',
    'depth': GROUPS + 'special_result_attribute = member\nrecursion_limit = 1\n',
    'size': 'query_filter = (mail=*)\nresult_attribute = uid\nsize_limit = 1\n',
}
LDAP_KEYS = ['alice@example.org', 'ALICE@example.org', 'bob@example.org', 'nobody@example.org',
             'staff@example.org', 'everybody@example.org', 'delegated@example.org', 'alice',
             'alice@example.net', *[key for key in INJECTIONS if '\r' not in key]]


class LdapTest(TableCase):
    def slapd(self):
        """The port of a directory with USERS and groups."""
        port, data = ports.free_port(), self.dir / 'ldap'
        data.mkdir()
        (self.dir / 'slapd.conf').write_text(SLAPD.format(data=data))
        (self.dir / 'users.ldif').write_text(LDIF)
        subprocess.run([program('slapadd'), '-q', '-f', self.dir / 'slapd.conf', '-l',
                        self.dir / 'users.ldif'], check=True, capture_output=True, timeout=60)
        self.child(program('slapd'), '-d', '0', '-f', self.dir / 'slapd.conf', '-h',
                   f'ldap://127.0.0.1:{port}/')
        wait_until(lambda: ports.accepts(port), 20, 'slapd')
        return port

    def test_ldap(self):
        port = self.slapd()
        common = (f'server_host = ldap://127.0.0.1:{port}\nsearch_base = dc=test\n'
                  'bind = yes\nbind_dn = cn=admin,dc=test\nbind_pw = secret\nversion = 3\n')
        for name, text in LDAP.items():
            table = 'ldap:' + self.config(f'ldap-{name}.cf', common + text)
            with self.subTest(table=table):
                if name in ('limit', 'depth', 'size'):
                    for key in ('staff@example.org', 'nobody@example.org'):
                        self.same(table, [key])
                    continue
                lines = self.same_at_once(table, LDAP_KEYS)
                self.assertTrue(lines)
                self.assertFalse([line for line in lines
                                  if line.partition('\t')[0] in INJECTIONS])
        dead = f'server_host = 127.0.0.1:{ports.free_port()} 127.0.0.1:{port}\nsearch_base = dc=test\n'
        table = 'ldap:' + self.config('ldap-two.cf', dead + 'bind = no\n' + LDAP['mail'])
        self.assertEqual(self.ours('alice@example.org', table)[:2], (0, 'alice\n'))
        for wrong in (common.replace('secret', 'wrong'),
                      f'server_host = 127.0.0.1:{ports.free_port()}\nsearch_base = dc=test\n',
                      common + 'start_tls = yes\n'):
            table = 'ldap:' + self.config('ldap-wrong.cf', wrong + LDAP['mail'])
            self.assertEqual(self.ours('alice@example.org', table)[:2], (1, ''))


if __name__ == '__main__':
    unittest.main(verbosity=2)
