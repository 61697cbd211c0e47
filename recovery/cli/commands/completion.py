"""Words that the shell completes."""

import click

SHELLS = ("bash", "zsh", "fish")


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print a script by which SHELL completes commands, options, values and files.

    \b
    bash: eval "$(recovery completion bash)"      in ~/.bashrc
    zsh:  eval "$(recovery completion zsh)"       in ~/.zshrc, after compinit
    fish: recovery completion fish | source       in ~/.config/fish/config.fish
    """
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    assert kind is not None  # click knows these three
    click.echo(kind(ctx.find_root().command, {}, "recovery", "_RECOVERY_COMPLETE").source())
