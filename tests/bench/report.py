#!/usr/bin/env python3
"""What the benchmarks wrote into DIR, as tables on standard output, DIR/bench.json and plots (create.svg, load.svg, growth.svg).

    report.py DIR                      of rounds.jsonl (run) and growth.jsonl (growth), whichever are there
    report.py DIR --machine            writes DIR/machine.json: where and on what a run begins
    report.py DIR --document [FILE]    also puts tables and plots into docs/BENCHMARKS.md

Medians over the rounds; peaks are the largest seen. What was promised (PROMISES) comes first, as ratios of two commands of one run."""
import json
import os
import re
import shutil
import statistics
import sys
import time

import plots

HERE = os.path.dirname(os.path.abspath(__file__))
DOCUMENT = os.path.join(HERE, '..', '..', 'docs', 'BENCHMARKS.md')
OURS = 'archon'
DOCKER, SKOPEO, LAYOUT = 'docker pull, save, zstd -3', 'skopeo, tar, zstd -3', 'skopeo to one layout, tar, zstd -3'
RAW, ZSTD = 'docker load, as it is', 'zstd -dc, docker load'
MEDIANS, MAXIMA = ('wall_s', 'cpu_s'), ('bytes', 'peak_rss_bytes', 'engine_peak_bytes', 'disk_peak_bytes', 'disk_left_bytes')


# --- what was measured ---

def lines(path):
    if not os.path.exists(path):
        return []
    with open(path) as f:
        return [json.loads(line) for line in f]


def document(path):
    if not os.path.exists(path):
        return {}
    with open(path) as f:
        return json.load(f)


def summary(found):
    """One row for each case, tool and amount, in the order of their first appearance."""
    groups = {}
    for line in found:
        groups.setdefault((line['case'], line['tool'], line.get('amount')), []).append(line)
    rows = []
    for (case, tool, amount), group in groups.items():
        row = {'case': case, 'tool': tool, 'runs': len(group)}
        if amount is not None:
            row['amount'] = amount
        row.update({key: round(statistics.median(line[key] for line in group), 5) for key in MEDIANS})
        row.update({key: max(line[key] for line in group) for key in MAXIMA if key in group[0]})
        if 'disk_peak_bytes' in row:
            row['disk_temporary_bytes'] = max(0, row['disk_peak_bytes'] - (row['bytes'] or row['disk_left_bytes']))
        rows.append(row)
    return rows


def with_ratios(rows):
    """Ours to each of the others, within a case: below 1 we are faster or smaller."""
    for row in rows:
        ours = next((r for r in rows if r['case'] == row['case'] and r['tool'] == OURS), None)
        if ours is None or row['tool'].startswith(OURS):
            continue
        row['ours_to_this'] = {'wall': round(ours['wall_s'] / row['wall_s'], 3)}
        if row['bytes'] and ours['bytes']:
            row['ours_to_this']['bytes'] = round(ours['bytes'] / row['bytes'], 3)
    return rows


def machine():
    with open('/proc/cpuinfo') as f:
        model = next((line.split(':', 1)[1].strip() for line in f if line.startswith('model name')), 'unknown')
    with open('/etc/os-release') as f:
        system = dict(line.rstrip().split('=', 1) for line in f if '=' in line).get('PRETTY_NAME', 'Linux').strip('"')
    return {'date': time.strftime('%Y-%m-%d', time.gmtime()), 'cpu': model, 'cores': len(os.sched_getaffinity(0)), 'memory_bytes': os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES'),
            'system': system, 'kernel': os.uname().release, 'load_average_at_start': round(os.getloadavg()[0], 2)}


# --- what was promised ---

class Results:
    def __init__(self, rows, images):
        self.rows, self.images = {(row['case'], row['tool']): row for row in rows}, images

    def get(self, case, tool, key):
        return self.rows[case, tool][key]

    def faster(self, case, ours, other):
        return self.get(case, other, 'wall_s') / self.get(case, ours, 'wall_s')

    def ratio(self, case, ours, other, key, ours_case=None):
        return self.get(ours_case or case, ours, key) / self.get(case, other, key)


# What, its number, how it is written, whether more is better, at least, aim.
TIMES, SHARE, MS, MB, SECONDS = '%.1f ×', '%.2f', '%.1f ms', '%.0f MB', '%.2f s'
WARM, NEXT, LARGE = 'create, warm cache', 'create, next release', 'a small member, 10 GB'
PROMISES = [
    ('create, wall: times faster than docker pull, save, zstd', lambda r: r.faster('create', OURS, DOCKER), TIMES, True, 6, 10),
    ('the same with --layers=exact', lambda r: r.faster('create', 'archon, exact', DOCKER), TIMES, True, None, None),
    ('create, wall, to skopeo, tar, zstd', lambda r: r.ratio('create', OURS, SKOPEO, 'wall_s'), SHARE, False, 1.3, 1.0),
    ('create, size, to skopeo, tar, zstd', lambda r: r.ratio('create', OURS, SKOPEO, 'bytes'), SHARE, False, 0.70, None),
    ('create --layers=exact, size, to skopeo, tar, zstd', lambda r: r.ratio('create', 'archon, exact', SKOPEO, 'bytes'), SHARE, False, None, None),
    ('create, size, to skopeo to one layout', lambda r: r.ratio('create', OURS, LAYOUT, 'bytes'), SHARE, False, None, None),
    ('create --layers=exact, wall: times faster than skopeo, tar, zstd', lambda r: r.faster('create', 'archon, exact', SKOPEO), TIMES, True, 3, 4),
    ('the same without a cache, as skopeo has none', lambda r: r.faster('create', 'archon, exact, no cache', SKOPEO), TIMES, True, 3, 4),
    ('the same with a filled cache, as for every build but the first', lambda r: r.get('create', SKOPEO, 'wall_s') / r.get(WARM, 'archon, exact', 'wall_s'), TIMES, True, 3, 4),
    ('size, level 3, to docker save, zstd', lambda r: r.ratio('create', OURS, DOCKER, 'bytes'), SHARE, False, 0.80, 0.75),
    ("size, level 3, to the registry's compressed layers", lambda r: r.get('create', OURS, 'bytes') / r.images['compressed_bytes'], SHARE, False, 0.76, None),
    ("size, level 6, to docker save, zstd", lambda r: r.get(WARM, 'archon, level 6', 'bytes') / r.get('create', DOCKER, 'bytes'), SHARE, False, 0.80, 0.75),
    ("size, level 9, to the registry's compressed layers", lambda r: r.get(WARM, 'archon, level 9', 'bytes') / r.images['compressed_bytes'], SHARE, False, None, 0.70),
    ('delta of the next release, size to the whole', lambda r: r.ratio(NEXT, 'archon, delta', OURS, 'bytes'), '%.4f', False, 0.05, None),
    ('load, wall, to docker load of the raw archive', lambda r: r.ratio('load', OURS, RAW, 'wall_s'), SHARE, False, 0.90, 0.65),
    ('load again, wall: times faster than docker load of the same', lambda r: r.faster('load again', OURS, RAW), TIMES, True, 20, None),
    ('load again, seconds', lambda r: r.get('load again', OURS, 'wall_s'), SECONDS, False, None, 0.5),
    ('upgrade, wall: times faster than zstd -dc, docker load', lambda r: r.faster('upgrade', OURS, ZSTD), TIMES, True, 10, None),
    ('verify on one core, wall, to sha256sum', lambda r: r.ratio('verify, one core', OURS, 'sha256sum', 'wall_s'), SHARE, False, 1.2, None),
    ('verify on all cores: times faster than on one', lambda r: r.get('verify, one core', OURS, 'wall_s') / r.get('verify, all cores', OURS, 'wall_s'), TIMES, True, None, None),
    ('list on 10 GB', lambda r: 1000 * r.get('list, 10 GB', OURS, 'wall_s'), MS, False, 50, None),
    ('cat of a small member on 10 GB', lambda r: 1000 * r.get('cat of ' + LARGE, OURS, 'wall_s'), MS, False, 50, None),
    ('create, level 3, peak memory', lambda r: r.get('create', OURS, 'peak_rss_bytes') / 1e6, MB, False, None, 96 * 1.048576),
    ('load, peak memory', lambda r: r.get('load', OURS, 'peak_rss_bytes') / 1e6, MB, False, 128 * 1.048576, 64 * 1.048576),
    ('load, temporary disk', lambda r: r.get('load', OURS, 'disk_temporary_bytes') / 1e6, MB, False, None, None),
]


def verdict(value, more, at_least, aim):
    def holds(limit):
        return limit is not None and (value >= limit if more else value <= limit)
    if holds(aim) or (aim is None and holds(at_least)):
        return 'yes'
    if at_least is None:
        return '' if aim is None else 'not the aim'
    return 'at least' if holds(at_least) else 'NO'


def promised(rows, images):
    results, told = Results(rows, images), []
    for what, number, form, more, at_least, aim in PROMISES:
        try:
            value = number(results)
        except KeyError:
            continue
        told.append({'what': what, 'measured': round(value, 4), 'shown': form % value, 'at_least': '' if at_least is None else form % at_least,
                     'aim': '' if aim is None else form % aim, 'kept': verdict(value, more, at_least, aim)})
    return told


# --- tables: lists of cells, as text or as Markdown ---

def megabytes(row, key):
    return '%.0f' % (row[key] / 1e6) if row.get(key) else ''


def seconds(value):
    return '%.4f' % value if value < 0.1 else '%.2f' % value


def promises_table(told):
    return [['promise', 'measured', 'at least', 'aim', 'kept']] + [[t['what'], t['shown'], t['at_least'], t['aim'], t['kept']] for t in told]


def results_table(rows):
    head = ['case', 'tool', 'runs', 'wall s', 'CPU s', 'peak MB', 'engine peak MB', 'MB', 'temporary disk MB', 'ours to it']
    return [head] + [[row['case'], row['tool'], str(row['runs']), seconds(row['wall_s']), seconds(row['cpu_s']), megabytes(row, 'peak_rss_bytes'), megabytes(row, 'engine_peak_bytes'),
                      megabytes(row, 'bytes'), megabytes(row, 'disk_temporary_bytes'), ', '.join('%s %.2f' % pair for pair in row.get('ours_to_this', {}).items())] for row in rows]


UNIT = {'bytes': ('GB', 1e9), 'images': ('image', 1)}


def growth_table(rows):
    head = ['case', 'how much', 'wall s', 's each', 'CPU s each', 'peak MB', 'MB']
    table = [head]
    order = list(dict.fromkeys(row['case'] for row in rows))
    for row in sorted(rows, key=lambda r: (r['tool'], order.index(r['case']), r['amount'])):
        unit, one = UNIT[row['tool']]
        much = row['amount'] / one
        table.append([row['case'], '%g %s%s' % (round(much, 3), unit, 's' if unit == 'image' and much > 1 else ''), seconds(row['wall_s']), seconds(row['wall_s'] / much), seconds(row['cpu_s'] / much),
                      megabytes(row, 'peak_rss_bytes'), megabytes(row, 'bytes')])
    return table


def machine_table(about, images):
    rows = [['machine', '']] + [[key.replace('_', ' '), '%.1f GB' % (value / 1e9) if key.endswith('_bytes') else str(value)] for key, value in about.items()]
    if images:
        rows.append(['images', '%d, of %d different layers: %.2f GB compressed, %.2f GB unpacked' % (
            images['images'], images['layers'], images['compressed_bytes'] / 1e9, images['raw_bytes'] / 1e9)])
    return rows


def as_text(table):
    widths = [max(len(row[i]) for row in table) for i in range(len(table[0]))]
    return '\n'.join('  '.join(cell.ljust(width) if i < 2 else cell.rjust(width) for i, (cell, width) in enumerate(zip(row, widths))).rstrip() for row in table)


def as_markdown(table):
    rule = ['---' if i < 2 else '---:' for i in range(len(table[0]))]
    return '\n'.join('| %s |' % ' | '.join(row) for row in [table[0], rule, *table[1:]])


# --- where it goes ---

def draw(folder, rows, grown):
    made = []
    for name, picture in (('create.svg', plots.bars('Making a bundle', rows, ['create', WARM, NEXT], [('size, MB', 'bytes', 1e-6), ('time, s', 'wall_s', 1)])),
                          ('load.svg', plots.bars('Loading it', rows, ['load', 'load again', 'upgrade'], [('time, s', 'wall_s', 1), ('CPU, s', 'cpu_s', 1)])),
                          ('growth.svg', plots.growth('Twice as much', grown, UNIT))):
        if picture:
            made.append(name)
            with open(os.path.join(folder, name), 'w') as f:
                f.write(picture)
    return made


PICTURES = {'promises': [('Size and time of making a bundle', 'create.svg'), ('Time of loading it', 'load.svg')], 'growth': [('Seconds against amount', 'growth.svg')]}


def write_document(path, folder, tables, drawn):
    """Between `<!-- bench:NAME -->` and `<!-- /bench -->` stands what this program writes; a part without results stays."""
    with open(path) as f:
        text = f.read()
    for name, table in tables.items():
        if len(table) > 1:
            parts = [as_markdown(table)] + ['![%s](benchmarks/%s)' % picture for picture in PICTURES.get(name, []) if picture[1] in drawn]
            text, n = re.subn(r'(<!-- bench:%s -->\n).*?(<!-- /bench -->)' % name, lambda m, p=parts: m[1] + '\n' + '\n\n'.join(p) + '\n\n' + m[2], text, flags=re.S)
            if n != 1:
                sys.exit('%s: no place for %s' % (path, name))
    with open(path, 'w') as f:
        f.write(text)
    pictures = os.path.join(os.path.dirname(path), 'benchmarks')
    os.makedirs(pictures, exist_ok=True)
    for name in drawn:
        shutil.copy(os.path.join(folder, name), pictures)


def report(folder):
    about, images = document(folder + '/machine.json'), document(folder + '/set.json')
    rows, grown = with_ratios(summary(lines(folder + '/rounds.jsonl'))), summary(lines(folder + '/growth.jsonl'))
    told = promised(rows, images)
    with open(folder + '/bench.json', 'w') as f:
        json.dump({'machine': about, 'images': images, 'promises': told, 'results': rows, 'growth': grown}, f, indent=1)
        f.write('\n')
    tables = {'promises': promises_table(told), 'machine': machine_table(about, images), 'results': results_table(rows), 'growth': growth_table(grown)}
    print('\n\n'.join(as_text(table) for table in tables.values() if len(table) > 1))
    return tables, draw(folder, rows, grown)


def main(folder, *options):
    if options == ('--machine',):
        with open(folder + '/machine.json', 'w') as f:
            json.dump(machine(), f)
        return
    tables, drawn = report(folder)
    if options and options[0] == '--document':
        write_document(options[1] if len(options) > 1 else DOCUMENT, folder, tables, drawn)


if __name__ == '__main__':
    main(*sys.argv[1:])
