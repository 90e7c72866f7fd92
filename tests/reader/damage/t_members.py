"""Row T: tar members."""
from bundle.base import MIB, tar_header
from bundle.writer import build, data_header_frame

from .changes import at_index, checksummed, edit, flip, in_header, replace, swap


BAD_NAMES = [('dotdot', '../x'), ('dotdot-inside', 'app/../../x'), ('dotdot-end', 'app/..'), ('dot', './release.json'), ('dot-end', 'app/.'),
             ('absolute', '/etc/shadow'), ('double-slash', 'app//b'), ('trailing-slash', 'app/b/'), ('empty', ''), ('folder-alone', 'app'),
             ('other-folder', 'other/x'), ('upper-folder', 'App/x'), ('manifest', 'bundle.json'), ('table', 'chunks.bin'),
             ('signature', 'signatures/0000000000000000.sig'), ('exact-mode', 'oci-layout'), ('blob', 'blobs/sha256/00'),
             ('nine-deep', 'app/2/3/4/5/6/7/8/9'), ('101-bytes', 'app/' + 'a' * 97), ('escape', 'app/\x1b[2J'), ('newline', 'app/a\nb'),
             ('255-bytes', 'app/' + 'a' * 251), ('256-bytes', 'app/' + 'a' * 252), ('mebibyte', 'app/' + 'a' * MIB), ('space', 'app/a b'), ('colon', 'app/C:x'), ('quote', 'app/a\'b'), ('tilde', 'app/~x'), ('comma', 'app/a,b'), ('data-six', 'data/000003.bin'),
             ('data-name', 'data/x'), ('data-gap', 'data/00009.bin'), ('del', 'app/\x7f')]


def names(make):
    for label, name in BAD_NAMES:
        yield 'T01-name-' + label, 'FORMAT', repr(name), make(members=at_index(1, lambda m, n=name: [n, m[1], m[2]]))
    for label, name in (('8-deep', 'app/2/3/4/5/6/7/8'), ('100-bytes', 'app/' + 'a' * 96), ('odd', 'app/..a/.b/c..@+-_')):
        yield 'T01-good-name-' + label, 'OK', name, make(members=at_index(6, lambda m, n=name: [n, m[1], m[2]]))
    yield 'T01-name-backslash', 'FORMAT', 'C:\\\\x', make(document=replace(b'app/compose.yaml', b'app\\\\mpose.yaml'))
    for label, raw in (('rtl-override', b'app/\xe2\x80\xaegpj.exe'), ('invalid-utf8', b'app/\xff\xfe'), ('overlong', b'app/\xc0\xae\xc0\xae'), ('surrogate', b'app/\xed\xa0\x80')):
        yield 'T13-name-' + label, 'FORMAT', 'a name as raw bytes', make(document=replace(b'app/compose.yaml', raw))
    yield 'T14-too-many-members', 'FORMAT', '100 002 entries in a manifest below 4 MiB', build({**make.spec, 'header_len': 4456448}, [make.key], manifest=lambda m: {
        **m, 'members': [m['members'][0]] + [{'name': 'data/%05d.bin' % i, 'size': 1} for i in range(100000)] + [m['members'][-1]]})
    yield 'T14-many-members', 'FORMAT', 'members that the tar does not have, as many as there may be', build({**make.spec, 'header_len': 4456448}, [make.key], manifest=lambda m: {
        **m, 'members': [m['members'][0]] + [{'name': 'data/%05d.bin' % i, 'size': 1} for i in range(99998)] + [m['members'][-1]]})
    yield 'T07-same-name', 'FORMAT', 'a name twice', make(members=at_index(2, lambda m: ['app/compose.yaml', m[1], m[2]]))
    yield 'T07-same-but-case', 'FORMAT', 'a name twice but for case', make(members=at_index(2, lambda m: ['app/Compose.yaml', m[1], m[2]]))
    yield 'T08-release-second', 'FORMAT', 'release.json is not first', make(members=swap(0, 1))
    yield 'T08-layers-not-last', 'FORMAT', 'layers.bin is not last', make(members=swap(-1, -2))
    yield 'T08-data-order', 'FORMAT', 'data members in the other order', make(members=swap(make.data, make.data + 1))
    yield 'T08-no-layers-bin', 'FORMAT', 'layers.bin is missing', make(members=lambda ms: ms[:-1])
    yield 'T08-empty-data', 'FORMAT', 'a data member of no bytes', make(members=lambda ms: ms[:-1] + [
        ['data/%05d.bin' % sum(m[0].startswith('data/') for m in ms), b'', False], ms[-1]])
    yield 'T08-docs-after-data', 'OK', 'reports may follow data', make(
        members=lambda ms: ms[:-1] + [['reports/layers.json', b'{}\n', False], ms[-1]])


def extended(flag, record):
    """A header that says something about the one after it, and what it says."""
    content = b'%d %s\n' % (len(record) + 4, record)
    return checksummed(tar_header('pax', len(content))[:156] + flag + tar_header('pax', 0)[157:]) + content + bytes(-len(content) % 512)


def inserted(make, more):
    """The tar has bytes in front of its second member that no manifest knows."""
    return make(parts=at_index(1, lambda p: [p[0], more + p[1], p[2], p[3]]))


def headers(make):
    def part(k, change):
        return make(parts=at_index(k, change))
    for label, flag in (('hard-link', b'1'), ('symlink', b'2'), ('character', b'3'), ('block', b'4'), ('directory', b'5'), ('fifo', b'6'),
                        ('contiguous', b'7'), ('old-file', b'\0'), ('pax', b'x'), ('pax-global', b'g'), ('long-name', b'L'), ('long-link', b'K'),
                        ('sparse', b'S'), ('volume', b'V'), ('multi-volume', b'M'), ('old-long-name', b'N'), ('dump-folder', b'D'), ('solaris-acl', b'A'),
                        ('solaris-extended', b'X'), ('unknown', b'Z')):
        yield 'T04-type-' + label, 'FORMAT', 'type %r' % flag, part(1, in_header(156, flag))
    for label, at, value in (('mode', 100, b'0000755\0'), ('setuid', 100, b'0004755\0'), ('uid', 108, b'0001750\0'), ('gid', 116, b'0001750\0'),
                             ('mtime', 136, b'00000000001\0'), ('size', 124, b'00000000064\0'), ('size-space', 124, b'00000000065 '),
                             ('base-256', 124, b'\x80' + bytes(10) + b'\x35'), ('negative-size', 124, b'\xff' * 12), ('link-name', 157, b'/etc/passwd'), ('gnu-magic', 257, b'ustar  \0'),
                             ('old-magic', 257, bytes(8)), ('user', 265, b'root'), ('group', 297, b'root'), ('device', 329, b'0000001\0'),
                             ('device-empty', 329, bytes(8)), ('prefix', 345, b'evil'), ('rest', 500, b'\1'), ('name-tail', 90, b'x')):
        yield 'T06-header-' + label, 'FORMAT', 'another tar header, with the right checksum', part(1, in_header(at, value))
    yield 'T03-hard-link-with-data', 'FORMAT', 'a hard link to /etc/shadow, with content', part(1, in_header(156, b'1/etc/shadow'))
    yield 'T03-hard-link-out', 'FORMAT', 'a hard link to ../../x', part(1, in_header(156, b'1../../x'))
    yield 'T02-symlink-before', 'FORMAT', 'a symbolic link, then the file through it', inserted(make, in_header(156, b'2/etc')(['', tar_header('app', 0), b'', b''])[1])
    for label, flag, record in (('T05-pax-path', b'x', b'path=../../evil'), ('T05-pax-size', b'x', b'size=3'), ('T06-pax-sparse-0.0', b'x', b'GNU.sparse.size=9'),
                                ('T06-pax-sparse-0.1', b'x', b'GNU.sparse.map=0,9'), ('T06-pax-sparse-1.0', b'x', b'GNU.sparse.major=1'),
                                ('T06-pax-holes', b'x', b'SUN.holesdata= 0 9'), ('T06-pax-global', b'g', b'path=x'), ('T06-long-name', b'L', b'app/x')):
        yield label, 'FORMAT', 'one more header, %s' % record.decode(), inserted(make, extended(flag, record))
    yield 'T14-pax-10MiB', 'FORMAT', 'one more header with a record of 10 MiB', inserted(make, extended(b'x', b'comment=' + bytes(10 * MIB)))
    for label, change in (('missing', lambda ps: ps[:1] + ps[2:]), ('twice', lambda ps: ps[:2] + ps[1:]), ('swapped', swap(1, 2)),
                          ('other-name', at_index(1, lambda p: [p[0], tar_header('app/compose.yml', len(p[2])), p[2], p[3]]))):
        yield 'T08-member-' + label, 'FORMAT', 'the tar is not what members says', make(parts=change)
    yield 'T11-checksum', 'FORMAT', 'wrong sum in a later header', part(1, in_header(148, b'000000\0 ', False))
    yield 'T11-checksum-form', 'FORMAT', 'space before NUL', part(1, lambda p: [p[0], p[1][:154] + b' \0' + p[1][156:], p[2], p[3]])
    yield 'T11-checksum-first', 'FORMAT', 'wrong sum in the first header', make(header=at_index(0, in_header(148, b'000000\0 ', False)))
    yield 'T11-data-header', 'FORMAT', 'another mode in the header of data', make(
        frames=at_index(1, lambda f: [data_header_frame(in_header(100, b'0000600\0')(['', f[0][10:], b'', b''])[1]), 512]))
    yield 'T12-fill', 'FORMAT', 'a fill byte of a member', part(1, lambda p: [p[0], p[1], p[2], flip(-1)(p[3])])
    yield 'T12-fill-data', 'FORMAT', 'a fill byte of data', part(make.data, lambda p: [p[0], p[1], p[2], flip(0)(p[3])])
    yield 'T12-fill-manifest', 'FORMAT', 'a fill byte of bundle.json', make(header=at_index(0, lambda p: [p[0], p[1], p[2], flip(0)(p[3])]))
    yield 'T12-fill-signature', 'FORMAT', 'a fill byte of a signature', make(header=at_index(2, lambda p: [p[0], p[1], p[2], flip(-1)(p[3])]))
    yield 'T12-end-mark', 'FORMAT', 'the end mark is not zero', make(end=flip(1023))
    yield 'T12-end-mark-long', 'FORMAT', '10240 bytes of end mark', make(end=lambda e: e + bytes(9216))
    yield 'T12-end-mark-short', 'FORMAT', '512 bytes of end mark', make(end=lambda e: e[:512])
    yield 'T12-content', 'INTEGRITY', 'content is not what members says', part(1, lambda p: [p[0], p[1], flip(3)(p[2]), p[3]])
    yield 'T12-content-release', 'INTEGRITY', 'release.json is not what members says', part(0, lambda p: [p[0], p[1], flip(30)(p[2]), p[3]])


def first(make):
    yield 'T15-table-first', 'FORMAT', 'chunks.bin before bundle.json', make(header=swap(0, 1))
    yield 'T15-signature-before-table', 'FORMAT', 'a signature before chunks.bin', make(header=swap(1, 2))
    yield 'T15-no-table', 'FORMAT', 'chunks.bin is missing', make(header=lambda h: h[:1] + h[2:])
    yield 'T15-no-manifest', 'FORMAT', 'bundle.json is missing', make(header=lambda h: h[1:])
    yield 'T15-other-file', 'FORMAT', 'another file in the header', make(signatures=lambda s: s + [['README', b'hello']])
    yield 'T15-other-signature-name', 'FORMAT', 'signatures/x.asc', make(signatures=lambda s: s + [['signatures/x.asc', b'hello']])
    yield 'T15-mode', 'FORMAT', 'bundle.json is executable', make(header=at_index(0, in_header(100, b'0000755\0')))
    yield 'T16-member-8GiB', 'FORMAT', 'size 2^33', make(manifest=edit('members', 1, 'size', 1 << 33))
    yield 'T16-member-2^53', 'FORMAT', 'size 2^53', make(manifest=edit('members', 1, 'size', 1 << 53))
    yield 'T16-release-over-16MiB', 'FORMAT', 'size of release.json', make(manifest=edit('members', 0, 'size', 16 * MIB + 1))
    yield 'T16-data-over-4GiB', 'FORMAT', 'size of data', make(manifest=edit('members', make.data, 'size', (1 << 32) + 1))
    yield 'T16-layers-bin-over-256MiB', 'FORMAT', 'size of layers.bin', make(manifest=edit('members', -1, 'size', 256 * MIB + 1))
    yield 'T16-size-field', 'FORMAT', 'bundle.json over 4 MiB in its header', make(
        header=at_index(0, lambda p: [p[0], tar_header('bundle.json', 4 * MIB + 1), p[2], p[3]]))
    yield 'M10-1GiB', 'FORMAT', 'bundle.json of 1 GiB by its header', make(
        header=at_index(0, lambda p: [p[0], tar_header('bundle.json', 1024 * MIB), p[2], p[3]]))
    yield 'T16-size-beyond', 'FORMAT', 'bundle.json longer than the header', make(
        header=at_index(0, lambda p: [p[0], tar_header('bundle.json', 60000), p[2], p[3]]))
    yield 'T16-size-not-octal', 'FORMAT', '8 in the size field', make(header=at_index(0, in_header(130, b'8')))


def cases(make):
    for group in (names, headers, first):
        yield from group(make)
