"""`python -m recovery` is the command `recovery`."""

from recovery.cli.main import entry

if __name__ == "__main__":
    entry()
