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

# die_of LOG MESSAGE — a full disk has many disguises; whatever failed, that is then what to say.
die_of() {
  if grep -qiE 'no space left on device|disk quota exceeded' "$1" 2>/dev/null; then
    die "the disk of $(dirname "$1") is full: make room and start again"
  fi
  die "$2 (see $1)"
}
