"""What the help shows is true: every example parses, and the completions complete."""

import json
import re
import shlex
import shutil
import subprocess

import pytest

from conftest import BINARY


def commands(node, path=()):
    """Every command that a person can type, groups included."""
    path = (*path, node["commandName"])
    yield path
    for child in node.get("subcommands", []):
        if child["commandName"] != "help":
            yield from commands(child, path)


def examples(home):
    """The lines below `Examples:` of every help text, as a person sees them; a comment stands behind two spaces or more,
    and what is piped in is left away."""
    tree = json.loads(home.run("--experimental-dump-help").stdout)["command"]
    for path in commands(tree):
        text = home.run(*path[1:], "--help").stdout
        block = re.search(r"^Examples:\n((?:  .*\n)+)", text, re.M)
        lines = block[1].splitlines() if block else []
        assert lines, f"{' '.join(path)} --help shows no example"
        for line in lines:
            yield path, re.split(r" {2,}", line.strip())[0].split(" | ")[-1]


def parses(home, words):
    """Runs a command where it can do nothing: its data directory cannot be. Only usage errors end with 64."""
    process = subprocess.Popen(
        [BINARY, *words], env=home.environment | {"CLOISTER_DATA": "/dev/null/none"}, cwd=home.temporary, stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        said = process.communicate(timeout=15)[1]
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return True  # It waits for others, and would until somebody ends it.
    assert process.returncode in (0, 1, 64), said
    return process.returncode != 64


def test_every_example_of_every_help_parses(home):
    count = 0
    for path, line in examples(home):
        words = shlex.split(line)
        assert words[0] == "cloister" and (len(path) == 1 or tuple(words[:len(path)]) == path), line
        assert parses(home, words[1:]), line
        assert not parses(home, [*words[1:], "--no-such-flag"]), "the negative control: a wrong flag is noticed"
        count += 1
    assert count > 25


@pytest.mark.parametrize("shell,script", [
    ("bash", 'source "$1"; COMP_WORDS=(cloister ba); COMP_CWORD=1; COMP_LINE="cloister ba"; COMP_POINT=11; _cloister cloister ba cloister; echo "${COMPREPLY[@]}"'),
    ("zsh", 'autoload -U compinit; compinit -D; source "$1"; whence -w _cloister; grep -o "backup" "$1"'),
    ("fish", 'source $argv[1]; complete -C "cloister ba"'),
])
def test_completions_complete(home, shell, script):
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not here")
    path = home.root / f"completion.{shell}"
    path.write_text(home.run("--generate-completion-script", shell).stdout)
    first = ["-c", script, shell, str(path)] if shell != "fish" else ["-c", script, str(path)]
    result = subprocess.run([shell, *first], env=home.environment, capture_output=True, text=True, timeout=60)
    assert "backup" in result.stdout and "error" not in result.stderr, result.stderr
