#!/usr/bin/env python3
"""A registry of files that never change, for images too large to push around.

    static_registry.py DIR      serves DIR/v2/NAME/manifests/REF and DIR/v2/NAME/blobs/DIGEST on a free port of 127.0.0.1, which it writes to DIR/port;
                                with ranges; ends with SIGTERM

Manifests name their own media type."""
import http.server
import json
import os
import re
import shutil
import sys


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def do_GET(self):
        path = os.path.realpath(self.server.folder + self.path.split('?')[0])
        if self.path == '/v2/':
            return self.small(200, b'{}')
        if not path.startswith(self.server.folder + '/v2/') or not os.path.isfile(path):
            return self.small(404, b'{"errors":[{"code":"NAME_UNKNOWN"}]}')
        with open(path, 'rb') as f:
            size = os.fstat(f.fileno()).st_size
            first, last = self.range(size)
            self.send_response(206 if 'Range' in self.headers else 200)
            if '/manifests/' in path:
                self.send_header('Content-Type', json.load(f)['mediaType'])
            if 'Range' in self.headers:
                self.send_header('Content-Range', f'bytes {first}-{last}/{size}')
            self.send_header('Accept-Ranges', 'bytes')
            self.send_header('Content-Length', str(last + 1 - first))
            self.end_headers()
            f.seek(first)
            if self.command == 'GET' and last + 1 == size:
                shutil.copyfileobj(f, self.wfile, 1 << 20)
            elif self.command == 'GET':
                self.wfile.write(f.read(last + 1 - first))

    do_HEAD = do_GET

    def range(self, size):
        m = re.fullmatch(r'bytes=(\d+)-(\d*)', self.headers.get('Range', ''))
        if m is None:
            return 0, size - 1
        return int(m[1]), min(int(m[2]), size - 1) if m[2] else size - 1

    def small(self, status, body):
        self.send_response(status)
        self.send_header('Content-Type', 'application/json')
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass  # a client that goes away is part of the tests


if __name__ == '__main__':
    server = Server(('127.0.0.1', 0), Handler)
    server.folder = os.path.realpath(sys.argv[1])
    with open(server.folder + '/port.new', 'w', encoding='ascii') as port:
        port.write(f'{server.server_port}\n')
    os.rename(server.folder + '/port.new', server.folder + '/port')
    server.serve_forever()
