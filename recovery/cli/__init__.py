"""The command line: what is typed becomes calls, what is found becomes text, JSON and an exit status."""
