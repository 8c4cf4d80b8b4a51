#!/usr/bin/env bash
# Builds the documentation as a book, and checks that every link and picture of its pages is there.
# Exit code 0: passed, 1: failed, 77: not run, with the reason. The book is in target/book.
# Installs mdbook into target/tools where it is not installed (cargo install; a minute or two).
set -euo pipefail
cd "$(dirname "$0")/../.."
if command -v mdbook > /dev/null; then
    mdbook=mdbook
else
    mdbook=target/tools/bin/mdbook
    if [ ! -x "$mdbook" ]; then
        echo "installing mdbook"
        # Without optimisation, which takes three quarters of the time: it writes one book.
        CARGO_PROFILE_DEV_DEBUG=0 cargo install --debug --quiet --locked --no-default-features --root target/tools mdbook > /dev/null 2>&1 \
            || { echo "book not built: mdbook cannot be installed from crates.io"; exit 77; }
    fi
fi
rm -rf target/book
"$mdbook" build 2> target/book.log || { cat target/book.log; exit 1; }
if grep -E "WARN|ERROR" target/book.log; then exit 1; fi
python3 ci/book/links.py target/book
