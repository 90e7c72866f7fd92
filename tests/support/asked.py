#!/usr/bin/env python3
"""asked.py [--answer TEXT] QUESTION ACTION COMMAND ARG...: runs a command on a terminal of its own; when it asks QUESTION (a regular expression), the
shell command ACTION is run and the answer typed. Exit status: that of the command; 99 when it did not ask."""
import os
import pty
import re
import subprocess
import sys

arguments = sys.argv[1:]
answer = ''
if arguments[0] == '--answer':
    answer, arguments = arguments[1], arguments[2:]
question, action, command = arguments[0], arguments[1], arguments[2:]

pid, terminal = pty.fork()
if pid == 0:
    os.execv(command[0], command)
said, was_asked = b'', False
while True:
    try:
        piece = os.read(terminal, 4096)
    except OSError:  # the other end is closed
        break
    if not piece:
        break
    said += piece
    if not was_asked and re.search(question.encode(), said):
        was_asked = True
        subprocess.run(action, shell=True, check=True)
        os.write(terminal, answer.encode() + b'\n')
sys.stderr.write(said.decode(errors='replace').replace('\r\n', '\n'))
status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
sys.exit(status if was_asked else 99)
