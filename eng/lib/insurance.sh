# shellcheck shell=bash
# The insurance system: one program, one process per role. Everything it has to know comes by environment, secrets too.

INSURANCE_ROLES=(gateway underwriting billing)
INSURANCE_GRPC_PORT=${INSURANCE_GRPC_PORT:-5080}
INSURANCE_FIRST_HEALTH_PORT=${INSURANCE_HEALTH_PORT:-5081} # of the first role; the others follow
INSURANCE_APP=

insurance_health_port() { # ROLE
  local i
  for i in "${!INSURANCE_ROLES[@]}"; do
    [ "${INSURANCE_ROLES[i]}" != "$1" ] || printf '%s' $((INSURANCE_FIRST_HEALTH_PORT + i))
  done
}

insurance_prepare() {
  local role
  need_port "$INSURANCE_GRPC_PORT" INSURANCE_GRPC_PORT "the insurance gateway (gRPC)"
  for role in "${INSURANCE_ROLES[@]}"; do
    need_port "$(insurance_health_port "$role")" INSURANCE_HEALTH_PORT "the health endpoint of $role"
  done
  INSURANCE_APP=$(stage apps/insurance/Insurance)
  [ -s "$STATE/gateway.token" ] || (umask 077 && od -An -N24 -tx1 /dev/urandom | tr -d ' \n' >"$STATE/gateway.token")
  INSURANCE_GATEWAY_TOKEN=$(cat "$STATE/gateway.token")
  export INSURANCE_GATEWAY_TOKEN INSURANCE_GRPC_PORT
  export INSURANCE_GATEWAY_ADDRESS=http://127.0.0.1:$INSURANCE_GRPC_PORT INSURANCE_JOURNAL_DIR=$STATE/journal
}

insurance_run() { # ARGUMENT… — the apphost itself, so that the pid is the program's
  cd "$INSURANCE_APP"
  exec setsid ./Insurance "$@"
}

insurance_run_role() {
  INSURANCE_HEALTH_PORT=$(insurance_health_port "$1")
  export INSURANCE_HEALTH_PORT
  insurance_run --roles "$1"
}

# insurance_setup — schema, tables, topics; it retries by itself and is idempotent. It runs once: the supervisor does not repeat it.
insurance_setup() {
  first_spawn setup insurance_run setup
  unset "RUN[setup]"
  while running setup; do
    supervise_tick
    sleep 0.1
  done
  wait "${PID[setup]}" || die_of "$STATE/logs/setup.log" "setup of the insurance system failed: $(last_words setup)"
  forget_process setup
}

insurance_start() {
  local role
  for role in "${INSURANCE_ROLES[@]}"; do first_spawn "$role" insurance_run_role "$role"; done
}

# insurance_ready — a role that exits meanwhile is started again as later, too: databases and brokers may need a moment.
insurance_ready() {
  local role deadline=$((SECONDS + 90))
  for role in "${INSURANCE_ROLES[@]}"; do
    until http_ok "$(insurance_health_port "$role")" /health/ready; do
      supervise_tick
      [ "$SECONDS" -lt "$deadline" ] || die_of "$STATE/logs/$role.log" "$role is not ready after 90 s: $(last_words "$role")"
      sleep 0.2
    done
  done
}
