#!/usr/bin/env python3
"""An HTTP server that answers as it is told, for clients that must survive servers that lie.

    fake_http.py DIR            reads DIR/script.json, writes DIR/ports (one a line) when it listens, and DIR/log (one request a line)

script.json: {"ports": 2, "tls": [1], "unix": "name", "rules": [RULE, ...]}. TLS ports use a certificate for 127.0.0.1 and localhost
signed by DIR/ca.pem; "ask_client": true makes them ask for a certificate, for which DIR/client.pem and client.key would do, and log
its name as "client"; "must": who has none is told so, "reset": is cut off without a word, "others": client.pem is not believed. "unix": also listens on DIR/name. A request takes the first rule that fits and is not used up:

    port, method, path          must be equal, where given (port: its number in the list; path with its query)
    has, lacks                  "Header: value" that the request must have, "Header" that it must not have
    times                       how often the rule may be used
    status, headers, body       the answer; headers is a list of [name, value]; body is text, body_hex hex, body_fill [text, bytes]
    range                       true: a Range request is answered with 206 and that part of the body
    length                      a Content-Length other than the true one; null: none, the connection is closed at the end
    cut                         the connection is closed after so many bytes of the body; with alert: true not before bytes came that are no TLS
    raw                         all bytes of the answer, instead
    drip                        [bytes, seconds]: the body comes in such pieces with such pauses
    early                       answers before the request's body is read
    delay                       seconds before the answer
    until                       no answer before the file DIR/NAME exists; after 30 seconds it comes all the same
    drop                        closes the connection without an answer

The log's "connection" numbers the connections. A line on standard input: script.json has other rules now, the log begins anew; DIR/again appears when that is so.

The certificate is another one with "certificate": {"names": "DNS:other" or "", "subject": "/CN=x", "days": -1, "self_signed": true, "old_tls": true,
"tls_1_2": true, "first_words": an alert's number, which is all that is said to anybody, or "reset": not even that}.

In every text, {portN} is the number of port N and {dir} is DIR. The log has one JSON object for each request."""
import functools
import json
import os
import re
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time

LOCK = threading.Lock()


@functools.lru_cache(maxsize=4)
def fill(text, n):
    return (text.encode() * (n // len(text) + 1))[:n]


class Server:
    def __init__(self, folder):
        self.dir = folder
        self.script = self.read_script([])
        self.listeners = [self.listen_tcp() for _ in range(self.script.get('ports', 1))]
        self.ports = [s.getsockname()[1] for s in self.listeners]
        self.script = self.read_script(self.ports)
        self.used = {}
        self.n_connections = 0
        self.tls = self.make_tls() if self.script.get('tls') else None
        self.log = open(os.path.join(folder, 'log'), 'a', encoding='utf-8')

    def read_script(self, ports):
        with open(os.path.join(self.dir, 'script.json'), encoding='utf-8') as f:
            text = json.dumps(json.load(f))
        for i, port in enumerate(ports):
            text = text.replace('{port%d}' % i, str(port))
        return json.loads(text.replace('{dir}', self.dir))

    def again(self):
        """Other rules on the same ports, and an empty log."""
        with LOCK:
            self.script['rules'] = self.read_script(self.ports)['rules']
            self.used = {}
            self.log.truncate(0)
        with open(os.path.join(self.dir, 'again'), 'w', encoding='utf-8'):
            pass

    @staticmethod
    def listen_tcp():
        s = socket.create_server(('127.0.0.1', 0), backlog=64)
        return s

    def openssl(self, *args):
        subprocess.run(['openssl', *args], check=True, cwd=self.dir, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def make_tls(self):
        ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
        cert = self.script.get('certificate', {})
        names = cert.get('names', 'IP:127.0.0.1,DNS:localhost')
        with open(os.path.join(self.dir, 'leaf.ext'), 'w', encoding='utf-8') as f:
            f.write('subjectAltName=%s\n' % names if names else 'keyUsage=digitalSignature\n')
        self.openssl('req', '-x509', *ec, '-keyout', 'ca.key', '-out', 'ca.pem', '-days', '2', '-subj', '/CN=test CA')
        self.openssl('req', *ec, '-keyout', 'leaf.key', '-out', 'leaf.csr', '-subj', cert.get('subject', '/CN=leaf'))
        signer = ['-signkey', 'leaf.key'] if cert.get('self_signed') else ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial']
        self.openssl('x509', '-req', '-in', 'leaf.csr', *signer, '-days', str(cert.get('days', 2)), '-extfile', 'leaf.ext', '-out', 'leaf.pem')
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        if self.script.get('ask_client'):
            self.openssl('req', *ec, '-keyout', 'client.key', '-out', 'client.csr', '-subj', '/CN=builder')
            self.openssl('x509', '-req', '-in', 'client.csr', '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-out', 'client.pem')
            context.load_verify_locations(os.path.join(self.dir, 'leaf.pem' if self.script['ask_client'] == 'others' else 'ca.pem'))
            context.verify_mode = ssl.CERT_REQUIRED if self.script['ask_client'] == 'must' else ssl.CERT_OPTIONAL
        if cert.get('old_tls'):
            context.set_ciphers('ALL:@SECLEVEL=0')
            context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1
        if cert.get('tls_1_2'):
            context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(os.path.join(self.dir, 'leaf.pem'), os.path.join(self.dir, 'leaf.key'))
        return context

    def run(self):
        if 'unix' in self.script:
            s = socket.socket(socket.AF_UNIX)
            s.bind(os.path.join(self.dir, self.script['unix']))
            s.listen(16)
            threading.Thread(target=self.accept, args=(s, -1), daemon=True).start()
        for i, s in enumerate(self.listeners):
            threading.Thread(target=self.accept, args=(s, i), daemon=True).start()
        with open(os.path.join(self.dir, 'ports.new'), 'w', encoding='utf-8') as f:
            f.write(''.join('%d\n' % p for p in self.ports))
        os.rename(os.path.join(self.dir, 'ports.new'), os.path.join(self.dir, 'ports'))
        for _ in sys.stdin:  # until the test that started us is gone
            self.again()

    def accept(self, listener, number):
        while True:
            c, _ = listener.accept()
            threading.Thread(target=self.serve, args=(c, number), daemon=True).start()

    def serve(self, c, number):
        try:
            if number in self.script.get('tls', []):
                c = self.greet(c)
            f = c.makefile('rb')
            with LOCK:
                self.n_connections += 1
                connection = self.n_connections
            while self.one_request(c, f, number, connection):
                pass
        except (OSError, ValueError):
            pass
        finally:
            c.close()

    def greet(self, c):
        """The handshake. What is said when it fails arrives: it is not lost in a reset, unless that is asked for."""
        words = self.script.get('certificate', {}).get('first_words')
        if words is not None:
            c.recv(1 << 16)  # who is reset before it has spoken may not even have connected
        if words == 'reset':
            self.reset(c)
        if words is not None:
            c.sendall(bytes([21, 3, 3, 0, 2, 2, words]))
            self.linger(c)
            raise OSError('said')
        with c.dup() as spare:
            try:
                c = self.tls.wrap_socket(c, server_side=True)
            except ssl.SSLError:
                self.linger(spare)
                raise
        if self.script.get('ask_client') == 'reset' and not c.getpeercert():
            self.reset(c)
        return c

    @staticmethod
    def reset(c):
        c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
        c.close()
        raise OSError('reset')

    def one_request(self, c, f, number, connection):
        line = f.readline(65537).decode('latin-1').split()
        if len(line) != 3 or not line[0].isalpha():
            return False  # nothing, or TLS where none is spoken
        headers = []
        while True:
            h = f.readline(65537).decode('latin-1').rstrip('\r\n')
            if not h:
                break
            name, _, value = h.partition(':')
            headers.append([name, value.strip()])
        request = {'port': number, **self.client_of(c), 'connection': connection, 'method': line[0], 'path': line[1], 'headers': headers}
        rule = self.choose(request)
        if not rule.get('early'):
            request['body'] = self.read_body(f, headers).decode('latin-1')
        with LOCK:
            self.log.write(json.dumps(request) + '\n')
            self.log.flush()
        return self.answer(c, rule, request)

    @staticmethod
    def client_of(c):
        peer = c.getpeercert() if isinstance(c, ssl.SSLSocket) else None
        return {'client': peer['subject'][0][0][1]} if peer else {}

    @staticmethod
    def read_body(f, headers):
        named = {n.lower(): v for n, v in headers}
        if named.get('transfer-encoding', '').lower() == 'chunked':
            body = b''
            while True:
                n = int(f.readline().split(b';')[0], 16)
                body += f.read(n)
                f.readline()
                if n == 0:
                    return body
        return f.read(int(named.get('content-length', 0)))

    @staticmethod
    def fits(rule, request):
        sent = ['%s: %s' % (n.lower(), v) for n, v in request['headers']]
        if 'has' in rule:
            name, _, value = rule['has'].partition(': ')
            if '%s: %s' % (name.lower(), value) not in sent:
                return False
        if 'lacks' in rule and any(h.startswith(rule['lacks'].lower() + ':') for h in sent):
            return False
        return all(rule[k] == request[k] for k in ('port', 'method', 'path') if k in rule)

    def choose(self, request):
        with LOCK:
            for i, rule in enumerate(self.script['rules']):
                if self.fits(rule, request) and self.used.get(i, 0) < rule.get('times', 1 << 30):
                    self.used[i] = self.used.get(i, 0) + 1
                    return rule
        return {'status': 599, 'body': 'no rule fits'}

    @staticmethod
    def body_of(rule):
        if 'body_hex' in rule:
            return bytes.fromhex(rule['body_hex'])
        if 'body_fill' in rule:
            return fill(*rule['body_fill'])
        return rule.get('body', '').encode()

    def wait(self, rule):
        time.sleep(rule.get('delay', 0))
        end = time.monotonic() + 30
        while 'until' in rule and not os.path.exists(os.path.join(self.dir, rule['until'])) and time.monotonic() < end:
            time.sleep(0.01)

    def answer(self, c, rule, request):
        self.wait(rule)
        if rule.get('drop'):
            return False
        if 'raw' in rule:
            c.sendall(rule['raw'].encode('latin-1'))
            return False
        body, status, extra = self.body_of(rule), rule.get('status', 200), []
        asked = [v for n, v in request['headers'] if n.lower() == 'range']
        if rule.get('range') and asked:
            at, last = re.fullmatch(r'bytes=(\d+)-(\d*)', asked[0]).groups()
            at, last = int(at), min(int(last or len(body)), len(body) - 1)
            extra = [['Content-Range', 'bytes %d-%d/%d' % (at, last, len(body))]]
            body, status = body[at:last + 1], 206
        length = rule.get('length', len(body))
        head = 'HTTP/1.1 %d Fake\r\n' % status
        for name, value in rule.get('headers', []) + extra:
            head += '%s: %s\r\n' % (name, value)
        head += 'Connection: close\r\n' if length is None else 'Content-Length: %d\r\n' % length
        if request['method'] == 'HEAD':
            body = b''
        c.sendall(head.encode('latin-1') + b'\r\n')
        self.send(c, memoryview(body)[:rule.get('cut', len(body))], *rule.get('drip', [1 << 30, 0]))
        if rule.get('alert'):
            os.write(c.fileno(), bytes.fromhex('15030300020250'))  # "internal error", and not encrypted
        if rule.get('early') and c.family != socket.AF_UNIX:
            self.linger(c)
        return length == len(body) and 'cut' not in rule and not rule.get('early')

    @staticmethod
    def linger(c):
        """As servers on TCP do: closing with bytes unread would reset the connection, and take the answer away from a client that has not read it yet."""
        c.shutdown(socket.SHUT_WR)
        c.settimeout(2)
        try:
            while c.recv(1 << 20):
                pass
        except OSError:
            pass

    @staticmethod
    def send(c, body, at_once, pause):
        for at in range(0, len(body), at_once):
            time.sleep(pause if at > 0 else 0)
            c.sendall(body[at:at + at_once])


if __name__ == '__main__':
    Server(sys.argv[1]).run()
