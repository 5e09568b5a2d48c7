"""Shell completion: made from the parser, and it completes in the shell itself."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from commands import refnms

from refnms import cli
from refnms.cli.completion import SHELLS, _commands, bash, fish


def script(shell: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert refnms("completion", shell) == 0
    return capsys.readouterr().out


def completed(line: str, text: str) -> list[str]:
    """What bash offers for the last word of a line."""
    words = line.split(" ")
    listed = " ".join(f"'{word}'" for word in words)
    program = f"""{text}
COMP_WORDS=({listed}); COMP_CWORD={len(words) - 1}; _refnms; printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    run = subprocess.run(["bash", "-c", program], capture_output=True, text=True, timeout=30)
    assert run.returncode == 0 and run.stderr == ""
    return run.stdout.split()


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash here")
@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("refnms cal", ["calibrate"]),
        ("refnms conv", ["convert"]),
        ("refnms --v", ["--version"]),
        ("refnms calibrate --met", ["--method"]),
        ("refnms calibrate --method co", ["corana"]),
        ("refnms calibrate x.xml --profile nat", ["native"]),
        ("refnms completion z", ["zsh"]),
        ("refnms check --js", ["--json"]),
        ("refnms emg file", []),
    ],
)
def test_bash_completes_commands_options_and_choices(line, words, capsys):
    assert completed(line, script("bash", capsys)) == words


@pytest.mark.parametrize("shell", SHELLS)
def test_every_command_and_option_stands_in_every_script(shell, capsys):
    text = script(shell, capsys)
    for name, command in _commands(cli.parser()).items():
        assert name in text
        for action in command._actions:
            for flag in action.option_strings:
                assert flag.lstrip("-") in text


def test_a_new_option_is_completed_without_further_ado():
    parser = cli.parser()
    _commands(parser)["run"].add_argument("--brand-new", choices=("red", "green"))
    assert '"run --brand-new") words="red green" ;;' in bash(parser)
    assert "-l brand-new -x -a 'red green'" in fish(parser)


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_the_shell_itself_accepts_its_script(shell, capsys):
    if shutil.which(shell) is None:
        pytest.skip(f"no {shell} here")
    text = script(shell, capsys)
    run = subprocess.run([shell, "-n"], input=text, capture_output=True, text=True, timeout=30)
    assert run.returncode == 0, run.stderr
