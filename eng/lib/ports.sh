# shellcheck shell=bash
# Ports, without tools that a fresh machine may lack.

# listening PORT [HOST] — bounded, for a host that drops packets would hold a connect for minutes.
listening() {
  if [ "${2:-127.0.0.1}" = 127.0.0.1 ]; then
    (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
  else
    # shellcheck disable=SC2016 # expanded by the inner shell
    timeout 5 bash -c 'exec 3<>"/dev/tcp/$1/$2"' _ "$2" "$1" 2>/dev/null
  fi
}

need_port() { # PORT VARIABLE WHAT
  [[ $1 =~ ^[0-9]+$ ]] || die "$2 is '$1', which is no port number"
  ! listening "$1" || die "port $1, wanted by $3, is taken: stop what listens there, or set $2 to a free port"
}

# free_port — below the range from which the kernel picks ports for outgoing connections, so that none of those gets in between.
free_port() {
  local port
  for _ in {1..100}; do
    port=$((20000 + (RANDOM * 32768 + RANDOM) % 12000))
    listening "$port" || { printf '%s' "$port" && return 0; }
  done
  die "found no free port between 20000 and 32000"
}

# http_ok PORT PATH — whether plain HTTP answers 200.
http_ok() {
  (
    exec 3<>"/dev/tcp/127.0.0.1/$1" || exit 1
    printf 'GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n' "$2" >&3
    read -rt 2 answer <&3 && [[ $answer == HTTP/1.?' 200'* ]]
  ) 2>/dev/null
}
