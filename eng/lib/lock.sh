# shellcheck shell=bash
# One run at a time. The kernel lets go of the lock when the launcher dies, however it dies; what it starts must not inherit it.

LOCK=

# take_lock FILE MESSAGE — and records this process as the launcher. A short-lived child of one that was killed may hold it a moment longer.
take_lock() {
  exec {LOCK}>"$1"
  if ! flock -n "$LOCK"; then
    if pid_of launcher >/dev/null || ! flock -w 10 "$LOCK"; then die "$2"; fi
  fi
  record_process launcher $$
}

# without_lock COMMAND…
without_lock() {
  if [ -n "$LOCK" ]; then "$@" {LOCK}>&-; else "$@"; fi
}
