"""The blocks of code of a Markdown page: what kind each is, and the commands in it."""

import re
import tomllib
from dataclasses import dataclass, field

# What a line of a shell begins with, besides an assignment. A block of which no line does is no shell's.
COMMANDS = {"cargo", "cat", "cd", "cp", "crosscheck", "curl", "dpkg", "export", "git", "gpiodetect", "journalctl", "pip", "promtool", "python",
            "python3", "rustup", "scp", "sudo", "systemctl", "tar"}
SCRIPTS = ("./", ".ci/", "ci/", "cross/", "deploy/", "packaging/", "systemd/")
MARKER = re.compile(r"<!-- not run: (.+) -->")


@dataclass
class Block:
    line: int
    lines: list[str] = field(default_factory=list)
    # Why a page says that it is not run.
    excuse: str | None = None

    def kind(self):
        """shell, console (commands with what they print), usage, toml, or text."""
        if any(line.startswith("$ ") for line in self.lines):
            return "console"
        if any(is_command(line) for line in self.lines):
            return "usage" if re.search(r"\[OPTIONS\]|<COMMAND>", self.lines[0]) else "shell"
        head = next((line for line in self.lines if line.strip() and not line.startswith("#")), "")
        return "toml" if re.match(r"\[\[?[a-z_.]+\]\]?\s*$|[a-z_]+ = \S", head) and is_toml(self.text()) else "text"

    def text(self):
        return "\n".join(self.lines) + "\n"

    def commands(self):
        """Each command with the number of its line and what it prints, as far as that is shown."""
        console, found = self.kind() == "console", []
        number, whole = 0, ""
        for at, line in enumerate(self.lines, self.line):
            if console and not whole and not line.startswith("$ "):
                found[-1][2].append(line)
                continue
            number = number if whole else at
            whole += line.removeprefix("$ ") if console else line
            if whole.endswith("\\"):
                whole = whole[:-1]
                continue
            if whole.strip() and not whole.startswith("#"):
                found.append((number, whole.strip(), []))
            whole = ""
        return found


def is_command(line):
    words = [word for word in line.split() if not re.match(r"[A-Z_0-9]+=", word)]
    return bool(words) and (words[0] in COMMANDS or words[0].startswith(SCRIPTS))


def is_toml(text):
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return False
    return True


def blocks(text):
    """All blocks of a page: indented after an empty line, or between fences."""
    found, block, excuse = [], None, None
    fenced, may_begin = False, True
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip().startswith("```"):
            fenced = not fenced
            block = finish(found, block)
            block = Block(number + 1, excuse=excuse) if fenced else None
            excuse, may_begin = None, not fenced
        elif fenced:
            block.lines.append(line)
        elif line.startswith("    ") and (block or may_begin):
            block = block or Block(number, excuse=excuse)
            block.lines.append(line[4:])
            excuse = None
        elif not line.strip():
            if block:
                block.lines.append("")
            may_begin = True
        else:
            block = finish(found, block)
            marked = MARKER.fullmatch(line.strip())
            excuse, may_begin = (marked.group(1), True) if marked else (None, False)
    finish(found, block)
    return found


def finish(found, block):
    if block:
        while block.lines and not block.lines[-1].strip():
            block.lines.pop()
        found.append(block)
