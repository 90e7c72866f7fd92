"""Writes a bundle (docs/FORMAT.md), for tests.

build() goes through the stages in which a bundle is made; a test may change what leaves any stage and the stages after it
carry on with that, so damage before the stage "document" is signed and damage after it is not.
"""
import base64
import functools
import hashlib
import io
import json
import os
import re
import struct
import subprocess
import tarfile
import tempfile

from .base import MIB, round_up, sha256, tar_header
from .chunker import cuts

AVERAGE = 4096
MANIFEST_TYPE = 'application/vnd.oci.image.manifest.v1+json'


# ---- keys that anybody can make: for tests only ------------------------------------------------------------------------

class Key:
    """A key pair made from a text, so that no private key has to be kept anywhere."""
    def __init__(self, kind, seed):
        secret = hashlib.sha256(b'archon TEST ONLY key: ' + seed).digest()
        if kind == 'ed25519':
            self.private = pem('PRIVATE KEY', bytes.fromhex('302e020100300506032b657004220420') + secret)
        else:
            der = bytes.fromhex('30310201010420') + secret + bytes.fromhex('a00a06082a8648ce3d030107')
            self.private = openssl(['pkey'], pem('EC PRIVATE KEY', der))
        self.public = openssl(['pkey', '-pubout'], self.private)
        self.id = sha256(openssl(['pkey', '-pubout', '-outform', 'DER'], self.private))
        self.kind, self.name = kind, 'signatures/%s.sig' % self.id[:16]

    def sign(self, document):
        with tempfile.TemporaryDirectory() as d:
            for name, data in (('key', self.private), ('doc', document)):
                with open(os.path.join(d, name), 'wb') as f:
                    f.write(data)
            command = (['openssl', 'pkeyutl', '-sign', '-rawin', '-inkey', 'key', '-in', 'doc'] if self.kind == 'ed25519'
                       else ['openssl', 'dgst', '-sha256', '-sign', 'key', 'doc'])
            return subprocess.run(command, cwd=d, check=True, stdout=subprocess.PIPE).stdout


def pem(label, der):
    return b'-----BEGIN %s-----\n%s-----END %s-----\n' % (label.encode(), base64.encodebytes(der), label.encode())


def openssl(args, data):
    return subprocess.run(['openssl', *args], input=data, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout


# ---- frames ------------------------------------------------------------------------------------------------------------

@functools.lru_cache(None)
def zstd(raw, *options):
    return subprocess.run(['zstd', '-q', '-c', '-3', '--stream-size=%d' % len(raw), *options], input=raw, check=True,
                          stdout=subprocess.PIPE).stdout


def data_header_frame(header):
    return bytes.fromhex('28b52ffd600001011000') + header


def stored_frame(content):
    """The header frame (1.1)."""
    out = bytearray(b'\x28\xb5\x2f\xfd\xe0' + struct.pack('<Q', len(content)))
    for at in range(0, len(content), 131072):
        block = content[at:at + 131072]
        out += (len(block) << 3 | (at + len(block) == len(content))).to_bytes(3, 'little') + block
    return bytes(out)


# ---- the stages --------------------------------------------------------------------------------------------------------

def deduplicate(layers):
    """Returns (data stream, recipes): section 3.4, for layers so small that the window rule cannot be broken."""
    stream, index, recipes = bytearray(), {}, []
    for layer in layers:
        extents, begin = [], 0
        for end in cuts(layer, AVERAGE):
            piece = layer[begin:end]
            name = hashlib.sha256(piece).digest()[:16]
            if name not in index:
                index[name] = len(stream)
                stream += piece
            if extents and extents[-1][2] + extents[-1][1] == index[name]:
                extents[-1] = (0, extents[-1][1] + len(piece), extents[-1][2])
            else:
                extents.append((0, len(piece), index[name]))
            begin = end
        recipes.append(extents)
    return bytes(stream), recipes


def recipes_bytes(recipes):
    out = b'ARCHREC1' + struct.pack('<I', len(recipes))
    for extents in recipes:
        out += struct.pack('<I', len(extents)) + b''.join(struct.pack('<IIQ', *e) for e in extents)
    return out


def cut_chunks(parts, end, data_cut):
    """Raw pieces: a data member's header alone, data in pieces of data_cut, everything else together (1.4)."""
    plan, pending = [], b''
    for name, header, content, fill in parts:
        if name.startswith('data/'):
            plan += [pending, header] + [content[i:i + data_cut] for i in range(0, len(content), data_cut)]
            pending = fill
        else:
            pending += header + content + fill
    pending += end
    plan += [pending[i:i + 4 * MIB] for i in range(0, len(pending), 4 * MIB)]
    return [raw for raw in plan if raw]


def to_frame(raw):
    return data_header_frame(raw) if len(raw) == 512 and raw[:5] == b'data/' else zstd(raw)


def manifest_of(spec, members, table, layers):
    entries = []
    for name, content, x in members:
        entry = {'name': name, 'size': len(content)}
        if x:
            entry['x'] = 1
        if not name.startswith('data/'):
            entry['sha256'] = sha256(content)
        entries.append(entry)
    if 'layer_entries' in spec:  # exact (3.7)
        mode, described = {'layers_mode': 'exact'}, spec['layer_entries']
    else:
        mode = {'layers_mode': 'dedup', 'average': AVERAGE}
        described = [{'diff_id': 'sha256:' + sha256(layer), 'size': len(layer),
                      'blobs': [{'digest': 'sha256:' + sha256(layer), 'media_type': 'application/vnd.oci.image.layer.v1.tar', 'size': len(layer)}]}
                     for layer in layers]
    return {'archon_bundle': 1,
            'release': {'name': spec['name'], 'version': spec['version'], 'sha256': entries[0].get('sha256')},
            'created': '2026-11-21T20:00:00Z', 'platforms': ['linux/amd64'], **mode,
            'header_len': spec['header_len'], 'total_len': spec['header_len'] + sum(t[0] for t in table),
            'chunks': {'count': len(table), 'raw_len': sum(512 + round_up(len(c), 512) for _, c, _ in members) + 1024, 'sha256': ''},
            'members': entries,
            'layers': described,
            'builder': {'program': 'make_bundle.py', 'version': '1'}}


def manifest_bytes(manifest):
    return re.sub(rb'("members"|"layers"|"builder")', rb'\n \1', json.dumps(manifest, separators=(',', ':')).encode()) + b'\n'


def build(spec, keys, **change):
    """spec: name, version, layers, members, header_len, data_split, data_cut, maybe stream and recipes. Returns the file."""
    def stage(name, value):
        return change[name](value) if name in change else value
    stream, recipes = deduplicate(spec['layers']) if 'layer_entries' not in spec else (b'', [])
    stream, recipes = spec.get('stream', stream), stage('recipes', spec.get('recipes', recipes))
    layers_bin = stage('layers_bin', recipes_bytes(recipes))
    split = spec['data_split']
    members = [list(m) for m in spec['members']]
    members += [['data/%05d.bin' % (i // split), stream[i:i + split], False] for i in range(0, len(stream), split)]
    if 'layer_entries' not in spec:
        members += [['layers.bin', layers_bin, False]]
    members = stage('members', members)
    parts = [[n, tar_header(n, len(c), x), c, bytes(-len(c) % 512)] for n, c, x in members]
    plan = stage('plan', cut_chunks(stage('parts', parts), stage('end', bytes(1024)), spec['data_cut']))
    frames = stage('frames', [[to_frame(raw), len(raw)] for raw in plan])
    table = stage('table', [[len(f), raw, hashlib.sha256(f).digest()] for f, raw in frames])
    chunks_bin = b''.join(struct.pack('<II32s', *t) for t in table)
    manifest = manifest_of(spec, members, table, spec['layers'])
    manifest['chunks']['sha256'] = sha256(chunks_bin)
    document = stage('document', manifest_bytes(stage('manifest', manifest)))
    signatures = stage('signatures', sorted([k.name, k.sign(document)] for k in keys))
    header = [['bundle.json', stage('sent', document)], ['chunks.bin', stage('chunks_bin', chunks_bin)], *signatures]
    header = [[n, tar_header(n, len(c)), c, bytes(-len(c) % 512)] for n, c in header]
    content = stage('content', b''.join(h + c + fill for _, h, c, fill in stage('header', header)))
    frame = stage('header_frame', stored_frame(content))
    space = spec['header_len'] - len(frame) - 8
    padding = stage('padding', b'\x50\x2a\x4d\x18' + struct.pack('<I', max(0, space)) + bytes(max(0, space)))
    return stage('file', frame + padding + stage('payload', b''.join(f for f, _ in frames)))


# ---- the golden bundle -------------------------------------------------------------------------------------------------

def counter(n):
    """The counter stream of section 10."""
    return b''.join(hashlib.sha256(b'archon-vector-v1:%d' % i).digest() for i in range(-(-n // 32)))[:n]


def words(n, skip=0):
    """n bytes of text that compresses well and cuts well."""
    list_of = [w.encode() for w in ('bundle carries layers of images to hosts without a network and every byte is proven before it is '
                                    'used by anything that runs with power over machines data keys or people').split()]
    picks = counter(n + skip)
    return b' '.join(list_of[b % len(list_of)] for b in picks[skip:])[:n]


def layer_tar(files):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode='w', format=tarfile.USTAR_FORMAT) as tar:
        for name, content in files:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return out.getvalue()


def canonical(value):
    return json.dumps(value, separators=(',', ':')).encode()


def image_documents(layers):
    """(config, manifest) of an image with these layers."""
    config = canonical({'architecture': 'amd64', 'os': 'linux', 'config': {'Cmd': ['/bin/true']},
                        'rootfs': {'type': 'layers', 'diff_ids': ['sha256:' + sha256(layer) for layer in layers]}})
    described = [{'mediaType': 'application/vnd.oci.image.layer.v1.tar', 'digest': 'sha256:' + sha256(layer), 'size': len(layer)} for layer in layers]
    manifest = canonical({'schemaVersion': 2, 'mediaType': MANIFEST_TYPE,
                          'config': {'mediaType': 'application/vnd.oci.image.config.v1+json', 'digest': 'sha256:' + sha256(config), 'size': len(config)},
                          'layers': described})
    return config, manifest


def release_json(name, version, images, compose):
    """images: {reference: (config, manifest, layers)}."""
    def platform(config, manifest, layers):
        return {'platform': 'linux/amd64', 'manifest': 'sha256:' + sha256(manifest), 'manifest_size': len(manifest), 'manifest_type': MANIFEST_TYPE,
                'config': 'sha256:' + sha256(config), 'config_size': len(config), 'diff_ids': ['sha256:' + sha256(layer) for layer in layers]}
    return canonical({'archon_release': 1, 'name': name, 'version': version,
                      'images': [{'reference': r, 'platforms': [platform(*image)]} for r, image in images.items()],
                      'services': [{'name': r.split('/')[1].split(':')[0], 'image': r} for r in images],
                      'compose': {'files': ['compose.yaml'], 'project': name},
                      'files': [{'path': 'compose.yaml', 'size': len(compose), 'sha256': sha256(compose)}]}) + b'\n'


def without_images(spec):
    """The same with a release of files alone: layers may then be any."""
    (name, data, x), *others = spec['members']
    release = {k: v for k, v in json.loads(data).items() if k not in ('services', 'compose')}
    return {**spec, 'members': [(name, canonical({**release, 'images': []}) + b'\n', x), *others]}


def golden_spec(version='1.0.0'):
    """Two images of three layers: the second layer repeats most of the first, the third is an empty tar. The data is in four members."""
    old, more = words(26000, skip=2300), words(9000, skip=40000)
    new = old[:7000] + b' upgraded ' + old[7000:]
    layers = [layer_tar([('etc/motd', b'welcome\n'), ('usr/share/text', old), ('usr/share/more', more)]),
              layer_tar([('usr/share/text', new), ('usr/share/more', more)]),
              bytes(1024)]
    images = {'golden.example/web:1.0.0': (*image_documents(layers[:1]), layers[:1]),
              'golden.example/api:1.0.0': (*image_documents(layers[1:]), layers[1:])}
    compose = b'services:\n' + b''.join(b'  %s:\n    image: %s\n' % (r.split('/')[1].split(':')[0].encode(), r.encode()) for r in images)
    members = [('release.json', release_json('golden', version, images, compose), False), ('app/compose.yaml', compose, False)]
    for i, (config, manifest, _) in enumerate(images.values()):
        members += [('images/%d/config.json' % i, config, False), ('images/%d/manifest.json' % i, manifest, False)]
    members += [('docs/README.txt', b'A bundle for tests. Trust nothing that its key signs.\n', False), ('docs/empty.txt', b'', False),
                ('bin/archon-load-linux-amd64', b'#!/bin/sh\necho "this is the golden bundle, not a loader"\n', True)]
    return {'name': 'golden', 'version': version, 'layers': layers, 'members': members, 'header_len': 65536,
            'data_split': 20000, 'data_cut': 16384}
