# shellcheck shell=bash
# Tests mostly wait: for sessions that time out, members that join, processes that start. Some at once take hardly longer than the longest of them.
# What each prints is kept until it has ended, and then it is judged: by a function, called with its name and exit status.

AT_ONCE=3
declare -A POOL_PIDS=() POOL_JUDGES=()

# pool_key NAME — a name for files.
pool_key() { printf '%s' "${1//[^a-zA-Z0-9.]/-}"; }

pool_output() { printf '%s/results/%s.out' "$STATE" "$(pool_key "$1")"; }

# pool_begin JUDGE NAME COMMAND… — when there is room for it. Errors go to a log.
pool_begin() {
  local judge=$1 name=$2 key
  shift 2
  key=$(pool_key "$name")
  while [ ${#POOL_PIDS[@]} -ge "$AT_ONCE" ]; do pool_end_one; done
  (
    trap - EXIT INT TERM HUP
    record_process "test-$key" "$BASHPID"
    without_lock exec "$@"
  ) </dev/null >"$(pool_output "$name")" 2>"$STATE/logs/$key.log" &
  POOL_PIDS[$name]=$! POOL_JUDGES[$name]=$judge
  settle "$!"
}

# pool_end — waits for all.
pool_end() { while [ ${#POOL_PIDS[@]} -gt 0 ]; do pool_end_one; done; }

# pool_end_one — waits until any has ended.
pool_end_one() {
  local name status
  while :; do
    for name in "${!POOL_PIDS[@]}"; do
      if pid_of "test-$(pool_key "$name")" >/dev/null; then continue; fi
      status=0
      wait "${POOL_PIDS[$name]}" || status=$?
      unset "POOL_PIDS[$name]"
      forget_process "test-$(pool_key "$name")"
      step "$name"
      "${POOL_JUDGES[$name]}" "$name" "$status"
      return
    done
    sleep 0.2
  done
}
