# shellcheck shell=bash
# A disk that runs full is found before anything is started on it, and said while things run.

DISK_RESERVE_MB=500 # Kafka's first segments with index files, WAL up to a checkpoint and the logs of a first hour fit into it.

free_mb() { df -Pk "$1" | awk 'NR == 2 { print int($4 / 1024) }'; }

need_disk() { # DIR
  local free
  mkdir -p "$1" 2>/dev/null || die "cannot write to $1: is the disk full or read-only?"
  free=$(free_mb "$1")
  [ "$free" -ge "$DISK_RESERVE_MB" ] || die "only $free MB free on the disk of $1, $DISK_RESERVE_MB MB are needed: make room and start again"
  { : >"$1/.write-test"; } 2>/dev/null || die "cannot write to $1: is the disk read-only, or not yours?"
  rm -f "$1/.write-test"
}

# warn_of_full_disk — from the supervisor, at most once per spell of shortage.
DISK_WARNED=
warn_of_full_disk() {
  local free
  free=$(free_mb "$STATE")
  if [ "$free" -ge "$DISK_RESERVE_MB" ]; then
    DISK_WARNED=
  elif [ -z "$DISK_WARNED" ]; then
    DISK_WARNED=1
    warn "only $free MB left on the disk of $STATE: writes will start to fail"
  fi
}
