#!/usr/bin/env bash
# Sourced by the scripts that pack the program.

# The version of Cargo.toml.
version() {
    sed -n 's/^version = "\(.*\)"/\1/p' "$(dirname "${BASH_SOURCE[0]}")/../Cargo.toml" | head -1
}

# The machine that a program is for, aarch64 or x86_64: ELF's number of it, at byte 18 of the file.
machine() {
    case $(od -An -j18 -N2 -tu2 "$1" | tr -d ' ') in
        183) echo aarch64 ;;
        62) echo x86_64 ;;
        *) echo "$1 is no program for aarch64 or x86-64" >&2; return 1 ;;
    esac
}
