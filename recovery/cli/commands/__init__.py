"""A file a family of commands; each click.Command in a file here is a command of `recovery`."""
