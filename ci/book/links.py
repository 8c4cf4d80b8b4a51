"""Checks that every link and picture of the book's pages leads to a file or a heading that is there.

usage: links.py FOLDER   Links to other sites are not followed. Exit code 1: something is missing.
"""

import pathlib
import sys
import urllib.parse
from html.parser import HTMLParser


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.anchors, self.targets = set(), []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.anchors.update(value for key, value in attributes.items() if key in ("id", "name") and value)
        self.targets += [value for key, value in attributes.items() if key in ("href", "src") and value]


def main(folder):
    root = pathlib.Path(folder).resolve()
    pages = {path: Page(path.read_text()) for path in sorted(root.rglob("*.html")) if path.name not in ("print.html", "404.html", "toc.html")}
    faults, links = [], 0
    for path, page in pages.items():
        for target in page.targets:
            parts = urllib.parse.urlsplit(target)
            if parts.scheme or parts.netloc:
                continue
            links += 1
            file = (path.parent / urllib.parse.unquote(parts.path)).resolve() if parts.path else path
            about = f"{path.relative_to(root)}: {target}"
            if not file.is_relative_to(root) or not file.exists():
                faults.append(f"{about}: there is no such file")
            elif parts.fragment and file in pages and urllib.parse.unquote(parts.fragment) not in pages[file].anchors:
                faults.append(f"{about}: there is no such heading")
    print(*faults, f"{len(pages)} pages, {links} links, {len(faults)} of them lead nowhere", sep="\n")
    return 1 if faults or len(pages) < 10 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
