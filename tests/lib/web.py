"""An HTTPS server on loopback whose pages a test writes."""
import http.server
import ssl
import threading

from . import ports


class Web:
    """pages: {'/path': (status, type, text)}; `asked` lists (host, path) of all questions, `posted`
    has {(host, path): (type, bytes)} of what was posted last."""

    def __init__(self, chain, key, pages=None):
        self.pages = dict(pages or {})
        self.asked = []
        self.posted = {}
        self.port = ports.free_port()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                host = self.headers.get('Host', '').split(':')[0]
                outer.asked.append((host, self.path))
                page = outer.pages.get((host, self.path)) or outer.pages.get(self.path)
                status, kind, text = page or (404, 'text/plain', 'no')
                body = text.encode()
                self.send_response(status)
                if status in (301, 302):
                    self.send_header('Location', text)
                self.send_header('Content-Type', kind)
                self.send_header('Content-Length', str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self):
                body = self.rfile.read(int(self.headers['Content-Length']))
                host = self.headers.get('Host', '').split(':')[0]
                outer.posted[(host, self.path)] = (self.headers['Content-Type'], body)
                self.do_GET()

            def log_message(self, *_):
                pass

        http.server.ThreadingHTTPServer.allow_reuse_address = True
        self.server = http.server.ThreadingHTTPServer(('127.0.0.1', self.port), Handler)
        self.server.daemon_threads = True
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(chain, key)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def remove(self):
        pass

    def log(self):
        return '\n'.join(map(str, self.asked))
