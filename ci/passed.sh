# Sourced, from the repository's root, by checks of which a long part gives the same result for the same sources. A file beside
# the check has the digest of the sources with which that part last passed.
#   has_passed FILE PATH...    whether FILE has the digest of what git has at these paths
#   keep_passed FILE PATH...   writes it
# shellcheck shell=bash
digest() {
    git ls-files "$@" | LC_ALL=C sort | xargs sha256sum | sha256sum | cut -d ' ' -f 1
}

has_passed() {
    [ "$(digest "${@:2}")" = "$(cat "$1" 2> /dev/null)" ]
}

keep_passed() {
    digest "${@:2}" > "$1.new"
    mv "$1.new" "$1"
}
