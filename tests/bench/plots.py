"""Pictures of the report, as SVG text: bars side by side, and cost against amount."""
from xml.sax.saxutils import escape

OURS, OTHERS, INK = '#1b6e3c', '#9aa5b1', '#222222'
ROW, LEFT, PANEL, GAP, CUT = 24, 300, 300, 90, 12
LINE = 14


def page(width, height, title, parts):
    head = '<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="13" fill="%s">' % (width, height, INK)
    return '\n'.join([head, '<rect width="100%" height="100%" fill="#ffffff"/>', text(10, 22, title, 16), *parts, '</svg>']) + '\n'


def text(x, y, words, size=13, anchor='start'):
    return '<text x="%.1f" y="%.1f" font-size="%d" text-anchor="%s">%s</text>' % (x, y, size, anchor, escape(words))


def bars(title, rows, cases, panels):
    """A row for each tool of the cases; a panel beside the other for each (words, key, scale)."""
    shown = [row for case in cases for row in rows if row['case'] == case]
    if not shown:
        return None
    parts = []
    for at, (words, key, scale) in enumerate(panels):
        left = LEFT + at * (PANEL + GAP)
        most = scale_of([row[key] for row in shown])
        parts.append(text(left, 44, words))
        for i, row in enumerate(shown):
            y, length = 54 + ROW * i, min(PANEL * row[key] / most, PANEL + CUT)
            if at == 0:
                parts.append(text(10, y + 14, '%s: %s' % (row['case'], row['tool']), 12))
            colour = OURS if row['tool'].startswith('archon') else OTHERS
            parts.append('<rect x="%d" y="%d" width="%.1f" height="%d" fill="%s"/>' % (left, y, max(length, 1), ROW - 7, colour))
            if row[key] > most:
                parts.append('<rect x="%d" y="%d" width="4" height="%d" fill="#ffffff"/>' % (left + PANEL, y - 1, ROW - 5))
            parts.append(text(left + length + 5, y + 14, '%.*f' % (0 if row[key] * scale >= 100 else 1 if row[key] * scale >= 1 else 3, row[key] * scale), 12))
    return page(LEFT + len(panels) * (PANEL + GAP), 64 + ROW * len(shown), title, parts)


def scale_of(values):
    """The largest; one that is far above all others is cut instead, and its bar has a gap."""
    *others, most = sorted(values)
    return (others[-1] if others and most > 2 * others[-1] > 0 else most) or 1


def growth(title, rows, units):
    """Seconds against amount, a panel for bytes and one for images: a straight line through zero is linear cost."""
    if not rows:
        return None
    parts, height = [], 300
    for at, (kind, (unit, one)) in enumerate(units.items()):
        mine = [row for row in rows if row['tool'] == kind]
        if mine:
            parts += curves(60 + at * 480, height, mine, unit, one)
    return page(1000, height + 90, title, parts)


COLOURS = {'create': '#1b6e3c', 'verify': '#b8860b', 'load': '#2a5db0', 'load again': '#a03070'}


def curves(left, height, rows, unit, one):
    width, top = 340, 50
    most, longest = max(row['amount'] for row in rows), max(row['wall_s'] for row in rows)
    parts = ['<path d="M %d %d V %d H %d" fill="none" stroke="%s"/>' % (left, top, top + height, left + width, INK),
             text(left + width, top + height + 18, '%g %s' % (round(most / one, 1), unit + ('s' if unit == 'image' else '')), 12, 'end'),
             text(left - 4, top + 10, '%.3g s' % longest, 12, 'end')]
    lowest = None
    for case in sorted({row['case'] for row in rows}, key=lambda c: -max((row['amount'], row['wall_s']) for row in rows if row['case'] == c)[1]):
        points = sorted((row['amount'], row['wall_s']) for row in rows if row['case'] == case)
        placed = [(left + width * amount / most, top + height - height * wall / longest) for amount, wall in points]
        colour = COLOURS.get(case, OTHERS)
        parts.append('<polyline points="%s" fill="none" stroke="%s" stroke-width="2"/>' % (' '.join('%.1f,%.1f' % p for p in placed), colour))
        parts += ['<circle cx="%.1f" cy="%.1f" r="3" fill="%s"/>' % (*p, colour) for p in placed]
        lowest = max(placed[-1][1] + 4, -LINE if lowest is None else lowest + LINE)  # words below each other, not on each other
        parts.append(text(left + width + 6, lowest, '%s, %.3g s' % (case, points[-1][1]), 12))
    return parts
