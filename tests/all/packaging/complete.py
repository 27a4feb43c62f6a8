"""complete.py SHELL FOLDER PROGRAM BEGINNING WHOLE: types `PROGRAM BEGINNING` and the Tab key into an interactive bash or zsh that
has loaded the script of FOLDER, until the shell has written WHOLE. Ends with 1 if it does not.
"""

import os
import pty
import select
import sys

shell, folder, program, beginning, whole = sys.argv[1:]
commands = {
    "bash": f"PS1='ready> '; bind 'set bell-style none'; . {folder}/{program}.bash\n",
    "zsh": f"PS1='ready> '; unsetopt beep; fpath=({folder} $fpath); autoload -Uz compinit; compinit -u -D\n",
}
arguments = {"bash": ["bash", "--norc", "--noprofile", "-i"], "zsh": ["zsh", "-f", "-i"]}
pid, terminal = pty.fork()
if pid == 0:
    os.execvpe(shell, arguments[shell], {**os.environ, "TERM": "dumb", "LC_ALL": "C.UTF-8"})

seen = b""


def until(wanted):
    """Reads until the shell has written this, which is then consumed."""
    global seen
    while wanted not in seen:
        if not select.select([terminal], [], [], 60)[0]:
            sys.exit(f"{shell} did not write {wanted!r}: {seen!r}")
        try:
            seen += os.read(terminal, 4096)
        except OSError:
            sys.exit(f"{shell} ended without {wanted!r}: {seen!r}")
    seen = seen[seen.index(wanted) + len(wanted) :]


os.write(terminal, commands[shell].encode() + b"echo load''ed\n")
until(b"loaded")
until(b"ready> ")
os.write(terminal, f"{program} {beginning}\t".encode())
until(f"{program} {beginning}".encode())
until(whole.removeprefix(beginning).encode())
os.write(terminal, b"\x15exit\n")
os.close(terminal)
os.waitpid(pid, 0)
