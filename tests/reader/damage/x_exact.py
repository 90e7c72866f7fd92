"""Row X: bundles whose layers are blobs (docs/FORMAT.md, 3.7)."""
import gzip

from bundle.base import MIB, sha256
from bundle.golden_exact import golden_exact_spec
from bundle.writer import build

from .changes import at_index, edit, flip, replace, swap


def first_form(change):
    """The first layer of the first image, which is gzip in two members, is another."""
    def forms(web):
        return [change(*web[0])] + web[1:]
    return golden_exact_spec(change=forms)


def blob(change, layer=lambda old: old, kind=lambda old: old):
    return first_form(lambda tar, media_type, data: (layer(tar), kind(media_type), change(data)))


def members(make, spec):
    names = [m[0] for m in spec['members']]
    first = next(i for i, n in enumerate(names) if n.startswith('blobs/'))
    last = len(names) - 4
    other = b'nobody needs this'
    for label, name in (('other', 'blobs/sha256/' + '0' * 64), ('upper', names[last].upper().replace('BLOBS/SHA256', 'blobs/sha256')), ('short', names[last][:-1]),
                        ('folder', names[last].replace('sha256/', 'sha512/')), ('deep', names[last].replace('sha256/', 'sha256/x/')), ('out', 'blobs/../' + names[last][6:])):
        yield 'X01-name-' + label, 'FORMAT', 'a blob with another name', make(members=at_index(last, lambda m, n=name: [n, m[1], m[2]]))
    yield 'X01-sha256', 'FORMAT', 'a blob with another sha256 in members', make(manifest=edit('members', last, 'sha256', '0' * 64))
    yield 'X02-content', 'INTEGRITY', 'a blob has other bytes', make(parts=at_index(last, lambda p: [p[0], p[1], flip(3)(p[2]), p[3]]))
    yield 'X02-executable', 'FORMAT', 'a blob with mode 0755', make(members=at_index(last, lambda m: [m[0], m[1], True]))
    yield 'X04-missing-layer', 'FORMAT', 'a blob of a layer is missing', make(members=lambda ms: ms[:last] + ms[last + 1:])
    yield 'X04-missing-document', 'FORMAT', 'a blob of a document is missing', make(members=lambda ms: ms[:first] + ms[first + 1:])
    yield 'X05-extra', 'FORMAT', 'a blob that nothing needs', make(members=lambda ms: ms[:last] + [['blobs/sha256/' + sha256(other), other, False]] + ms[last:])
    yield 'X05-order', 'OK', 'blobs in another order', make(members=swap(first, last))
    yield 'X05-data', 'FORMAT', 'a data member', make(members=lambda ms: ms[:last] + [['data/00000.bin', other, False]] + ms[last:])
    yield 'X05-recipes', 'FORMAT', 'layers.bin', make(members=lambda ms: ms[:last] + [['layers.bin', b'ARCHREC1' + bytes(4), False]] + ms[last:])
    for label, change in (('order', swap(-1, -2)), ('layout', lambda ms: ms[:-3] + ms[-2:]), ('index', lambda ms: ms[:-2] + ms[-1:]), ('docker', lambda ms: ms[:-1]),
                          ('early', swap(-1, 2)), ('after', lambda ms: ms + [['docs/late.txt', b'late', False]])):
        yield 'X06-last-' + label, 'FORMAT', 'oci-layout, index.json, manifest.json are not the last', make(members=change)


def layout(make, spec):
    def content(name, change):
        k = [m[0] for m in spec['members']].index(name)
        return make(members=at_index(k, lambda m: [m[0], change(m[1]), m[2]]))
    yield 'X03-layout', 'FORMAT', 'another version of the layout', content('oci-layout', replace(b'1.0.0', b'1.0.1'))
    yield 'X03-index-name', 'FORMAT', 'index.json calls an image something else', content('index.json', replace(b'golden.example/web:1.0.0', b'golden.example/bad:1.0.0', 9))
    yield 'X03-index-digest', 'FORMAT', 'index.json leads to another manifest', content('index.json', lambda d: d.replace(b'"digest":"sha256:', b'"digest":"sha256:0000', 1).replace(b'0000', b'', 0))
    yield 'X03-index-none', 'FORMAT', 'index.json without images', content('index.json', lambda d: b'{"schemaVersion":2,"manifests":[]}\n')
    yield 'X03-docker-name', 'FORMAT', 'manifest.json calls an image something else', content('manifest.json', replace(b'golden.example/web', b'golden.example/bad'))
    yield 'X03-docker-layers', 'FORMAT', 'manifest.json without a layer', content('manifest.json', lambda d: d.replace(b',"blobs', b',"b', 1))
    finder = next(m[0] for m in spec['members'] if m[0].endswith('/layout.json'))
    k = [m[0] for m in spec['members']].index(finder)
    data = spec['members'][k][1]
    path = 'blobs/sha256/' + sha256(data)
    yield 'X03-finder-missing', 'FORMAT', 'an index for older programs is missing', make(members=lambda ms: [m for m in ms if m[0] not in (finder, path)])
    yield 'X03-finder-other', 'FORMAT', 'an index for older programs leads elsewhere', make(
        members=lambda ms: [[m[0] if m[0] != path else 'blobs/sha256/' + sha256(data + b' '), m[1] + b' ' * (m[0] in (finder, path)), m[2]] for m in ms])
    yield 'X07-release-size', 'FORMAT', 'release.json gives a manifest another size', make(members=at_index(0, lambda m: [m[0], replace(b'"manifest_size":', b'"manifest_size":1')(m[1]), m[2]]))
    yield 'X07-release-type', 'FORMAT', 'release.json gives a manifest another type', make(members=at_index(0, lambda m: [m[0], replace(b'image.manifest.v1', b'image.manifest.v2')(m[1]), m[2]]))
    yield 'X07-release-layers', 'FORMAT', 'release.json without images', make(members=at_index(0, lambda m: [m[0], replace(b'"images"', b'"pictures"')(m[1]), m[2]]))


def manifest(make, spec):
    for label, path, value in (('average', ('average',), 4096), ('size', ('layers', 0, 'size'), 1024), ('blob-size', ('layers', 0, 'blobs', 0, 'size'), 7),
                               ('no-blobs', ('layers', 0, 'blobs'), []), ('base', ('base',), {'layers': [{'diff_id': 'sha256:' + '1' * 64, 'size': 1}]}),
                               ('mode', ('layers_mode',), 'dedup'), ('diff-id', ('layers', 0, 'diff_id'), 'sha256:' + '1' * 64), ('form', ('layers', 0, 'blobs', 0, 'digest'), 'sha256:' + '1' * 64)):
        yield 'X08-' + label, 'FORMAT', '.'.join(map(str, path)), make(manifest=edit(*path, value))
    yield 'X08-swapped', 'FORMAT', 'two layers have the blobs of each other', make(manifest=lambda m: {**m, 'layers': [
        {**layer, 'blobs': m['layers'][1 - i]['blobs'] if i < 2 else layer['blobs']} for i, layer in enumerate(m['layers'])]})
    yield 'X08-no-layer', 'FORMAT', 'a layer of an image is not in layers', make(manifest=lambda m: {**m, 'layers': m['layers'][1:]})
    for label, kind in (('unknown', 'application/x-tar'), ('bzip2', 'application/vnd.oci.image.layer.v1.tar+bzip2'), ('encrypted', 'application/vnd.oci.image.layer.v1.tar+gzip+encrypted')):
        yield 'X09-type-' + label, 'FORMAT', kind, make(manifest=edit('layers', 0, 'blobs', 0, 'media_type', kind))


def layers(signer):
    def made(spec):
        return build(spec, [signer])
    yield 'X10-diff-id', 'INTEGRITY', 'a layer is another than its diff_id says', made(blob(lambda d: d, layer=lambda t: t + bytes(512)))
    for label, change in (('cut', lambda d: d[:-9]), ('trailer', flip(-1)), ('rubbish', lambda d: d + b'rubbish'), ('zeros', lambda d: d + bytes(8)), ('middle', flip(400))):
        yield 'X11-gzip-' + label, 'INTEGRITY', 'a layer that does not inflate', made(blob(change))
    yield 'X11-gzip-raw', 'INTEGRITY', 'a tar that says that it is gzip', made(first_form(lambda tar, kind, data: (tar, kind, tar)))
    yield 'X11-zstd-gzip', 'INTEGRITY', 'gzip that says that it is zstd', made(blob(lambda d: d, kind=lambda k: k.replace('gzip', 'zstd')))
    yield 'X11-raw-gzip', 'INTEGRITY', 'gzip that says that it is a tar', made(blob(lambda d: d, kind=lambda k: k.replace('+gzip', '')))
    yield 'X12-bomb', 'INTEGRITY', '100 MiB of zeros in a blob of 100 KiB', made(blob(lambda d: gzip.compress(bytes(100 * MIB), 9, mtime=0)))


def cases(maker):
    spec = golden_exact_spec()

    def make(**change):
        return build(spec, [maker.key], **change)
    yield 'X00-exact', 'OK', 'the golden bundle with blobs', make()
    for group in (members, layout, manifest):
        yield from group(make, spec)
    yield from layers(maker.key)
