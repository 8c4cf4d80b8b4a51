#!/usr/bin/env bash
# The completions of the program in real shells: what bash, zsh and fish make of a line that is begun.
# usage: completions.sh PROGRAM   Exit code 0: passed, 1: failed, 77: no zsh or no fish; what is there was tried.
# On Debian zsh and fish are downloaded where they are not installed.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=ci/debian.sh
. ci/debian.sh
program=$(realpath "${1:?the program}")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
for shell in bash zsh fish; do
    "$program" completions "$shell" > "$scratch/$shell"
done
mv "$scratch/zsh" "$scratch/_crosscheck"

# Each prints what `crosscheck WORDS` is completed to; the last word is begun.
by_bash() {
    bash --norc --noprofile -c '
        source "$1/bash"
        COMP_WORDS=(crosscheck $2); COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
        _crosscheck crosscheck "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
        printf "%s\n" "${COMPREPLY[@]}"' bash "$scratch" "$1"
}
# zsh completes at a terminal only: a pseudo-terminal, in which the line and the key Tab are typed, and then a key that prints
# the line. Its modules and functions are found where the package was unpacked.
# shellcheck disable=SC2154
cat > "$scratch/.zshenv" << RC
module_path=($debian/usr/lib/$libraries/zsh/*(N/) \$module_path)
fpath=($scratch $debian/usr/share/zsh/functions/**/*(N/) \$fpath)
RC
cat > "$scratch/.zshrc" << 'RC'
PROMPT=
setopt no_auto_menu
autoload -Uz compinit
compinit -u -D
took() { print -r -- "<$BUFFER>" }
zle -N took
bindkey '^T' took
print -r -- shell is ready
RC
# shellcheck disable=SC2016
by_zsh() {
    ZDOTDIR=$scratch timeout 60 zsh -d -c '
        zmodload zsh/zpty
        zpty shell zsh -d -i
        zpty -r -m shell line "*shell is ready*"
        zpty -n -w shell "crosscheck $1"$'\''\t\x14'\''
        zpty -r -m shell line "*<crosscheck*>*"
        print -r -- "${${line##*<}%%>*}"' zsh "$1"
}
# shellcheck disable=SC2016
by_fish() {
    HOME=$scratch fish --no-config -c 'source $argv[1]/fish; complete -C "crosscheck $argv[2]"' "$scratch" "$1"
}

failed=0
# expect SHELL WORDS EXPECTED: a word of the answer.
expect() {
    local found
    found=$("by_$1" "$2" 2>&1 || true)
    if grep -qwe "$3" <<< "$found"; then
        echo "$1: crosscheck $2 -> $3"
    else
        echo "$1: crosscheck $2 is completed to \"$found\", expected $3"
        failed=1
    fi
}

missing=()
for shell in bash zsh fish; do
    if ! provide "$shell" "$shell"; then
        missing+=("$shell")
        continue
    fi
    expect "$shell" insp inspect
    expect "$shell" "fit --nom" "--nominal"
    expect "$shell" "engine bui" build
    expect "$shell" "bench --precision bf" bf16
done
[ "$failed" -eq 0 ] || exit 1
[ ${#missing[@]} -eq 0 ] || { echo "completions of ${missing[*]} not tried: not installed, and not a package here"; exit 77; }
