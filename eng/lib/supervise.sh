# shellcheck shell=bash
# Starts processes by name, waits for them, and starts again what exits. NAME.log is each one's output.

# Bash reports a child that a signal ended by printing its source text, unless that signal has a trap here. Our own line says it better.
# shellcheck disable=SC2173 # not to catch KILL, which nobody can, only for that effect
trap ':' KILL ABRT SEGV

declare -A RUN=() PID=() STARTED_AT=() BACKOFF=() DUE=()

# spawn NAME FUNCTION ARGUMENT… — the function ends in exec, in a session of its own: Ctrl-C at the terminal reaches the launcher alone,
# which then stops things in order.
spawn() {
  local name=$1
  shift
  mkdir -p "$STATE/run" "$STATE/logs"
  RUN[$name]="$*"
  STARTED_AT[$name]=$SECONDS
  DUE[$name]=
  (
    trap - EXIT INT TERM HUP
    if [ -n "$LOCK" ]; then exec {LOCK}>&-; fi
    record_process "$name" "$BASHPID"
    "$@"
  ) >>"$STATE/logs/$name.log" 2>&1 </dev/null &
  PID[$name]=$!
}

# rotate_log NAME — the log of the start before is kept.
rotate_log() { if [ -f "$STATE/logs/$1.log" ]; then mv -f "$STATE/logs/$1.log" "$STATE/logs/$1.log.1"; fi; }

first_spawn() { # NAME FUNCTION ARGUMENT…
  rotate_log "$1"
  BACKOFF[$1]=1
  spawn "$@"
}

running() { kill -0 "${PID[$1]}" 2>/dev/null; }

# await NAME SECONDS CONDITION… — the process NAME may take that long; one that died will not get there.
await() {
  local name=$1 limit=$2 deadline=$((SECONDS + $2))
  shift 2
  until "$@"; do
    running "$name" || die_of "$STATE/logs/$name.log" "$name exited while starting: $(last_words "$name")"
    [ "$SECONDS" -lt "$deadline" ] || die_of "$STATE/logs/$name.log" "$name is not ready after $limit s: $(last_words "$name")"
    sleep 0.1
  done
}

# last_words NAME — the last line of its log that says what went wrong.
last_words() {
  local log=$STATE/logs/$1.log line
  line=$(grep -iE 'fatal|error|exception' "$log" 2>/dev/null | tail -1) || true
  printf '%s' "${line:-$(tail -1 "$log" 2>/dev/null)}"
}

# supervise_tick — notes who exited, starts who is due. Waiting doubles from 1 s to 30 s and is forgotten after a minute of running.
supervise_tick() {
  local name status
  for name in "${!RUN[@]}"; do
    if [ -n "${DUE[$name]}" ]; then
      if [ "$SECONDS" -ge "${DUE[$name]}" ]; then
        # shellcheck disable=SC2086 # what RUN holds was words before
        spawn "$name" ${RUN[$name]}
      fi
    elif ! running "$name"; then
      status=0
      wait "${PID[$name]}" 2>/dev/null || status=$?
      [ $((SECONDS - STARTED_AT[$name])) -lt 60 ] || BACKOFF[$name]=1
      warn "$name exited ($(exit_reason "$status")), starting again in ${BACKOFF[$name]} s; log: $STATE/logs/$name.log"
      DUE[$name]=$((SECONDS + BACKOFF[$name]))
      BACKOFF[$name]=$((BACKOFF[$name] * 2 < 30 ? BACKOFF[$name] * 2 : 30))
    fi
  done
}

exit_reason() { if [ "$1" -gt 128 ]; then printf 'signal %s' "$(kill -l $(($1 - 128)))"; else printf 'status %s' "$1"; fi; }

# supervise — until a signal ends the launcher.
supervise() {
  local next_disk_check=0
  while :; do
    supervise_tick
    if [ "$SECONDS" -ge "$next_disk_check" ]; then
      warn_of_full_disk
      next_disk_check=$((SECONDS + 30))
    fi
    without_lock sleep 0.5
  done
}
