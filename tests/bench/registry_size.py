#!/usr/bin/env python3
"""registry_size.py URL NAME:TAG... : of all layers of these images, each counted once: how many, bytes as the registry keeps them, bytes when unpacked. As JSON.

Unpacked sizes of gzip layers are what their last four bytes say (modulo 2^32); others count as they are."""
import json
import sys
import urllib.request

TYPES = ', '.join(['application/vnd.docker.distribution.manifest.v2+json', 'application/vnd.oci.image.manifest.v1+json'])


def get(url, **headers):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(urllib.request.Request(url, headers=headers)) as answer:
        return answer.read()


def unpacked(url, layer):
    if 'gzip' not in layer['mediaType']:
        return layer['size']
    return int.from_bytes(get('%s/blobs/%s' % (url, layer['digest']), Range='bytes=%d-' % (layer['size'] - 4))[-4:], 'little')


def main(url, *images):
    layers = {}
    for image in images:
        name, _, tag = image.rpartition(':')
        manifest = json.loads(get('%s/v2/%s/manifests/%s' % (url, name, tag), Accept=TYPES))
        for layer in manifest['layers']:
            layers.setdefault(layer['digest'], (layer, '%s/v2/%s' % (url, name)))
    print(json.dumps({'images': len(images), 'layers': len(layers), 'compressed_bytes': sum(layer['size'] for layer, _ in layers.values()),
                      'raw_bytes': sum(unpacked(where, layer) for layer, where in layers.values())}))


if __name__ == '__main__':
    main(*sys.argv[1:])
