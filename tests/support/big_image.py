#!/usr/bin/env python3
"""An image with large layers, as files for static_registry.py.

    big_image.py DIR NAME TAG MIB...      one layer of so many MiB each: as it is, gzip, zstd, as it is, ...

Of each layer two thirds are noise, one sixth is text that compresses, and one sixth was in the layer before: always the same bytes for the same arguments. Needs the zstd
program."""
import hashlib
import io
import json
import os
import random
import subprocess
import sys
import tarfile
import zlib

FORMS = [('', None), ('+gzip', 'gzip'), ('+zstd', 'zstd')]


def blocks(number, mib):
    noise, before = random.Random(number), random.Random(number - 1)
    for i in range(mib):
        if i % 6 < 4:
            yield noise.randbytes(1 << 20)
        elif i % 6 == 4:
            yield (b'%08d a line of text that is like the others\n' % (i * 7) * 23000)[:1 << 20]
        else:
            yield before.randbytes(1 << 20)


def tar_of(number, mib):
    """One file; pieces of the archive."""
    header = tarfile.TarInfo('layer-%d.bin' % number)
    header.size = mib << 20
    yield header.tobuf(tarfile.USTAR_FORMAT)
    yield from blocks(number, mib)
    yield bytes(10240 - 512)


class Gzip:
    def __init__(self, f):
        self.f, self.z = f, zlib.compressobj(1, zlib.DEFLATED, 31)

    def write(self, data):
        self.f.write(self.z.compress(data))

    def close(self):
        self.f.write(self.z.flush())


class Zstd:
    def __init__(self, f):
        self.p = subprocess.Popen(['zstd', '-1', '-q', '-c'], stdin=subprocess.PIPE, stdout=f)

    def write(self, data):
        self.p.stdin.write(data)

    def close(self):
        self.p.stdin.close()
        if self.p.wait() != 0:
            sys.exit('zstd failed')


class Plain:
    def __init__(self, f):
        self.write = f.write

    def close(self):
        pass


def put(folder, path):
    """A file becomes a blob."""
    h = hashlib.sha256()
    with open(path, 'rb') as f:
        while data := f.read(1 << 20):
            h.update(data)
    digest = 'sha256:' + h.hexdigest()
    size = os.path.getsize(path)
    os.rename(path, os.path.join(folder, digest))
    return digest, size


def make_layer(blobs, number, mib):
    suffix, form = FORMS[number % len(FORMS)]
    path = os.path.join(blobs, 'new')
    diff_id = hashlib.sha256()
    with open(path, 'wb') as f:
        to = {None: Plain, 'gzip': Gzip, 'zstd': Zstd}[form](f)
        for data in tar_of(number, mib):
            diff_id.update(data)
            to.write(data)
        to.close()
    digest, size = put(blobs, path)
    return {'mediaType': 'application/vnd.oci.image.layer.v1.tar' + suffix, 'digest': digest, 'size': size}, 'sha256:' + diff_id.hexdigest()


def put_text(blobs, document):
    text = json.dumps(document).encode()
    path = os.path.join(blobs, 'new')
    with io.open(path, 'wb') as f:
        f.write(text)
    return put(blobs, path)


def main(folder, name, tag, *sizes):
    blobs, manifests = (os.path.join(folder, 'v2', name, part) for part in ('blobs', 'manifests'))
    os.makedirs(blobs, exist_ok=True)
    os.makedirs(manifests, exist_ok=True)
    layers = [make_layer(blobs, i, int(mib)) for i, mib in enumerate(sizes)]
    config, config_size = put_text(blobs, {'architecture': 'amd64', 'os': 'linux', 'created': '2026-01-02T03:04:05Z', 'config': {},
                                           'rootfs': {'type': 'layers', 'diff_ids': [d for _, d in layers]}})
    manifest = {'schemaVersion': 2, 'mediaType': 'application/vnd.oci.image.manifest.v1+json',
                'config': {'mediaType': 'application/vnd.oci.image.config.v1+json', 'digest': config, 'size': config_size}, 'layers': [x for x, _ in layers]}
    digest, _ = put_text(manifests, manifest)
    link = os.path.join(manifests, tag)
    if not os.path.lexists(link):
        os.symlink(digest, link)


if __name__ == '__main__':
    main(*sys.argv[1:])
