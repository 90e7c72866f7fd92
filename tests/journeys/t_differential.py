#!/usr/bin/env python3
"""t_differential.py FOLDER KIND: compares, for every image of that kind, what skopeo read (theirs/NAME.raw, theirs/NAME/) with what is in the
bundle (ours-KIND/images/) and in the cache (cache-KIND/sha256/). Names each difference; fails when there is one."""
import hashlib
import json
import os
import sys

folder, kind = sys.argv[1:]
PLATFORMS = {('linux', 'amd64', ''), ('linux', 'arm64', 'v8'), ('linux', 'arm', 'v7')}
wrong = []


def read(*path):
    with open(os.path.join(folder, *path), 'rb') as f:
        return f.read()


def sha(data):
    return hashlib.sha256(data).hexdigest()


# Everything below images/, by its own digest.
ours = {}
for where, _, names in os.walk(os.path.join(folder, 'ours-' + kind, 'images')):
    for name in names:
        data = read(where, name)
        ours[sha(data)] = data


def same(what, data):
    if ours.get(sha(data)) != data:
        wrong.append('%s is not in the bundle' % what)


def blob(tag, place, digest, is_layer):
    name = digest.split(':')[1]
    theirs = read(place, name)
    if sha(theirs) != name:
        wrong.append('%s: skopeo changed %s' % (tag, digest))
    if not is_layer:
        same('%s: config %s' % (tag, digest), theirs)
    elif not os.path.exists(os.path.join(folder, 'cache-' + kind, 'sha256', name)):
        wrong.append('%s: layer %s is not in the cache' % (tag, digest))
    elif read('cache-' + kind, 'sha256', name) != theirs:
        wrong.append('%s: layer %s differs' % (tag, digest))


def manifest(tag, place, data):
    same('%s: manifest' % tag, data)
    m = json.loads(data)
    blob(tag, place, m['config']['digest'], False)
    for layer in m['layers']:
        blob(tag, place, layer['digest'], True)
    return 1


def document(tag, place, data):
    """Manifests below it; skopeo keeps them beside the first one, as HEX.manifest.json. Those of an index in an index it does not keep: the bundle
    has them, and their digests are in the index."""
    m = json.loads(data)
    if 'manifests' not in m:
        return manifest(tag, place, data)
    same('%s: index' % tag, data)
    n = 0
    for entry in m['manifests']:
        name = entry['digest'].split(':')[1]
        path = os.path.join(folder, place, name + '.manifest.json')
        if os.path.exists(path):
            child = read(path)
        elif name in ours:
            child = ours[name]
        elif kind == 'image':
            continue    # an index of which one platform was asked for
        else:
            wrong.append('%s: nobody has %s' % (tag, entry['digest']))
            continue
        if 'manifests' in json.loads(child):
            n += sum(1 for e in json.loads(child)['manifests'] if e['digest'].split(':')[1] in ours)
            same('%s: inner index' % tag, child)
        elif entry.get('platform', {}).get('architecture') == 'unknown':
            same('%s: attestation' % tag, child)
        else:
            n += manifest(tag, place, child)
    return n


for line in read('list').decode().split('\n'):
    if not line.startswith(kind + ' '):
        continue
    tag = line.split()[1]
    name = tag.replace('/', '_').replace(':', '_')
    raw = read('theirs', name + '.raw')
    if read('theirs', name, 'manifest.json') != raw and kind == 'index' and not tag.endswith(':nested'):
        wrong.append('%s: skopeo copied another manifest than it showed' % tag)
    n = document(tag, os.path.join('theirs', name), raw)
    if n != (1 if kind == 'image' else len(PLATFORMS)):
        wrong.append('%s: %d images' % (tag, n))
print('\n'.join(wrong))
sys.exit(1 if wrong else 0)
