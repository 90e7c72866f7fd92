#!/usr/bin/env python3
"""measure.py RESULTS CASE TOOL ROUND [--engine PID] [--size FILE]... -- COMMAND...: runs a command and adds a line of JSON to RESULTS.

Wall and CPU seconds, the largest resident set of one process, and the bytes of the files that it made. An engine works on behalf of its
clients: with --engine, the CPU seconds of that process and of everything that it has started and seen end are added."""
import json
import os
import sys
import time


def engine_seconds(pid):
    """utime, stime, cutime, cstime of a process and its living children."""
    ticks = 0
    for entry in os.listdir('/proc'):
        if not entry.isdigit():
            continue
        try:
            with open('/proc/%s/stat' % entry) as f:
                fields = f.read().rpartition(')')[2].split()
        except OSError:
            continue
        if int(entry) == pid or int(fields[1]) == pid:
            ticks += sum(int(x) for x in fields[11:15])
    return ticks / os.sysconf('SC_CLK_TCK')


def main(argv):
    results, case, tool, number = argv[:4]
    rest, sizes, engine = argv[4:], [], None
    while rest[0] != '--':
        if rest[0] == '--engine':
            engine = int(rest[1])
        elif rest[0] == '--size':
            sizes.append(rest[1])
        rest = rest[2:]
    before = engine_seconds(engine) if engine else 0
    started = time.monotonic()
    pid = os.posix_spawnp(rest[1], rest[1:], os.environ)
    _, status, used = os.wait4(pid, 0)
    wall = time.monotonic() - started
    cpu = used.ru_utime + used.ru_stime + (engine_seconds(engine) - before if engine else 0)
    if status != 0:
        sys.exit('%s %s: status %d: %s' % (case, tool, os.waitstatus_to_exitcode(status), ' '.join(rest[1:])))
    line = {'case': case, 'tool': tool, 'round': int(number), 'wall_s': round(wall, 3), 'cpu_s': round(cpu, 2),
            'peak_rss_bytes': used.ru_maxrss * 1024, 'bytes': sum(os.stat(path).st_size for path in sizes)}
    with open(results, 'a') as f:
        f.write(json.dumps(line) + '\n')


if __name__ == '__main__':
    main(sys.argv[1:])
