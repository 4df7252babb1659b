"""HAProxy and nginx, with configurations and folders of their own."""
import shutil
import tempfile
from pathlib import Path

from . import process


class Program:
    """A proxy with its own folder."""

    def __init__(self, name, config, arguments):
        self.dir = Path(tempfile.mkdtemp(prefix=f'facteur-{name}-'))
        (self.dir / 'config').write_text(config.replace('DIR', str(self.dir)))
        command = [each.replace('DIR', str(self.dir)) for each in arguments]
        self.child = process.Child([process.program(name)] + command, self.dir / 'log')

    def log(self):
        return (self.dir / 'log').read_text(errors='replace')

    def stop(self):
        self.child.stop()

    def remove(self):
        shutil.rmtree(self.dir, ignore_errors=True)


def haproxy(listen, to):
    servers = ''.join(f'''
listen v{version}
    bind 127.0.0.1:{port}
    server one 127.0.0.1:{to} {word}
''' for version, (port, word) in enumerate(zip(listen, ('send-proxy', 'send-proxy-v2')), 1))
    return Program('haproxy', f'''
defaults
    mode tcp
    timeout connect 5s
    timeout client 20s
    timeout server 20s
{servers}''', ['-db', '-f', 'DIR/config'])


def nginx(listen, to):
    return Program('nginx', f'''
daemon off;
pid DIR/pid;
error_log DIR/error.log;
load_module /usr/lib/nginx/modules/ngx_stream_module.so;
events {{ }}
stream {{
    server {{
        listen 127.0.0.1:{listen};
        proxy_pass 127.0.0.1:{to};
        proxy_protocol on;
    }}
}}
''', ['-p', 'DIR', '-c', 'DIR/config'])
