#!/usr/bin/env python3
"""A registry of images that are made while they are read, so that twenty gigabytes need no disk.

    generated_registry.py DIR NAME:TAG=BASE_MIB+MIB,MIB...  ...     writes its port to DIR/port when it can be asked; ends with SIGTERM

An image has an uncompressed layer for each number. The same bytes for the same arguments: one MiB in three is noise, two are noise of four letters
(compressible to a quarter), and each sixth MiB stood 62 MiB before. A layer before the + is the same one in every image."""
import hashlib
import http.server
import json
import os
import random
import re
import sys
import tarfile

MIB = 1 << 20
TAIL = 10240 - 512
FOUR_LETTERS = int.from_bytes(b'\x03' * MIB, 'little')
LAYER = 'application/vnd.oci.image.layer.v1.tar'


class Blocks:
    """32 768 different blocks of one MiB: the exclusive or of one of each of three pools."""

    def __init__(self):
        noise = random.Random(1)
        self.pools = [[int.from_bytes(noise.randbytes(MIB), 'little') for _ in range(32)] for _ in range(3)]

    def block(self, n):
        if n % 6 == 5:
            n = max(0, n - 62)
        mixed = self.pools[0][n & 31] ^ self.pools[1][n >> 5 & 31] ^ self.pools[2][n >> 10 & 31]
        return (mixed if n % 3 == 0 else mixed & FOUR_LETTERS).to_bytes(MIB, 'little')


class Layer:
    """A tar archive of one file."""

    def __init__(self, blocks, first, mib):
        self.blocks, self.first, self.mib = blocks, first, mib
        head = tarfile.TarInfo('layer-%d.bin' % first)
        head.size = mib * MIB
        self.head = head.tobuf(tarfile.USTAR_FORMAT)
        self.size = len(self.head) + head.size + TAIL
        h = hashlib.sha256()
        for data in self.read(0):
            h.update(data)
        self.digest = 'sha256:' + h.hexdigest()

    def read(self, offset):
        """From there to the end."""
        at = len(self.head)
        yield self.head[offset:]
        for i in range(max(0, offset - at) // MIB, self.mib):
            yield self.blocks.block(self.first + i)[max(0, offset - at - i * MIB):]
        yield bytes(TAIL)[max(0, offset - at - self.mib * MIB):]


class Document:
    def __init__(self, value):
        self.data = json.dumps(value).encode()
        self.size, self.digest = len(self.data), 'sha256:' + hashlib.sha256(self.data).hexdigest()
        self.media_type = value.get('mediaType', 'application/octet-stream')

    def read(self, offset):
        yield self.data[offset:]


def described(blob, media_type):
    return {'mediaType': media_type, 'digest': blob.digest, 'size': blob.size}


class Store:
    def __init__(self):
        self.blocks, self.shared, self.found, self.next = Blocks(), {}, {}, 0

    def layer(self, mib, is_shared):
        if is_shared and mib in self.shared:
            return self.shared[mib]
        layer = Layer(self.blocks, self.next, mib)
        self.next += mib
        if is_shared:
            self.shared[mib] = layer
        return layer

    def add(self, name, tag, sizes):
        base, plus, own = sizes.rpartition('+')
        layers = [self.layer(int(mib), True) for mib in filter(None, base.split(','))] + [self.layer(int(mib), False) for mib in own.split(',')]
        config = Document({'architecture': 'amd64', 'os': 'linux', 'created': '2026-01-02T03:04:05Z', 'config': {'Labels': {'name': name}},
                           'rootfs': {'type': 'layers', 'diff_ids': [layer.digest for layer in layers]}})
        manifest = Document({'schemaVersion': 2, 'mediaType': 'application/vnd.oci.image.manifest.v1+json',
                             'config': described(config, 'application/vnd.oci.image.config.v1+json'), 'layers': [described(x, LAYER) for x in layers]})
        for blob in [config, *layers]:
            self.found['/v2/%s/blobs/%s' % (name, blob.digest)] = blob
        for reference in (tag, manifest.digest):
            self.found['/v2/%s/manifests/%s' % (name, reference)] = manifest


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    disable_nagle_algorithm = True  # head and body are two writes: each small document would wait for an acknowledgement

    def do_GET(self):
        blob = self.server.store.found.get(self.path.split('?')[0])
        if self.path == '/v2/':
            blob = Document({})
        elif blob is None:
            return self.head(404, 0, 'application/json')
        wanted = re.fullmatch(r'bytes=(\d+)-(\d*)', self.headers.get('Range', ''))
        first = int(wanted[1]) if wanted else 0
        end = int(wanted[2]) + 1 if wanted and wanted[2] else blob.size
        self.head(206 if wanted else 200, end - first, getattr(blob, 'media_type', 'application/octet-stream'), 'bytes %d-%d/%d' % (first, end - 1, blob.size) if wanted else None)
        left = end - first
        if self.command == 'GET':
            for data in blob.read(first):
                self.wfile.write(data[:left])
                left -= min(left, len(data))

    do_HEAD = do_GET

    def head(self, status, size, media_type, content_range=None):
        self.send_response(status)
        self.send_header('Content-Type', media_type)
        self.send_header('Content-Length', str(size))
        self.send_header('Accept-Ranges', 'bytes')
        if content_range:
            self.send_header('Content-Range', content_range)
        self.end_headers()

    def log_message(self, *args):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass  # a client that has what it wants goes away


def main(folder, *images):
    server = Server(('127.0.0.1', 0), Handler)
    server.store = Store()
    for image in images:
        name, _, rest = image.partition(':')
        tag, _, sizes = rest.partition('=')
        server.store.add(name, tag, sizes)
    with open(folder + '/port.new', 'w', encoding='ascii') as port:
        port.write('%d\n' % server.server_port)
    os.rename(folder + '/port.new', folder + '/port')
    server.serve_forever()


if __name__ == '__main__':
    main(*sys.argv[1:])
