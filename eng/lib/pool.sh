# shellcheck shell=bash
# Tests mostly wait: for sessions that time out, members that join, processes that start. Some at once take hardly longer than the longest of them.
# What each prints is kept until it has ended, and then it is judged: by a function, called with its name and exit status.

AT_ONCE=3
declare -A POOL_JUDGES=()

# pool_key NAME — a name for files.
pool_key() { printf '%s' "${1//[^a-zA-Z0-9.]/-}"; }

pool_output() { printf '%s/results/%s.out' "$STATE" "$(pool_key "$1")"; }

pool_log() { printf '%s/logs/test-%s.log' "$STATE" "$(pool_key "$1")"; }

# pool_begin JUDGE NAME COMMAND… — when there is room for it.
pool_begin() {
  while [ ${#POOL_JUDGES[@]} -ge "$AT_ONCE" ]; do pool_end_one; done
  POOL_JUDGES[$2]=$1
  spawn "test-$(pool_key "$2")" pool_run "$(pool_output "$2")" "${@:3}"
}

pool_run() { exec "${@:2}" >"$1"; } # FILE COMMAND… — errors go to the log

# pool_end — waits for all.
pool_end() { while [ ${#POOL_JUDGES[@]} -gt 0 ]; do pool_end_one; done; }

# pool_end_one — waits until any has ended.
pool_end_one() {
  local name process judge status=0
  while :; do
    for name in "${!POOL_JUDGES[@]}"; do
      process=test-$(pool_key "$name")
      if running "$process"; then continue; fi
      wait "${PID[$process]}" || status=$?
      judge=${POOL_JUDGES[$name]}
      unset "POOL_JUDGES[$name]" "PID[$process]"
      forget_process "$process"
      step "$name"
      "$judge" "$name" "$status"
      return
    done
    sleep 0.2
  done
}
