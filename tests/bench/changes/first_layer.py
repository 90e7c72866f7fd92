#!/usr/bin/env python3
"""first_layer.py REGISTRY REPOSITORY TAG NAME: writes a docker-archive to standard output: the image that was there before the second step of a
Dockerfile, with the history that the engine's build cache compares. So a later build goes on with the steps that are in the registry."""
import gzip
import hashlib
import io
import json
import sys
import tarfile
import urllib.request


def get(path, accept='*/*'):
    request = urllib.request.Request('http://%s/v2/%s/%s' % (sys.argv[1], sys.argv[2], path), headers={'Accept': accept})
    return urllib.request.urlopen(request).read()


def main():
    manifest = json.loads(get('manifests/' + sys.argv[3], 'application/vnd.docker.distribution.manifest.v2+json'))
    config = json.loads(get('blobs/' + manifest['config']['digest']))
    layer = gzip.decompress(get('blobs/' + manifest['layers'][0]['digest']))
    assert 'sha256:' + hashlib.sha256(layer).hexdigest() == config['rootfs']['diff_ids'][0]
    history = config['history'][:1]
    base = {'architecture': config['architecture'], 'os': config['os'], 'created': history[0]['created'], 'config': {},
            'rootfs': {'type': 'layers', 'diff_ids': config['rootfs']['diff_ids'][:1]}, 'history': history}
    parts = {'config.json': json.dumps(base).encode(), 'layer.tar': layer,
             'manifest.json': json.dumps([{'Config': 'config.json', 'RepoTags': [sys.argv[4]], 'Layers': ['layer.tar']}]).encode()}
    with tarfile.open(fileobj=sys.stdout.buffer, mode='w|') as out:
        for name, content in parts.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            out.addfile(entry, io.BytesIO(content))


main()
