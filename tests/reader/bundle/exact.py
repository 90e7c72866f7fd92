"""Bundles with blobs as registries have them (docs/FORMAT.md, 3.7): what must be there, the layout, and the proof of layers."""
import hashlib
import json
import subprocess
import zlib

from .base import MIB, Refused, need, sha256

INDEX = 'application/vnd.oci.image.index.v1+json'
MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
LISTS = ('application/vnd.docker.distribution.manifest.list.v2+json',)
DOCKER = LISTS + ('application/vnd.docker.distribution.manifest.v2+json',)
LAST = ('oci-layout', 'index.json', 'manifest.json')
LAYOUT = b'{"imageLayoutVersion":"1.0.0"}'
FORMS = {}
for _base in ('application/vnd.oci.image.layer.v1.tar', 'application/vnd.oci.image.layer.nondistributable.v1.tar'):
    FORMS.update({_base: 'raw', _base + '+gzip': 'gzip', _base + '+zstd': 'zstd'})
for _base in ('application/vnd.docker.image.rootfs.diff.tar', 'application/vnd.docker.image.rootfs.foreign.diff.tar'):
    FORMS.update({_base: 'raw', _base + '.gzip': 'gzip', _base + '.zstd': 'zstd'})
del FORMS['application/vnd.docker.image.rootfs.foreign.diff.tar.zstd']


def blob_path(digest):
    return 'blobs/sha256/' + digest.split(':')[-1]


def check_blobs(m):
    """Every blob that a layer or a document names is there, and no other."""
    found = {e['name']: e['size'] for e in m['members'] if e['name'].startswith('blobs/')}
    wanted = [(blob_path(e['sha256']), e['size']) for e in m['members'] if e['name'].startswith('images/')]
    for layer in m['layers']:
        for blob in layer['blobs']:
            need(blob['media_type'] in FORMS, 'FORMAT', 'bundle.json: layer type %s' % blob['media_type'])
            wanted.append((blob_path(blob['digest']), blob['size']))
    for name, size in wanted:
        need(found.get(name) == size, 'FORMAT', 'bundle.json: %s is missing or has another size' % name)
    need(set(found) == {name for name, _ in wanted}, 'FORMAT', 'bundle.json: a blob belongs to nothing')


def compact(value):
    return json.dumps(value, separators=(',', ':')).encode() + b'\n'


def descriptor(media_type, digest, size, annotations=None, platform=None):
    out = {'mediaType': media_type, 'digest': digest, 'size': size}
    if annotations:
        out['annotations'] = annotations
    if platform:
        names = ('os', 'architecture', 'variant')
        said = dict(zip(names, platform.split('/')))
        out['platform'] = {k: said[k] for k in ('architecture', 'os', 'variant') if k in said}
    return out


def index_of(manifests):
    return compact({'schemaVersion': 2, 'mediaType': INDEX, 'manifests': manifests})


def layout(release, read, check=lambda platform, manifest: None):
    """(index.json, manifest.json, {number of an image: its finder}) that release.json and the documents lead to. read(digest) gives a document."""
    entries, docker, finders = [], [], {}
    for n, image in enumerate(release['images']):
        reference, own, platforms = image['reference'], [], []
        names = {'io.containerd.image.name': reference}
        if 'index' in image:
            data = read(image['index'])
            own.append((json.loads(data).get('mediaType', INDEX), image['index'], len(data), None))
            need(own[0][0] in LISTS + (INDEX,), 'FORMAT', '%s: type of its index' % reference)
        for k, p in enumerate(image['platforms']):
            manifest = json.loads(read(p['manifest']))
            check(p, manifest)
            docker.append({'Config': blob_path(p['config']), 'RepoTags': [reference] if k == 0 else [],
                           'Layers': [blob_path(layer['digest']) for layer in manifest['layers']]})
            platforms.append((p['manifest_type'], p['manifest'], p['manifest_size'], p['platform']))
        own = own or platforms
        if len(release['images']) > 1 and own[0][0] in DOCKER:
            finders[n] = index_of([descriptor(*row[:3], platform=row[3]) for row in platforms])
            entries.append(descriptor(INDEX, 'sha256:' + sha256(finders[n]), len(finders[n]), {'org.opencontainers.image.ref.name': reference}))
        else:
            names['org.opencontainers.image.ref.name'] = reference
        entries += [descriptor(*row[:3], annotations=names, platform=row[3]) for row in own]
    return index_of(entries), compact(docker), finders


def check_layout(m, release, documents):
    """documents: {sha256: bytes} of everything below images/."""
    members = {e['name']: e for e in m['members']}
    blobs = {layer['diff_id']: {(b['digest'], b['size']) for b in layer['blobs']} for layer in m['layers']}

    def read(digest):
        need(digest[7:] in documents, 'FORMAT', '%s is missing' % digest)
        return documents[digest[7:]]

    def check(p, manifest):
        need(manifest.get('mediaType', MANIFEST) == p['manifest_type'] and manifest['config']['digest'] == p['config'] and len(manifest['layers']) == len(p['diff_ids'])
             and len(read(p['manifest'])) == p['manifest_size'], 'FORMAT', '%s is not what release.json says' % p['manifest'])
        for diff_id, layer in zip(p['diff_ids'], manifest['layers']):
            need((layer['digest'], layer['size']) in blobs.get(diff_id, ()), 'FORMAT', 'layer %s is not in bundle.json' % diff_id)
    try:
        index, docker, finders = layout(release, read, check)
    except (KeyError, TypeError, ValueError, AttributeError) as why:
        raise Refused('FORMAT', 'documents of images: %r' % why) from None
    wanted = {'oci-layout': LAYOUT, 'index.json': index, 'manifest.json': docker}
    wanted.update({'images/%d/layout.json' % n: data for n, data in finders.items()})
    for name, data in wanted.items():
        need(name in members and members[name]['sha256'] == sha256(data), 'FORMAT', '%s is not what release.json leads to' % name)


def inflated(form, file):
    """Pieces of the tar."""
    file.seek(0)
    if form == 'raw':
        yield from iter(lambda: file.read(MIB), b'')
    elif form == 'zstd':
        data = file.read()
        magic = data[:4]
        need(magic == b'\x28\xb5\x2f\xfd' or (magic[1:] == b'\x2a\x4d\x18' and magic[0] >> 4 == 5), 'INTEGRITY', 'not zstd')
        done = subprocess.run(['zstd', '-dcq', '--memory=128MiB'], input=data, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        need(done.returncode == 0, 'INTEGRITY', 'zstd refuses it')
        yield done.stdout
    else:
        data = file.read(MIB)
        need(data, 'INTEGRITY', 'empty, expected gzip')
        while data:
            z = zlib.decompressobj(31)
            while not z.eof:
                need(data, 'INTEGRITY', 'gzip ends in the middle')
                yield z.decompress(data, MIB)
                data = z.unconsumed_tail or (z.unused_data if z.eof else file.read(MIB))
            data = data or file.read(MIB)


def prove_layers(m, blobs):
    """Every form of every layer inflates to its diff_id. blobs: {name of a member: file}."""
    for i, layer in enumerate(m['layers']):
        for blob in layer['blobs']:
            digest = hashlib.sha256()
            try:
                for piece in inflated(FORMS[blob['media_type']], blobs[blob_path(blob['digest'])]):
                    digest.update(piece)
            except zlib.error as why:
                raise Refused('INTEGRITY', 'layer %d: %s' % (i, why)) from None
            need('sha256:' + digest.hexdigest() == layer['diff_id'], 'INTEGRITY', 'layer %d: SHA-256 is %s' % (i, digest.hexdigest()))
