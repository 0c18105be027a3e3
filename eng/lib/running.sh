# shellcheck shell=bash

# need_up — the addresses of what is up, as environment.
need_up() {
  if ! pid_of launcher >/dev/null || [ ! -f "$STATE/run/env" ]; then
    die "nothing is up: start it with ./onceward up (or up -d)"
  fi
  # shellcheck source=/dev/null
  source "$STATE/run/env"
}

# insurance_load SUBCOMMAND ARGUMENT…
insurance_load() {
  local program
  need_up
  build
  program=$(stage apps/insurance/Insurance.Load)/Insurance.Load
  mkdir -p "$INSURANCE_JOURNAL_DIR"
  exec "$program" "$@"
}

# onceward_tool GROUP ARGUMENT… — the tool `onceward`, on the servers that are up.
onceward_tool() {
  local program
  need_up
  build
  program=$(stage tools/Onceward.Cli)/Onceward.Cli
  exec "$program" "$@"
}
