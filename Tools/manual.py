"""Writes man pages, one for each command, from what `cloister --experimental-dump-help` prints to standard input.

Usage: cloister --experimental-dump-help | python3 Tools/manual.py FOLDER VERSION
"""

import json
import re
import sys
from pathlib import Path


def escaped(text):
    """Text that troff prints as it stands."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("`", "\\(ga")
    return re.sub(r"^([.'])", r"\\&\1", text, flags=re.M)


def spelled(argument):
    """How an argument is written: `--port <port>`, `-h, --help`, `<file>`."""
    names = [("-" if name["kind"] == "short" else "--") + name["name"] for name in argument.get("names", [])]
    value = f"<{argument['valueName']}>"
    if argument["kind"] == "positional":
        return value
    return ", ".join(names) + (f" {value}" if argument["kind"] == "option" else "")


def use(argument):
    """An argument in the synopsis."""
    text = spelled(argument).split(", ")[-1]
    return f"[{text}]" if argument["isOptional"] else text


def page(path, node, version):
    """One command's page."""
    arguments = [a for a in node.get("arguments", []) if a["shouldDisplay"]]
    children = [c for c in node.get("subcommands", []) if c["commandName"] != "help"]
    description, _, examples = node.get("discussion", "").partition("Examples:\n")
    lines = [f'.TH {"-".join(path).upper()} 1 "" "Cloister {version}" "Cloister"']
    lines += [".SH NAME", f"{escaped('-'.join(path))} \\- {escaped(node['abstract'])}"]
    synopsis = [use(a) for a in arguments if a["valueName"] not in ("help", "version")] + (["<subcommand>"] if children else [])
    lines += [".SH SYNOPSIS", f".B {escaped(' '.join(path))}", escaped(" ".join(synopsis))]
    if description.strip():
        lines += [".SH DESCRIPTION", escaped(" ".join(description.split()))]
    if arguments:
        lines.append(".SH OPTIONS")
        for argument in arguments:
            lines += [".TP", f".B {escaped(spelled(argument))}", escaped(argument.get("abstract", ""))]
    if children:
        lines.append(".SH COMMANDS")
        for child in children:
            lines += [".TP", f".BR {escaped('-'.join([*path, child['commandName']]))} (1)", escaped(child["abstract"])]
    if examples:
        lines += [".SH EXAMPLES", ".nf", *(escaped(line.strip()) for line in examples.splitlines() if line.strip()), ".fi"]
    if len(path) > 1:
        lines += [".SH SEE ALSO", f".BR {escaped('-'.join(path[:-1]))} (1)"]
    return "\n".join(lines) + "\n"


def write(path, node, folder, version):
    """A command's page and those below it."""
    (folder / f"{'-'.join(path)}.1").write_text(page(path, node, version))
    for child in node.get("subcommands", []):
        if child["commandName"] != "help":
            write([*path, child["commandName"]], child, folder, version)


if __name__ == "__main__":
    root = json.load(sys.stdin)["command"]
    write([root["commandName"]], root, Path(sys.argv[1]), sys.argv[2])
