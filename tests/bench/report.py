#!/usr/bin/env python3
"""report.py DIR: DIR/rounds.jsonl as a table on standard output, DIR/bench.json and the plots DIR/size.svg, DIR/time.svg.

Medians over the rounds. Ratios are ours to each of the others, within one case: below 1 we are faster or smaller."""
import json
import os
import statistics
import sys
from xml.sax.saxutils import escape

WIDTH, ROW, LEFT, RIGHT = 900, 26, 330, 150


def medians(path):
    groups = {}
    with open(path) as f:
        for line in f:
            row = json.loads(line)
            groups.setdefault((row['case'], row['tool']), []).append(row)
    return [{'case': case, 'tool': tool, 'rounds': len(rows),
             'wall_s': statistics.median(r['wall_s'] for r in rows), 'cpu_s': statistics.median(r['cpu_s'] for r in rows),
             'peak_rss_bytes': max(r['peak_rss_bytes'] for r in rows), 'bytes': max(r['bytes'] for r in rows)}
            for (case, tool), rows in groups.items()]


def with_ratios(rows):
    for row in rows:
        ours = next((r for r in rows if r['case'] == row['case'] and r['tool'].startswith('archon')), None)
        if ours is None or row is ours or row['tool'].startswith('archon'):
            continue
        row['ours_to_this'] = {'wall': round(ours['wall_s'] / row['wall_s'], 3)}
        if row['bytes'] and ours['bytes']:
            row['ours_to_this']['bytes'] = round(ours['bytes'] / row['bytes'], 3)
    return rows


def machine():
    with open('/proc/cpuinfo') as f:
        model = next((line.split(':', 1)[1].strip() for line in f if line.startswith('model name')), 'unknown')
    return {'cores': len(os.sched_getaffinity(0)), 'cpu': model, 'kernel': os.uname().release,
            'memory_bytes': os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES')}


def table(rows):
    print('%-22s %-28s %9s %9s %9s %11s  %s' % ('case', 'tool', 'wall s', 'CPU s', 'RSS MB', 'MB', 'ours to it'))
    for row in rows:
        ratio = ', '.join('%s %.2f' % pair for pair in row.get('ours_to_this', {}).items())
        print('%-22s %-28s %9.2f %9.2f %9.0f %11s  %s' % (row['case'], row['tool'], row['wall_s'], row['cpu_s'], row['peak_rss_bytes'] / 1e6,
                                                         '%.1f' % (row['bytes'] / 1e6) if row['bytes'] else '', ratio))


def plot(path, title, rows, key, unit, scale):
    """One bar for each row, ours in another colour."""
    height = 50 + ROW * len(rows)
    most = max(row[key] for row in rows)
    parts = ['<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="13">' % (WIDTH, height),
             '<rect width="100%" height="100%" fill="#ffffff"/>', '<text x="10" y="24" font-size="16">%s</text>' % escape(title)]
    for i, row in enumerate(rows):
        y, length = 40 + ROW * i, (WIDTH - LEFT - RIGHT) * row[key] / most
        colour = '#1b6e3c' if row['tool'].startswith('archon') else '#9aa5b1'
        parts.append('<text x="10" y="%d">%s</text>' % (y + 16, escape('%s: %s' % (row['case'], row['tool']))))
        parts.append('<rect x="%d" y="%d" width="%.1f" height="%d" fill="%s"/>' % (LEFT, y, max(length, 1), ROW - 6, colour))
        parts.append('<text x="%.1f" y="%d">%.2f %s</text>' % (LEFT + length + 6, y + 16, row[key] * scale, unit))
    with open(path, 'w') as f:
        f.write('\n'.join(parts + ['</svg>']) + '\n')


def main(folder):
    rows = with_ratios(medians(os.path.join(folder, 'rounds.jsonl')))
    with open(os.path.join(folder, 'bench.json'), 'w') as f:
        json.dump({'machine': machine(), 'results': rows}, f, indent=1)
        f.write('\n')
    table(rows)
    plot(os.path.join(folder, 'size.svg'), 'Size of what is carried (smaller is better)', [r for r in rows if r['bytes']], 'bytes', 'MB', 1e-6)
    plot(os.path.join(folder, 'time.svg'), 'Seconds (smaller is better)', [r for r in rows if r['wall_s'] >= 0.05], 'wall_s', 's', 1)


if __name__ == '__main__':
    main(sys.argv[1])
