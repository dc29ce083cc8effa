"""Runs a command and prints the most memory that its process held, in bytes; what it writes to standard output is lost.

A small process of its own: a child's peak counts what its parent held when it was started, so that the parent must
hold next to nothing. Run as `python peak_memory.py COMMAND...`; standard input goes to the command.
"""

import os
import subprocess
import sys

if __name__ == "__main__":
    process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    # Linux counts in KiB, macOS in bytes.
    print(usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024))
    sys.exit(process.returncode)
