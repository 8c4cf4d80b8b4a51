#!/usr/bin/env python3
"""Prints the licences of every library that the program contains: name, version, licence, and the texts in its package.

usage: packaging/licences.py [--features LIST] [--target TRIPLE] > THIRD-PARTY-LICENCES
Exit code 1: a library has a licence that is not known to permit this, or no text where its licence demands one.
"""

import argparse
import json
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
# Licences that permit to ship the library in a program, of which one is enough of several that are joined by OR.
PERMITTED = {
    "Apache-2.0", "MIT", "BSD-2-Clause", "BSD-3-Clause", "ISC", "Zlib", "0BSD", "CC0-1.0", "Unlicense", "Unicode-3.0", "BSL-1.0",
    "MIT-0", "BSD-1-Clause", "Apache-2.0 WITH LLVM-exception", "CDLA-Permissive-2.0",
}
# They demand no text beside a program.
WITHOUT_TEXT = {"0BSD", "CC0-1.0", "Unlicense", "MIT-0", "Zlib", "BSL-1.0"}
NAMES = re.compile(r"(?i)^(licen[cs]e|copying|notice|copyright|unlicense)")


def permitted(expression):
    """The permitted ways to satisfy a licence expression: for each, the set of its licences."""
    expression = expression.replace("/", " OR ")
    ways = []
    for way in re.split(r"\s+OR\s+", expression.replace("(", " ").replace(")", " ")):
        licences = {licence.strip() for licence in re.split(r"\s+AND\s+", way) if licence.strip()}
        if licences and licences <= PERMITTED:
            ways.append(licences)
    # "(A OR B) AND C" is split wrongly; then every licence in it must be permitted.
    if "(" in expression and "AND" in expression:
        every = {licence.strip(" ()") for licence in re.split(r"\s+(?:OR|AND)\s+", expression)}
        return [every] if every <= PERMITTED else []
    return ways


def contained(metadata):
    """The packages that the program is linked with: neither those of tests nor of build scripts."""
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    found, waiting = set(), [metadata["resolve"]["root"]]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        for link in nodes[name]["deps"]:
            if any(kind["kind"] is None for kind in link["dep_kinds"]):
                waiting.append(link["pkg"])
    found.discard(metadata["resolve"]["root"])
    return [package for package in metadata["packages"] if package["id"] in found]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--features", default="mqtt,cuda")
    parser.add_argument("--target", default="x86_64-unknown-linux-gnu")
    arguments = parser.parse_args()
    command = ["cargo", "metadata", "--format-version", "1", "--locked", "--features", arguments.features]
    output = subprocess.run(command + ["--filter-platform", arguments.target], cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout
    faults, printed = [], {}
    packages = sorted(contained(json.loads(output)), key=lambda package: (package["name"], package["version"]))
    for package in packages:
        title = f"{package['name']} {package['version']}"
        licence = package["license"] or ""
        ways = permitted(licence)
        if not ways:
            faults.append(f"{title}: its licence is {licence or 'not stated'!r}, which packaging/licences.py does not permit")
        folder = pathlib.Path(package["manifest_path"]).parent
        texts = [path for path in sorted(folder.iterdir()) if path.is_file() and NAMES.match(path.name)]
        print(f"{'=' * 100}\n{title}: {licence}\n{'=' * 100}")
        for path in texts:
            text = path.read_text(errors="replace").strip()
            # Many packages have the same text.
            first = printed.setdefault(" ".join(text.split()), f"{path.name} of {title}")
            print(f"--- {path.name}\n{text if first == f'{path.name} of {title}' else f'The text is that of {first}.'}\n")
        if not texts and not any(way <= WITHOUT_TEXT for way in ways):
            print(f"The package has no text of its licence. Its authors are {', '.join(package['authors']) or 'not stated'}; source: {package['repository']}\n")
    for fault in faults:
        print(fault, file=sys.stderr)
    print(f"{len(packages)} libraries, {len(faults)} of them with a licence that is not permitted", file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
