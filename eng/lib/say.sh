# shellcheck shell=bash
# Messages. Everything a person reads goes through these, so that a failure is always one line with the way out in it.

say() { printf '%s\n' "$*"; }

# A step that may take long, so that nobody wonders.
step() { printf '· %s\n' "$*"; }

warn() { printf 'onceward: %s\n' "$*" >&2; }

# One clear line, no stack trace: what is wrong and what to do about it.
die() {
  printf 'onceward: %s\n' "$*" >&2
  exit 1
}
