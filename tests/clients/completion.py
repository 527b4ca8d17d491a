"""Types into psql as a person does, Tab included, and prints what the screen showed.

    python3 completion.py PORT TEXT...   each TEXT is typed; \\t stands for Tab
"""
import os
import pty
import select
import sys
import time

port, texts = sys.argv[1], sys.argv[2:]
pid, terminal = pty.fork()
if pid == 0:
    os.environ.update(TERM="dumb", PAGER="cat", PSQLRC="/dev/null")
    os.execvp("psql", ["psql", "-h", "127.0.0.1", "-p", port, "-d", "rolecall", "-U", "anybody"])


def shown(until, seconds=60):
    """What is shown until a text comes, or until nothing more comes for a while."""
    seen, end = "", time.monotonic() + seconds
    while time.monotonic() < end:
        if select.select([terminal], [], [], 0.5)[0]:
            seen += os.read(terminal, 65536).decode(errors="replace")
        if until in seen:
            break
    return seen


print(shown("rolecall=>"))
for text in texts:
    typed, _, expected = text.partition("=>")
    os.write(terminal, typed.replace("\\t", "\t").encode())
    print(shown(expected))
    os.write(terminal, b"\x15")
os.write(terminal, b"\\q\n")
os.waitpid(pid, 0)
