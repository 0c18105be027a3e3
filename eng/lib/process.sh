# shellcheck shell=bash
# Processes by name. NAME.pid holds the pid of the real process, NAME.birth what tells it from a later one with the same number.
# A process is signalled only when both agree, so a stale file never costs a stranger its life.

BOOT=$(cat /proc/sys/kernel/random/boot_id)

# birth PID — boot and start time; fails for a process that is gone or only waits to be reaped.
birth() {
  local stat=''
  local -a field
  read -r stat 2>/dev/null <"/proc/$1/stat" || return 1
  read -ra field <<<"${stat##*) }" # The name in parentheses may hold blanks; the state follows it.
  [ "${field[0]}" != Z ] || return 1
  printf '%s-%s' "$BOOT" "${field[19]:-}"
}

# record_process NAME PID — before exec, so that there is no moment at which a started process is on no file.
record_process() {
  birth "$2" >"$STATE/run/$1.birth"
  printf '%s\n' "$2" >"$STATE/run/$1.pid"
}

forget_process() { rm -f "$STATE/run/$1.pid" "$STATE/run/$1.birth"; }

# pid_of NAME — prints the pid if that process, and not another under its number, is alive.
pid_of() {
  local pid=''
  read -r pid 2>/dev/null <"$STATE/run/$1.pid" || return 1
  [[ $pid =~ ^[0-9]+$ ]] || return 1
  [ "$(birth "$pid")" = "$(cat "$STATE/run/$1.birth" 2>/dev/null)" ] || return 1
  printf '%s' "$pid"
}

# signal NAME SIGNAL
signal() {
  local pid
  if pid=$(pid_of "$1"); then kill -s "$2" "$pid" 2>/dev/null || true; fi
}

# gone_within SECONDS NAME…
gone_within() {
  local deadline=$((SECONDS + $1)) name alive
  shift
  while :; do
    alive=''
    for name in "$@"; do ! pid_of "$name" >/dev/null || alive=1; done
    [ -n "$alive" ] || return 0
    [ "$SECONDS" -lt "$deadline" ] || return 1
    sleep 0.1
  done
}

# end_processes SIGNAL SECONDS NAME… — all at once, then KILL for those that did not listen.
end_processes() {
  local polite=$1 limit=$2 name
  shift 2
  [ $# -gt 0 ] || return 0
  for name in "$@"; do signal "$name" "$polite"; done
  if ! gone_within "$limit" "$@"; then
    for name in "$@"; do
      if pid_of "$name" >/dev/null; then
        warn "$name did not stop within $limit s: killed"
        signal "$name" KILL
      fi
    done
    gone_within 10 "$@" || warn "still there after KILL: $*"
  fi
  for name in "$@"; do forget_process "$name"; done
}

# recorded_names — by pid file, dead or alive; the launcher itself aside.
recorded_names() {
  local file
  for file in "$STATE"/run/*.pid; do
    file=$(basename "$file" .pid)
    [ "$file" = '*' ] || [ "$file" = launcher ] || printf '%s\n' "$file"
  done
}

# settle CHILD… — every child just forked has put itself on file, or is gone: a signal may come between the two.
settle() {
  local pid deadline=$((SECONDS + 2))
  for pid in "$@"; do
    until ! kill -0 "$pid" 2>/dev/null || grep -qx "$pid" "$STATE"/run/*.pid 2>/dev/null || [ "$SECONDS" -ge "$deadline" ]; do sleep 0.05; done
  done
}

# end_recorded — in the order that loses nothing: who writes first, then the broker, then the database.
end_recorded() {
  local name
  local -a roles=() brokers=() databases=()
  while read -r name; do
    case $name in
      postgres | postgres-*) databases+=("$name") ;;
      kafka-*) brokers+=("$name") ;;
      *) roles+=("$name") ;;
    esac
  done < <(recorded_names)
  end_processes TERM 15 "${roles[@]}"
  end_processes TERM 20 "${brokers[@]}"
  end_processes INT 20 "${databases[@]}" # SIGINT is PostgreSQL's fast shutdown; TERM would wait for its clients.
}

# remove_data DIRECTORY… — and what it links to, if the database had to lie elsewhere.
remove_data() {
  local directory
  for directory in "$@"; do
    if [ -L "$directory" ]; then rm -rf "$(readlink -f "$directory")"; fi
    rm -rf "$directory"
  done
}

# end_leftovers — what a launcher that was killed could not end itself.
end_leftovers() {
  local name
  local -a alive=()
  while read -r name; do
    if pid_of "$name" >/dev/null; then alive+=("$name"); fi
  done < <(recorded_names)
  [ ${#alive[@]} -eq 0 ] || step "ending what an earlier start left running: ${alive[*]}"
  end_recorded
}
