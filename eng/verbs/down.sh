# shellcheck shell=bash
# usage: down [--wipe]                           stop what is up; --wipe also removes all data of Kafka and PostgreSQL

main() {
  local wipe=''
  case ${1:-} in
    '') ;;
    --wipe) wipe=1 ;;
    *) die "down does not know '$1': see ./onceward help" ;;
  esac
  mkdir -p "$STATE/run"
  if pid_of launcher >/dev/null; then
    step "stopping"
    # The sum of what the launcher grants roles, brokers and database, and a little more.
    end_processes TERM 75 launcher
  fi
  end_leftovers # of a launcher that was killed
  rm -f "$STATE/run/env"
  scratch_sweep
  if [ -n "$wipe" ]; then
    # Together, always: offsets in the one speak of records in the other.
    remove_data "$STATE/kafka" "$STATE/postgres" "$STATE/journal"
    say "stopped, and all data removed"
  else
    say "stopped"
  fi
}
