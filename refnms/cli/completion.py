"""`refnms completion`: a script that lets a shell complete commands, options and file names.

The words come from the parser itself: bash and zsh get a function with one line per command, fish
one line per word.
"""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Iterator
from typing import TYPE_CHECKING

from refnms.cli.codes import DONE

if TYPE_CHECKING:
    from refnms.cli.options import Commands

SHELLS = {
    "bash": 'eval "$(refnms completion bash)" in ~/.bashrc',
    "zsh": 'eval "$(refnms completion zsh)" in ~/.zshrc, after compinit',
    "fish": "refnms completion fish > ~/.config/fish/completions/refnms.fish",
}
BASH = """\
_refnms() {{
    local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}} words=""
    if [ "$COMP_CWORD" -eq 1 ]; then
        words="{commands}"
    else
        case "${{COMP_WORDS[1]}} $before" in
{choices}
        esac
        if [ -z "$words" ]; then
            case "${{COMP_WORDS[1]}}" in
{options}
            esac
        fi
    fi
    COMPREPLY=($(compgen -W "$words" -- "$word"))
}}
complete -o default -F _refnms refnms
"""
ZSH = "autoload -U +X bashcompinit && bashcompinit\n"


def add_to(commands: Commands) -> None:
    places = "\n".join(f"  {shell:5} {place}" for shell, place in SHELLS.items())
    parser = commands.add_parser(
        "completion",
        help="a script that completes commands and options in bash, zsh or fish",
        description=f"Print the script of a shell. Where it goes:\n\n{places}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("shell", choices=SHELLS)
    parser.set_defaults(command=_completion)


def _completion(options: argparse.Namespace) -> int:
    from refnms.cli import parser

    print({"bash": bash, "zsh": zsh, "fish": fish}[options.shell](parser()), end="")
    return DONE


def bash(parser: argparse.ArgumentParser) -> str:
    commands = _commands(parser)
    choices = [
        f'        "{name} {flag}") words="{" ".join(map(str, action.choices))}" ;;'
        for name, command in commands.items()
        for action in command._actions
        if action.choices
        for flag in action.option_strings or [name]
    ]
    options = [
        f'            {name}) words="{" ".join(_flags(command))}" ;;'
        for name, command in commands.items()
    ]
    return BASH.format(
        commands=" ".join([*commands, *_flags(parser)]),
        choices="\n".join(choices),
        options="\n".join(options),
    )


def zsh(parser: argparse.ArgumentParser) -> str:
    return ZSH + bash(parser)  # zsh runs the functions of bash


def fish(parser: argparse.ArgumentParser) -> str:
    return "\n".join(_fish_lines(parser)) + "\n"


def _fish_lines(parser: argparse.ArgumentParser) -> Iterator[str]:
    for name, help in _helps(parser).items():
        yield f"complete -c refnms -n __fish_use_subcommand -f -a {name} -d {shlex.quote(help)}"
    for name, command in _commands(parser).items():
        start = f"complete -c refnms -n '__fish_seen_subcommand_from {name}'"
        for action in command._actions:
            words = "".join(
                f" -{'l' if flag.startswith('--') else 's'} {flag.lstrip('-')}"
                for flag in action.option_strings
            )
            if action.choices:
                words += f" -x -a {shlex.quote(' '.join(map(str, action.choices)))}"
            elif action.option_strings and action.nargs != 0:
                words += " -r"
            if words:
                yield f"{start}{words} -d {shlex.quote(action.help or '')}"


def _subparsers(parser: argparse.ArgumentParser) -> Commands:
    kinds = argparse._SubParsersAction
    return next(action for action in parser._actions if isinstance(action, kinds))


def _commands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    return dict(_subparsers(parser).choices)


def _helps(parser: argparse.ArgumentParser) -> dict[str, str]:
    return {a.dest: a.help or "" for a in _subparsers(parser)._choices_actions}


def _flags(parser: argparse.ArgumentParser) -> list[str]:
    return [flag for action in parser._actions for flag in action.option_strings]
