#!/usr/bin/env python3
"""Reads a bundle as docs/FORMAT.md describes it, without the project's C code.

    read_bundle.py verify BUNDLE --trust PUB [--trust PUB]... [--deep]
    read_bundle.py layers BUNDLE --trust PUB      rebuilds every layer, prints diff_id and size; of a delta with --base OLD
    read_bundle.py list   BUNDLE --trust PUB      mode, size and name of every member
    read_bundle.py cat    BUNDLE MEMBER --trust PUB
    read_bundle.py cut    FILE --average N        where the chunker ends each piece
    read_bundle.py parity BUNDLE PAR              is PAR what section 12 makes of BUNDLE?
    read_bundle.py repair BUNDLE PAR OUT          restores a damaged bundle

Python's standard library and the programs zstd and openssl are all it needs. It is meant to be read beside the text: the
modules of bundle/ name its sections, and verify() below follows the table of section 7.
Exit status: 0, or 10 FORMAT, 11 TRUST, 12 POLICY, 13 INTEGRITY, 3 CONFIG, 60 IO, with one line on standard error.
"""
import argparse
import collections
import contextlib
import io
import shutil
import sys
import tempfile

from bundle.base import STATUS, Refused, need, sha256
from bundle.chunker import cuts
from bundle.chunks import check_padding, parse_table, raw_chunks, walk_members
from bundle.exact import check_layout, prove_layers
from bundle.header import header_members, read_header_frame
from bundle.keys import check_kind, check_trust, read_key
from bundle.layers import check_window, data_runs, parse_recipes, rebuild
from bundle.manifest import check_release, parse_manifest
from bundle.parity import find_shape, make, repair, shape_for
from bundle.parts import open_bundle

Bundle = collections.namedtuple('Bundle', 'manifest digest')


def verify(path, keys, wanted=None, deep=False, base=None, keep=None):
    """Does everything of section 7, in its order. wanted: {name of a member: open file for its content}. base, keep: as for rebuild."""
    with open_bundle(path) as f, contextlib.ExitStack() as scratch:
        content, end = read_header_frame(f)                                                 # 1
        document, table, signatures = header_members(content)
        check_kind(document)
        check_trust(document, signatures, keys)                                             # 2
        m = parse_manifest(document)                                                        # 3
        table = parse_table(table, m)                                                       # 4, 5
        check_padding(f, end, m)                                                            # 6
        files = {name: [scratch.enter_context(tempfile.TemporaryFile())] for name in ('release.json', 'layers.bin', 'data')}

        is_exact = m['layers_mode'] == 'exact'
        documents, blobs = collections.defaultdict(io.BytesIO), {}

        def sinks(name):
            if is_exact and name.startswith('images/'):
                return [documents[name]] + ([wanted[name]] if wanted and name in wanted else [])
            if is_exact and deep and name.startswith('blobs/'):
                blobs[name] = scratch.enter_context(tempfile.TemporaryFile())
                return [blobs[name]] + ([wanted[name]] if wanted and name in wanted else [])
            kind = 'data' if deep and name.startswith('data/') else name
            return files.get(kind, []) + ([wanted[name]] if wanted and name in wanted else [])
        walk_members(raw_chunks(f, table, m), m['members'], sinks)                          # 7 to 12
        release = check_release(whole(files['release.json'][0]), m)                         # 13
        if is_exact:
            check_layout(m, release, {sha256(d.getvalue()): d.getvalue() for d in documents.values()})  # 14
            if deep:
                prove_layers(m, blobs)                                                      # 15
            return Bundle(m, sha256(document))
        recipes, runs = parse_recipes(whole(files['layers.bin'][0]), m), data_runs(m, table)  # 14
        for i, extents in enumerate(recipes):
            check_window(extents, runs, i)
        if deep:
            rebuild(m, recipes, files['data'][0], base, keep)                               # 15
    return Bundle(m, sha256(document))


def whole(file):
    file.seek(0)
    return file.read()


def verify_delta(path, old, keys):
    """Every layer of the old bundle becomes a file, for the layers of the delta that read from it."""
    with contextlib.ExitStack() as scratch:
        files = {}

        def keep(diff_id):
            files[diff_id] = scratch.enter_context(tempfile.TemporaryFile())
            return files[diff_id]
        verify(old, keys, deep=True, keep=keep)
        return verify(path, keys, deep=True, base=files)


def cat(path, keys, member):
    """The content goes out when everything was verified, not before."""
    with tempfile.TemporaryFile() as content:
        m = verify(path, keys, {member: content}).manifest
        need(member in [e['name'] for e in m['members']], 'CONFIG', 'no member %s' % member)
        content.seek(0)
        shutil.copyfileobj(content, sys.stdout.buffer)


def check_parity(path, par):
    """The share is not written in the file: any that gives these slices will do."""
    with open(path, 'rb') as f, open(par, 'rb') as g:
        content, _ = read_header_frame(f)
        document, _, _ = header_members(content)
        f.seek(0)
        data, found = f.read(), g.read()
    s, identity = find_shape(found), bytes.fromhex(sha256(document))
    percent = next((n for n in range(1, 51) if shape_for(len(data), identity, n) == s), None)
    need(percent and make(data, identity, percent) == found, 'INTEGRITY', 'not what section 12 makes of this bundle')
    print('ok: %d + %d slices of %d blocks of %d bytes' % (s.k, s.m, s.rows, s.block))


def repair_to(path, par, out):
    with open(path, 'rb') as f, open(par, 'rb') as g:
        data = repair(f.read(), g.read())
    with open(out, 'xb') as f:
        f.write(data)


def run(args):
    if args.command == 'parity':
        return check_parity(args.bundle, args.par)
    if args.command == 'repair':
        return repair_to(args.bundle, args.par, args.out)
    if args.command == 'cut':
        with open(args.file, 'rb') as f:
            print('\n'.join(map(str, cuts(f.read(), args.average))))
        return
    keys = [read_key(path) for path in args.trust]
    if args.command == 'cat':
        return cat(args.bundle, keys, args.member)
    deep = args.command == 'layers' or (args.command == 'verify' and args.deep)
    m, digest = verify_delta(args.bundle, args.base, keys) if deep and args.base else verify(args.bundle, keys, deep=deep)
    if args.command == 'verify':
        r = m['release']
        print('ok: %s %s release sha256:%s manifest sha256:%s' % (r['name'], r['version'], r['sha256'], digest))
    elif args.command == 'layers':
        for layer in m['layers']:
            print(layer['diff_id'], layer.get('size', layer['blobs'][0]['size']))
    else:
        for e in m['members']:
            print('%s %12d %s' % ('0755' if 'x' in e else '0644', e['size'], e['name']))


def main():
    p = argparse.ArgumentParser(description='reads a bundle as docs/FORMAT.md describes it')
    commands = p.add_subparsers(dest='command', required=True)
    for name in ('verify', 'layers', 'list', 'cat'):
        c = commands.add_parser(name)
        c.add_argument('bundle')
        if name == 'cat':
            c.add_argument('member')
        if name == 'verify':
            c.add_argument('--deep', action='store_true')
        c.add_argument('--base')
        c.add_argument('--trust', action='append', required=True)
    c = commands.add_parser('cut')
    c.add_argument('file')
    c.add_argument('--average', type=int, default=4096, choices=[4096 << i for i in range(5)])
    for name in ('parity', 'repair'):
        c = commands.add_parser(name)
        c.add_argument('bundle')
        c.add_argument('par')
        if name == 'repair':
            c.add_argument('out')
    try:
        run(p.parse_args())
    except Refused as why:
        print('read_bundle: %s: %s' % (why.kind, why), file=sys.stderr)
        sys.exit(STATUS[why.kind])
    except OSError as why:
        print('read_bundle: IO: %s' % why, file=sys.stderr)
        sys.exit(STATUS['IO'])


if __name__ == '__main__':
    main()
