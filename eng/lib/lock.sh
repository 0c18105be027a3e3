# shellcheck shell=bash
# One run at a time. The kernel lets go of the lock when the launcher dies, however it dies; what it starts must not inherit it.

LOCK=

take_lock() { # FILE MESSAGE
  exec {LOCK}>"$1"
  flock -n "$LOCK" || die "$2"
}

# without_lock COMMAND…
without_lock() {
  if [ -n "$LOCK" ]; then "$@" {LOCK}>&-; else "$@"; fi
}
