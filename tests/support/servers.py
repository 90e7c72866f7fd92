"""HTTP(S) servers on several addresses that answer as a test tells them, and remember every request that came.

    net = Network(folder)                               # makes a certificate authority: net.ca is its PEM file
    net.listen(443, tls=net.tls('registry.test'))       # on every address of this machine (or of this network namespace)
    net.at['192.0.2.1', 443] = handler                  # handler(request) returns an Answer, or None: 404
    net.seen                                            # [Request], in order;  net.connections: how many, by (address, port)

What a client must never be sent in earnest (endless bodies, lengths that lie, bytes that are no HTTP) is a field of Answer."""
import collections
import dataclasses
import os
import socket
import ssl
import subprocess
import threading
import typing


@dataclasses.dataclass
class Request:
    address: str
    port: int
    method: str
    path: str                 # with its query
    headers: list             # of (name, value)
    body: bytes = b''

    def get(self, name):
        return next((v for n, v in self.headers if n.lower() == name.lower()), None)

    def text(self):
        return '%s:%d %s %s %s %s' % (self.address, self.port, self.method, self.path, self.headers, self.body.decode('latin-1'))


@dataclasses.dataclass
class Answer:
    status: int = 200
    headers: list = dataclasses.field(default_factory=list)
    body: bytes = b''
    length: typing.Any = 'true'     # a number: this Content-Length; None: none, the connection ends the body
    cut: typing.Optional[int] = None  # the connection is closed after so many bytes of the body
    stream: typing.Any = None       # an iterable of bytes instead of body, without a length
    raw: typing.Optional[bytes] = None  # everything, instead of all of the above
    before: bytes = b''             # bytes before the status line: informational answers
    drop: bool = False              # the connection is closed without a word

    def with_headers(self, *headers):
        return dataclasses.replace(self, headers=self.headers + list(headers))


def redirect(location, status=307):
    return Answer(status, [('Location', location)])


class Network:
    def __init__(self, folder):
        self.dir = folder
        self.at = {}
        self.seen = []
        self.connections = collections.Counter()
        self.lock = threading.Lock()
        self.n_certificates = 0
        self.ca = self.authority('ca')

    # certificates

    def openssl(self, *args):
        done = subprocess.run(['openssl', *args], cwd=self.dir, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        if done.returncode != 0:
            raise RuntimeError('openssl %s: %s' % (' '.join(args), done.stdout.decode()))

    def authority(self, name):
        """Another authority: the path of its certificate; its key is beside it."""
        self.openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', '/CN=Tests ' + name,
                     '-addext', 'basicConstraints=critical,CA:TRUE', '-addext', 'keyUsage=critical,keyCertSign', '-keyout', name + '.key', '-out', name + '.pem')
        return os.path.join(self.dir, name + '.pem')

    def certificate(self, names, subject='leaf', signer='ca', usage='serverAuth', end=None):
        """names: for subjectAltName, or empty. end: the openssl option that ends it in the past. Returns its path without ending."""
        self.n_certificates += 1
        name = 'leaf%d' % self.n_certificates
        lines = ['basicConstraints=critical,CA:FALSE', 'extendedKeyUsage=' + usage] + (['subjectAltName=' + names] if names else [])
        with open(os.path.join(self.dir, name + '.ext'), 'w', encoding='utf-8') as f:
            f.write('\n'.join(lines) + '\n')
        self.openssl('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', '/CN=' + subject, '-keyout', name + '.key', '-out', name + '.csr')
        signed_by = ['-signkey', name + '.key'] if signer is None else ['-CA', signer + '.pem', '-CAkey', signer + '.key', '-set_serial', str(self.n_certificates)]
        self.openssl('x509', '-req', '-in', name + '.csr', *signed_by, *(end or ['-days', '2']), '-extfile', name + '.ext', '-out', name + '.pem')
        return os.path.join(self.dir, name)

    @staticmethod
    def context_of(certificate, key):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        return context

    def context(self, path, newest=None):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        if newest is not None:
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = newest
            context.set_ciphers('ALL:@SECLEVEL=0')
        context.load_cert_chain(path + '.pem', path + '.key')
        return context

    def tls(self, *hosts):
        names = ','.join(('IP:' if h.replace('.', '').isdigit() else 'DNS:') + h for h in hosts)
        return self.context(self.certificate(names, subject=hosts[0]))

    # connections

    def listen(self, port, tls=None, address='', family=socket.AF_INET):
        """tls: a context, or a function from the address that was reached to a context."""
        s = socket.create_server((address, port), family=family, backlog=256)
        threading.Thread(target=self.accept, args=(s, tls), daemon=True).start()
        return s.getsockname()[1]

    def accept(self, listener, tls):
        while True:
            c, _ = listener.accept()
            threading.Thread(target=self.serve, args=(c, tls), daemon=True).start()

    def serve(self, c, tls):
        where = c.getsockname()[:2]
        with self.lock:
            self.connections[where] += 1
        try:
            c.settimeout(60)
            c.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            context = tls(where[0]) if callable(tls) else tls
            if context is not None:
                c = context.wrap_socket(c, server_side=True)
            f = c.makefile('rb')
            while self.one_request(c, f, where):
                pass
        except (OSError, ValueError):
            pass  # the client went away, or speaks something else: the tests look at what it says
        finally:
            c.close()

    def one_request(self, c, f, where):
        line = f.readline(65537).decode('latin-1').split()
        if len(line) != 3 or not line[0].isalpha():
            return False
        headers = []
        while True:
            h = f.readline(65537).decode('latin-1').rstrip('\r\n')
            if not h:
                break
            name, _, value = h.partition(':')
            headers.append((name, value.strip()))
        request = Request(where[0], where[1], line[0], line[1], headers)
        request.body = f.read(int(request.get('content-length') or 0))
        with self.lock:
            self.seen.append(request)
        handler = self.at.get(where)
        answer = handler(request) if handler is not None else None
        return send(c, request, answer if answer is not None else Answer(404, [], b'{"errors":[{"code":"NAME_UNKNOWN","message":"not here"}]}'))


def send(c, request, answer):
    """False: the connection is over."""
    if answer.drop:
        return False
    if answer.raw is not None:
        c.sendall(answer.raw)
        return False
    body, length = answer.body, answer.length
    if length == 'true':
        length = None if answer.stream is not None else len(body)
    lines = ['HTTP/1.1 %d Told' % answer.status] + ['%s: %s' % h for h in answer.headers]
    lines.append('Connection: close' if length is None else 'Content-Length: %d' % length)
    c.sendall(answer.before + '\r\n'.join(lines).encode('latin-1') + b'\r\n\r\n')
    if request.method == 'HEAD' or answer.status in (204, 304):
        return length is not None
    for piece in answer.stream if answer.stream is not None else (body[:answer.cut],):
        c.sendall(piece)
    return length == len(body) and answer.cut is None and answer.stream is None
