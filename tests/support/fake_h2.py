#!/usr/bin/env python3
"""An HTTP/2 server over TLS that answers as it is told. It does not look at what is asked.

    fake_h2.py DIR            reads DIR/script.json, writes DIR/ports when it listens, and DIR/log (one request a line); DIR/ca.pem signed its certificate

script.json: {"answers": [ANSWER, ...]}, used in turn, the last one for ever:

    status, body_bytes          a good answer; headers: how many more it has; interim: how many 103 come before it
    goaway                      GOAWAY instead of an answer, or after that many bytes of the body; then the connection is closed
    reset                       RST_STREAM with this error after "cut" bytes of the body
    cut                         the connection is closed after so many bytes of the body"""
import json
import os
import socket
import ssl
import struct
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import fake_http  # noqa: E402

DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY = 0, 1, 3, 4, 6, 7
END_STREAM, END_HEADERS, ACK = 1, 4, 1
PREFACE = b'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'


def frame(kind, flags, stream, payload=b''):
    return struct.pack('>I', len(payload))[1:] + bytes([kind, flags]) + struct.pack('>I', stream) + payload


def literal(name, value):
    return b'\x00' + bytes([len(name)]) + name.encode() + bytes([len(value)]) + value.encode()


class Server(fake_http.Server):
    def make_contexts(self):
        self.tls = self.make_tls()
        self.tls.set_alpn_protocols(['h2', 'http/1.1'])
        self.turn = 0

    def serve(self, c, number):
        try:
            c = self.tls.wrap_socket(c, server_side=True)
            with fake_http.LOCK:
                self.n_connections += 1
                connection = self.n_connections
            if c.selected_alpn_protocol() == 'h2':
                self.serve_h2(c, c.makefile('rb'), connection)
        except (OSError, ValueError):
            pass
        finally:
            c.close()

    def serve_h2(self, c, f, connection):
        if f.read(len(PREFACE)) != PREFACE:
            return
        c.sendall(frame(SETTINGS, 0, 0))
        while True:
            head = f.read(9)
            if len(head) < 9:
                return
            payload = f.read(int.from_bytes(head[:3], 'big'))
            kind, flags, stream = head[3], head[4], int.from_bytes(head[5:9], 'big')
            if kind == SETTINGS and not flags & ACK:
                c.sendall(frame(SETTINGS, ACK, 0))
            elif kind == PING and not flags & ACK:
                c.sendall(frame(PING, ACK, 0, payload))
            elif kind == HEADERS and not self.answer_stream(c, stream, connection):
                return

    def next_answer(self, stream, connection):
        with fake_http.LOCK:
            answers = self.script['answers']
            answer = answers[min(self.turn, len(answers) - 1)]
            self.turn += 1
            self.log.write(json.dumps({'connection': connection, 'stream': stream, 'method': 'h2'}) + '\n')
            self.log.flush()
        return answer

    def answer_stream(self, c, stream, connection):
        a = self.next_answer(stream, connection)
        if a.get('goaway') is True:
            c.sendall(frame(GOAWAY, 0, 0, struct.pack('>II', 0, 0)))
            return False
        for _ in range(a.get('interim', 0)):
            c.sendall(frame(HEADERS, END_HEADERS, stream, literal(':status', '103') + literal('link', 'x')))
        n = a.get('body_bytes', 0)
        head = literal(':status', str(a.get('status', 200))) + literal('content-length', str(n))
        for i in range(a.get('headers', 0)):
            head += literal('x-%d' % i, 'y' * 50)
        c.sendall(frame(HEADERS, END_HEADERS | (END_STREAM if n == 0 else 0), stream, head))
        return self.send_body(c, stream, a, n)

    @staticmethod
    def send_body(c, stream, a, n):
        stop = min(n, a.get('cut', n), a.get('goaway', n))
        body = fake_http.fill('0123456789abcdef', n)
        for at in range(0, stop, 16384):
            end = min(at + 16384, stop)
            c.sendall(frame(DATA, END_STREAM if end == n else 0, stream, body[at:end]))
        if 'reset' in a:
            c.sendall(frame(RST_STREAM, 0, stream, struct.pack('>I', a['reset'])))
            return True
        if 'goaway' in a:
            c.sendall(frame(GOAWAY, 0, 0, struct.pack('>II', 0, 2)))
        return stop == n


if __name__ == '__main__':
    server = Server(sys.argv[1])
    server.make_contexts()
    server.run()
