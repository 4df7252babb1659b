"""A private authority and certificates of it."""
import subprocess
from pathlib import Path


class Authority:
    """Writes NAME.pem (the certificate and the authority's) and NAME.key into a folder."""

    def __init__(self, folder, name='Test CA'):
        self.dir = Path(folder)
        self.dir.mkdir(parents=True, exist_ok=True)
        self.dir.chmod(0o755)
        self.file = self.dir / 'ca.pem'
        self.key = self.dir / 'ca.key'
        openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1',
                '-nodes', '-days', '30', '-subj', f'/CN={name}', '-keyout', self.key,
                '-out', self.file)

    def issue(self, label, *names, days=30):
        """(certificate chain file, key file) for these DNS names; '*.x' is a wildcard."""
        chain, key = self.dir / f'{label}.pem', self.dir / f'{label}.key'
        request = self.dir / f'{label}.csr'
        extensions = self.dir / f'{label}.ext'
        alternative = ','.join(f'DNS:{n}' for n in names)
        extensions.write_text(f'subjectAltName={alternative}\n')
        openssl('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes',
                '-subj', f'/CN={names[0]}', '-keyout', key, '-out', request)
        dates = ['-days', str(days)]
        openssl('x509', '-req', '-in', request, '-CA', self.file, '-CAkey', self.key,
                '-CAcreateserial', '-extfile', extensions, '-out', chain, *dates)
        chain.write_text(chain.read_text() + self.file.read_text())
        chain.chmod(0o644)
        key.chmod(0o644)
        return chain, key


def openssl(*arguments, **options):
    done = subprocess.run(['openssl', *map(str, arguments)], capture_output=True, **options)
    if done.returncode:
        raise AssertionError(f'openssl {arguments}: {done.stderr.decode()}')
    return done.stdout


def fingerprint(certificate, digest='sha256'):
    """AA:BB:… of the first certificate of a file."""
    text = openssl('x509', '-in', certificate, '-noout', '-fingerprint', f'-{digest}').decode()
    return text.split('=')[1].strip()


def key_fingerprint(certificate, digest='sha256'):
    """The same of its public key."""
    der = spki(certificate)
    return openssl('dgst', f'-{digest}', '-c', input=der).decode().split('= ')[1].strip()


def spki(certificate):
    """DER of the public key of the first certificate of a file."""
    public = openssl('x509', '-in', certificate, '-noout', '-pubkey')
    return openssl('pkey', '-pubin', '-outform', 'DER', input=public)


def tlsa(certificate, usage=3, selector=1, matching=1):
    """RDATA text of a TLSA record for the first certificate of a file."""
    data = spki(certificate) if selector else openssl('x509', '-in', certificate, '-outform', 'DER')
    if matching:
        import hashlib
        data = {1: hashlib.sha256, 2: hashlib.sha512}[matching](data).digest()
    return f'{usage} {selector} {matching} {data.hex()}'
