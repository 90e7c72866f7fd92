#!/usr/bin/env python3
"""A container engine on a unix socket that answers as it is told: what real ones do on their worst days, on demand.

    fake_engine.py DIR          listens on DIR/engine.sock; script, rules and log as in fake_http.py

More that a rule may have:

    call            a regular expression for "METHOD /path", from the beginning to the end; the API version is left out
    json            the answer's body, written out
    lines           the answer's body: JSON lines, each a chunk of its own; a text is sent as it is
    flood           [text, n]: the text n times, in chunks
    unfinished      the answer's chunked body has no end
    stop_after      so many bytes of the request's body are read, and then no more until the client goes away

The log has for each request {"call": "POST /images/load?quiet=0", ...}. Of a load it tells what arrived, whole or not:
{"load": {"is_complete": bool, "bytes": n, "entries": [[name, size], ...], "has_end_mark": bool, "texts": {small documents by name}}}."""
import json
import re
import select
import socket
import sys

sys.dont_write_bytecode = True  # the checkout stays as it is
# pylint: disable=wrong-import-position
from fake_http import LOCK, Server


class Cut(Exception):
    pass


def read_chunks(f):
    """Bytes of a chunked body as they come; Cut when the client goes away within it."""
    while True:
        line = f.readline()
        if not line.endswith(b'\n'):
            raise Cut
        n = int(line.split(b';')[0], 16)
        data = f.read(n)
        if len(data) < n or not f.readline().endswith(b'\n'):
            raise Cut
        if n == 0:
            return
        yield data


def look_into(tar):
    """What a tar stream holds so far: entries, small documents, and whether its end mark has come."""
    entries, texts, at = [], {}, 0
    while at + 512 <= len(tar):
        head = tar[at:at + 512]
        if head == bytes(512):
            return entries, texts, tar[at:at + 1024] == bytes(1024)
        name, size = head[:100].rstrip(b'\0').decode(), int(head[124:135], 8)
        entries.append([name, size])
        if size <= 4096:
            texts[name] = tar[at + 512:at + 512 + size].decode('latin-1')
        at += 512 + (size + 511) // 512 * 512
    return entries, texts, False


class Engine(Server):
    def one_request(self, c, f, number, connection):
        request = self.read_head(f)
        if request is None:
            return False
        rule = self.choose(request)
        is_whole = True
        if not rule.get('early'):
            is_whole = self.read_request(c, f, request, rule)
        with LOCK:
            self.log.write(json.dumps(request) + '\n')
            self.log.flush()
        goes_on = is_whole and self.answer(c, rule, request)
        if rule.get('early'):
            self.linger(c)
        return goes_on

    @staticmethod
    def read_head(f):
        line = f.readline(65537).decode('latin-1').split()
        if len(line) != 3:
            return None
        headers = []
        while h := f.readline(65537).decode('latin-1').rstrip('\r\n'):
            name, _, value = h.partition(':')
            headers.append([name, value.strip()])
        call = '%s %s' % (line[0], re.sub(r'^/v[0-9.]+/', '/', line[1]))
        return {'port': -1, 'method': line[0], 'path': line[1], 'call': call, 'headers': headers}

    def fits(self, rule, request):
        return Server.fits(rule, request) and ('call' not in rule or re.fullmatch(rule['call'], request['call']) is not None)

    def read_request(self, c, f, request, rule):
        if ['Transfer-Encoding', 'chunked'] not in request['headers']:
            self.read_body(f, request['headers'])
            return True
        body, is_complete = bytearray(), False
        try:
            for piece in read_chunks(f):
                body += piece
                if len(body) >= rule.get('stop_after', 1 << 62):
                    self.wait_until_gone(c)
                    raise Cut
            is_complete = True
        except (Cut, OSError):
            pass
        entries, texts, has_end_mark = look_into(bytes(body))
        request['load'] = {'is_complete': is_complete, 'bytes': len(body), 'entries': entries, 'has_end_mark': has_end_mark, 'texts': texts}
        return is_complete

    @staticmethod
    def wait_until_gone(c, ms=None):
        poll = select.poll()
        poll.register(c, select.POLLRDHUP)
        poll.poll(ms)

    def linger(self, c):
        """As Go's server does: nothing more to say, and half a second for the client to hear it."""
        c.shutdown(socket.SHUT_WR)
        self.wait_until_gone(c, 500)

    def answer(self, c, rule, request):
        if 'json' in rule:
            rule = dict(rule, body=json.dumps(rule['json']))
        if 'lines' not in rule and 'flood' not in rule:
            return super().answer(c, rule, request)
        self.wait(rule)
        c.sendall(('HTTP/1.1 %d Fake\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n' % rule.get('status', 200)).encode())
        for line in rule.get('lines', []):
            self.send_chunk(c, (line if isinstance(line, str) else json.dumps(line) + '\r\n').encode())
        text, n = rule.get('flood', ['', 0])
        at_once = max(1, (1 << 20) // max(1, len(text)))
        while n > 0:
            self.send_chunk(c, text.encode() * min(n, at_once))
            n -= at_once
        if not rule.get('unfinished'):
            c.sendall(b'0\r\n\r\n')
        return not rule.get('unfinished') and not rule.get('early')

    @staticmethod
    def send_chunk(c, data):
        c.sendall(b'%x\r\n%s\r\n' % (len(data), data))

    def run(self):
        self.script['unix'] = 'engine.sock'
        super().run()


if __name__ == '__main__':
    socket.setdefaulttimeout(None)
    Engine(sys.argv[1]).run()
