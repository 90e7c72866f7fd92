#!/usr/bin/env python3
"""put_odd_images.py URL: images that are legal and that no everyday program makes, put into a registry by its own API. Prints a line for each:
kind, repository and tag."""
import gzip
import re
import subprocess
import sys

from played_registry import DOCKER_LIST, OCI_INDEX, OCI_LAYER, Image, Layer, digest, index, tar
from registry_api import Api

API = Api(sys.argv[1])
RAW = tar({'etc/odd': b'odd\n' * 100})


def put_image(image, repository, tag=None):
    API.put_image(image, repository, tag)
    if tag:
        print('image %s:%s' % (repository, tag))


def put_index(data, media_type, repository, tag=None):
    API.put_document(repository, data, media_type, tag)
    if tag:
        print('index %s:%s' % (repository, tag))


def zstd(data, *options):
    return subprocess.run(['zstd', '-q', '-c', *options], input=data, stdout=subprocess.PIPE, check=True).stdout


def images():
    pretty = Image()
    pretty.manifest_bytes = re.sub(rb',', b' ,\n\t', Image().manifest())
    annotated = Image()
    annotated.manifest_changes = {'annotations': {'org.opencontainers.image.title': 'ünïcode', 'x.empty': ''}, 'subject': None}
    return {
        'uncompressed': Image([Layer(RAW, RAW, OCI_LAYER)]),
        'members': Image([Layer(RAW, gzip.compress(RAW[:700], mtime=0) + gzip.compress(RAW[700:], mtime=7))]),
        'frames': Image([Layer(RAW, zstd(RAW[:700]) + b'\x50\x2a\x4d\x18\x04\0\0\0abcd' + zstd(RAW[700:], '-19'), OCI_LAYER + '+zstd')]),
        'twice': Image([Layer(RAW), Layer(), Layer(RAW)]),
        'empty': Image([Layer(tar({}))]),
        'all-ways': Image([Layer(RAW), Layer(tar({'b': b'b'}), zstd(tar({'b': b'b'})), OCI_LAYER + '+zstd'), Layer(tar({'c': b'c'}), tar({'c': b'c'}), OCI_LAYER)]),
        'pretty': pretty,
        'annotated': annotated,
    }


def indexes():
    here, arm, old = Image(), Image([Layer(tar({'arm': b'1'}))], 'arm64', 'v8'), Image([Layer(tar({'old': b'1'}))], 'arm', 'v7')
    for image in (here, arm, old):
        put_image(image, 'odd/index')
    entries = [i.descriptor() for i in (here, arm, old)]
    inner = index(entries[1:])
    put_index(inner, OCI_INDEX, 'odd/index')
    put_index(index([entries[0], {'mediaType': OCI_INDEX, 'digest': digest(inner), 'size': len(inner)}]), OCI_INDEX, 'odd/index', 'nested')
    put_index(index(entries, annotations={'a': 'b'}), OCI_INDEX, 'odd/index', 'annotated')
    statement = Layer(b'', b'{"_type":"https://in-toto.io/Statement/v0.1"}', 'application/vnd.in-toto+json')
    attestation = Image([statement], 'unknown')
    attestation.config.update({'os': 'unknown', 'rootfs': {'type': 'layers', 'diff_ids': [digest(statement.blob)]}})
    put_image(attestation, 'odd/index')
    entry = dict(attestation.descriptor(), platform={'os': 'unknown', 'architecture': 'unknown'},
                 annotations={'vnd.docker.reference.type': 'attestation-manifest', 'vnd.docker.reference.digest': digest(here.manifest())})
    put_index(index(entries + [entry]), OCI_INDEX, 'odd/index', 'attested')
    put_index(index(entries, DOCKER_LIST), DOCKER_LIST, 'odd/index', 'list-of-oci')


for name, value in images().items():
    put_image(value, 'odd/' + name, '1')
indexes()
