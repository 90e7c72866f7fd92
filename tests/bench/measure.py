#!/usr/bin/env python3
"""Runs a command and adds what it took as a line of JSON to a file.

    measure.py RESULTS CASE TOOL ROUND [--engine PID] [--disk DIR] [--size FILE]... [--amount N] [--often RUNS] -- COMMAND...

Wall and CPU seconds; the largest resident set of one process (GNU time); the bytes of the files that it made (--size); with --disk, how many
bytes of that file system it had in use at most beyond what was used before, files without a name included, and how many it left.
An engine works on behalf of its clients: with --engine, the CPU seconds of that process and of everything that it has started and seen end are
added, and its own largest resident set is told. What is over in a blink is run by hyperfine: --often RUNS adds a line for each run.
--amount is a number that the report needs: how large the input was."""
import argparse
import json
import os
import shlex
import subprocess
import sys
import tempfile
import threading
import time

DISK_PERIOD_S = 0.05


def engine_processes(pid):
    """A process and its living children: (id, seconds of CPU so far)."""
    found = []
    for entry in os.listdir('/proc'):
        try:
            with open('/proc/%d/stat' % int(entry)) as f:
                fields = f.read().rpartition(')')[2].split()
        except (OSError, ValueError):
            continue
        if int(entry) == pid or int(fields[1]) == pid:
            found.append((int(entry), sum(int(x) for x in fields[11:15]) / os.sysconf('SC_CLK_TCK')))
    return found


class Engine:
    """utime, stime, cutime and cstime of the engine between start and end; its peak, which the kernel forgets when it is asked to."""

    def __init__(self, pid):
        self.pid = pid
        self.before = sum(seconds for _, seconds in engine_processes(pid))
        for process, _ in engine_processes(pid):
            with open('/proc/%d/clear_refs' % process, 'w') as f:
                f.write('5')

    def end(self):
        now = engine_processes(self.pid)
        return {'engine_cpu_s': sum(seconds for _, seconds in now) - self.before,
                'engine_peak_bytes': sum(self.peak(process) for process, _ in now)}

    @staticmethod
    def peak(process):
        with open('/proc/%d/status' % process) as f:
            return next((int(line.split()[1]) * 1024 for line in f if line.startswith('VmHWM')), 0)


class Disk(threading.Thread):
    """The file system's own count: it also sees files that have no name."""

    def __init__(self, folder):
        super().__init__(daemon=True)
        self.folder, self.over = folder, threading.Event()
        self.before = self.most = self.used()
        self.start()

    def used(self):
        fs = os.statvfs(self.folder)
        return (fs.f_blocks - fs.f_bfree) * fs.f_frsize

    def run(self):
        while not self.over.wait(DISK_PERIOD_S):
            self.most = max(self.most, self.used())

    def end(self):
        self.over.set()
        self.join()
        left = self.used()
        return {'disk_peak_bytes': max(self.most, left) - self.before, 'disk_left_bytes': max(0, left - self.before)}


def run_once(command):
    """Under GNU time: wall, CPU, peak."""
    with tempfile.NamedTemporaryFile('r') as told:
        started = time.monotonic()
        status = subprocess.run(['/usr/bin/time', '-q', '-f', '%U %S %M', '-o', told.name, *command], check=False).returncode
        wall = time.monotonic() - started
        if status != 0:
            sys.exit('status %d: %s' % (status, ' '.join(command)))
        user, system, peak = told.read().split()
    return {'wall_s': round(wall, 4), 'cpu_s': float(user) + float(system), 'peak_rss_bytes': int(peak) * 1024}


def run_watched(a):
    """Once, with an eye on the disk and the engine."""
    engine = Engine(a.engine) if a.engine else None
    disk = Disk(a.disk) if a.disk else None
    line = run_once(a.command)
    if disk:
        line.update(disk.end())
    if engine:
        line.update(engine.end())
        line['cpu_s'] += line.pop('engine_cpu_s')
    return line


def run_often(command, runs):
    """A run that warms up and tells the peak, then hyperfine's, which start no shell."""
    peak = run_once(command)['peak_rss_bytes']
    with tempfile.NamedTemporaryFile('r') as told:
        subprocess.run(['hyperfine', '--style', 'none', '-N', '--runs', str(runs), '--export-json', told.name, shlex.join(command)], check=True)
        result = json.load(told)['results'][0]
    return [{'wall_s': round(wall, 5), 'cpu_s': round(result['user'] + result['system'], 5), 'peak_rss_bytes': peak} for wall in result['times']]


def arguments(argv):
    parser = argparse.ArgumentParser()
    for name in ('results', 'case', 'tool'):
        parser.add_argument(name)
    parser.add_argument('round', type=int)
    parser.add_argument('--engine', type=int)
    parser.add_argument('--disk')
    parser.add_argument('--size', action='append', default=[])
    parser.add_argument('--amount', type=int)
    parser.add_argument('--often', type=int, default=0)
    parser.add_argument('command', nargs='+')
    return parser.parse_args(argv)


def main(argv):
    a = arguments(argv)
    os.sync()  # what an earlier command has not written yet is not this one's work
    lines = run_often(a.command, a.often) if a.often else [run_watched(a)]
    for line in lines:
        line['cpu_s'] = round(line['cpu_s'], 4)
        line['bytes'] = sum(os.stat(path).st_size for path in a.size)
        if a.amount is not None:
            line['amount'] = a.amount
    with open(a.results, 'a') as f:
        f.writelines(json.dumps({'case': a.case, 'tool': a.tool, 'round': a.round, **line}) + '\n' for line in lines)


if __name__ == '__main__':
    main(sys.argv[1:])
