"""Whether this machine is fit to run."""

import click

from recovery.cli import options, say
from recovery.cli.status import Status


@click.command()
@options.json
def doctor(as_json: bool) -> Status:
    """Check this machine: versions, cores, memory, cache, and whether a small run gives exactly the right result."""
    from recovery.cli import machine

    findings = machine.examine()
    if as_json:
        say.print_json({"findings": [vars(finding) for finding in findings]})
    else:
        for finding in findings:
            click.echo(f"{'ok ' if finding.ok else 'BAD'}  {finding.what}: {finding.found}")
    return Status.WELL if all(finding.ok for finding in findings) else Status.OURS
